/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cold-appliance-kernel.h"
#include "cold-error.h"

#define NOTE_PVH_ENTRY 18
#define SETUP_BYTES (2 * 512)
#define IMAGE_BYTES 5000

typedef struct
{
  char *folder;
  char *kernel;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("appliance-kernel-XXXXXX", NULL);
  f->kernel = g_build_filename (f->folder, "kernel", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *packed = g_build_filename (f->folder, "kernel.packed", NULL);

  g_unlink (f->kernel);
  g_unlink (packed);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->kernel);
}

/* An ELF file of one part, which holds one note of @type. Returns: (transfer full) IMAGE_BYTES */
static guint8 *
make_elf (guint32 type)
{
  guint8 *elf = g_malloc0 (IMAGE_BYTES);
  Elf64_Ehdr header = { .e_machine = EM_X86_64, .e_phoff = sizeof header, .e_phentsize = sizeof (Elf64_Phdr), .e_phnum = 1 };
  Elf64_Phdr part = { .p_type = PT_NOTE, .p_offset = 256, .p_filesz = sizeof (Elf64_Nhdr) + 8 };
  Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = 4, .n_type = type };

  memcpy (header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  memcpy (elf, &header, sizeof header);
  memcpy (elf + sizeof header, &part, sizeof part);
  memcpy (elf + 256, &note, sizeof note);
  memcpy (elf + 256 + sizeof note, "Xen", 4);
  for (guint i = 1024; i < IMAGE_BYTES; i++)
    elf[i] = i * i % 251;
  return elf;
}

/* Returns: (transfer full) */
static GByteArray *
pack (const guint8 *elf, const char *filter)
{
  GByteArray *packed = g_byte_array_new ();
  struct archive *archive = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();
  gsize used = 0;

  g_byte_array_set_size (packed, 65536);
  g_assert_cmpint (archive_write_set_format_raw (archive), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_add_filter_by_name (archive, filter), ==, ARCHIVE_OK);
  archive_write_set_bytes_in_last_block (archive, 1);
  g_assert_cmpint (archive_write_open_memory (archive, packed->data, packed->len, &used), ==, ARCHIVE_OK);
  archive_entry_set_filetype (entry, AE_IFREG);
  g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_data (archive, elf, IMAGE_BYTES), ==, IMAGE_BYTES);
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_write_free (archive);
  archive_entry_free (entry);
  g_byte_array_set_size (packed, used);
  return packed;
}

static void
set_le32 (GByteArray *array, gsize at, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (array->data + at, &value, sizeof value);
}

/* Returns: (transfer full): a bzImage as the kernel's build makes it */
static GByteArray *
make_bzimage (guint32 note, const char *filter)
{
  g_autofree guint8 *elf = make_elf (note);
  g_autoptr (GByteArray) payload = pack (elf, filter);
  GByteArray *image = g_byte_array_new ();
  guint32 size = GUINT32_TO_LE (IMAGE_BYTES);

  if (!g_str_equal (filter, "gzip"))
    g_byte_array_append (payload, (const guint8 *) &size, sizeof size);
  g_byte_array_set_size (image, SETUP_BYTES + 100);
  memset (image->data, 0, image->len);
  image->data[0x1f1] = SETUP_BYTES / 512 - 1;
  memcpy (image->data + 0x202, "HdrS", 4);
  image->data[0x206] = 0x0f;
  image->data[0x207] = 0x02;
  set_le32 (image, 0x248, 100);
  set_le32 (image, 0x24c, payload->len);
  g_byte_array_append (image, payload->data, payload->len);
  g_byte_array_append (image, (const guint8 *) "what follows the payload", 24);
  return image;
}

static void
write_kernel (Fixture *f, GByteArray *image)
{
  g_assert_true (g_file_set_contents (f->kernel, (const char *) image->data, image->len, NULL));
}

static void
assert_kernel_is (Fixture *f, const void *data, gsize length)
{
  g_autofree char *found = NULL;
  gsize found_length;

  g_assert_true (g_file_get_contents (f->kernel, &found, &found_length, NULL));
  g_assert_cmpmem (found, found_length, data, length);
}

static void
test_unpacks (Fixture *f, gconstpointer filter)
{
  g_autoptr (GByteArray) image = make_bzimage (NOTE_PVH_ENTRY, filter);
  g_autofree guint8 *elf = make_elf (NOTE_PVH_ENTRY);
  g_autoptr (GError) error = NULL;

  write_kernel (f, image);
  g_assert_false (cold_appliance_kernel_is_unpacked (f->folder));
  cold_appliance_kernel_unpack (f->folder, &error);
  g_assert_no_error (error);
  g_assert_true (cold_appliance_kernel_is_unpacked (f->folder));
  assert_kernel_is (f, elf, IMAGE_BYTES);

  g_assert_true (cold_appliance_kernel_pack (f->folder));
  g_assert_false (cold_appliance_kernel_is_unpacked (f->folder));
  assert_kernel_is (f, image->data, image->len);
  g_assert_false (cold_appliance_kernel_pack (f->folder));
}

static void
assert_refused (Fixture *f, GByteArray *image)
{
  g_autoptr (GError) error = NULL;

  write_kernel (f, image);
  g_assert_false (cold_appliance_kernel_unpack (f->folder, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED);
  g_assert_false (cold_appliance_kernel_is_unpacked (f->folder));
  assert_kernel_is (f, image->data, image->len);
}

static void
test_no_entry (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) image = make_bzimage (NOTE_PVH_ENTRY + 1, "xz");

  assert_refused (f, image);
}

static void
test_garbage (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) image = make_bzimage (NOTE_PVH_ENTRY, "xz");
  const gsize middle = SETUP_BYTES + 100 + 40;

  memset (image->data + middle, 0x5a, 16);
  assert_refused (f, image);
  /* Another size than what is said to be in it. */
  g_byte_array_unref (image);
  image = make_bzimage (NOTE_PVH_ENTRY, "gzip");
  set_le32 (image, image->len - 24 - 4, IMAGE_BYTES + 1);
  assert_refused (f, image);
  /* Lengths that lead out of the file. */
  set_le32 (image, 0x24c, G_MAXUINT32);
  assert_refused (f, image);
  set_le32 (image, 0x248, G_MAXUINT32);
  assert_refused (f, image);
  g_byte_array_set_size (image, 300);
  assert_refused (f, image);
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_appliance_kernel_unpack (f->folder, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/appliance-kernel/xz/unpacks", Fixture, "xz", set_up, test_unpacks, tear_down);
  g_test_add ("/appliance-kernel/gzip/unpacks", Fixture, "gzip", set_up, test_unpacks, tear_down);
  g_test_add ("/appliance-kernel/zstd/unpacks", Fixture, "zstd", set_up, test_unpacks, tear_down);
  g_test_add ("/appliance-kernel/no-entry/refused", Fixture, NULL, set_up, test_no_entry, tear_down);
  g_test_add ("/appliance-kernel/garbage/refused", Fixture, NULL, set_up, test_garbage, tear_down);
  g_test_add ("/appliance-kernel/missing/refused", Fixture, NULL, set_up, test_missing, tear_down);
  return g_test_run ();
}
