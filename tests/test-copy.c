/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "async-result.h"
#include "cold-copy.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "exchange-fixture.h"

#define MIB (1024 * 1024)

static ColdTuple *
copy (Fixture *f, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  cold_fd_auto directory = cold_directory_open_below (f->base, f->volumes, error);
  cold_fd_auto hidden = cold_directory_open_private (f->base, f->hidden, error);

  cold_copy_async (directory, "volume", hidden, "copy", cancellable, keep_result, &result);
  wait_for_result (&result);
  return cold_copy_finish (result, error);
}

/* A volume of @size bytes with @data MiB of content at its beginning and in its middle. */
static int
make_volume (Fixture *f, gsize size, guint data)
{
  g_autofree char *path = fixture_volume (f, "volume");
  g_autofree char *text = g_malloc (data * MIB);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

  for (gsize i = 0; i < data * MIB; i++)
    text[i] = g_test_rand_int_range (1, 255);
  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  g_assert_cmpint (pwrite (fd, text, data * MIB, 0), ==, data * MIB);
  g_assert_cmpint (pwrite (fd, text, data * MIB, size / 2), ==, data * MIB);
  return fd;
}

static void
assert_same (Fixture *f)
{
  g_autofree char *volume = fixture_volume (f, "volume");
  g_autofree char *hidden = fixture_hidden (f, "copy");
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;
  gsize a_length, b_length;

  g_assert_true (g_file_get_contents (volume, &a, &a_length, NULL));
  g_assert_true (g_file_get_contents (hidden, &b, &b_length, NULL));
  g_assert_cmpmem (a, a_length, b, b_length);
}

static guint64
blocks (const char *path)
{
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  return st.st_blocks;
}

static void
test_sparse (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdTuple) tuple = NULL;
  g_autofree char *hidden = fixture_hidden (f, "copy");
  struct stat st;

  close (make_volume (f, 64 * MIB, 5));
  tuple = copy (f, NULL, &error);
  g_assert_no_error (error);
  assert_same (f);
  g_assert_cmpuint (blocks (hidden), <, 12 * MIB / 512);
  g_assert_cmpint (stat (hidden, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0640);
  g_assert_cmpuint (cold_tuple_get_size (tuple), ==, 64 * MIB);
}

static void
test_preallocated (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdTuple) tuple = NULL;
  g_autofree char *volume = fixture_volume (f, "volume");
  g_autofree char *hidden = fixture_hidden (f, "copy");
  int fd = make_volume (f, 32 * MIB, 1);

  if (fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, 40 * MIB) != 0)
    {
      close (fd);
      g_test_skip ("this file system cannot preallocate");
      return;
    }
  close (fd);
  tuple = copy (f, NULL, &error);
  g_assert_no_error (error);
  assert_same (f);
  g_assert_cmpuint (blocks (hidden), >=, 32 * MIB / 512);
  g_assert_cmpuint (blocks (hidden), >=, blocks (volume) - 64);
}

static void
test_user_xattr (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdTuple) tuple = NULL;
  g_autofree char *hidden = fixture_hidden (f, "copy");
  char value[8] = "";
  int fd = make_volume (f, 2 * MIB, 1);

  if (fsetxattr (fd, "user.note", "kept", 4, 0) != 0)
    {
      close (fd);
      g_test_skip ("this file system has no user attributes");
      return;
    }
  close (fd);
  tuple = copy (f, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (getxattr (hidden, "user.note", value, sizeof value), ==, 4);
  g_assert_cmpstr (value, ==, "kept");
}

static void
test_cancel (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  close (make_volume (f, 16 * MIB, 4));
  g_cancellable_cancel (cancellable);
  g_assert_null (copy (f, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

typedef struct
{
  char *path;
  gint touched;
  gint stop;
} Toucher;

static gpointer
touch_all_the_time (gpointer data)
{
  Toucher *toucher = data;

  while (!g_atomic_int_get (&toucher->stop))
    {
      g_assert_cmpint (utimensat (AT_FDCWD, toucher->path, NULL, 0), ==, 0);
      g_atomic_int_set (&toucher->touched, 1);
      g_usleep (500);
    }
  return NULL;
}

static void
test_change_yields (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_volume (f, "volume");
  g_autofree char *hidden = fixture_hidden (f, "copy");
  Toucher toucher = { .path = path };
  GThread *thread;

  close (make_volume (f, 64 * MIB, 16));
  thread = g_thread_new ("touch", touch_all_the_time, &toucher);
  /* On a busy machine a copy may be over before the other thread has its turn: that one is right to succeed. */
  for (guint i = 0; i < 50 && error == NULL; i++)
    {
      g_autoptr (ColdTuple) tuple = NULL;

      unlink (hidden);
      g_atomic_int_set (&toucher.touched, 0);
      while (!g_atomic_int_get (&toucher.touched))
        g_thread_yield ();
      tuple = copy (f, NULL, &error);
      g_assert_true ((tuple == NULL) == (error != NULL));
    }
  g_atomic_int_set (&toucher.stop, 1);
  g_thread_join (thread);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_YIELDED);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

static void
test_writer_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  cold_fd_auto writer = make_volume (f, 2 * MIB, 1);

  g_assert_null (copy (f, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "open-elsewhere: "));
}

static void
test_set_id_bits_refuse (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "volume");

  close (make_volume (f, 2 * MIB, 1));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (chmod (path, i == 0 ? 04755 : 02755), ==, 0);
      g_assert_null (copy (f, NULL, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
      g_assert_true (g_str_has_prefix (error->message, "unsupported-storage: "));
      g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
    }
}

static void
test_existing_file_is_not_touched (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *hidden = fixture_hidden (f, "copy");

  close (make_volume (f, 2 * MIB, 1));
  fixture_write (hidden, "somebody's old image");
  g_assert_null (copy (f, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_IO);
  fixture_assert_content (hidden, "somebody's old image");
}

static void
test_symlink_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_volume (f, "volume");

  g_assert_cmpint (symlink ("/etc/passwd", path), ==, 0);
  g_assert_null (copy (f, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

static void
test_delete (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_hidden (f, "copy");
  cold_fd_auto hidden = cold_directory_open_private (f->base, f->hidden, &error);

  fixture_write (path, "x");
  for (guint i = 0; i < 2; i++) /* gone already the second time */
    {
      g_autoptr (GAsyncResult) result = NULL;

      cold_delete_stepwise_async (hidden, "copy", keep_result, &result);
      wait_for_result (&result);
      g_assert_true (cold_delete_stepwise_finish (result, &error));
      g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/copy/sparse", test_sparse);
  g_test_add_func ("/copy/preallocated", test_preallocated);
  g_test_add_func ("/copy/user-xattr", test_user_xattr);
  g_test_add_func ("/copy/cancel/leaves-nothing", test_cancel);
  g_test_add_func ("/copy/changed/yields", test_change_yields);
  g_test_add_func ("/copy/open-elsewhere/refuses", test_writer_refuses);
  g_test_add_func ("/copy/set-id-bits/refuse", test_set_id_bits_refuse);
  g_test_add_func ("/copy/existing-file/is-not-touched", test_existing_file_is_not_touched);
  g_test_add_func ("/copy/symlink/refuses", test_symlink_refuses);
  g_test_add_func ("/copy/delete", test_delete);
  return g_test_run ();
}
