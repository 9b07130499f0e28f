/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-volume-index.h"

/* Two pools may show one file, and a file may have two names: the volume with the lowest id is found, and the next one when that is
 * gone. */
typedef struct
{
  GHashTable *first;  /* (element-type ColdVolume): keys borrowed from the volumes */
  GHashTable *others; /* (element-type GPtrArray): which have the same key as another one; owns copies of the keys */
  gboolean are_paths; /* the keys; else files */
} Names;

struct ColdVolumeIndex
{
  GHashTable *by_id;   /* owns */
  GHashTable *by_pool; /* (element-type utf8 GHashTable<utf8 name, ColdVolume>) names borrowed from the volumes */
  Names by_path;
  Names by_file;
  Names gone_by_file;
};

static void
names_init (Names *names, GHashFunc hash, GEqualFunc equal, gboolean are_paths)
{
  names->first = g_hash_table_new (hash, equal);
  names->others = g_hash_table_new_full (hash, equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  names->are_paths = are_paths;
}

static void
names_clear (Names *names)
{
  g_hash_table_unref (names->first);
  g_hash_table_unref (names->others);
}

static gpointer
key_of (const Names *names, ColdVolume *volume)
{
  return names->are_paths ? (gpointer) volume->path : (gpointer) &volume->file;
}

static void
add_other (Names *names, ColdVolume *volume)
{
  gpointer key = key_of (names, volume);
  GPtrArray *others = g_hash_table_lookup (names->others, key);

  if (others == NULL)
    {
      others = g_ptr_array_new ();
      g_hash_table_insert (names->others,
                           names->are_paths ? (gpointer) g_strdup (key) : g_memdup2 (key, sizeof (ColdFileId)), others);
    }
  g_ptr_array_add (others, volume);
}

static void
names_remember (Names *names, ColdVolume *volume)
{
  ColdVolume *first = g_hash_table_lookup (names->first, key_of (names, volume));

  if (first == volume)
    return;
  if (first != NULL && first->id < volume->id)
    {
      add_other (names, volume);
      return;
    }
  g_hash_table_replace (names->first, key_of (names, volume), volume);
  if (first != NULL)
    add_other (names, first);
}

/* Returns: (nullable): out of @others */
static ColdVolume *
take_lowest (GPtrArray *others)
{
  guint lowest = 0;

  for (guint i = 1; i < others->len; i++)
    if (((ColdVolume *) g_ptr_array_index (others, i))->id < ((ColdVolume *) g_ptr_array_index (others, lowest))->id)
      lowest = i;
  return others->len > 0 ? g_ptr_array_steal_index_fast (others, lowest) : NULL;
}

static void
names_forget (Names *names, ColdVolume *volume)
{
  gpointer key = key_of (names, volume);
  GPtrArray *others = g_hash_table_lookup (names->others, key);

  if (others != NULL)
    g_ptr_array_remove_fast (others, volume);
  if (g_hash_table_lookup (names->first, key) == volume)
    {
      ColdVolume *next = others != NULL ? take_lowest (others) : NULL;

      g_hash_table_remove (names->first, key);
      if (next != NULL)
        g_hash_table_replace (names->first, key_of (names, next), next);
    }
  if (others != NULL && others->len == 0)
    g_hash_table_remove (names->others, key);
}

static void
names_list (const Names *names, gconstpointer key, GPtrArray *volumes)
{
  ColdVolume *first = g_hash_table_lookup (names->first, key);
  GPtrArray *others = g_hash_table_lookup (names->others, key);

  if (first != NULL && !g_ptr_array_find (volumes, first, NULL))
    g_ptr_array_add (volumes, first);
  for (guint i = 0; others != NULL && i < others->len; i++)
    if (!g_ptr_array_find (volumes, g_ptr_array_index (others, i), NULL))
      g_ptr_array_add (volumes, g_ptr_array_index (others, i));
}

ColdVolumeIndex *
cold_volume_index_new (void)
{
  ColdVolumeIndex *index = g_new0 (ColdVolumeIndex, 1);

  index->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) cold_volume_free);
  index->by_pool = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  names_init (&index->by_path, g_str_hash, g_str_equal, TRUE);
  names_init (&index->by_file, cold_file_id_hash, cold_file_id_equal, FALSE);
  names_init (&index->gone_by_file, cold_file_id_hash, cold_file_id_equal, FALSE);
  return index;
}

void
cold_volume_index_free (ColdVolumeIndex *index)
{
  names_clear (&index->gone_by_file);
  names_clear (&index->by_file);
  names_clear (&index->by_path);
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

static gboolean
is_file (const ColdFileId *file)
{
  return file->inode != 0 || file->rdev != 0;
}

void
cold_volume_index_forget (ColdVolumeIndex *index, ColdVolume *volume)
{
  names_forget (&index->by_path, volume);
  names_forget (volume->gone ? &index->gone_by_file : &index->by_file, volume);
}

void
cold_volume_index_remember (ColdVolumeIndex *index, ColdVolume *volume)
{
  if (volume->gone)
    {
      if (is_file (&volume->file))
        names_remember (&index->gone_by_file, volume);
      return;
    }
  if (*volume->path != '\0')
    names_remember (&index->by_path, volume);
  if (is_file (&volume->file))
    names_remember (&index->by_file, volume);
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
  return g_hash_table_lookup (index->by_path.first, path);
}

ColdVolume *
cold_volume_index_lookup_file (ColdVolumeIndex *index, const ColdFileId *file)
{
  return is_file (file) ? g_hash_table_lookup (index->by_file.first, file) : NULL;
}

void
cold_volume_index_list (ColdVolumeIndex *index, const char *path, const ColdFileId *file, GPtrArray *volumes)
{
  if (path != NULL && *path != '\0')
    names_list (&index->by_path, path, volumes);
  if (is_file (file))
    names_list (&index->by_file, file, volumes);
}

void
cold_volume_index_list_gone (ColdVolumeIndex *index, const ColdFileId *file, GPtrArray *volumes)
{
  if (is_file (file))
    names_list (&index->gone_by_file, file, volumes);
}
