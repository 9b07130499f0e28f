/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-error.h"
#include "cold-package-cache.h"

typedef struct
{
  char *folder;
  ColdDownload *download;
  ColdPackageCache *cache;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("cold-cache-XXXXXX", NULL);
  fixture->download = cold_download_new ();
  fixture->cache = cold_package_cache_new (fixture->folder);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  cold_package_cache_free (fixture->cache);
  cold_download_free (fixture->download);
  remove_tree (fixture->folder);
  g_free (fixture->folder);
}

/* Returns: (transfer full): the hash */
static char *
fetch (Fixture *fixture, const char *content, const char *sha256, GError **error)
{
  g_autofree char *path = g_build_filename (fixture->folder, "upstream", NULL);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autofree char *hash = sha256 != NULL ? g_strdup (sha256)
                                         : g_compute_checksum_for_string (G_CHECKSUM_SHA256, content, -1);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  if (!cold_package_cache_fetch (fixture->cache, fixture->download, uri, hash, strlen (content), error))
    return NULL;
  return g_steal_pointer (&hash);
}

static void
test_wrong_content (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "other", -1);
  g_autofree char *path = cold_package_cache_path (fixture->cache, other);
  g_autofree char *partial = g_strconcat (path, ".part", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (fetch (fixture, "conte", other, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
}

static void
test_longer_than_told (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "upstream", NULL);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "content", -1);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "content", -1, NULL));
  g_assert_false (cold_package_cache_fetch (fixture->cache, fixture->download, uri, hash, 3, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_nonnull (strstr (error->message, "longer"));
}

static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = fetch (fixture, "content", NULL, &error);
  g_autofree char *path = cold_package_cache_path (fixture->cache, hash);

  g_autofree char *again = NULL;

  g_assert_true (cold_package_cache_touch (fixture->cache, hash, 7, NULL, NULL));
  g_assert_true (g_file_set_contents (path, "c0ntent", -1, NULL));
  g_assert_false (cold_package_cache_touch (fixture->cache, hash, 7, NULL, NULL));
  again = fetch (fixture, "content", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cold_package_cache_touch (fixture->cache, again, 7, NULL, NULL));
}

static void
set_age (Fixture *fixture, const char *hash, gint64 hours)
{
  g_autofree char *path = cold_package_cache_path (fixture->cache, hash);
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                               { .tv_sec = g_get_real_time () / G_USEC_PER_SEC - hours * 3600 } };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static void
test_eviction (Fixture *fixture, gconstpointer data)
{
  g_autofree char *oldest = fetch (fixture, "oldest", NULL, NULL);
  g_autofree char *older = fetch (fixture, "older!", NULL, NULL);
  g_autofree char *newer = fetch (fixture, "newer!", NULL, NULL);
  g_autoptr (ColdPackageCache) later = cold_package_cache_new (fixture->folder);

  set_age (fixture, oldest, 3);
  set_age (fixture, older, 2);
  set_age (fixture, newer, 1);
  /* Asking for a file makes it the one that was used last. */
  g_assert_true (cold_package_cache_touch (later, oldest, 6, NULL, NULL));
  cold_package_cache_evict (later, 12);
  g_assert_true (cold_package_cache_touch (later, oldest, 6, NULL, NULL));
  g_assert_false (cold_package_cache_touch (later, older, 6, NULL, NULL));
  g_assert_true (cold_package_cache_touch (later, newer, 6, NULL, NULL));
  /* Nothing that this run needs goes, whatever the limit. */
  cold_package_cache_evict (later, 0);
  g_assert_true (cold_package_cache_touch (later, oldest, 6, NULL, NULL));
}

static void
test_abandoned (Fixture *fixture, gconstpointer data)
{
  g_autofree char *hash = fetch (fixture, "content", NULL, NULL);
  g_autofree char *path = cold_package_cache_path (fixture->cache, hash);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *old = g_build_filename (folder, "old.part", NULL);
  g_autofree char *new = g_build_filename (folder, "new.part", NULL);
  const struct timespec times[2] = { { time (NULL) - 5000, 0 }, { time (NULL) - 5000, 0 } };

  g_assert_true (g_file_set_contents (old, "half", -1, NULL));
  g_assert_true (g_file_set_contents (new, "half", -1, NULL));
  g_assert_cmpint (utimensat (AT_FDCWD, old, times, 0), ==, 0);
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  cold_package_cache_evict (fixture->cache, 1000);
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (new, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_size_is_looked_at (Fixture *fixture, gconstpointer data)
{
  g_autofree char *hash = fetch (fixture, "content", NULL, NULL);

  g_assert_true (cold_package_cache_touch (fixture->cache, hash, 7, NULL, NULL));
  g_assert_false (cold_package_cache_touch (fixture->cache, hash, 8, NULL, NULL));
}

static void
test_paths (void)
{
  const char *const bad[] = { "", "/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a/", "a b", "a\nb", "a\xff", "a\\b" };

  g_assert_true (cold_is_safe_path ("pool/main/libs/libstdc++6_12.2.0-14+deb12u1~x_amd64.deb"));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (cold_is_safe_path (bad[i]));
}

static void
test_schemes (Fixture *fixture, gconstpointer data)
{
  const char *const uris[] = { "ftp://example.invalid/x", "data:,x", "nonsense", "" };
  g_autofree char *path = g_build_filename (fixture->folder, "x", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (cold_download_file (fixture->download, uris[i], path, 100, NULL, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
    }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/package-cache/wrong-content/refused", test_wrong_content);
  ADD ("/package-cache/longer-than-told/refused", test_longer_than_told);
  ADD ("/package-cache/damaged/noticed", test_damaged);
  ADD ("/package-cache/least-recently-used-goes", test_eviction);
  ADD ("/package-cache/abandoned-downloads-go", test_abandoned);
  ADD ("/package-cache/size-is-looked-at", test_size_is_looked_at);
  ADD ("/package-cache/unknown-schemes/refused", test_schemes);
  g_test_add_func ("/package-cache/paths-stay-below", test_paths);
  return g_test_run ();
}
