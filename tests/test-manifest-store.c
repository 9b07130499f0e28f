/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "async-result.h"
#include "cold-error.h"
#include "cold-manifest-store.h"

#define MANIFEST "{\"version\":1,\"format\":\"deb\"}\n"

typedef struct
{
  char *folder; /* of the store */
  char *path;   /* what the worker left */
  char *id;     /* the hash of MANIFEST */
  char *target; /* where the manifest belongs */
  char *scratch;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("test-manifests-XXXXXX", &error);
  g_assert_no_error (error);
  f->scratch = g_dir_make_tmp ("test-scratch-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->scratch, "manifest.json", NULL);
  f->id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, MANIFEST, -1);
  f->target = g_build_filename (f->folder, f->id, NULL);
  g_assert_true (g_file_set_contents (f->path, MANIFEST, -1, NULL));
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_unlink (f->target);
  g_unlink (f->path);
  /* Fails when anything else was left there. */
  g_assert_cmpint (g_rmdir (f->scratch), ==, 0);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->scratch);
  g_free (f->path);
  g_free (f->id);
  g_free (f->target);
}

static gboolean
put (Fixture *f, const char *path, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_manifest_store_put_async (f->folder, path, id, NULL, keep_result, &result);
  wait_for_result (&result);
  return cold_manifest_store_put_finish (result, error);
}

static void
assert_content (Fixture *f)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (f->target, &content, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (content, ==, MANIFEST);
}

/* What is refused leaves nothing behind. */
static void
assert_refused (Fixture *f, const char *id, ColdError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;

  g_assert_false (put (f, f->path, id, &error));
  g_assert_error (error, COLD_ERROR, (int) code);
  dir = g_dir_open (f->folder, 0, NULL);
  g_assert_nonnull (dir);
  g_assert_null (g_dir_read_name (dir));
}

static void
test_stored (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct stat st;

  g_assert_true (put (f, f->path, f->id, &error));
  g_assert_no_error (error);
  assert_content (f);
  /* Workers, which own nothing here, have to read it. */
  g_assert_cmpint (g_stat (f->target, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0644);
}

static void
test_known (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct stat before, after;

  g_assert_true (put (f, f->path, f->id, NULL));
  g_assert_cmpint (g_stat (f->target, &before), ==, 0);
  /* A clone has the same packages. */
  g_assert_true (put (f, f->path, f->id, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (f->target, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  assert_content (f);
}

/* Its guest must not be taken for one with those packages. */
static void
test_known_but_other (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (put (f, f->path, f->id, NULL));
  g_assert_true (g_file_set_contents (f->path, "another", -1, NULL));
  g_assert_false (put (f, f->path, f->id, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
  assert_content (f);
}

static void
sweep (Fixture *f, const char *kept)
{
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GAsyncResult) result = NULL;

  if (kept != NULL)
    g_hash_table_add (keep, (gpointer) kept);
  cold_manifest_store_sweep_async (f->folder, keep, keep_result, &result);
  wait_for_result (&result);
}

static void
test_sweep (Fixture *f, gconstpointer data)
{
  const struct utimbuf old = { 1700000000, 1700000000 };

  /* Whoever put it there just now is about to refer to it. */
  g_assert_true (put (f, f->path, f->id, NULL));
  sweep (f, NULL);
  assert_content (f);
  g_assert_cmpint (g_utime (f->target, (struct utimbuf *) &old), ==, 0);
  sweep (f, f->id);
  assert_content (f);
  /* So does whoever finds it there. */
  g_assert_true (put (f, f->path, f->id, NULL));
  sweep (f, NULL);
  assert_content (f);
  g_assert_cmpint (g_utime (f->target, (struct utimbuf *) &old), ==, 0);
  sweep (f, NULL);
  g_assert_false (g_file_test (f->target, G_FILE_TEST_EXISTS));
}

static void
test_other_hash (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "another", -1);

  assert_refused (f, other, COLD_ERROR_WORKER);
}

static void
test_no_hash (Fixture *f, gconstpointer data)
{
  g_autofree char *upper = g_ascii_strup (f->id, -1);
  g_autofree char *longer = g_strconcat (f->id, "0", NULL);
  g_autofree char *shorter = g_strndup (f->id, 63);
  g_autofree char *path = g_strdup (f->id);
  const char *const wrong[] = { "", "x", "../../etc/passwd", upper, longer, shorter, path };

  path[0] = '/';
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_test_message ("%s", wrong[i]);
      assert_refused (f, wrong[i], COLD_ERROR_WORKER);
    }
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  assert_refused (f, f->id, COLD_ERROR_NOT_FOUND);
}

/* A link would show the agent, which is root, a file that the worker cannot read. */
static void
test_link (Fixture *f, gconstpointer data)
{
  g_autofree char *real = g_build_filename (f->scratch, "real", NULL);

  g_assert_cmpint (g_rename (f->path, real), ==, 0);
  g_assert_cmpint (symlink (real, f->path), ==, 0);
  assert_refused (f, f->id, COLD_ERROR_IO);
  g_assert_cmpint (g_unlink (real), ==, 0);
}

/* Nobody writes into it: opening it must not wait. */
static void
test_fifo (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  g_assert_cmpint (mkfifo (f->path, 0600), ==, 0);
  assert_refused (f, f->id, COLD_ERROR_WORKER);
}

static void
test_folder (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  assert_refused (f, f->id, COLD_ERROR_WORKER);
  g_assert_cmpint (g_rmdir (f->path), ==, 0);
}

static void
test_too_large (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (truncate (f->path, G_GINT64_CONSTANT (1) << 40), ==, 0);
  assert_refused (f, f->id, COLD_ERROR_WORKER);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/manifest-store/" path, Fixture, NULL, setup, test, teardown)
  ADD ("new/is-stored-readable", test_stored);
  ADD ("known/is-left-alone", test_known);
  ADD ("known/of-another-content/is-refused", test_known_but_other);
  ADD ("sweep/spares-the-used-and-the-new", test_sweep);
  ADD ("other-hash/is-refused", test_other_hash);
  ADD ("no-hash/is-refused", test_no_hash);
  ADD ("missing/is-refused", test_missing);
  ADD ("link/is-not-followed", test_link);
  ADD ("fifo/does-not-block", test_fifo);
  ADD ("folder/is-refused", test_folder);
  ADD ("too-large/is-not-read", test_too_large);
  return g_test_run ();
}
