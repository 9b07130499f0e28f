/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-merge.h"

ColdMerge *
cold_merge_new (ColdSnapshot *snapshot)
{
  ColdMerge *merge = g_new0 (ColdMerge, 1);

  merge->snapshot = snapshot;
  merge->missing = g_ptr_array_new ();
  merge->concerned = g_hash_table_new (NULL, NULL);
  return merge;
}

void
cold_merge_free (ColdMerge *merge)
{
  cold_snapshot_unref (merge->snapshot);
  g_free (merge->pool_uuid);
  g_free (merge->domain_uuid);
  g_clear_pointer (&merge->seen, g_hash_table_unref);
  g_ptr_array_unref (merge->missing);
  g_hash_table_unref (merge->concerned);
  g_clear_object (&merge->task);
  g_free (merge);
}

/* Returns whether it was another one. */
static gboolean
replace (char **where, const char *value)
{
  if (g_strcmp0 (*where, value) == 0)
    return FALSE;
  g_free (*where);
  *where = g_strdup (value);
  return TRUE;
}

static gboolean
replace_number (guint64 *where, guint64 value)
{
  gboolean other = *where != value;

  *where = value;
  return other;
}

/* Domains were read apart from this, with their disks as they were then: which snapshots these have, and what file is at a path, is
 * another matter by now, and libvirt tells of neither. Those that run are told of by events, and write all the time. */
static void
note_content (const ColdMergeTarget *self, ColdMerge *merge, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = NULL;

  if (merge->all_domains)
    return;
  domains = cold_records_domains_of (self->records, volume);
  for (guint i = 0; i < domains->len; i++)
    if (!((ColdDomain *) g_ptr_array_index (domains, i))->info->active)
      g_hash_table_add (merge->concerned, g_ptr_array_index (domains, i));
}

static gboolean
take_over (ColdVolume *volume, const ColdVolume *before)
{
  if (!cold_file_id_same_content (&volume->file, &before->file) || !cold_volume_take_over (volume, before))
    return FALSE;
  g_message ("%s is what was %s: its policy, and what became of its upgrades, are kept", volume->path, before->path);
  return TRUE;
}

/* Which is new, or gone, first depends on the order of pools and names. */
static void
note_move_to (const ColdMergeTarget *self, ColdVolume *volume)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new ();
  const ColdVolume *before = NULL;

  cold_volume_index_list_gone (self->records->volumes, &volume->file, gone);
  for (guint i = 0; i < gone->len; i++)
    {
      const ColdVolume *one = g_ptr_array_index (gone, i);

      if (before == NULL || one->last_seen > before->last_seen)
        before = one;
    }
  if (before != NULL)
    take_over (volume, before);
}

static void
note_move_from (const ColdMergeTarget *self, const ColdVolume *before)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();

  cold_volume_index_list (self->records->volumes, NULL, &before->file, others);
  for (guint i = 0; i < others->len; i++)
    {
      ColdVolume *volume = g_ptr_array_index (others, i);

      if (take_over (volume, before))
        cold_inventory_volume_touch (self->inventory, volume);
    }
}

/* Whether the file that has the name of one that was gone is another one, made since. It may have the number of the old one. */
static gboolean
was_made_anew (const ColdVolume *volume, const ColdVolumeInfo *info)
{
  /* A file system that was mounted again may have another number. */
  if (!volume->gone || (volume->file.size == info->file.size && volume->file.mtime_ns == info->file.mtime_ns))
    return FALSE;
  return volume->file.inode != info->file.inode || info->born > volume->last_seen;
}

/* A folder is listed as it was at libvirt's last refresh: a file that is not there any more is gone, or has another name by now, which
 * the next one shows. Until then what is known of it is what that is known by. */
static gboolean
is_outdated (const ColdPool *pool, const ColdVolume *volume, const ColdVolumeInfo *info)
{
  return (g_str_equal (pool->type, "dir") || g_str_equal (pool->type, "fs")) && !volume->gone && volume->file.inode != 0
         && info->file.inode == 0;
}

