/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coldpatch.conf and a file of sources.d with the same text.
 */
#include "cold-config.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *folder = fuzz_path ("sources.d");
  g_autofree char *missing = fuzz_path ("missing.conf");
  g_autofree char *main_file = fuzz_path ("coldpatch.conf");
  g_autofree char *source = fuzz_path ("sources.d/a.conf");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdConfig) sources = NULL;
  static gboolean made;

  if (!made)
    g_mkdir_with_parents (folder, 0700);
  made = TRUE;
  fuzz_write (source, data, size);
  sources = cold_config_load (missing, &error);
  fuzz_check_error (sources != NULL, error);
  for (guint i = 0; sources != NULL && i < sources->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (sources->repositories, i);

      g_assert_true (strchr (repository->id, '/') == NULL && repository->id[0] != '.');
      g_assert_true (repository->signed_by != NULL && repository->uri != NULL);
    }
  g_clear_error (&error);
  fuzz_write (source, NULL, 0);
  fuzz_write (main_file, data, size);
  {
    g_autoptr (ColdConfig) config = cold_config_load (main_file, &error);

    fuzz_check_error (config != NULL, error);
  }
  return 0;
}
