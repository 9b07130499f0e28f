/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-initramfs.h"

#define MODULES "usr/lib/modules/6.1.0-9/kernel/"

/* --- what the kernel takes: written by hand ---------------------------------------------------------------------------- */

static void
pad (GByteArray *bytes, guint to)
{
  static const guint8 zeros[512] = { 0 };

  g_byte_array_append (bytes, zeros, (to - bytes->len % to) % to);
}

static void
add_entry (GByteArray *cpio, const char *name, guint size, guint claimed)
{
  g_autofree char *header = g_strdup_printf ("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, 0100644, 0, 0, 1, 0,
                                             claimed, 0, 0, 0, 0, (guint) strlen (name) + 1, 0);
  g_autofree guint8 *content = g_malloc0 (size + 1);

  memset (content, 'x', size);
  g_byte_array_append (cpio, (const guint8 *) header, strlen (header));
  g_byte_array_append (cpio, (const guint8 *) name, strlen (name) + 1);
  pad (cpio, 4);
  g_byte_array_append (cpio, content, size);
  pad (cpio, 4);
}

static GByteArray *
make_cpio (const char *const *names)
{
  GByteArray *cpio = g_byte_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    add_entry (cpio, names[i], 7 + i, 7 + i);
  add_entry (cpio, "TRAILER!!!", 0, 0);
  pad (cpio, 512);
  return cpio;
}

static void
append_compressed (GByteArray *to, GByteArray *cpio, int filter)
{
  gsize size = cpio->len + 1024 * 1024, used = 0;
  g_autofree guint8 *buffer = g_malloc (size);
  struct archive *archive = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();

  g_assert_cmpint (archive_write_add_filter (archive, filter), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_set_format_raw (archive), ==, ARCHIVE_OK);
  archive_write_set_bytes_in_last_block (archive, 1);
  g_assert_cmpint (archive_write_open_memory (archive, buffer, size, &used), ==, ARCHIVE_OK);
  archive_entry_set_pathname (entry, "data");
  archive_entry_set_filetype (entry, AE_IFREG);
  g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_data (archive, cpio->data, cpio->len), ==, cpio->len);
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_entry_free (entry);
  archive_write_free (archive);
  g_byte_array_append (to, buffer, used);
}

/* Returns: (transfer full) (nullable): "version: drivers: systems", or %NULL with @why */
static char *
read_back (GByteArray *bytes, char **why)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdInitramfs) initramfs = NULL;
  g_autofree char *drivers = NULL;
  g_autofree char *systems = NULL;
  int fd = g_file_open_tmp ("initramfs-XXXXXX", &path, NULL);

  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, (const char *) bytes->data, bytes->len, NULL));
  initramfs = cold_initramfs_read (path, &error);
  g_unlink (path);
  if (initramfs == NULL)
    {
      g_assert_nonnull (error);
      *why = g_strdup (error->message);
      return NULL;
    }
  drivers = g_strjoinv (" ", initramfs->drivers);
  systems = g_strjoinv (" ", initramfs->systems);
  return g_strdup_printf ("%s: %s: %s", initramfs->version != NULL ? initramfs->version : "", drivers, systems);
}

static void
check_content (GByteArray *bytes, const char *expected)
{
  g_autofree char *why = NULL;
  g_autofree char *content = read_back (bytes, &why);

  g_assert_cmpstr (why, ==, NULL);
  g_assert_cmpstr (content, ==, expected);
}

static void
check_refused (GByteArray *bytes, const char *reason)
{
  g_autofree char *why = NULL;
  g_autofree char *content = read_back (bytes, &why);

  g_assert_cmpstr (content, ==, NULL);
  g_assert_nonnull (strstr (why, reason));
}

static GByteArray *
make_microcode (void)
{
  return make_cpio ((const char *const[]){ "kernel", "kernel/x86", "kernel/x86/microcode/AuthenticAMD.bin", NULL });
}

static GByteArray *
make_main (void)
{
  return make_cpio ((const char *const[]){ "init", MODULES "drivers/block/virtio_blk.ko", MODULES "drivers/ata/ahci.ko.zst",
                                           MODULES "drivers/usb/storage/usb-storage.ko.xz", MODULES "fs/ext4/ext4.ko",
                                           MODULES "drivers/net/virtio_net.ko", MODULES "drivers/block/notes.txt",
                                           MODULES "drivers/usb/host/xhci-hcd.ko", NULL });
}

#define MAIN "6.1.0-9: ahci usb_storage virtio_blk: ext4"

/* --- tests ------------------------------------------------------------------------------------------------------------- */

static void
test_compressed (gconstpointer filter)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GByteArray) content = make_main ();

  append_compressed (bytes, content, GPOINTER_TO_INT (filter));
  check_content (bytes, MAIN);
}

static void
test_plain (void)
{
  g_autoptr (GByteArray) bytes = make_main ();

  check_content (bytes, MAIN);
}

