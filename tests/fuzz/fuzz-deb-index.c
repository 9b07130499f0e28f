/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An index as a mirror serves it: unpacked under a limit, then read by libsolv. Signed metadata names it, so that only
 * the one who holds the key can attack here; the hash is made to fit.
 */
#include "cold-deb-fetch.h"
#include "cold-deb-solver.h"
#include "fuzz.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4 << 20) /* bytes: the real limit would make each bomb take seconds */
#define UNPACKED_MAX (256 * 1024)
#define NAME "main/binary-amd64/Packages"

static void
limit_files (void)
{
  const struct rlimit limit = { FILE_MAX, FILE_MAX };

  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &limit);
}

static ColdDebFile *
describe (const uint8_t *data, size_t size)
{
  ColdDebFile *file = g_new0 (ColdDebFile, 1);

  file->size = size;
  file->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, size);
  return file;
}

static void
file_free (gpointer data)
{
  ColdDebFile *file = data;

  g_free (file->sha256);
  g_free (file);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static ColdDownload *download;
  g_autoptr (ColdDebRelease) release = g_new0 (ColdDebRelease, 1);
  g_autofree char *folder = fuzz_path ("main/binary-amd64");
  g_autofree char *served = fuzz_path (NAME ".xz");
  g_autofree char *unpacked = fuzz_path ("unpacked");
  g_autofree char *cache = fuzz_path ("solv");
  g_autofree char *uri = g_filename_to_uri (fuzz_folder (), NULL, NULL);
  g_autoptr (GError) error = NULL;
  gboolean fetched;
  struct stat st;
  guint count = 0;

  if (download == NULL)
    {
      download = cold_download_new ();
      g_mkdir_with_parents (folder, 0700);
      limit_files ();
    }
  fuzz_write (served, data, size);
  release->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_free);
  g_hash_table_insert (release->files, g_strdup (NAME ".xz"), describe (data, size));
  fetched = cold_deb_fetch_index (download, release, uri, "main", "amd64", unpacked, fuzz_folder (), &error);
  fuzz_check_error (fetched, error);
  if (!fetched)
    return 0;
  g_assert_true (stat (unpacked, &st) == 0);
  g_clear_error (&error);
  if (st.st_size <= UNPACKED_MAX)
    fuzz_check_error (cold_deb_solver_make_cache (unpacked, cache, &count, &error), error);
  unlink (unpacked);
  return 0;
}
