/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store-fixture.h"

#include <glib/gstdio.h>

void
store_fixture_open (StoreFixture *f)
{
  g_autoptr (GError) error = NULL;

  f->store = cold_store_open (f->path, &error);
  g_assert_no_error (error);
  g_assert_nonnull (f->store);
}

void
store_fixture_close (StoreFixture *f)
{
  /* Its thread lets go of a query just after the answer is there. */
  cold_store_flush (f->store);
  g_assert_finalize_object (f->store);
}

void
store_fixture_reopen (StoreFixture *f)
{
  store_fixture_close (f);
  store_fixture_open (f);
}

void
store_fixture_set_up (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("test-store-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "store.db", NULL);
  store_fixture_open (f);
}

void
store_fixture_tear_down (StoreFixture *f, gconstpointer data)
{
  g_autofree char *log = g_strconcat (f->path, "-wal", NULL);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  store_fixture_close (f);
  /* WAL's companions go with the last one who closes it. */
  g_assert_false (g_file_test (log, G_FILE_TEST_EXISTS));
  dir = g_dir_open (f->folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (f->folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->path);
  g_free (f->folder);
}

GAsyncResult *
store_fixture_wait_for (StoreFixture *f, GAsyncResult **result)
{
  wait_for_result (result);
  cold_store_flush (f->store);
  return *result;
}
