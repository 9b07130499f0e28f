/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <unistd.h>

#include "cold-nfs-exports.h"

typedef struct
{
  char *folder;
  char *etab;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("test-nfs-exports-XXXXXX", NULL);
  g_assert_nonnull (f->folder);
  f->etab = g_build_filename (f->folder, "etab", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->folder);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->etab);
  g_free (f->folder);
}

static GStrv
read_text (Fixture *f, const char *text)
{
  g_assert_true (g_file_set_contents (f->etab, text, -1, NULL));
  return cold_nfs_exports_read (f->etab);
}

static void
test_read (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) none = cold_nfs_exports_read (f->etab);
  g_auto (GStrv) two = read_text (f, "/srv/a\\040b\t*(rw,sync)\n\n# no line of ours\n/srv/images\t192.0.2.0/24(ro)\n");
  g_auto (GStrv) odd = read_text (f, "\\\n/x\\04\n/y\\999 *()\n\tonly\n/z");
  const char *const wanted[] = { "/srv/a b", "/srv/images", NULL };
  const char *const wanted_odd[] = { "/x\\04", "/y\\999", "/z", NULL };

  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_cmpstrv (two, wanted);
  g_assert_cmpstrv (odd, wanted_odd);
}

static void
test_find (Fixture *f, gconstpointer data)
{
  g_autofree char *exported = g_build_filename (f->folder, "srv", "exported", NULL);
  g_autofree char *pool = g_build_filename (exported, "pool", NULL);
  g_autofree char *beside = g_build_filename (f->folder, "srv", "exported-not", NULL);
  g_autofree char *link = g_build_filename (f->folder, "link", NULL);
  g_autofree char *by_link = g_build_filename (link, "exported", "pool", NULL);
  g_autofree char *above = g_path_get_dirname (exported);
  const char *const none[] = { NULL };
  const char *const exports[] = { "/nowhere/at/all", exported, NULL };
  g_autofree char *other_name = g_build_filename (link, "exported", NULL);
  const char *const by_other_name[] = { other_name, NULL };

  g_assert_cmpint (g_mkdir_with_parents (pool, 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (beside, 0700), ==, 0);
  g_assert_cmpint (symlink (above, link), ==, 0);
  g_assert_null (cold_nfs_exports_find (none, pool));
  g_assert_cmpstr (cold_nfs_exports_find (exports, exported), ==, exported);
  g_assert_cmpstr (cold_nfs_exports_find (exports, pool), ==, exported);
  g_assert_cmpstr (cold_nfs_exports_find (exports, by_link), ==, exported);
  g_assert_cmpstr (cold_nfs_exports_find (by_other_name, pool), ==, other_name);
  g_assert_null (cold_nfs_exports_find (exports, above));
  g_assert_null (cold_nfs_exports_find (exports, beside));
  g_assert_null (cold_nfs_exports_find (exports, "relative"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/nfs-exports/" path, Fixture, NULL, setup, function, teardown)
  ADD ("read/escapes-and-garbage", test_read);
  ADD ("find/at-and-below", test_find);
  return g_test_run ();
}
