/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-volume-index.h"

typedef struct
{
  ColdVolumeIndex *index;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->index = cold_volume_index_new ();
}

static void
teardown (Fixture *f, gconstpointer data)
{
  cold_volume_index_free (f->index);
}

static ColdVolume *
add (Fixture *f, gint64 id, const char *pool, const char *path, guint64 inode)
{
  ColdVolume *volume = cold_volume_new (pool, path);

  volume->id = id;
  g_free (volume->path);
  volume->path = g_strdup (path);
  volume->file.device = 1;
  volume->file.inode = inode;
  cold_volume_index_add (f->index, volume);
  return volume;
}

static void
set_gone (Fixture *f, ColdVolume *volume, gboolean gone)
{
  cold_volume_index_forget (f->index, volume);
  volume->gone = gone;
  cold_volume_index_remember (f->index, volume);
}

static void
assert_found (Fixture *f, const char *path, guint64 inode, const ColdVolume *by_path, const ColdVolume *by_file)
{
  const ColdFileId file = { .device = 1, .inode = inode };

  g_assert_true (cold_volume_index_lookup_path (f->index, path) == by_path);
  g_assert_true (cold_volume_index_lookup_file (f->index, &file) == by_file);
}

/* Two pools show one folder. */
static void
test_same_path (Fixture *f, gconstpointer data)
{
  ColdVolume *second = add (f, 2, "b", "/images/x", 10);
  ColdVolume *first = add (f, 1, "a", "/images/x", 10);
  ColdVolume *third = add (f, 3, "c", "/images/x", 10);

  assert_found (f, "/images/x", 10, first, first);
  set_gone (f, first, TRUE);
  assert_found (f, "/images/x", 10, second, second);
  set_gone (f, third, TRUE);
  assert_found (f, "/images/x", 10, second, second);
  set_gone (f, second, TRUE);
  assert_found (f, "/images/x", 10, NULL, NULL);
  set_gone (f, third, FALSE);
  assert_found (f, "/images/x", 10, third, third);
}

/* Each is told of with every read of its pool: which one is found must not depend on which was read last. */
static void
test_same_one (Fixture *f, gconstpointer data)
{
  ColdVolume *first = add (f, 1, "a", "/images/x", 10);
  ColdVolume *second = add (f, 2, "b", "/images/x", 10);

  set_gone (f, second, FALSE);
  assert_found (f, "/images/x", 10, first, first);
  set_gone (f, first, FALSE);
  assert_found (f, "/images/x", 10, first, first);
}

/* A name and a hard link, or one name after the other: a file that is renamed is new before the old name is gone. */
static void
test_same_file (Fixture *f, gconstpointer data)
{
  ColdVolume *old = add (f, 1, "a", "/images/old", 10);
  ColdVolume *new = add (f, 2, "a", "/images/new", 10);

  assert_found (f, "/images/new", 10, new, old);
  set_gone (f, old, TRUE);
  assert_found (f, "/images/new", 10, new, new);
  assert_found (f, "/images/old", 10, NULL, new);
}

static void
test_list (Fixture *f, gconstpointer data)
{
  ColdVolume *x = add (f, 1, "a", "/images/x", 10);
  ColdVolume *again = add (f, 2, "b", "/images/x", 10);
  ColdVolume *link = add (f, 3, "a", "/images/link", 10);
  ColdVolume *other = add (f, 4, "a", "/images/other", 11);
  g_autoptr (GPtrArray) volumes = g_ptr_array_new ();
  const ColdFileId none = { 0 };

  cold_volume_index_list (f->index, "/images/x", &x->file, volumes);
  g_assert_cmpuint (volumes->len, ==, 3);
  g_assert_true (g_ptr_array_find (volumes, again, NULL));
  g_assert_true (g_ptr_array_find (volumes, link, NULL));
  cold_volume_index_list (f->index, NULL, &other->file, volumes);
  cold_volume_index_list (f->index, "", &none, volumes);
  g_assert_cmpuint (volumes->len, ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/volume-index/same-path/next-is-found", Fixture, NULL, setup, test_same_path, teardown);
  g_test_add ("/volume-index/same-path/always-the-same", Fixture, NULL, setup, test_same_one, teardown);
  g_test_add ("/volume-index/same-file/next-is-found", Fixture, NULL, setup, test_same_file, teardown);
  g_test_add ("/volume-index/list/all-once", Fixture, NULL, setup, test_list, teardown);
  return g_test_run ();
}
