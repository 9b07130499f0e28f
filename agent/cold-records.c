/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-records.h"

ColdRecords *
cold_records_new (void)
{
  ColdRecords *self = g_new0 (ColdRecords, 1);

  self->pools = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) cold_pool_free);
  self->domains = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) cold_domain_free);
  self->volumes = cold_volume_index_new ();
  self->marks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
cold_records_free (ColdRecords *self)
{
  g_hash_table_unref (self->marks);
  g_hash_table_unref (self->pools);
  g_hash_table_unref (self->domains);
  cold_volume_index_free (self->volumes);
  g_free (self);
}

void
cold_records_load (ColdRecords *self, ColdStore *store)
{
  g_autoptr (GPtrArray) pools = cold_store_load_pools (store);
  g_autoptr (GPtrArray) volumes = cold_store_load_volumes (store);
  g_autoptr (GPtrArray) domains = cold_store_load_domains (store);

  g_ptr_array_set_free_func (pools, NULL);
  g_ptr_array_set_free_func (volumes, NULL);
  g_ptr_array_set_free_func (domains, NULL);
  for (guint i = 0; i < pools->len; i++)
    {
      ColdPool *pool = g_ptr_array_index (pools, i);

      /* Until libvirt says so. */
      pool->active = FALSE;
      g_hash_table_insert (self->pools, pool->uuid, pool);
    }
  for (guint i = 0; i < volumes->len; i++)
    cold_volume_index_add (self->volumes, g_ptr_array_index (volumes, i));
  for (guint i = 0; i < domains->len; i++)
    {
      ColdDomain *domain = g_ptr_array_index (domains, i);

      g_hash_table_insert (self->domains, domain->uuid, domain);
    }
}

ColdDomain *
cold_records_ensure_domain (ColdRecords *self, const char *uuid)
{
  ColdDomain *domain = g_hash_table_lookup (self->domains, uuid);

  if (domain == NULL)
    {
      domain = cold_domain_new (uuid);
      g_hash_table_insert (self->domains, domain->uuid, domain);
    }
  return domain;
}

void
cold_records_mark_event (ColdRecords *self, const char *uuid, guint64 generation)
{
  g_hash_table_replace (self->marks, g_strdup (uuid), g_memdup2 (&generation, sizeof generation));
}

gboolean
cold_records_is_outdated (ColdRecords *self, const ColdSnapshot *snapshot, const char *uuid)
{
  const guint64 *mark = g_hash_table_lookup (self->marks, uuid);

  return mark != NULL && snapshot->generation < *mark;
}

ColdVolume *
cold_records_lookup_name (ColdRecords *self, const char *uuid_or_name, const char *name)
{
  const ColdPool *known = g_hash_table_lookup (self->pools, uuid_or_name);
  GHashTableIter iter;
  gpointer value;

  if (known != NULL)
    return known->gone ? NULL : cold_volume_index_lookup_name (self->volumes, known->uuid, name);
  g_hash_table_iter_init (&iter, self->pools);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdPool *pool = value;

      if (!pool->gone && g_str_equal (pool->name, uuid_or_name))
        return cold_volume_index_lookup_name (self->volumes, pool->uuid, name);
    }
  return NULL;
}

ColdDomain *
cold_records_lookup_domain (ColdRecords *self, const char *uuid_or_name)
{
  ColdDomain *domain = g_hash_table_lookup (self->domains, uuid_or_name);
  GHashTableIter iter;
  gpointer value;

  if (domain != NULL)
    return domain;
  g_hash_table_iter_init (&iter, self->domains);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      domain = value;
      if (!domain->gone && g_str_equal (domain->info->name, uuid_or_name))
        return domain;
    }
  return NULL;
}

GPtrArray *
cold_records_domains_of (ColdRecords *self, const ColdVolume *volume)
{
  GPtrArray *domains = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->domains);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((ColdDomain *) value)->gone && cold_domain_uses (value, volume->path, &volume->file))
      g_ptr_array_add (domains, value);
  return domains;
}

