/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-release.h"
#include "cold-download.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdDebRelease) release = cold_deb_release_parse (text, &error);
  GHashTableIter iter;
  gpointer path, file;

  fuzz_check_error (release != NULL, error);
  if (release == NULL)
    return 0;
  cold_deb_release_check_time (release, 1700000000, NULL);
  g_assert_true (g_utf8_validate (release->origin, -1, NULL) && g_utf8_validate (release->suite, -1, NULL));
  g_hash_table_iter_init (&iter, release->files);
  while (g_hash_table_iter_next (&iter, &path, &file))
    {
      g_assert_true (cold_is_safe_path (path));
      g_assert_true (cold_is_sha256 (((ColdDebFile *) file)->sha256));
    }
  return 0;
}
