/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repomd.xml of a repository that is not signed, up to the files that it names, which are not there.
 */
#include "cold-rpm-repository.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static ColdDownload *download;
  static ColdSource source = { .id = (char *) "fuzz", .unsigned_database = TRUE };
  g_autofree char *path = fuzz_path ("repodata/repomd.xml");
  g_autofree char *catalogue = fuzz_path ("catalogue");
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (download == NULL)
    {
      g_autofree char *folder = fuzz_path ("repodata");

      download = cold_download_new ();
      source.uri = g_filename_to_uri (fuzz_folder (), NULL, NULL);
      g_mkdir_with_parents (folder, 0700);
    }
  fuzz_write (path, data, size);
  answer = cold_rpm_repository_refresh (&source, catalogue, fuzz_folder (), download, &error);
  fuzz_check_error (answer != NULL, error);
  g_assert_null (answer);
  return 0;
}