GPtrArray *
cold_records_departed_of (ColdRecords *self, const ColdVolume *volume)
{
  GPtrArray *domains = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->domains);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdDomain *domain = value;

      if (domain->gone && (domain->claimed || cold_domain_is_suspended_elsewhere (domain))
          && cold_domain_uses (domain, volume->path, &volume->file))
        g_ptr_array_add (domains, value);
    }
  return domains;
}

GPtrArray *
cold_records_volumes_of (ColdRecords *self, const ColdDomain *domain)
{
  GPtrArray *volumes = g_ptr_array_new ();

  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      ColdVolume *volume = cold_volume_index_lookup_file (self->volumes, &disk->file);

      if (volume == NULL && disk->path != NULL)
        volume = cold_volume_index_lookup_path (self->volumes, disk->path);
      if (volume != NULL && !disk->readonly && g_str_equal (disk->device, "disk")
          && !g_ptr_array_find (volumes, volume, NULL))
        g_ptr_array_add (volumes, volume);
    }
  return volumes;
}

GPtrArray *
cold_records_images_of (ColdRecords *self, const ColdDomain *domain)
{
  GPtrArray *volumes = g_ptr_array_new ();

  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

      cold_volume_index_list (self->volumes, disk->path, &disk->file, volumes);
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          cold_volume_index_list (self->volumes, member->path, &member->file, volumes);
        }
    }
  return volumes;
}

static const ColdPool *
find_active_pool (ColdRecords *self, const char *uri, const char *name)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->pools);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdPool *pool = value;

      if (pool->active && g_str_equal (pool->name, name) && g_strcmp0 (pool->uri, uri) == 0)
        return pool;
    }
  return NULL;
}

/* A volume that a disk names by its pool may come, and lead to another path, after the domain was read. */
static gboolean
is_path_outdated (ColdRecords *self, const char *uri, const ColdDisk *disk)
{
  const ColdPool *pool = disk->pool != NULL && disk->volume != NULL ? find_active_pool (self, uri, disk->pool) : NULL;
  const ColdVolume *volume = pool != NULL ? cold_volume_index_lookup_name (self->volumes, pool->uuid, disk->volume) : NULL;

  return volume != NULL && !volume->gone && g_strcmp0 (volume->path, disk->path) != 0;
}

static gboolean
is_file_outdated (ColdRecords *self, const char *path, const ColdFileId *file)
{
  const ColdVolume *there = path != NULL ? cold_volume_index_lookup_path (self->volumes, path) : NULL;

  if (there != NULL)
    return !cold_file_id_same_file (&there->file, file);
  /* Of another name: a symbolic link may lead there, or the file that was known is gone, and its number is used again. */
  return cold_volume_index_lookup_file (self->volumes, file) != NULL;
}

gboolean
cold_records_is_out_of_step (ColdRecords *self, const ColdDomain *domain)
{
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

      if (is_path_outdated (self, domain->info->uri, disk) || is_file_outdated (self, disk->path, &disk->file))
        return TRUE;
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          if (is_file_outdated (self, member->path, &member->file))
            return TRUE;
        }
    }
  return FALSE;
}

GHashTable *
cold_records_collect_known (ColdRecords *self, const char *pool_uuid)
{
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) cold_known_volume_free);
  GHashTable *table = pool_uuid != NULL ? cold_volume_index_get_pool (self->volumes, pool_uuid)
                                        : cold_volume_index_get_all (self->volumes);
  GHashTableIter iter;
  gpointer value;

  if (table == NULL)
    return known;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdVolume *volume = value;
      ColdKnownVolume *entry;

      if (volume->gone || !volume->settled)
        continue;
      entry = g_new0 (ColdKnownVolume, 1);
      entry->file = volume->file;
      entry->backing_path = g_strdup (volume->backing_path);
      g_hash_table_insert (known, g_strdup (volume->path), entry);
    }
  return known;
}
