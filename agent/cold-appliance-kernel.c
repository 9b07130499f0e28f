/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of a bzImage is the kernel's Documentation/arch/x86/boot.rst; the note that tells of a PVH entry is Xen's
 * include/public/elfnote.h, which Linux has with CONFIG_PVH.
 */
#include "cold-appliance-kernel.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cold-error.h"

#define SETUP_SECTORS 0x1f1
#define MAGIC 0x202
#define VERSION 0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END 0x268
#define VERSION_WITH_PAYLOAD 0x0208
#define SECTOR 512
#define UNPACKED_MAX (512u * 1024 * 1024)
#define NOTE_PVH_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

static guint32
get_le32 (const guint8 *at)
{
  guint32 value;

  memcpy (&value, at, sizeof value);
  return GUINT32_FROM_LE (value);
}

/* Returns: what is packed in the bzImage at @image, or %NULL */
static const guint8 *
find_payload (const guint8 *image, gsize length, gsize *payload_length)
{
  gsize sectors, begin;
  guint16 version;

  if (length < HEADER_END || memcmp (image + MAGIC, "HdrS", 4) != 0)
    return NULL;
  memcpy (&version, image + VERSION, sizeof version);
  if (GUINT16_FROM_LE (version) < VERSION_WITH_PAYLOAD)
    return NULL;
  sectors = image[SETUP_SECTORS] != 0 ? image[SETUP_SECTORS] : 4;
  begin = (sectors + 1) * SECTOR + get_le32 (image + PAYLOAD_OFFSET);
  *payload_length = get_le32 (image + PAYLOAD_LENGTH);
  if (begin > length || *payload_length > length - begin || *payload_length < 64)
    return NULL;
  return image + begin;
}

/* Returns: (transfer full) (nullable): @size bytes */
static guint8 *
unpack (const guint8 *payload, gsize length, gsize size)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  g_autofree guint8 *data = g_try_malloc (size);
  gsize done = 0;

  if (data != NULL && archive_read_support_filter_all (archive) == ARCHIVE_OK
      && archive_read_support_format_raw (archive) == ARCHIVE_OK
      && archive_read_open_memory (archive, payload, length) == ARCHIVE_OK
      && archive_read_next_header (archive, &entry) == ARCHIVE_OK)
    while (done < size)
      {
        la_ssize_t n = archive_read_data (archive, data + done, size - done);

        if (n <= 0)
          break;
        done += n;
      }
  archive_read_free (archive);
  return done == size ? g_steal_pointer (&data) : NULL;
}

static gsize
align4 (gsize n)
{
  return (n + 3) & ~(gsize) 3;
}

static gboolean
has_note (const guint8 *notes, gsize length)
{
  while (length >= sizeof (Elf64_Nhdr))
    {
      Elf64_Nhdr note;
      gsize whole;

      memcpy (&note, notes, sizeof note);
      whole = sizeof note + align4 (note.n_namesz) + align4 (note.n_descsz);
      if (whole > length)
        return FALSE;
      if (note.n_type == NOTE_PVH_ENTRY && note.n_namesz == 4 && memcmp (notes + sizeof note, "Xen", 4) == 0)
        return TRUE;
      notes += whole;
      length -= whole;
    }
  return FALSE;
}

static gboolean
has_pvh_entry (const guint8 *elf, gsize length)
{
  Elf64_Ehdr header;

  if (length < sizeof header)
    return FALSE;
  memcpy (&header, elf, sizeof header);
  if (memcmp (header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64
      || header.e_machine != EM_X86_64 || header.e_phentsize != sizeof (Elf64_Phdr) || header.e_phoff > length
      || header.e_phnum > (length - header.e_phoff) / sizeof (Elf64_Phdr))
    return FALSE;
  for (guint i = 0; i < header.e_phnum; i++)
    {
      Elf64_Phdr part;

      memcpy (&part, elf + header.e_phoff + i * sizeof part, sizeof part);
      if (part.p_type == PT_NOTE && part.p_offset <= length && part.p_filesz <= length - part.p_offset
          && has_note (elf + part.p_offset, part.p_filesz))
        return TRUE;
    }
  return FALSE;
}

/* Returns: (transfer full) (nullable): the ELF image in the bzImage at @path */
static guint8 *
read_image (const char *path, gsize *size, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autofree guint8 *elf = NULL;
  const guint8 *payload;
  gsize length;

  if (file == NULL)
    return NULL;
  payload = find_payload ((const guint8 *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file), &length);
  /* At the end stands how long the image is: gzip has that by itself, after the others the kernel's build writes it. */
  *size = payload != NULL ? get_le32 (payload + length - 4) : 0;
  if (payload != NULL && *size <= UNPACKED_MAX)
    elf = unpack (payload, payload[0] == 0x1f && payload[1] == 0x8b ? length : length - 4, *size);
  if (elf != NULL && has_pvh_entry (elf, *size))
    return g_steal_pointer (&elf);
  g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "%s holds no image with a PVH entry", path);
  return NULL;
}

gboolean
cold_appliance_kernel_is_unpacked (const char *folder)
{
  g_autofree char *packed = g_build_filename (folder, "kernel.packed", NULL);

  return g_file_test (packed, G_FILE_TEST_EXISTS);
}

gboolean
cold_appliance_kernel_unpack (const char *folder, GError **error)
{
  g_autofree char *kernel = g_build_filename (folder, "kernel", NULL);
  g_autofree char *packed = g_build_filename (folder, "kernel.packed", NULL);
  g_autofree guint8 *elf = NULL;
  gsize size;

  elf = read_image (kernel, &size, error);
  if (elf == NULL)
    return FALSE;
  if (g_rename (kernel, packed) < 0)
    return cold_error_set_errno (error, errno, "cannot rename %s", kernel);
  if (g_file_set_contents (kernel, (const char *) elf, size, error))
    return TRUE;
  g_rename (packed, kernel);
  return FALSE;
}

gboolean
cold_appliance_kernel_pack (const char *folder)
{
  g_autofree char *kernel = g_build_filename (folder, "kernel", NULL);
  g_autofree char *packed = g_build_filename (folder, "kernel.packed", NULL);

  return g_rename (packed, kernel) == 0;
}