static void
set_volume_gone (const ColdMergeTarget *self, ColdMerge *merge, ColdVolume *volume)
{
  note_content (self, merge, volume);
  merge->files_changed = TRUE;
  cold_volume_index_forget (self->records->volumes, volume);
  note_move_from (self, volume);
  volume->gone = TRUE;
  cold_inventory_volume_touch (self->inventory, volume);
}

static void
merge_volume (const ColdMergeTarget *self, const ColdPool *pool, const ColdVolumeInfo *info, ColdMerge *merge)
{
  ColdVolume *volume = cold_volume_index_lookup_name (self->records->volumes, pool->uuid, info->name);
  gint64 now = g_get_real_time ();
  gboolean changed = FALSE;
  gboolean is_new = volume == NULL;
  gboolean same;

  if (is_new)
    {
      volume = cold_volume_new (pool->uuid, info->name);
      volume->id = cold_store_next_volume_id (self->store);
      volume->first_seen = now;
      cold_volume_index_add (self->records->volumes, volume);
      changed = TRUE;
    }
  g_hash_table_add (merge->seen, volume);
  if (is_outdated (pool, volume, info))
    return;
  cold_volume_index_forget (self->records->volumes, volume);
  merge->files_changed |= changed || volume->gone || !cold_file_id_same_file (&volume->file, &info->file);
  changed |= volume->gone;
  if (was_made_anew (volume, info))
    cold_volume_make_anew (volume);
  volume->gone = FALSE;
  volume->last_seen = now;
  changed |= replace (&volume->key, info->key);
  changed |= replace (&volume->path, info->path);
  same = cold_file_id_same_content (&volume->file, &info->file);
  changed |= !same && (volume->file.inode != 0 || info->file.inode != 0);
  changed |= volume->file.nlink != info->file.nlink;
  volume->file = info->file;
  /* A base that is missing for the moment is still the base. */
  if (info->described || info->backing_file.inode != 0)
    {
      changed |= !cold_file_id_same_file (&volume->backing_file, &info->backing_file)
                 && (volume->backing_file.inode != 0 || info->backing_file.inode != 0);
      volume->backing_file = info->backing_file;
    }
  /* libvirt could not describe it: what was known stays. */
  if (*volume->type == '\0' && info->type != NULL)
    {
      replace (&volume->type, info->type);
      replace (&volume->format, info->format);
      changed = TRUE;
    }
  if (info->described)
    {
      /* A read that was under way together with another one describes what is known by now, and without a refresh of its own
       * it does not know how old that is. */
      volume->settled = info->settled || (volume->settled && same);
      changed |= replace (&volume->type, info->type);
      changed |= replace (&volume->format, info->format);
      changed |= replace (&volume->backing_path, info->backing_path);
      changed |= replace (&volume->backing_format, info->backing_format);
      changed |= replace_number (&volume->capacity, info->capacity);
      changed |= replace_number (&volume->allocation, info->allocation);
    }
  cold_volume_index_remember (self->records->volumes, volume);
  if (is_new)
    note_move_to (self, volume);
  if (!same)
    note_content (self, merge, volume);
  if (changed)
    cold_inventory_volume_touch (self->inventory, volume);
}

static ColdPool *
merge_pool (const ColdMergeTarget *self, const ColdPoolInfo *info)
{
  ColdPool *pool = g_hash_table_lookup (self->records->pools, info->uuid);
  gboolean changed = pool == NULL;

  if (pool == NULL)
    {
      pool = cold_pool_new (info->uuid);
      g_hash_table_insert (self->records->pools, pool->uuid, pool);
    }
  changed |= replace (&pool->uri, info->uri);
  changed |= replace (&pool->name, info->name);
  changed |= replace (&pool->type, info->type);
  changed |= replace (&pool->path, info->path != NULL ? info->path : "");
  changed |= replace (&pool->exported, info->exported);
  changed |= pool->active != info->active || pool->gone;
  changed |= info->active && pool->volume_count != info->volumes->len;
  pool->active = info->active;
  pool->gone = FALSE;
  if (info->active)
    pool->volume_count = info->volumes->len;
  cold_pool_watches_update (self->watches, pool);
  if (changed)
    cold_inventory_pool_touch (self->inventory, pool);
  return pool;
}

