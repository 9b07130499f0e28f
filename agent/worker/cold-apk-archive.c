/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "cold-apk-signature.h"
#include "cold-error.h"

#define SIGNATURE_PREFIX ".SIGN."
#define SIGNATURES_MAX 16
#define SIGNATURE_MEMBER_MAX (1 << 20)
#define CONTROL_MAX (16 << 20)
#define PKGINFO_MAX (4 << 20)
#define TAR_BLOCK 512

typedef struct archive Archive;

static void
archive_close_and_free (Archive *archive)
{
  archive_read_free (archive);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_close_and_free)

typedef struct
{
  const guint8 *data;
  gsize length;
} Bytes;

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "a file of apk's repository is refused: %s", why);
  return FALSE;
}

/* Unpacks the member that @bytes begin with, up to @max bytes. Returns: (transfer full): @used (optional) is its packed size,
 * or 0 when it has more than @max; %NULL with @error */
static GByteArray *
unpack_member (Bytes bytes, gsize max, gsize *used, GError **error)
{
  g_autoptr (GZlibDecompressor) decompressor = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr (GByteArray) unpacked = g_byte_array_new ();
  GConverterResult result = G_CONVERTER_CONVERTED;
  gsize position = 0;

  /* There may be no address to add to. */
  if (bytes.length == 0)
    {
      refuse (error, "it is not made of gzip members, or ends within one");
      return NULL;
    }
  while (result != G_CONVERTER_FINISHED && unpacked->len < max)
    {
      guint8 buffer[16384];
      gsize read, written;
      g_autoptr (GError) broken = NULL;

      result = g_converter_convert (G_CONVERTER (decompressor), bytes.data + position, bytes.length - position, buffer,
                                    MIN (sizeof buffer, max - unpacked->len), G_CONVERTER_INPUT_AT_END, &read, &written,
                                    &broken);
      if (result == G_CONVERTER_ERROR || (read == 0 && written == 0 && result != G_CONVERTER_FINISHED))
        {
          refuse (error, "it is not made of gzip members, or ends within one");
          return NULL;
        }
      position += read;
      g_byte_array_append (unpacked, buffer, written);
    }
  if (used != NULL)
    *used = result == G_CONVERTER_FINISHED ? position : 0;
  return g_steal_pointer (&unpacked);
}

static gboolean
begins_with_signature (Bytes bytes, gboolean *answer, GError **error)
{
  g_autoptr (GByteArray) block = unpack_member (bytes, TAR_BLOCK, NULL, error);

  /* A header of tar begins with the name. */
  if (block != NULL)
    *answer = block->len == TAR_BLOCK && memcmp (block->data, SIGNATURE_PREFIX, strlen (SIGNATURE_PREFIX)) == 0;
  return block != NULL;
}

/* @tar: not compressed. Calls @take with each file's name and content */
static gboolean
read_files (GByteArray *tar, gsize max, void (*take) (const char *name, const guint8 *data, gsize length, gpointer user_data),
            gpointer user_data, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  struct archive_entry *entry;
  int result;

  archive_read_support_format_tar (archive);
  if (archive_read_open_memory (archive, tar->data, tar->len) != ARCHIVE_OK)
    return refuse (error, "it holds no tar archive");
  while ((result = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);
      gint64 size = archive_entry_size (entry);
      g_autofree guint8 *data = NULL;

      if (name == NULL || archive_entry_filetype (entry) != AE_IFREG || size < 0 || (guint64) size > max)
        return refuse (error, "a file in it has no name, is none or is too large");
      data = g_malloc (size + 1);
      if (archive_read_data (archive, data, size) != size)
        return refuse (error, "it ends within a file");
      data[size] = '\0';
      take (name, data, size, user_data);
    }
  return result == ARCHIVE_EOF || refuse (error, "it holds no tar archive, or one that ends too early");
}

/* --- signatures ------------------------------------------------------------------------------------------------------ */

static void
take_signature (const char *name, const guint8 *data, gsize length, gpointer user_data)
{
  if (g_str_has_prefix (name, SIGNATURE_PREFIX))
    cold_apk_signatures_add (user_data, name + strlen (SIGNATURE_PREFIX), data, length);
}

/* @signatures: (nullable): gets them. Returns: %FALSE with @error; otherwise @bytes begins after them */
static gboolean
skip_signatures (Bytes *bytes, ColdApkSignatures *signatures, GError **error)
{
  for (guint i = 0; i <= SIGNATURES_MAX; i++)
    {
      g_autoptr (GByteArray) member = NULL;
      gboolean is_signature = FALSE;
      gsize used;

      if (!begins_with_signature (*bytes, &is_signature, error))
        return FALSE;
      if (!is_signature)
        return TRUE;
      member = unpack_member (*bytes, SIGNATURE_MEMBER_MAX, &used, error);
      if (member == NULL)
        return FALSE;
      if (used == 0 || used >= bytes->length)
        return refuse (error, "it has nothing but signatures, or one that is too large");
      if (signatures != NULL
          && !read_files (member, SIGNATURE_MEMBER_MAX, take_signature, signatures, error))
        return FALSE;
      bytes->data += used;
      bytes->length -= used;
    }
  return refuse (error, "it has more signatures than is usable");
}

