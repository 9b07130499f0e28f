/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-volume-index.h"

struct ColdVolumeIndex
{
  GHashTable *by_id;   /* owns */
  GHashTable *by_pool; /* (element-type utf8 GHashTable<utf8 name, ColdVolume>) names borrowed from the volumes */
  GHashTable *by_path; /* paths borrowed from the volumes */
  GHashTable *by_file; /* files borrowed from the volumes */
};

ColdVolumeIndex *
cold_volume_index_new (void)
{
  ColdVolumeIndex *index = g_new0 (ColdVolumeIndex, 1);

  index->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) cold_volume_free);
  index->by_pool = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  index->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  index->by_file = g_hash_table_new (cold_file_id_hash, cold_file_id_equal);
  return index;
}

void
cold_volume_index_free (ColdVolumeIndex *index)
{
  g_hash_table_unref (index->by_file);
  g_hash_table_unref (index->by_path);
  g_hash_table_unref (index->by_pool);
  g_hash_table_unref (index->by_id);
  g_free (index);
}

void
cold_volume_index_add (ColdVolumeIndex *index, ColdVolume *volume)
{
  GHashTable *names = g_hash_table_lookup (index->by_pool, volume->pool_uuid);

  if (names == NULL)
    {
      names = g_hash_table_new (g_str_hash, g_str_equal);
      g_hash_table_insert (index->by_pool, g_strdup (volume->pool_uuid), names);
    }
  g_hash_table_insert (names, volume->name, volume);
  g_hash_table_insert (index->by_id, &volume->id, volume);
  cold_volume_index_remember (index, volume);
}

void
cold_volume_index_forget (ColdVolumeIndex *index, ColdVolume *volume)
{
  /* Two pools may show one file: only the one that is listed goes. */
  if (g_hash_table_lookup (index->by_path, volume->path) == volume)
    g_hash_table_remove (index->by_path, volume->path);
  if (g_hash_table_lookup (index->by_file, &volume->file) == volume)
    g_hash_table_remove (index->by_file, &volume->file);
}

void
cold_volume_index_remember (ColdVolumeIndex *index, ColdVolume *volume)
{
  if (volume->gone)
    return;
  if (*volume->path != '\0' && !g_hash_table_contains (index->by_path, volume->path))
    g_hash_table_insert (index->by_path, volume->path, volume);
  if ((volume->file.inode != 0 || volume->file.rdev != 0) && !g_hash_table_contains (index->by_file, &volume->file))
    g_hash_table_insert (index->by_file, &volume->file, volume);
}

GHashTable *
cold_volume_index_get_all (ColdVolumeIndex *index)
{
  return index->by_id;
}

GHashTable *
cold_volume_index_get_pool (ColdVolumeIndex *index, const char *pool_uuid)
{
  return g_hash_table_lookup (index->by_pool, pool_uuid);
}

ColdVolume *
cold_volume_index_lookup (ColdVolumeIndex *index, gint64 id)
{
  return g_hash_table_lookup (index->by_id, &id);
}

ColdVolume *
cold_volume_index_lookup_name (ColdVolumeIndex *index, const char *pool_uuid, const char *name)
{
  GHashTable *names = g_hash_table_lookup (index->by_pool, pool_uuid);

  return names != NULL ? g_hash_table_lookup (names, name) : NULL;
}

ColdVolume *
cold_volume_index_lookup_path (ColdVolumeIndex *index, const char *path)
{
  return g_hash_table_lookup (index->by_path, path);
}

ColdVolume *
cold_volume_index_lookup_file (ColdVolumeIndex *index, const ColdFileId *file)
{
  return file->inode != 0 || file->rdev != 0 ? g_hash_table_lookup (index->by_file, file) : NULL;
}
