/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"

static char *folder;

#define TRIES 10

/* @arguments: of qemu-img, words separated by spaces; the image's path comes instead of "@" */
static char *
make_image (const char *name, const char *arguments)
{
  char *path = g_build_filename (folder, name, NULL);
  g_auto (GStrv) argv = g_strsplit (arguments, " ", -1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; argv[i] != NULL; i++)
    if (g_str_equal (argv[i], "@"))
      {
        g_free (argv[i]);
        argv[i] = g_strdup (path);
      }
  /* QEMU measures how fast it derives keys, and now and then finds its measurement too coarse. */
  for (guint i = 0; i < TRIES; i++)
    {
      g_autoptr (GSubprocess) process = NULL;

      g_usleep (i * 100 * 1000);
      g_clear_error (&error);
      process = g_subprocess_newv ((const char *const *) argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);
      if (process != NULL && g_subprocess_wait_check (process, NULL, &error))
        break;
    }
  g_assert_no_error (error);
  return path;
}

/* Returns: (transfer full): what the verb says of the one disk */
static JsonObject *
probe (const char *path, const char *format)
{
  g_autofree char *text = g_strdup_printf ("{\"disks\":[{\"path\":\"%s\",\"format\":\"%s\"}]}", path, format);
  g_autoptr (JsonObject) request = cold_json_parse_object (text, -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = cold_verb_probe (request, &error);
  JsonObject *disk;

  g_assert_no_error (error);
  disk = cold_json_array_object (cold_json_array (result, "disks"), 0);
  g_assert_nonnull (disk);
  return json_object_ref (disk);
}

static void
test_missing_backing_file_is_named (void)
{
  g_autofree char *path
      = make_image ("overlay", "qemu-img create -q -u -f qcow2 -b /nowhere/base.img -F raw @ 1M");
  g_autoptr (JsonObject) disk = probe (path, "qcow2");

  g_assert_false (json_object_has_member (disk, "error"));
  g_assert_cmpstr (cold_json_string (disk, "backing-file"), ==, "/nowhere/base.img");
  g_assert_cmpstr (cold_json_string (disk, "backing-format"), ==, "raw");
  g_assert_cmpint (cold_json_int (disk, "virtual-size"), ==, 1 << 20);
}

static void
test_format_is_never_guessed (void)
{
  g_autofree char *path = make_image ("header", "qemu-img create -q -u -f qcow2 -b /etc/shadow -F raw @ 1M");
  g_autoptr (JsonObject) disk = probe (path, "raw");

  /* A raw disk into which the guest wrote a qcow2 header. */
  g_assert_false (json_object_has_member (disk, "backing-file"));
  g_assert_false (json_object_has_member (disk, "error"));
}

static void
test_data_file_is_told_and_not_opened (void)
{
  g_autofree char *data = g_build_filename (folder, "data.raw", NULL);
  g_autofree char *create = g_strdup_printf ("qemu-img create -q -f qcow2 -o data_file=%s @ 1M", data);
  g_autofree char *path = make_image ("outside", create);
  g_autoptr (JsonObject) disk = NULL;

  g_assert_cmpint (g_unlink (data), ==, 0);
  disk = probe (path, "qcow2");
  g_assert_true (cold_json_bool (disk, "data-file"));
}

static void
test_snapshots_and_bitmaps_are_counted (void)
{
  g_autofree char *path = make_image ("full", "qemu-img create -q -f qcow2 @ 1M");
  g_autofree char *same = make_image ("full", "qemu-img snapshot -c one @");
  g_autofree char *again = make_image ("full", "qemu-img bitmap --add @ map");
  g_autoptr (JsonObject) disk = probe (path, "qcow2");

  g_assert_cmpint (cold_json_int (disk, "snapshots"), ==, 1);
  g_assert_cmpint (cold_json_int (disk, "memory-snapshots"), ==, 0);
  g_assert_cmpint (cold_json_int (disk, "bitmaps"), ==, 1);
}

static void
test_encryption_is_told (void)
{
  g_autofree char *path = make_image ("secret", "qemu-img create -q -f qcow2 --object secret,id=s,data=x -o "
                                                "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=200 @ 1M");
  g_autoptr (JsonObject) disk = probe (path, "qcow2");

  g_assert_true (cold_json_bool (disk, "encrypted"));
}

static void
test_lying_headers_are_told (void)
{
  g_autofree char *path = make_image ("lie", "qemu-img create -q -f qcow2 @ 1M");
  /* The L1 table's size, as of the qcow2 specification at byte 36: 2^32 - 1 entries. */
  static const guint8 huge[] = { 0xff, 0xff, 0xff, 0xff };
  FILE *file = fopen (path, "r+");
  g_autoptr (JsonObject) truncated = NULL;
  g_autoptr (JsonObject) lying = NULL;

  g_assert_cmpint (fseek (file, 36, SEEK_SET), ==, 0);
  g_assert_cmpuint (fwrite (huge, sizeof huge, 1, file), ==, 1);
  fclose (file);
  lying = probe (path, "qcow2");
  g_assert_true (cold_json_bool (lying, "corrupt"));
  g_test_message ("%s", cold_json_string (lying, "error"));
  g_assert_nonnull (cold_json_string (lying, "error"));

  g_assert_true (g_file_set_contents (path, "no image at all", -1, NULL));
  truncated = probe (path, "qcow2");
  g_assert_true (cold_json_bool (truncated, "corrupt"));
  g_assert_nonnull (strstr (cold_json_string (truncated, "error"), "not in qcow2 format"));
}

static void
test_missing_image_is_an_error (void)
{
  g_autoptr (JsonObject) request
      = cold_json_parse_object ("{\"disks\":[{\"path\":\"/nowhere/image\",\"format\":\"raw\"}]}", -1, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (cold_verb_probe (request, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GSubprocess) remove = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("cold-probe-XXXXXX", NULL);
  g_test_add_func ("/verb-probe/missing-backing-file/named", test_missing_backing_file_is_named);
  g_test_add_func ("/verb-probe/format/never-guessed", test_format_is_never_guessed);
  g_test_add_func ("/verb-probe/data-file/told-not-opened", test_data_file_is_told_and_not_opened);
  g_test_add_func ("/verb-probe/snapshots-and-bitmaps/counted", test_snapshots_and_bitmaps_are_counted);
  g_test_add_func ("/verb-probe/encryption/told", test_encryption_is_told);
  g_test_add_func ("/verb-probe/lying-headers/told", test_lying_headers_are_told);
  g_test_add_func ("/verb-probe/missing-image/error", test_missing_image_is_an_error);
  status = g_test_run ();
  remove = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "rm", "-rf", "--", folder, NULL);
  if (remove != NULL)
    g_subprocess_wait (remove, NULL, NULL);
  g_free (folder);
  return status;
}
