/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cold-download.h"
#include "cold-error.h"

/* @empty: whether there is nothing to read: libarchive has no entry then */
static struct archive *
open_compressed (const char *path, gboolean *empty, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  int result = ARCHIVE_FATAL;

  archive_read_support_filter_xz (archive);
  archive_read_support_filter_zstd (archive);
  archive_read_support_filter_gzip (archive);
  archive_read_support_format_raw (archive);
  archive_read_support_format_empty (archive);
  if (archive_read_open_filename (archive, path, 128 * 1024) == ARCHIVE_OK)
    result = archive_read_next_header (archive, &entry);
  *empty = result == ARCHIVE_EOF;
  if (result == ARCHIVE_OK || result == ARCHIVE_EOF)
    return archive;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "a package index cannot be unpacked: %s",
               archive_error_string (archive));
  archive_read_free (archive);
  return NULL;
}

static gboolean
copy_data (struct archive *archive, int fd, guint64 size_max, GError **error)
{
  g_autofree char *buffer = g_malloc (128 * 1024);
  guint64 total = 0;
  gssize n;

  while ((n = archive_read_data (archive, buffer, 128 * 1024)) > 0)
    {
      total += n;
      if (total > size_max)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                       "a package index unpacks to more than the %" G_GUINT64_FORMAT " bytes it may have", size_max);
          return FALSE;
        }
      for (gssize done = 0; done < n;)
        {
          gssize written = write (fd, buffer + done, n - done);

          if (written < 0 && errno != EINTR)
            return cold_error_set_errno (error, errno, "cannot write a package index");
          done += MAX (written, 0);
        }
    }
  if (n < 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "a package index cannot be unpacked: %s",
                   archive_error_string (archive));
      return FALSE;
    }
  return TRUE;
}

gboolean
cold_unpack (const char *from, const char *to, guint64 size, const char *sha256, GError **error)
{
  gboolean empty;
  struct archive *archive = open_compressed (from, &empty, error);
  int fd = archive != NULL ? open (to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  gboolean done;

  if (archive == NULL)
    return FALSE;
  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot create %s", to);
      archive_read_free (archive);
      return FALSE;
    }
  done = empty || copy_data (archive, fd, sha256 != NULL ? MIN (size, COLD_INDEX_MAX) : COLD_INDEX_MAX, error);
  if (close (fd) < 0 && done)
    done = cold_error_set_errno (error, errno, "cannot write %s", to);
  archive_read_free (archive);
  if (done && sha256 != NULL)
    {
      guint64 found_size;
      g_autofree char *found = cold_file_sha256 (to, &found_size, error);

      done = found != NULL;
      if (done && (found_size != size || !g_str_equal (found, sha256)))
        {
          g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                               "a package index unpacks to something else than the signed metadata names");
          done = FALSE;
        }
    }
  if (!done)
    unlink (to);
  return done;
}
