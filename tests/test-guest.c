/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-guest.h"
#include "cold-json.h"

static void
run (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
run (const char *format, ...)
{
  g_autofree char *command = NULL;
  g_autofree char *output = NULL;
  GError *error = NULL;
  va_list args;
  int status;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_true (g_spawn_command_line_sync (command, &output, NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

static void
overwrite (const char *path, goffset offset, const char *bytes, gsize n)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GError *error = NULL;
  g_autoptr (GFileIOStream) stream = g_file_open_readwrite (file, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (g_seekable_seek (G_SEEKABLE (stream), offset, G_SEEK_SET, NULL, &error));
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (stream)), bytes, n, NULL, NULL, &error));
}

typedef struct
{
  char *folder;
  char *base;
  char *top;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("guest-XXXXXX", NULL);
  f->base = g_build_filename (f->folder, "base.qcow2", NULL);
  f->top = g_build_filename (f->folder, "top.qcow2", NULL);
  run ("qemu-img create -q -f qcow2 %s 4M", f->base);
  run ("qemu-io -f qcow2 -c 'write 0 1M' %s", f->base);
  run ("qemu-img create -q -f qcow2 -F qcow2 -b %s %s", f->base, f->top);
  run ("qemu-io -f qcow2 -c 'write 1M 1M' %s", f->top);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_unlink (f->base);
  g_unlink (f->top);
  g_rmdir (f->folder);
  g_free (f->base);
  g_free (f->top);
  g_free (f->folder);
}

/* @ok: -1 when it is not looked at */
static void
check_image (const char *path, const char *format, const char *base, int ok)
{
  g_autofree char *chain = base != NULL ? g_strdup_printf ("{\"path\":\"%s\",\"format\":\"qcow2\"}", base) : g_strdup ("");
  g_autofree char *text
      = g_strdup_printf ("{\"disks\":[{\"path\":\"%s\",\"format\":\"%s\",\"chain\":[%s]}]}", path, format, chain);
  g_autoptr (JsonObject) request = cold_json_parse_object (text, -1, NULL);
  g_autoptr (JsonArray) checks = json_array_new ();
  GError *error = NULL;

  g_assert_true (cold_guest_check_images (request, checks, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (checks), ==, ok < 0 ? 0 : 1);
  if (ok >= 0)
    g_assert_cmpint (cold_json_bool (cold_json_array_object (checks, 0), "ok"), ==, ok);
}

static void
test_sound (Fixture *f, gconstpointer data)
{
  check_image (f->base, "qcow2", NULL, TRUE);
  check_image (f->top, "qcow2", f->base, TRUE);
  check_image (f->base, "raw", NULL, -1);
}

/* Somebody who starts the domain meanwhile holds QEMU's locks. */
static void
test_locked (Fixture *f, gconstpointer data)
{
  GError *error = NULL;
  g_autoptr (GSubprocess) user
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "qemu-io", "-f", "qcow2",
                          f->base, NULL);
  char prompt[8];

  g_assert_no_error (error);
  g_assert_cmpint (g_input_stream_read (g_subprocess_get_stdout_pipe (user), prompt, sizeof (prompt), NULL, NULL), >, 0);
  check_image (f->base, "qcow2", NULL, TRUE);
  g_output_stream_close (g_subprocess_get_stdin_pipe (user), NULL, NULL);
  g_assert_true (g_subprocess_wait (user, NULL, NULL));
}

/* The first entry of the table of reference counts (its place is at byte 48 of the header) leads outside the file. */
static void
test_damaged (Fixture *f, gconstpointer data)
{
  overwrite (f->base, 65536, "\0\0\0\x7f\0\0\0\0", 8);
  check_image (f->base, "qcow2", NULL, FALSE);
}

static void
assert_mountable (const char *found, const char *wanted)
{
  g_autofree char *mountable
      = cold_guest_mountable ("/dev/sda /dev/sdb\n/dev/sda1 /dev/sdb1\n/dev/sda2 /dev/sdb2\n/dev/sdb /dev/sda\n", found);

  g_assert_cmpstr (mountable, ==, wanted);
}

/* libguestfs has translated devices, and subvolumes not. */
static void
test_mountable (void)
{
  assert_mountable ("/dev/sdb2", "/dev/sdb2");
  assert_mountable ("/dev/disk/by-uuid/1", "/dev/disk/by-uuid/1");
  assert_mountable ("btrfsvol:/dev/sdb2/@/usr/local", "btrfsvol:/dev/sda2/@/usr/local");
  assert_mountable ("btrfsvol:/dev/sdb2//@", "btrfsvol:/dev/sda2/@");
  assert_mountable ("btrfsvol:/dev/sda/@home", "btrfsvol:/dev/sdb/@home");
  assert_mountable ("btrfsvol:/dev/sdb23/@", "btrfsvol:/dev/sdb23/@");
  assert_mountable ("btrfsvol:/dev/vg/root/@", "btrfsvol:/dev/vg/root/@");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/guest/images/sound", Fixture, NULL, setup, test_sound, teardown);
  g_test_add ("/guest/images/in-use", Fixture, NULL, setup, test_locked, teardown);
  g_test_add ("/guest/images/damaged", Fixture, NULL, setup, test_damaged, teardown);
  g_test_add_func ("/guest/mountable/has-libguestfs-name", test_mountable);
  return g_test_run ();
}