/* Whatever an active pool does not list any more is gone; an inactive one hides its volumes only. */
static void
end_pool (const ColdMergeTarget *self, const ColdPool *pool, ColdMerge *merge)
{
  GHashTable *names = cold_volume_index_get_pool (self->records->volumes, pool->uuid);
  GHashTableIter iter;
  gpointer value;

  if (!pool->active || names == NULL)
    return;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((ColdVolume *) value)->gone && !g_hash_table_contains (merge->seen, value))
      g_ptr_array_add (merge->missing, value);
}

static GPtrArray *
copy_values (GHashTable *table)
{
  GPtrArray *values = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (values, value);
  return values;
}

static void
set_pool_gone (const ColdMergeTarget *self, ColdPool *pool, GPtrArray *missing)
{
  GHashTable *names = cold_volume_index_get_pool (self->records->volumes, pool->uuid);
  GHashTableIter iter;
  gpointer value;

  if (pool->gone)
    return;
  pool->gone = TRUE;
  pool->active = FALSE;
  pool->volume_count = 0;
  cold_pool_watches_update (self->watches, pool);
  cold_inventory_pool_touch (self->inventory, pool);
  if (names == NULL)
    return;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((ColdVolume *) value)->gone)
      g_ptr_array_add (missing, value);
}

static gboolean
snapshot_has_pool (const ColdSnapshot *snapshot, const char *uuid)
{
  for (guint i = 0; i < snapshot->pools->len; i++)
    if (g_str_equal (((ColdPoolInfo *) g_ptr_array_index (snapshot->pools, i))->uuid, uuid))
      return TRUE;
  return FALSE;
}

static gboolean
snapshot_has_domain (const ColdSnapshot *snapshot, const char *uuid)
{
  for (guint i = 0; i < snapshot->domains->len; i++)
    if (g_str_equal (((ColdDomainInfo *) g_ptr_array_index (snapshot->domains, i))->uuid, uuid))
      return TRUE;
  return FALSE;
}

/* libvirt says the same as before; its disks may have been written to. */
static void
refresh_domain (const ColdMergeTarget *self, ColdDomain *domain, ColdDomainInfo *info)
{
  gboolean written = !info->active && !cold_domain_info_same_contents (domain->info, info);

  cold_domain_info_unref (domain->info);
  domain->info = cold_domain_info_ref (info);
  if (written)
    cold_inventory_domain_touch (self->inventory, domain);
}

static void
merge_domain (const ColdMergeTarget *self, const ColdMerge *merge, ColdDomainInfo *info)
{
  ColdDomain *domain = cold_records_ensure_domain (self->records, info->uuid);
  /* Of a domain that was not known before, the event of its start came without its disks. */
  gboolean started = info->active && (!domain->info->active || domain->info->disks->len == 0);
  gboolean stopped = !info->active && domain->info->active;

  if (!domain->gone && cold_domain_info_equal (domain->info, info))
    {
      refresh_domain (self, domain, info);
      return;
    }
  /* An event made us read this domain: the one that says how it stopped is most likely on its way, and here before the next
   * answer. */
  if (stopped && merge->domain_uuid != NULL && !domain->stop_doubted)
    {
      domain->stop_doubted = TRUE;
      cold_inventory_request_domain (self->inventory, merge->snapshot->uri, info->uuid);
      return;
    }
  domain->stop_doubted = FALSE;
  /* A run that ended while nobody told us, or even began: libvirt may know how. */
  if (stopped)
    cold_domain_note_stop (domain, info->shutoff != NULL ? info->shutoff : "unknown");
  else if (info->shutoff != NULL)
    cold_domain_set_last_stop (domain, info->shutoff);
  if (started)
    domain->last_start_time = g_get_real_time ();
  domain->gone = FALSE;
  cold_domain_info_unref (domain->info);
  domain->info = cold_domain_info_ref (info);
  cold_inventory_domain_touch (self->inventory, domain);
  if (started)
    g_signal_emit_by_name (self->inventory, "domain-started", domain);
  if (stopped)
    g_signal_emit_by_name (self->inventory, "domain-stopped", domain);
}