/* --- the index ------------------------------------------------------------------------------------------------------- */

static gboolean
copy_entry (Archive *archive, const char *to, GError **error)
{
  FILE *file = fopen (to, "we");
  gboolean done = file != NULL;
  guint64 total = 0;
  const void *block;
  size_t length;
  la_int64_t offset;
  int result;

  if (!done)
    return cold_error_set_errno (error, errno, "cannot create %s", to);
  while (done && (result = archive_read_data_block (archive, &block, &length, &offset)) == ARCHIVE_OK)
    {
      /* A sparse file has holes, and no index is one. */
      if ((guint64) offset != total || (total += length) > COLD_APK_INDEX_MAX)
        done = refuse (error, "its index is larger than is usable");
      else if (fwrite (block, 1, length, file) != length)
        done = cold_error_set_errno (error, errno, "cannot write %s", to);
    }
  if (done && result != ARCHIVE_EOF)
    done = refuse (error, "it ends within its index");
  if (fclose (file) != 0 && done)
    done = cold_error_set_errno (error, errno, "cannot write %s", to);
  return done;
}

static gboolean
unpack_index (Bytes bytes, const char *to, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  struct archive_entry *entry;

  archive_read_support_filter_gzip (archive);
  archive_read_support_format_tar (archive);
  if (archive_read_open_memory (archive, bytes.data, bytes.length) != ARCHIVE_OK)
    return refuse (error, "what is signed is no tar archive");
  /* Two members at most, and what a small one unpacks to in between is bounded by the packed size times a thousand. */
  while (archive_read_next_header (archive, &entry) == ARCHIVE_OK)
    if (g_strcmp0 (archive_entry_pathname (entry), "APKINDEX") == 0 && archive_entry_filetype (entry) == AE_IFREG)
      return copy_entry (archive, to, error);
  return refuse (error, "what is signed holds no APKINDEX");
}

gboolean
cold_apk_archive_unpack_index (const char *path, const char *keys, const char *to, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (ColdApkSignatures) signatures = cold_apk_signatures_new ();
  Bytes bytes;

  g_unlink (to);
  if (file == NULL)
    return FALSE;
  bytes = (Bytes){ (const guint8 *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file) };
  if (!skip_signatures (&bytes, signatures, error)
      || !cold_apk_signatures_verify (signatures, bytes.data, bytes.length, keys, "APKINDEX.tar.gz", error))
    return FALSE;
  if (unpack_index (bytes, to, error))
    return TRUE;
  g_unlink (to);
  return FALSE;
}

/* --- packages -------------------------------------------------------------------------------------------------------- */

static void
take_datahash (const char *name, const guint8 *data, gsize length, gpointer user_data)
{
  static const char *const prefix = "datahash = ";
  char **datahash = user_data;
  g_auto (GStrv) lines = NULL;

  if (!g_str_equal (name, ".PKGINFO") || memchr (data, '\0', length) != NULL)
    return;
  lines = g_strsplit ((const char *) data, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], prefix))
      {
        g_free (*datahash);
        *datahash = g_strdup (lines[i] + strlen (prefix));
      }
}

static char *
identity_of (const guint8 *data, gsize length)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize size = sizeof digest;
  g_autofree char *encoded = NULL;

  g_checksum_update (checksum, data, length);
  g_checksum_get_digest (checksum, digest, &size);
  encoded = g_base64_encode (digest, size);
  return g_strconcat ("Q1", encoded, NULL);
}

/* Returns: %FALSE with @error, unless @bytes, which begin with the control part, are the package of that identity */
static gboolean
check_parts (Bytes bytes, const char *identity, GError **error)
{
  g_autofree char *datahash = NULL;
  g_autofree char *found = NULL;
  g_autofree char *data = NULL;
  g_autoptr (GByteArray) control = NULL;
  gsize used;

  control = unpack_member (bytes, CONTROL_MAX, &used, error);
  if (control == NULL)
    return FALSE;
  if (used == 0)
    return refuse (error, "the control part of a package is larger than is usable");
  found = identity_of (bytes.data, used);
  if (!g_str_equal (found, identity))
    return refuse (error, "it is not the package that the signed index names");
  if (!read_files (control, PKGINFO_MAX, take_datahash, &datahash, error))
    return FALSE;
  data = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes.data + used, bytes.length - used);
  if (g_strcmp0 (data, datahash) == 0)
    return TRUE;
  return refuse (error, datahash == NULL ? "its .PKGINFO has no datahash, so that its files are not signed"
                                         : "its files are not those that the signed index stands for");
}

char *
cold_apk_archive_check_package (const char *path, const char *identity, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  Bytes bytes, whole;

  if (file == NULL)
    return NULL;
  whole = bytes = (Bytes){ (const guint8 *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file) };
  if (!skip_signatures (&bytes, NULL, error) || !check_parts (bytes, identity, error))
    return NULL;
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, whole.data, whole.length);
}
