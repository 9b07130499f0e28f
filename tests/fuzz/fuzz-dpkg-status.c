/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-dpkg-status.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = cold_dpkg_status_parse (text, &error);

  fuzz_check_error (packages != NULL, error);
  for (guint i = 0; packages != NULL && i < packages->len; i++)
    {
      const ColdDpkgPackage *package = g_ptr_array_index (packages, i);

      g_assert_true (package->name != NULL && *package->name != '\0' && package->source != NULL);
      g_assert_true (package->broken || (package->version != NULL && package->arch != NULL));
      g_assert_true (g_utf8_validate (package->stanza, -1, NULL));
    }
  return 0;
}
