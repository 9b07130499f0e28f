/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-appliance-folder.h"

#include <glib/gstdio.h>

#include "cold-folders.h"

typedef struct
{
  char *parent;
  char *folder; /* the one that is wanted */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->parent = g_dir_make_tmp ("test-appliance-folder-XXXXXX", NULL);
  f->folder = g_build_filename (f->parent, "key", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  cold_folders_remove_tree (f->parent, TRUE);
  g_free (f->parent);
  g_free (f->folder);
}

static char *
at (Fixture *f, const char *name)
{
  return g_build_filename (f->parent, name, NULL);
}

static void
write_to (Fixture *f, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (f->parent, folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "x", -1, NULL));
}

static void
make (Fixture *f, const char *folder)
{
  write_to (f, folder, "kernel");
  write_to (f, folder, "initrd");
  write_to (f, folder, "root");
}

static gboolean
exists (Fixture *f, const char *name)
{
  g_autofree char *path = at (f, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_whole (Fixture *f, gconstpointer data)
{
  make (f, "key");
  write_to (f, "key", "accelerator.json");
  write_to (f, "key", "accelerator.json.Ab12Xy");
  make (f, "old");
  make (f, ".new-abcdef");
  cold_appliance_folder_sweep (f->parent, f->folder);
  g_assert_true (cold_appliance_folder_is_whole (f->folder));
  g_assert_true (exists (f, "key/accelerator.json"));
  g_assert_false (exists (f, "key/accelerator.json.Ab12Xy"));
  g_assert_false (exists (f, "old"));
  g_assert_false (exists (f, ".new-abcdef"));
}

/* Somebody may be using the old one, and the new one is not there yet. */
static void
test_none_yet (Fixture *f, gconstpointer data)
{
  make (f, "old");
  make (f, ".new-abcdef");
  cold_appliance_folder_sweep (f->parent, f->folder);
  g_assert_true (exists (f, "old/kernel"));
  g_assert_false (exists (f, ".new-abcdef"));
}

/* One that lost its kernel stands in the way of the next one. */
static void
test_not_whole (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *built = at (f, ".new-abcdef");

  write_to (f, "key", "initrd");
  cold_appliance_folder_sweep (f->parent, f->folder);
  make (f, ".new-abcdef");
  write_to (f, ".new-abcdef/cache", "left");
  g_assert_true (cold_appliance_folder_publish (built, f->folder, &error));
  g_assert_no_error (error);
  g_assert_true (cold_appliance_folder_is_whole (f->folder));
  g_assert_false (exists (f, "key/cache"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/appliance-folder/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("sweep/whole/others-go", test_whole);
  ADD ("sweep/none-yet/builds-go", test_none_yet);
  ADD ("sweep/not-whole/makes-way", test_not_whole);
  return g_test_run ();
}
