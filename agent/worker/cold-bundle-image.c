/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bundle-image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"

#define CHUNK (128 * 1024)

struct _ColdBundleImage
{
  struct archive *archive;
};

static gboolean
set_error (ColdBundleImage *self, GError **error, const char *what)
{
  int saved = archive_errno (self->archive);

  g_set_error (error, COLD_ERROR, saved == ENOSPC || saved == EDQUOT ? COLD_ERROR_NO_SPACE : COLD_ERROR_IO,
               "cannot write the bundle (%s): %s", what, archive_error_string (self->archive));
  return FALSE;
}

ColdBundleImage *
cold_bundle_image_new (const char *path, GError **error)
{
  g_autoptr (ColdBundleImage) self = g_new0 (ColdBundleImage, 1);

  self->archive = archive_write_new ();
  if (archive_write_set_format_iso9660 (self->archive) != ARCHIVE_OK
      || archive_write_set_options (self->archive, "rockridge=useful,!joliet,volume-id=COLDPATCH") != ARCHIVE_OK
      || archive_write_open_filename (self->archive, path) != ARCHIVE_OK)
    {
      set_error (self, error, path);
      return NULL;
    }
  return g_steal_pointer (&self);
}

static gboolean
begin (ColdBundleImage *self, const char *name, gint64 size, GError **error)
{
  struct archive_entry *entry = archive_entry_new ();
  gboolean begun;

  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, size);
  begun = archive_write_header (self->archive, entry) == ARCHIVE_OK;
  archive_entry_free (entry);
  return begun || set_error (self, error, name);
}

static gboolean
write_data (ColdBundleImage *self, const char *name, const void *data, gsize length, GError **error)
{
  for (gsize done = 0; done < length;)
    {
      la_ssize_t n = archive_write_data (self->archive, (const char *) data + done, length - done);

      if (n <= 0)
        return set_error (self, error, name);
      done += n;
    }
  return TRUE;
}

gboolean
cold_bundle_image_add_text (ColdBundleImage *self, const char *name, const char *text, gsize length, GError **error)
{
  return begin (self, name, length, error) && write_data (self, name, text, length, error);
}

static gboolean
copy_file (ColdBundleImage *self, const char *name, int fd, const char *path, const char *sha256, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guchar *buffer = g_malloc (CHUNK);
  struct stat st;
  gssize n;

  if (fstat (fd, &st) < 0)
    return cold_error_set_errno (error, errno, "cannot read %s", path);
  if (!begin (self, name, st.st_size, error))
    return FALSE;
  while ((n = read (fd, buffer, CHUNK)) > 0)
    {
      g_checksum_update (checksum, buffer, n);
      if (!write_data (self, name, buffer, n, error))
        return FALSE;
    }
  if (n < 0)
    return cold_error_set_errno (error, errno, "cannot read %s", path);
  if (sha256 == NULL || g_str_equal (g_checksum_get_string (checksum), sha256))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "%s was damaged after it was fetched: remove it from the catalogue's cache, it will be fetched again", path);
  return FALSE;
}

gboolean
cold_bundle_image_add_file (ColdBundleImage *self, const char *name, const char *path, const char *sha256,
                            GError **error)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  gboolean added;

  if (fd < 0)
    return cold_error_set_errno (error, errno, "cannot open %s", path);
  added = copy_file (self, name, fd, path, sha256, error);
  close (fd);
  return added;
}

gboolean
cold_bundle_image_finish (ColdBundleImage *self, GError **error)
{
  return archive_write_close (self->archive) == ARCHIVE_OK || set_error (self, error, "end");
}

void
cold_bundle_image_free (ColdBundleImage *self)
{
  if (self == NULL)
    return;
  archive_write_free (self->archive);
  g_free (self);
}
