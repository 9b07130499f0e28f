/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-package-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"

#define PARTIAL ".part"
#define ABANDONED_SECONDS 3600
#define NS_PER_SEC G_GINT64_CONSTANT (1000000000)

struct _ColdPackageCache
{
  char *folder;
  GHashTable *used; /* (element-type utf8) hashes that must stay */
};

typedef struct
{
  char *path;
  guint64 size;
  gint64 used; /* nanoseconds since the epoch */
} CachedFile;

ColdPackageCache *
cold_package_cache_new (const char *catalogue)
{
  ColdPackageCache *self = g_new0 (ColdPackageCache, 1);

  self->folder = g_build_filename (catalogue, "packages", NULL);
  self->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
cold_package_cache_free (ColdPackageCache *self)
{
  if (self == NULL)
    return;
  g_free (self->folder);
  g_hash_table_unref (self->used);
  g_free (self);
}

char *
cold_package_cache_path (ColdPackageCache *self, const char *sha256)
{
  return g_strdup_printf ("%s/%.2s/%s", self->folder, sha256, sha256);
}

gboolean
cold_package_cache_touch (ColdPackageCache *self, const char *key, guint64 size, ColdPackageCheckFunc check, const char *identity)
{
  g_autofree char *path = cold_package_cache_path (self, key);
  g_autofree char *found = NULL;
  struct stat st;

  /* The content was checked when it got its name. What a disk did to it since would be found only when a bundle is made of it,
   * and each time again. */
  if (lstat (path, &st) < 0 || !S_ISREG (st.st_mode) || (guint64) st.st_size != size)
    return FALSE;
  found = check != NULL ? check (path, identity, NULL) : cold_file_sha256 (path, NULL, NULL);
  if (found == NULL || (check == NULL && !g_str_equal (found, key)))
    return FALSE;
  utimensat (AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
  g_hash_table_add (self->used, g_strdup (key));
  return TRUE;
}

gboolean
cold_package_cache_fetch (ColdPackageCache *self, ColdDownload *download, const char *uri, const char *sha256,
                          guint64 size, GError **error)
{
  g_autofree char *path = cold_package_cache_path (self, sha256);
  g_autofree char *partial = g_strconcat (path, PARTIAL, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0755) < 0)
    return cold_error_set_errno (error, errno, "cannot create %s", folder);
  if (!cold_download_file (download, uri, partial, size, sha256, error))
    return FALSE;
  if (rename (partial, path) < 0)
    return cold_error_set_errno (error, errno, "cannot rename %s", partial);
  g_hash_table_add (self->used, g_strdup (sha256));
  return TRUE;
}

gboolean
cold_package_cache_fetch_checked (ColdPackageCache *self, ColdDownload *download, const char *uri, const char *key,
                                  guint64 size, ColdPackageCheckFunc check, const char *identity, GError **error)
{
  g_autofree char *path = cold_package_cache_path (self, key);
  g_autofree char *partial = g_strconcat (path, PARTIAL, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *sha256 = NULL;

  if (g_mkdir_with_parents (folder, 0755) < 0)
    return cold_error_set_errno (error, errno, "cannot create %s", folder);
  if (!cold_download_file (download, uri, partial, size, NULL, error))
    return FALSE;
  sha256 = check (partial, identity, error);
  if (sha256 == NULL)
    {
      unlink (partial);
      g_prefix_error (error, "%s: ", uri);
      return FALSE;
    }
  if (rename (partial, path) < 0)
    return cold_error_set_errno (error, errno, "cannot rename %s", partial);
  g_hash_table_add (self->used, g_strdup (key));
  return TRUE;
}

static void
cached_file_free (CachedFile *file)
{
  g_free (file->path);
  g_free (file);
}

static int
compare_use (gconstpointer a, gconstpointer b)
{
  const CachedFile *const *x = a;
  const CachedFile *const *y = b;

  return (*x)->used < (*y)->used ? -1 : (*x)->used > (*y)->used;
}

static void
list_folder (const char *folder, GPtrArray *files, guint64 *total)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      CachedFile *file;
      struct stat st;

      if (lstat (path, &st) < 0)
        continue;
      if (S_ISDIR (st.st_mode))
        {
          list_folder (path, files, total);
          continue;
        }
      file = g_new0 (CachedFile, 1);
      file->path = g_steal_pointer (&path);
      file->size = st.st_size;
      file->used = st.st_mtim.tv_sec * NS_PER_SEC + st.st_mtim.tv_nsec;
      *total += file->size;
      g_ptr_array_add (files, file);
    }
}

/* Whoever was killed while it downloaded left that; each write says that somebody does still. */
static gboolean
is_abandoned (const CachedFile *file)
{
  return g_str_has_suffix (file->path, PARTIAL) && g_get_real_time () / G_USEC_PER_SEC - file->used / NS_PER_SEC > ABANDONED_SECONDS;
}

void
cold_package_cache_evict (ColdPackageCache *self, guint64 max)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) cached_file_free);
  guint64 total = 0;

  list_folder (self->folder, files, &total);
  g_ptr_array_sort (files, compare_use);
  for (guint i = 0; i < files->len; i++)
    {
      const CachedFile *file = g_ptr_array_index (files, i);
      g_autofree char *name = g_path_get_basename (file->path);

      if (total <= max && !is_abandoned (file))
        continue;
      if (!g_hash_table_contains (self->used, name) && unlink (file->path) == 0)
        total -= file->size;
    }
}