static void
test_microcode (void)
{
  g_autoptr (GByteArray) bytes = make_microcode ();
  g_autoptr (GByteArray) content = make_main ();

  append_compressed (bytes, content, ARCHIVE_FILTER_ZSTD);
  check_content (bytes, MAIN);
}

/* As Ubuntu has it: modules are compressed one by one, in an archive that is not. */
static void
test_modules_apart (void)
{
  g_autoptr (GByteArray) bytes = make_microcode ();
  g_autoptr (GByteArray) modules = make_main ();
  g_autoptr (GByteArray) rest = make_cpio ((const char *const[]){ "init", "bin/sh", MODULES "drivers/nvme/host/nvme.ko", NULL });

  g_byte_array_append (bytes, modules->data, modules->len);
  append_compressed (bytes, rest, ARCHIVE_FILTER_XZ);
  check_content (bytes, "6.1.0-9: ahci nvme usb_storage virtio_blk: ext4");
}

static void
test_truncated (void)
{
  g_autoptr (GByteArray) content = make_main ();
  g_autoptr (GByteArray) plain = make_main ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_byte_array_set_size (plain, 400);
  check_refused (plain, "ends too early");
  append_compressed (bytes, content, ARCHIVE_FILTER_GZIP);
  g_byte_array_set_size (bytes, bytes->len / 2);
  check_refused (bytes, "cannot be read");
}

static void
test_garbage (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GByteArray) after = make_microcode ();
  g_autoptr (GByteArray) inside = g_byte_array_new ();
  g_autoptr (GByteArray) empty = g_byte_array_new ();

  for (guint i = 0; i < 4096; i++)
    g_byte_array_append (bytes, (const guint8 *) "\x99", 1);
  check_refused (bytes, "no known kind");
  g_byte_array_append (after, bytes->data, bytes->len);
  check_refused (after, "no known kind");
  append_compressed (inside, bytes, ARCHIVE_FILTER_GZIP);
  check_refused (inside, "no known kind");
  check_refused (empty, "cannot be read");
}

/* A few bytes that would become very many. */
static void
test_bomb (void)
{
  g_autoptr (GByteArray) claimed = g_byte_array_new ();
  g_autoptr (GByteArray) zeros = g_byte_array_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  add_entry (claimed, "bin/sh", 16, 0xfffffff0);
  check_refused (claimed, "more than an initramfs has");
  g_byte_array_set_size (zeros, 8 * 1024 * 1024);
  memset (zeros->data, 0, zeros->len);
  append_compressed (bytes, zeros, ARCHIVE_FILTER_XZ);
  check_refused (bytes, "no known kind");
}

/* What no kernel would load. */
static void
test_names (void)
{
  g_autofree char *plain = cold_initramfs_module_name ("kernel/drivers/usb/storage/usb-storage.ko.xz");
  g_autofree char *list = cold_initramfs_module_name ("virtio_blk.ko");
  g_autofree char *none = cold_initramfs_module_name ("kernel/drivers/block/.ko");
  g_autofree char *other = cold_initramfs_module_name ("kernel/drivers/block/a.kox");
  g_autofree char *foreign = cold_initramfs_module_name ("kernel/drivers/block/\xff\xfe.ko");

  g_assert_cmpstr (plain, ==, "usb_storage");
  g_assert_cmpstr (list, ==, "virtio_blk");
  g_assert_null (none);
  g_assert_null (other);
  g_assert_null (foreign);
}

static void
test_image (void)
{
  g_autoptr (GByteArray) bytes = make_cpio ((const char *const[]){ "init", "squash-root.img", NULL });

  check_refused (bytes, "file system image");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/initramfs/gzip", GINT_TO_POINTER (ARCHIVE_FILTER_GZIP), test_compressed);
  g_test_add_data_func ("/initramfs/xz", GINT_TO_POINTER (ARCHIVE_FILTER_XZ), test_compressed);
  g_test_add_data_func ("/initramfs/zstd", GINT_TO_POINTER (ARCHIVE_FILTER_ZSTD), test_compressed);
  g_test_add_data_func ("/initramfs/lz4", GINT_TO_POINTER (ARCHIVE_FILTER_LZ4), test_compressed);
  g_test_add_data_func ("/initramfs/bzip2", GINT_TO_POINTER (ARCHIVE_FILTER_BZIP2), test_compressed);
  g_test_add_func ("/initramfs/not-compressed", test_plain);
  g_test_add_func ("/initramfs/microcode-first", test_microcode);
  g_test_add_func ("/initramfs/modules-in-an-archive-of-their-own", test_modules_apart);
  g_test_add_func ("/initramfs/truncated", test_truncated);
  g_test_add_func ("/initramfs/garbage", test_garbage);
  g_test_add_func ("/initramfs/bomb", test_bomb);
  g_test_add_func ("/initramfs/modules-in-an-image", test_image);
  g_test_add_func ("/initramfs/module-names", test_names);
  return g_test_run ();
}
