/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-fetch.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cold-error.h"

/* A compressed index can be made to grow without end; the largest real one has some 60 MiB. */
#define INDEX_MAX (G_GUINT64_CONSTANT (1) << 30)

/* The smallest first. */
static const char *const suffixes[] = { ".xz", ".gz", "" };

static const ColdDebFile *
find (const ColdDebRelease *release, const char *component, const char *arch, char **path)
{
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/binary-%s/Packages%s", component, arch, suffixes[i]);
      const ColdDebFile *file = g_hash_table_lookup (release->files, name);

      if (file != NULL)
        {
          *path = g_steal_pointer (&name);
          return file;
        }
    }
  return NULL;
}

const char *
cold_deb_fetch_index_hash (const ColdDebRelease *release, const char *component, const char *arch)
{
  g_autofree char *path = NULL;
  const ColdDebFile *file = find (release, component, arch, &path);

  return file != NULL ? file->sha256 : NULL;
}

/* @empty: whether there is nothing to read: libarchive has no entry then */
static struct archive *
open_compressed (const char *path, gboolean *empty, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  int result = ARCHIVE_FATAL;

  archive_read_support_filter_xz (archive);
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

/* @plain: (nullable): what the release says of the unpacked file */
static gboolean
unpack (const char *from, const char *to, const ColdDebFile *plain, GError **error)
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
  done = empty || copy_data (archive, fd, plain != NULL ? MIN (plain->size, INDEX_MAX) : INDEX_MAX, error);
  if (close (fd) < 0 && done)
    done = cold_error_set_errno (error, errno, "cannot write %s", to);
  archive_read_free (archive);
  if (done && plain != NULL)
    {
      guint64 size;
      g_autofree char *sha256 = cold_file_sha256 (to, &size, error);

      done = sha256 != NULL;
      if (done && (size != plain->size || !g_str_equal (sha256, plain->sha256)))
        {
          g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                               "a package index unpacks to something else than the signed metadata names");
          done = FALSE;
        }
    }
  return done;
}

/* The compressed file, by its hash where the mirror offers that: names can change hands in the middle of an update. */
static gboolean
fetch (ColdDownload *download, const ColdDebRelease *release, const char *suite_uri, const char *name,
       const ColdDebFile *file, const char *to, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *by_hash = g_strdup_printf ("%s/by-hash/SHA256/%s", folder, file->sha256);
  g_autofree char *hash_uri = cold_uri_append (suite_uri, by_hash);
  g_autofree char *uri = cold_uri_append (suite_uri, name);
  g_autoptr (GError) local = NULL;

  if (release->by_hash)
    {
      if (cold_download_file (download, hash_uri, to, file->size, file->sha256, &local))
        return TRUE;
      if (!g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return cold_download_file (download, uri, to, file->size, file->sha256, error);
}

gboolean
cold_deb_fetch_index (ColdDownload *download, const ColdDebRelease *release, const char *suite_uri,
                      const char *component, const char *arch, const char *path, const char *scratch, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *plain_name = g_strdup_printf ("%s/binary-%s/Packages", component, arch);
  g_autofree char *compressed = g_build_filename (scratch, "Packages.compressed", NULL);
  const ColdDebFile *file = find (release, component, arch, &name);
  gboolean done;

  if (file == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG,
                   "%s has no index %s: check Suites, Components and the architecture in its sources.d entry", suite_uri,
                   plain_name);
      return FALSE;
    }
  if (file->size > INDEX_MAX)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s: the index %s is said to have %" G_GUINT64_FORMAT
                   " bytes, which is too many", suite_uri, name, file->size);
      return FALSE;
    }
  done = fetch (download, release, suite_uri, name, file, compressed, error)
         && unpack (compressed, path, g_hash_table_lookup (release->files, plain_name), error);
  unlink (compressed);
  if (!done)
    {
      g_prefix_error (error, "%s: ", name);
      unlink (path);
    }
  return done;
}
