/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpm's database as SUSE has it, copied out of a guest: our reader, and librpm's of the packages' headers.
 */
#include "cold-rpm-db.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("Packages.db");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = NULL;
  g_auto (GStrv) doubles = NULL;

  fuzz_write (path, data, size);
  packages = cold_rpm_db_read (fuzz_folder (), &error);
  fuzz_check_error (packages != NULL, error);
  if (packages == NULL)
    return 0;
  for (guint i = 0; i < packages->len; i++)
    {
      const ColdRpmPackage *package = g_ptr_array_index (packages, i);

      g_assert_true (package->name != NULL && package->evr != NULL && package->arch != NULL && package->source != NULL);
      g_assert_true (g_utf8_validate (package->name, -1, NULL) && g_utf8_validate (package->evr, -1, NULL));
      for (guint k = 0; package->provides[k] != NULL; k++)
        g_assert_true (g_utf8_validate (package->provides[k], -1, NULL));
    }
  doubles = cold_rpm_db_find_doubles (packages);
  return 0;
}
