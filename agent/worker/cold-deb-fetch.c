/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-fetch.h"

#include <unistd.h>

#include "cold-error.h"
#include "cold-unpack.h"

/* The smallest first. */
static const char *const suffixes[] = { ".xz", ".zst", ".gz", "" };

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

/* The compressed file, by its hash where the mirror offers that: names can change hands in the middle of an update. Mirrors that
 * do not have it, or forbid it, may well have the name. */
static gboolean
fetch (ColdDownload *download, const ColdDebRelease *release, const char *suite_uri, const char *name,
       const ColdDebFile *file, const char *to, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *by_hash = g_strdup_printf ("%s/by-hash/SHA256/%s", folder, file->sha256);
  g_autofree char *hash_uri = cold_uri_append (suite_uri, by_hash);
  g_autofree char *uri = cold_uri_append (suite_uri, name);

  if (release->by_hash && cold_download_file (download, hash_uri, to, file->size, file->sha256, NULL))
    return TRUE;
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
  const ColdDebFile *plain = g_hash_table_lookup (release->files, plain_name);
  gboolean done;

  if (file == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG,
                   "%s has no index %s: check Suites, Components and the architecture in its sources.d entry", suite_uri,
                   plain_name);
      return FALSE;
    }
  if (file->size > COLD_INDEX_MAX)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s: the index %s is said to have %" G_GUINT64_FORMAT
                   " bytes, which is too many", suite_uri, name, file->size);
      return FALSE;
    }
  done = fetch (download, release, suite_uri, name, file, compressed, error)
         && cold_unpack (compressed, path, plain != NULL ? plain->size : 0, plain != NULL ? plain->sha256 : NULL, error);
  unlink (compressed);
  if (!done)
    {
      g_prefix_error (error, "%s: ", name);
      unlink (path);
    }
  return done;
}
