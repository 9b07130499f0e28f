/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "exchange-fixture.h"

static ColdTuple *
read_tuple (const char *path)
{
  g_autoptr (GError) error = NULL;
  ColdTuple *tuple = cold_tuple_read_at (AT_FDCWD, path, &error);

  g_assert_no_error (error);
  return tuple;
}

static void
set_times (const char *path, gint64 nanoseconds)
{
  const struct timespec times[] = { { 1, 0 }, { 1, nanoseconds } };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static void
test_every_part_counts (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "volume");
  g_autofree char *second = fixture_volume (f, "second");

  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (ColdTuple) before = NULL;
      g_autoptr (ColdTuple) after = NULL;
      g_autofree char *difference = NULL;

      unlink (second);
      fixture_write (path, "text");
      set_times (path, 1);
      before = read_tuple (path);
      after = read_tuple (path);
      g_assert_true (cold_tuple_equal (before, after, NULL));
      cold_tuple_free (g_steal_pointer (&after));
      if (i == 0)
        set_times (path, 2);
      else if (i == 1)
        g_assert_cmpint (chmod (path, 0644), ==, 0);
      else if (i == 2)
        g_assert_cmpint (link (path, second), ==, 0);
      else if (i == 3)
        fixture_write (path, "texts");
      else
        {
          fixture_write (second, "text");
          set_times (second, 1);
          g_assert_cmpint (rename (second, path), ==, 0);
        }
      after = read_tuple (path);
      g_assert_false (cold_tuple_equal (before, after, &difference));
      g_assert_nonnull (difference);
    }
}

static gboolean
same_access (const char *original, const char *copy)
{
  g_autoptr (ColdTuple) a = read_tuple (original);
  g_autoptr (ColdTuple) b = read_tuple (copy);
  g_autofree char *difference = NULL;
  gboolean same = cold_tuple_same_access (a, b, &difference);

  g_assert_true (same == (difference == NULL));
  return same;
}

static void
test_same_access (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *original = fixture_volume (f, "volume");
  g_autofree char *copy = fixture_volume (f, "copy");
  /* A named user may read and write: version, then tag, permissions and id of each entry. */
  static const char acl[] = "\2\0\0\0"
                            "\1\0\6\0\377\377\377\377"
                            "\2\0\6\0\1\0\0\0"
                            "\4\0\0\0\377\377\377\377"
                            "\20\0\6\0\377\377\377\377"
                            "\40\0\0\0\377\377\377\377";

  fixture_write (original, "old");
  fixture_write (copy, "of another size and time");
  set_times (copy, 1);
  g_assert_cmpint (chmod (original, 0660), ==, 0);
  g_assert_cmpint (chmod (copy, 0660), ==, 0);
  g_assert_true (same_access (original, copy));
  g_assert_cmpint (chmod (copy, 04660), ==, 0);
  g_assert_false (same_access (original, copy));
  g_assert_cmpint (chmod (copy, 0666), ==, 0);
  g_assert_false (same_access (original, copy));
  g_assert_cmpint (chmod (copy, 0660), ==, 0);
  if (setxattr (copy, "system.posix_acl_access", acl, sizeof acl - 1, 0) == 0)
    {
      g_assert_false (same_access (original, copy));
      g_assert_false (same_access (copy, original));
      g_assert_cmpint (removexattr (copy, "system.posix_acl_access"), ==, 0);
      g_assert_cmpint (chmod (copy, 0660), ==, 0);
    }
  if (geteuid () != 0)
    return;
  g_assert_cmpint (chown (copy, 1, 0), ==, 0);
  g_assert_false (same_access (original, copy));
  g_assert_cmpint (chown (copy, 0, 1), ==, 0);
  g_assert_false (same_access (original, copy));
  g_assert_cmpint (chown (copy, 0, 0), ==, 0);
  g_assert_true (same_access (original, copy));
  /* libvirt's memory stays with the inode it is of. */
  if (setxattr (original, "trusted.libvirt.security.dac", "+0:+0", 5, 0) != 0)
    return;
  g_assert_true (same_access (original, copy));
  g_assert_false (same_access (copy, original));
}

/* What leaves no other trace: a writer that sets mtime back, an attribute that is not watched. */
static void
test_ctime_tells (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "volume");
  g_autoptr (ColdTuple) before = NULL;
  g_autoptr (ColdTuple) now = NULL;
  g_autofree char *difference = NULL;

  fixture_write (path, "text");
  set_times (path, 1);
  before = read_tuple (path);
  now = read_tuple (path);
  g_assert_true (cold_tuple_is_untouched (before, now, NULL));
  cold_tuple_free (g_steal_pointer (&now));

  /* ctime goes by the kernel's tick. */
  g_usleep (20 * 1000);
  fixture_write (path, "TEXT");
  set_times (path, 1);
  now = read_tuple (path);
  g_assert_true (cold_tuple_equal (before, now, NULL));
  g_assert_false (cold_tuple_is_untouched (before, now, &difference));
  g_assert_nonnull (difference);
  cold_tuple_forget_ctime (before);
  g_assert_true (cold_tuple_is_untouched (before, now, NULL));
}

static void
test_json (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "volume");
  g_autoptr (ColdTuple) tuple = NULL;
  g_autoptr (ColdTuple) back = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) error = NULL;

  fixture_write (path, "text");
  if (geteuid () == 0)
    setxattr (path, "trusted.libvirt.security.dac", "+1:\0", 4, 0);
  tuple = read_tuple (path);
  object = cold_tuple_to_json (tuple);
  back = cold_tuple_from_json (object, &error);
  g_assert_no_error (error);
  g_assert_true (cold_tuple_equal (tuple, back, NULL));
  g_assert_true (cold_tuple_is_untouched (tuple, back, NULL));
  g_assert_true (cold_tuple_is_untouched (back, tuple, NULL));
  json_object_remove_member (object, "links");
  g_assert_null (cold_tuple_from_json (object, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

static void
test_odd_files_are_refused (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "link");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink ("/etc/passwd", path), ==, 0);
  g_assert_null (cold_tuple_read_at (AT_FDCWD, path, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "several-names: "));
  g_clear_error (&error);
  g_assert_null (cold_tuple_read_at (AT_FDCWD, f->volumes, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
}

static void
assert_untrusted (Fixture *f, const char *path)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (cold_directory_open_below (f->base, path, &error), ==, -1);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "untrusted-directory: "));
}

static void
test_untrusted_folders (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *link_path = g_build_filename (f->base, "link", NULL);
  g_autofree char *dotted = g_build_filename (f->volumes, "..", "images", NULL);
  g_autofree char *below = g_build_filename (f->volumes, "below", NULL);

  g_assert_cmpint (symlink (f->volumes, link_path), ==, 0);
  assert_untrusted (f, link_path);
  assert_untrusted (f, dotted);
  g_assert_cmpint (mkdir (below, 0755), ==, 0);
  g_assert_cmpint (chmod (f->volumes, 01777), ==, 0);
  assert_untrusted (f, f->volumes);
  assert_untrusted (f, below);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tuple/every-part-counts", test_every_part_counts);
  g_test_add_func ("/tuple/same-access", test_same_access);
  g_test_add_func ("/tuple/ctime/tells", test_ctime_tells);
  g_test_add_func ("/tuple/json", test_json);
  g_test_add_func ("/tuple/odd-files-are-refused", test_odd_files_are_refused);
  g_test_add_func ("/directory/untrusted", test_untrusted_folders);
  return g_test_run ();
}