static void
set_domain_gone (const ColdMergeTarget *self, ColdDomain *domain)
{
  if (domain->gone)
    return;
  /* A transient one that ended while nobody told us. */
  if (domain->info->active)
    cold_domain_note_stop (domain, "unknown");
  domain->gone = TRUE;
  cold_inventory_domain_touch (self->inventory, domain);
}

static void
end_pools (const ColdMergeTarget *self, ColdMerge *merge)
{
  g_autoptr (GPtrArray) pools = copy_values (self->records->pools);

  for (guint i = 0; i < pools->len; i++)
    {
      ColdPool *pool = g_ptr_array_index (pools, i);
      gboolean asked = merge->all_pools ? g_str_equal (pool->uri, merge->snapshot->uri)
                                        : g_strcmp0 (pool->uuid, merge->pool_uuid) == 0;

      if (asked && !snapshot_has_pool (merge->snapshot, pool->uuid))
        set_pool_gone (self, pool, merge->missing);
    }
}

static void
end_domains (const ColdMergeTarget *self, const ColdMerge *merge)
{
  g_autoptr (GPtrArray) domains = copy_values (self->records->domains);

  for (guint i = 0; i < domains->len; i++)
    {
      ColdDomain *domain = g_ptr_array_index (domains, i);
      gboolean asked = merge->all_domains ? g_strcmp0 (domain->info->uri, merge->snapshot->uri) == 0
                                          : g_strcmp0 (domain->uuid, merge->domain_uuid) == 0;

      if (asked && !snapshot_has_domain (merge->snapshot, domain->uuid)
          && !cold_records_is_outdated (self->records, merge->snapshot, domain->uuid))
        set_domain_gone (self, domain);
    }
}

static void
request_domains (const ColdMergeTarget *self, const ColdMerge *merge)
{
  GHashTableIter iter;
  gpointer domain;

  if (merge->files_changed && !merge->all_domains)
    {
      g_hash_table_iter_init (&iter, self->records->domains);
      while (g_hash_table_iter_next (&iter, NULL, &domain))
        if (!((ColdDomain *) domain)->gone && cold_records_is_out_of_step (self->records, domain))
          g_hash_table_add (merge->concerned, domain);
    }
  g_hash_table_iter_init (&iter, merge->concerned);
  while (g_hash_table_iter_next (&iter, &domain, NULL))
    if (((ColdDomain *) domain)->info->uri != NULL)
      cold_inventory_request_domain (self->inventory, ((ColdDomain *) domain)->info->uri, ((ColdDomain *) domain)->uuid);
}

gboolean
cold_merge_step (ColdMerge *merge, const ColdMergeTarget *self)
{
  if (merge->missing->len > 0)
    {
      set_volume_gone (self, merge, g_ptr_array_steal_index_fast (merge->missing, merge->missing->len - 1));
      return TRUE;
    }
  if (merge->pool < merge->snapshot->pools->len)
    {
      const ColdPoolInfo *info = g_ptr_array_index (merge->snapshot->pools, merge->pool);
      ColdPool *pool;

      if (merge->seen == NULL)
        {
          merge_pool (self, info);
          merge->seen = g_hash_table_new (NULL, NULL);
          return TRUE;
        }
      pool = g_hash_table_lookup (self->records->pools, info->uuid);
      if (merge->volume < info->volumes->len)
        {
          merge_volume (self, pool, g_ptr_array_index (info->volumes, merge->volume++), merge);
          return TRUE;
        }
      end_pool (self, pool, merge);
      g_clear_pointer (&merge->seen, g_hash_table_unref);
      merge->volume = 0;
      merge->pool++;
      return TRUE;
    }
  if (merge->domain < merge->snapshot->domains->len)
    {
      ColdDomainInfo *info = g_ptr_array_index (merge->snapshot->domains, merge->domain++);

      if (!cold_records_is_outdated (self->records, merge->snapshot, info->uuid))
        merge_domain (self, merge, info);
      return TRUE;
    }
  if (merge->ended)
    {
      request_domains (self, merge);
      return FALSE;
    }
  merge->ended = TRUE;
  end_pools (self, merge);
  end_domains (self, merge);
  return TRUE;
}
