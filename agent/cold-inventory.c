/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-inventory.h"

#include "cold-error.h"
#include "cold-names.h"
#include "cold-volume-index.h"
#include "cold-watch.h"

/* A turn of the main loop that puts a snapshot in. */
#define SLICE_US 10000

/* A snapshot on its way into the inventory, in slices: 10,000 volumes must not hold up the main loop. */
typedef struct
{
  ColdSnapshot *snapshot;
  gboolean all_pools;   /* pools of the connection that are not in it are gone */
  gboolean all_domains; /* likewise */
  char *pool_uuid;      /* (nullable): what was asked for: gone when it is not in it */
  char *domain_uuid;    /* (nullable): likewise */
  GTask *task;          /* (nullable): returned once everything is in */
  guint pool, volume, domain;
  GHashTable *seen;     /* (nullable) (element-type ColdVolume): of the pool that is being put in */
  GPtrArray *missing;   /* (element-type ColdVolume): to be marked gone, one a step */
  gboolean ended;       /* what was asked for and is not in the snapshot is in missing */
} Merge;

/* A read that is under way; whatever asks for the same meanwhile makes it run once more. */
typedef struct
{
  ColdInventory *inventory;
  ColdConnection *connection;
  char *uuid;
  gboolean is_domain;
  gboolean refresh;
  gboolean again;
  gboolean again_refresh;
} Read;

struct _ColdInventory
{
  GObject parent_instance;

  ColdStore *store;
  GPtrArray *connections; /* (element-type ColdConnection) */
  guint resync_seconds;
  guint resync_timer;
  GHashTable *pools;
  GHashTable *domains;
  ColdVolumeIndex *volumes;
  GHashTable *watches; /* (element-type utf8 ColdWatch): by pool UUID */
  GHashTable *blind;   /* (element-type utf8): UUIDs of pools whose folder could not be watched: told once */
  GHashTable *reads;   /* (element-type utf8 Read): by UUID */
  GHashTable *marks;   /* (element-type utf8 guint64*): by domain UUID: generation when its last event was heard */
  GQueue merges;       /* (element-type Merge) */
  guint merge_source;
};

enum
{
  POOL_CHANGED,
  VOLUME_CHANGED,
  DOMAIN_CHANGED,
  DOMAIN_STOPPED,
  DOMAIN_STARTED,
  DOMAIN_DEFINED,
  SYNCED,
  CONNECTION_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdInventory, cold_inventory, G_TYPE_OBJECT)

/* @snapshot: (transfer full) */
static Merge *
merge_new (ColdSnapshot *snapshot)
{
  Merge *merge = g_new0 (Merge, 1);

  merge->snapshot = snapshot;
  merge->missing = g_ptr_array_new ();
  return merge;
}

static void
merge_free (Merge *merge)
{
  cold_snapshot_unref (merge->snapshot);
  g_free (merge->pool_uuid);
  g_free (merge->domain_uuid);
  g_clear_pointer (&merge->seen, g_hash_table_unref);
  g_ptr_array_unref (merge->missing);
  g_clear_object (&merge->task);
  g_free (merge);
}

static void
cold_inventory_finalize (GObject *object)
{
  ColdInventory *self = COLD_INVENTORY (object);

  g_clear_handle_id (&self->resync_timer, g_source_remove);
  g_clear_handle_id (&self->merge_source, g_source_remove);
  g_queue_clear_full (&self->merges, (GDestroyNotify) merge_free);
  g_hash_table_unref (self->watches);
  g_hash_table_unref (self->blind);
  g_hash_table_unref (self->reads);
  g_hash_table_unref (self->marks);
  g_ptr_array_unref (self->connections);
  g_hash_table_unref (self->pools);
  g_hash_table_unref (self->domains);
  cold_volume_index_free (self->volumes);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (cold_inventory_parent_class)->finalize (object);
}

static void
cold_inventory_class_init (ColdInventoryClass *klass)
{
  const struct
  {
    const char *name;
    guint n;
  } table[N_SIGNALS] = {
    [POOL_CHANGED] = { "pool-changed", 1 },     [VOLUME_CHANGED] = { "volume-changed", 1 },
    [DOMAIN_CHANGED] = { "domain-changed", 1 }, [DOMAIN_STOPPED] = { "domain-stopped", 1 },
    [DOMAIN_STARTED] = { "domain-started", 1 }, [DOMAIN_DEFINED] = { "domain-defined", 1 },
    [SYNCED] = { "synced", 0 },                 [CONNECTION_CHANGED] = { "connection-changed", 0 },
  };

  G_OBJECT_CLASS (klass)->finalize = cold_inventory_finalize;
  for (guint i = 0; i < N_SIGNALS; i++)
    signals[i] = g_signal_new (table[i].name, COLD_TYPE_INVENTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                               table[i].n, G_TYPE_POINTER);
}

static void
cold_inventory_init (ColdInventory *self)
{
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->pools = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) cold_pool_free);
  self->domains = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) cold_domain_free);
  self->volumes = cold_volume_index_new ();
  self->watches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->blind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->reads = g_hash_table_new (g_str_hash, g_str_equal);
  self->marks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_queue_init (&self->merges);
}

void
cold_inventory_volume_touch (ColdInventory *self, ColdVolume *volume)
{
  /* Callers may have set the file: the index borrows it. */
  cold_volume_index_forget (self->volumes, volume);
  cold_volume_index_remember (self->volumes, volume);
  cold_store_save_volume (self->store, volume);
  g_signal_emit (self, signals[VOLUME_CHANGED], 0, volume);
}

void
cold_inventory_pool_touch (ColdInventory *self, ColdPool *pool)
{
  cold_store_save_pool (self->store, pool);
  g_signal_emit (self, signals[POOL_CHANGED], 0, pool);
}

void
cold_inventory_domain_touch (ColdInventory *self, ColdDomain *domain)
{
  cold_store_save_domain (self->store, domain);
  g_signal_emit (self, signals[DOMAIN_CHANGED], 0, domain);
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

static void
set_volume_gone (ColdInventory *self, ColdVolume *volume)
{
  cold_volume_index_forget (self->volumes, volume);
  volume->gone = TRUE;
  cold_inventory_volume_touch (self, volume);
}

static void
merge_volume (ColdInventory *self, const ColdPool *pool, const ColdVolumeInfo *info, GHashTable *seen)
{
  ColdVolume *volume = cold_volume_index_lookup_name (self->volumes, pool->uuid, info->name);
  gint64 now = g_get_real_time ();
  gboolean changed = FALSE;

  if (volume == NULL)
    {
      volume = cold_volume_new (pool->uuid, info->name);
      volume->id = cold_store_next_volume_id (self->store);
      volume->first_seen = now;
      cold_volume_index_add (self->volumes, volume);
      changed = TRUE;
    }
  g_hash_table_add (seen, volume);
  cold_volume_index_forget (self->volumes, volume);
  changed |= volume->gone;
  volume->gone = FALSE;
  volume->last_seen = now;
  changed |= replace (&volume->key, info->key);
  changed |= replace (&volume->path, info->path);
  changed |= !cold_file_id_same_content (&volume->file, &info->file)
             && (volume->file.inode != 0 || info->file.inode != 0);
  changed |= volume->file.nlink != info->file.nlink;
  volume->file = info->file;
  /* libvirt could not describe it: what was known stays. */
  if (*volume->type == '\0' && info->type != NULL)
    {
      replace (&volume->type, info->type);
      replace (&volume->format, info->format);
      changed = TRUE;
    }
  if (info->described)
    {
      changed |= replace (&volume->type, info->type);
      changed |= replace (&volume->format, info->format);
      changed |= replace (&volume->backing_path, info->backing_path);
      changed |= replace (&volume->backing_format, info->backing_format);
      changed |= replace_number (&volume->capacity, info->capacity);
      changed |= replace_number (&volume->allocation, info->allocation);
    }
  cold_volume_index_remember (self->volumes, volume);
  if (changed)
    cold_inventory_volume_touch (self, volume);
}

static void
update_watch (ColdInventory *self, const ColdPool *pool);

static ColdPool *
merge_pool (ColdInventory *self, const ColdPoolInfo *info)
{
  ColdPool *pool = g_hash_table_lookup (self->pools, info->uuid);
  gboolean changed = pool == NULL;

  if (pool == NULL)
    {
      pool = cold_pool_new (info->uuid);
      g_hash_table_insert (self->pools, pool->uuid, pool);
    }
  changed |= replace (&pool->uri, info->uri);
  changed |= replace (&pool->name, info->name);
  changed |= replace (&pool->type, info->type);
  changed |= replace (&pool->path, info->path != NULL ? info->path : "");
  changed |= pool->active != info->active || pool->gone;
  changed |= info->active && pool->volume_count != info->volumes->len;
  pool->active = info->active;
  pool->gone = FALSE;
  if (info->active)
    pool->volume_count = info->volumes->len;
  update_watch (self, pool);
  if (changed)
    cold_inventory_pool_touch (self, pool);
  return pool;
}

/* Whatever an active pool does not list any more is gone; an inactive one hides its volumes only. */
static void
end_pool (ColdInventory *self, const ColdPool *pool, Merge *merge)
{
  GHashTable *names = cold_volume_index_get_pool (self->volumes, pool->uuid);
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
set_pool_gone (ColdInventory *self, ColdPool *pool, GPtrArray *missing)
{
  GHashTable *names = cold_volume_index_get_pool (self->volumes, pool->uuid);
  GHashTableIter iter;
  gpointer value;

  if (pool->gone)
    return;
  pool->gone = TRUE;
  pool->active = FALSE;
  pool->volume_count = 0;
  update_watch (self, pool);
  cold_inventory_pool_touch (self, pool);
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

static gboolean
disks_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const ColdDisk *left = g_ptr_array_index (a, i), *right = g_ptr_array_index (b, i);

      if (g_strcmp0 (left->target, right->target) != 0 || g_strcmp0 (left->path, right->path) != 0
          || g_strcmp0 (left->format, right->format) != 0 || !cold_file_id_same_file (&left->file, &right->file)
          || left->readonly != right->readonly || left->shareable != right->shareable
          || left->transient != right->transient || left->chain->len != right->chain->len)
        return FALSE;
      for (guint j = 0; j < left->chain->len; j++)
        {
          const ColdChainMember *below = g_ptr_array_index (left->chain, j);
          const ColdChainMember *other = g_ptr_array_index (right->chain, j);

          if (g_strcmp0 (below->path, other->path) != 0 || g_strcmp0 (below->format, other->format) != 0
              || !cold_file_id_same_file (&below->file, &other->file))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
infos_equal (const ColdDomainInfo *a, const ColdDomainInfo *b)
{
  return g_strcmp0 (a->name, b->name) == 0 && g_strcmp0 (a->state, b->state) == 0 && a->active == b->active
         && a->persistent == b->persistent && a->managed_save == b->managed_save && a->snapshots == b->snapshots
         && a->memory_snapshots == b->memory_snapshots && a->external_snapshots == b->external_snapshots
         && a->checkpoints == b->checkpoints && g_strcmp0 (a->arch, b->arch) == 0 && disks_equal (a->disks, b->disks);
}

static ColdDomain *
ensure_domain (ColdInventory *self, const char *uuid)
{
  ColdDomain *domain = g_hash_table_lookup (self->domains, uuid);

  if (domain == NULL)
    {
      domain = cold_domain_new (uuid);
      g_hash_table_insert (self->domains, domain->uuid, domain);
    }
  return domain;
}

static void
note_stop (ColdInventory *self, ColdDomain *domain, const char *how)
{
  domain->info->active = FALSE;
  replace (&domain->info->state, "shutoff");
  replace (&domain->last_stop, how);
  domain->last_stop_time = g_get_real_time ();
}

/*
 * Whether @snapshot was begun before the domain's last event. A guest that shuts down sends "shutdown" and, moments later,
 * "stopped": the read that the first asked for still sees it running, and must not undo what the second has told. Every event
 * asks for a read of its own, which is newer.
 */
static gboolean
is_outdated (ColdInventory *self, const ColdSnapshot *snapshot, const char *uuid)
{
  const guint64 *mark = g_hash_table_lookup (self->marks, uuid);

  return mark != NULL && snapshot->generation < *mark;
}

static void
merge_domain (ColdInventory *self, ColdDomainInfo *info)
{
  ColdDomain *domain = ensure_domain (self, info->uuid);
  gboolean started = info->active && !domain->info->active;
  gboolean stopped = !info->active && domain->info->active;

  if (!domain->gone && infos_equal (domain->info, info))
    return;
  /* A run that began or ended while nobody told us: how it ended is not known. */
  if (stopped)
    note_stop (self, domain, "unknown");
  if (started)
    domain->last_start_time = g_get_real_time ();
  domain->gone = FALSE;
  cold_domain_info_unref (domain->info);
  domain->info = cold_domain_info_ref (info);
  cold_inventory_domain_touch (self, domain);
  if (started)
    g_signal_emit (self, signals[DOMAIN_STARTED], 0, domain);
  if (stopped)
    g_signal_emit (self, signals[DOMAIN_STOPPED], 0, domain);
}

static void
set_domain_gone (ColdInventory *self, ColdDomain *domain)
{
  if (domain->gone)
    return;
  domain->gone = TRUE;
  domain->info->active = FALSE;
  cold_inventory_domain_touch (self, domain);
}

static void
end_pools (ColdInventory *self, Merge *merge)
{
  g_autoptr (GPtrArray) pools = copy_values (self->pools);

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
end_domains (ColdInventory *self, const Merge *merge)
{
  g_autoptr (GPtrArray) domains = copy_values (self->domains);

  for (guint i = 0; i < domains->len; i++)
    {
      ColdDomain *domain = g_ptr_array_index (domains, i);
      gboolean asked = merge->all_domains ? g_strcmp0 (domain->info->uri, merge->snapshot->uri) == 0
                                          : g_strcmp0 (domain->uuid, merge->domain_uuid) == 0;

      if (asked && !snapshot_has_domain (merge->snapshot, domain->uuid)
          && !is_outdated (self, merge->snapshot, domain->uuid))
        set_domain_gone (self, domain);
    }
}

/* Puts one thing in. Returns: whether there is more */
static gboolean
merge_step (ColdInventory *self, Merge *merge)
{
  if (merge->missing->len > 0)
    {
      set_volume_gone (self, g_ptr_array_steal_index_fast (merge->missing, merge->missing->len - 1));
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
      pool = g_hash_table_lookup (self->pools, info->uuid);
      if (merge->volume < info->volumes->len)
        {
          merge_volume (self, pool, g_ptr_array_index (info->volumes, merge->volume++), merge->seen);
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

      if (!is_outdated (self, merge->snapshot, info->uuid))
        merge_domain (self, info);
      return TRUE;
    }
  if (merge->ended)
    return FALSE;
  merge->ended = TRUE;
  end_pools (self, merge);
  end_domains (self, merge);
  return TRUE;
}

static gboolean
on_merge (gpointer user_data)
{
  ColdInventory *self = user_data;
  gint64 end = g_get_monotonic_time () + SLICE_US;

  while (g_get_monotonic_time () < end)
    {
      Merge *merge = g_queue_peek_head (&self->merges);
      gboolean synced;

      if (merge == NULL)
        {
          self->merge_source = 0;
          return G_SOURCE_REMOVE;
        }
      if (merge_step (self, merge))
        continue;
      g_queue_pop_head (&self->merges);
      synced = merge->all_pools && merge->all_domains;
      if (merge->task != NULL)
        g_task_return_boolean (merge->task, TRUE);
      merge_free (merge);
      if (synced)
        g_signal_emit (self, signals[SYNCED], 0);
    }
  return G_SOURCE_CONTINUE;
}

static void
push_merge (ColdInventory *self, Merge *merge)
{
  g_queue_push_tail (&self->merges, merge);
  /* Above idle: what follows from it (bus, scheduler) works with a whole picture. */
  if (self->merge_source == 0)
    self->merge_source = g_idle_add_full (G_PRIORITY_DEFAULT, on_merge, self, NULL);
}

/* What is known of the volumes of one pool, or of all: what is the same is not described again. */
static GHashTable *
collect_known (ColdInventory *self, const char *pool_uuid)
{
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
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

      if (!volume->gone && *volume->type != '\0')
        g_hash_table_insert (known, g_strdup (volume->path), g_memdup2 (&volume->file, sizeof volume->file));
    }
  return known;
}

static void run_read (Read *read);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Read *read = user_data;
  g_autoptr (ColdInventory) self = read->inventory;
  g_autoptr (GError) error = NULL;
  ColdSnapshot *snapshot = cold_connection_read_finish (COLD_CONNECTION (source), result, &error);

  if (snapshot != NULL)
    {
      Merge *merge = merge_new (snapshot);

      *(read->is_domain ? &merge->domain_uuid : &merge->pool_uuid) = g_strdup (read->uuid);
      push_merge (self, merge);
    }
  else
    g_debug ("%s: %s", read->uuid, error->message);
  /* Also when this one has failed: what was asked for meanwhile is another state of the world. */
  if (read->again && cold_connection_is_connected (read->connection))
    {
      read->again = FALSE;
      read->refresh = read->again_refresh;
      read->again_refresh = FALSE;
      read->inventory = g_object_ref (self);
      run_read (read);
      return;
    }
  g_hash_table_remove (self->reads, read->uuid);
  g_object_unref (read->connection);
  g_free (read->uuid);
  g_free (read);
}

static void
run_read (Read *read)
{
  if (read->is_domain)
    cold_connection_read_domains_async (read->connection, read->uuid, NULL, on_read, read);
  else
    cold_connection_read_async (read->connection, read->uuid, read->refresh, FALSE,
                                collect_known (read->inventory, read->uuid), NULL, on_read, read);
}

static void
request (ColdInventory *self, ColdConnection *connection, const char *uuid, gboolean is_domain, gboolean refresh)
{
  Read *read = g_hash_table_lookup (self->reads, uuid);

  if (read != NULL)
    {
      read->again = TRUE;
      read->again_refresh |= refresh;
      return;
    }
  read = g_new0 (Read, 1);
  read->inventory = g_object_ref (self);
  read->connection = g_object_ref (connection);
  read->uuid = g_strdup (uuid);
  read->is_domain = is_domain;
  read->refresh = refresh;
  g_hash_table_insert (self->reads, read->uuid, read);
  run_read (read);
}

static ColdConnection *
find_connection (ColdInventory *self, const char *uri)
{
  for (guint i = 0; i < self->connections->len; i++)
    if (g_str_equal (cold_connection_get_uri (g_ptr_array_index (self->connections, i)), uri))
      return g_ptr_array_index (self->connections, i);
  return NULL;
}

static void
on_folder_changed (ColdWatch *watch, gboolean listing, ColdInventory *self)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const ColdPool *pool = g_hash_table_lookup (self->pools, key);
      ColdConnection *connection = pool != NULL ? find_connection (self, pool->uri) : NULL;

      if (value != watch || connection == NULL)
        continue;
      /* libvirt does not look by itself: only a refresh shows it, and us, new names. */
      request (self, connection, key, FALSE, listing);
      return;
    }
}

static void
update_watch (ColdInventory *self, const ColdPool *pool)
{
  gboolean wanted = pool->active && !pool->gone && *pool->path == '/'
                    && (g_str_equal (pool->type, "dir") || g_str_equal (pool->type, "fs"));
  ColdWatch *watch = g_hash_table_lookup (self->watches, pool->uuid);
  g_autoptr (GError) error = NULL;

  if (wanted && watch != NULL && cold_watch_is_alive (watch) && g_str_equal (cold_watch_get_path (watch), pool->path))
    return;
  g_hash_table_remove (self->watches, pool->uuid);
  if (!wanted)
    return;
  watch = cold_watch_new (pool->path, &error);
  if (watch == NULL)
    {
      if (g_hash_table_add (self->blind, g_strdup (pool->uuid)))
        g_warning ("pool %s: %s; changes are seen at the next resync", pool->name, error->message);
      return;
    }
  g_hash_table_remove (self->blind, pool->uuid);
  g_signal_connect_object (watch, "changed", G_CALLBACK (on_folder_changed), self, 0);
  g_hash_table_insert (self->watches, g_strdup (pool->uuid), watch);
}

static void
on_pool_event (ColdConnection *connection, const char *uuid, const char *event, ColdInventory *self)
{
  ColdPool *pool = g_hash_table_lookup (self->pools, uuid);

  /* Its blockers change at once; the rest is read. */
  if (g_str_equal (event, "stopped") && pool != NULL && pool->active)
    {
      pool->active = FALSE;
      update_watch (self, pool);
      cold_inventory_pool_touch (self, pool);
    }
  request (self, connection, uuid, FALSE, FALSE);
}

/* Its images may have another size and time now: no refresh is needed to see that. */
static void
reread_pools_of (ColdInventory *self, ColdConnection *connection, const ColdDomain *domain)
{
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      const ColdVolume *volume = disk->path != NULL ? cold_inventory_lookup_path (self, disk->path) : NULL;

      if (volume != NULL)
        request (self, connection, volume->pool_uuid, FALSE, FALSE);
    }
}

static void
on_domain_event (ColdConnection *connection, const char *uuid, const char *name, const char *event, const char *detail,
                 ColdInventory *self)
{
  guint64 generation = cold_connection_get_generation (connection);
  ColdDomain *domain;

  if (g_str_has_prefix (name, COLD_GATE_DOMAIN_PREFIX))
    return;
  g_hash_table_replace (self->marks, g_strdup (uuid), g_memdup2 (&generation, sizeof generation));
  domain = ensure_domain (self, uuid);
  if (g_str_equal (event, "started"))
    {
      domain->gone = FALSE;
      domain->info->active = TRUE;
      replace (&domain->info->state, "running");
      replace (&domain->info->name, name);
      domain->last_start_time = g_get_real_time ();
      cold_inventory_domain_touch (self, domain);
      g_signal_emit (self, signals[DOMAIN_STARTED], 0, domain);
    }
  else if (g_str_equal (event, "stopped"))
    {
      note_stop (self, domain, detail);
      cold_inventory_domain_touch (self, domain);
      reread_pools_of (self, connection, domain);
      g_signal_emit (self, signals[DOMAIN_STOPPED], 0, domain);
    }
  else if (g_str_equal (event, "defined"))
    g_signal_emit (self, signals[DOMAIN_DEFINED], 0, domain);
  request (self, connection, uuid, TRUE, FALSE);
}

typedef struct
{
  ColdInventory *inventory;
  GTask *task; /* (nullable) */
} Sync;

static void
on_synced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sync *sync = user_data;
  g_autoptr (ColdInventory) self = sync->inventory;
  g_autoptr (GError) error = NULL;
  ColdSnapshot *snapshot = cold_connection_read_finish (COLD_CONNECTION (source), result, &error);

  if (snapshot != NULL)
    {
      Merge *merge = merge_new (snapshot);

      merge->all_pools = merge->all_domains = TRUE;
      merge->task = sync->task;
      push_merge (self, merge);
    }
  else
    {
      g_message ("%s cannot be read: %s", cold_connection_get_uri (COLD_CONNECTION (source)), error->message);
      if (sync->task != NULL)
        g_task_return_error (sync->task, g_steal_pointer (&error));
      g_clear_object (&sync->task);
    }
  g_free (sync);
}

/* @task: (transfer full) (nullable) */
static void
sync_connection (ColdInventory *self, ColdConnection *connection, gboolean refresh, GTask *task)
{
  Sync *sync = g_new0 (Sync, 1);

  sync->inventory = g_object_ref (self);
  sync->task = task;
  cold_connection_read_async (connection, NULL, refresh, TRUE, collect_known (self, NULL), NULL, on_synced, sync);
}

static void
on_connected (ColdConnection *connection, ColdInventory *self)
{
  g_message ("connected to %s", cold_connection_get_uri (connection));
  /* A file that came while the agent was not running is in no listing before a refresh. */
  sync_connection (self, connection, TRUE, NULL);
  g_signal_emit (self, signals[CONNECTION_CHANGED], 0);
}

static void
on_disconnected (ColdConnection *connection, const char *why, ColdInventory *self)
{
  g_warning ("%s cannot be reached: %s; it is tried again by itself", cold_connection_get_uri (connection), why);
  g_signal_emit (self, signals[CONNECTION_CHANGED], 0);
}

static void
load_store (ColdInventory *self)
{
  g_autoptr (GPtrArray) pools = cold_store_load_pools (self->store);
  g_autoptr (GPtrArray) volumes = cold_store_load_volumes (self->store);
  g_autoptr (GPtrArray) domains = cold_store_load_domains (self->store);

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

ColdInventory *
cold_inventory_new (ColdStore *store, const char *const *uris, guint resync_seconds)
{
  ColdInventory *self = g_object_new (COLD_TYPE_INVENTORY, NULL);

  self->store = g_object_ref (store);
  self->resync_seconds = resync_seconds;
  for (; *uris != NULL; uris++)
    {
      ColdConnection *connection = cold_connection_new (*uris);

      g_signal_connect_object (connection, "connected", G_CALLBACK (on_connected), self, 0);
      g_signal_connect_object (connection, "disconnected", G_CALLBACK (on_disconnected), self, 0);
      g_signal_connect_object (connection, "pool-event", G_CALLBACK (on_pool_event), self, 0);
      g_signal_connect_object (connection, "domain-event", G_CALLBACK (on_domain_event), self, 0);
      g_ptr_array_add (self->connections, connection);
    }
  load_store (self);
  return self;
}

static gboolean
on_resync (gpointer user_data)
{
  ColdInventory *self = user_data;

  for (guint i = 0; i < self->connections->len; i++)
    sync_connection (self, g_ptr_array_index (self->connections, i), TRUE, NULL);
  return G_SOURCE_CONTINUE;
}

void
cold_inventory_start (ColdInventory *self)
{
  for (guint i = 0; i < self->connections->len; i++)
    cold_connection_start (g_ptr_array_index (self->connections, i));
  self->resync_timer = g_timeout_add_seconds (self->resync_seconds, on_resync, self);
}

gboolean
cold_inventory_is_connected (ColdInventory *self)
{
  for (guint i = 0; i < self->connections->len; i++)
    if (!cold_connection_is_connected (g_ptr_array_index (self->connections, i)))
      return FALSE;
  return TRUE;
}

guint64
cold_inventory_get_generation (ColdInventory *self)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->connections->len; i++)
    sum += cold_connection_get_generation (g_ptr_array_index (self->connections, i));
  return sum;
}

GPtrArray *
cold_inventory_get_connections (ColdInventory *self)
{
  GPtrArray *connections = g_ptr_array_new ();

  g_ptr_array_extend (connections, self->connections, NULL, NULL);
  return connections;
}

GHashTable *
cold_inventory_get_pools (ColdInventory *self)
{
  return self->pools;
}

GHashTable *
cold_inventory_get_volumes (ColdInventory *self)
{
  return cold_volume_index_get_all (self->volumes);
}

GHashTable *
cold_inventory_get_domains (ColdInventory *self)
{
  return self->domains;
}

ColdVolume *
cold_inventory_lookup_volume (ColdInventory *self, gint64 id)
{
  return cold_volume_index_lookup (self->volumes, id);
}

ColdVolume *
cold_inventory_lookup_path (ColdInventory *self, const char *path)
{
  return cold_volume_index_lookup_path (self->volumes, path);
}

ColdVolume *
cold_inventory_lookup_name (ColdInventory *self, const char *pool_name, const char *name)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->pools);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdPool *pool = value;

      if (!pool->gone && g_str_equal (pool->name, pool_name))
        return cold_volume_index_lookup_name (self->volumes, pool->uuid, name);
    }
  return NULL;
}

ColdVolume *
cold_inventory_lookup_file (ColdInventory *self, const ColdFileId *file)
{
  return cold_volume_index_lookup_file (self->volumes, file);
}

ColdPool *
cold_inventory_lookup_pool (ColdInventory *self, const char *uuid)
{
  return g_hash_table_lookup (self->pools, uuid);
}

ColdDomain *
cold_inventory_lookup_domain (ColdInventory *self, const char *uuid_or_name)
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

static gboolean
disk_uses (const ColdDisk *disk, const ColdFileId *file)
{
  if (cold_file_id_same_file (&disk->file, file))
    return TRUE;
  for (guint i = 0; i < disk->chain->len; i++)
    if (cold_file_id_same_file (&((ColdChainMember *) g_ptr_array_index (disk->chain, i))->file, file))
      return TRUE;
  return FALSE;
}

GPtrArray *
cold_inventory_domains_of (ColdInventory *self, const ColdVolume *volume)
{
  GPtrArray *domains = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->domains);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdDomain *domain = value;

      for (guint i = 0; !domain->gone && i < domain->info->disks->len; i++)
        {
          const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

          /* After an exchange the path leads to a new file before the domain is read again. */
          if (disk_uses (disk, &volume->file) || (*volume->path != '\0' && g_strcmp0 (disk->path, volume->path) == 0))
            {
              g_ptr_array_add (domains, value);
              break;
            }
        }
    }
  return domains;
}

GPtrArray *
cold_inventory_volumes_of (ColdInventory *self, const ColdDomain *domain)
{
  GPtrArray *volumes = g_ptr_array_new ();

  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      ColdVolume *volume = cold_inventory_lookup_file (self, &disk->file);

      if (volume == NULL && disk->path != NULL)
        volume = cold_inventory_lookup_path (self, disk->path);
      if (volume != NULL && !disk->readonly && g_str_equal (disk->device, "disk")
          && !g_ptr_array_find (volumes, volume, NULL))
        g_ptr_array_add (volumes, volume);
    }
  return volumes;
}

/* Counts answers: the outer task is returned when all inner ones are. */
typedef struct
{
  guint waiting;
  GError *error;
  guint deadline;
  gboolean returned;
} Gather;

static void
gather_free (Gather *gather)
{
  g_clear_error (&gather->error);
  g_clear_handle_id (&gather->deadline, g_source_remove);
  g_free (gather);
}

static void
gather_one (GTask *outer, GError *error)
{
  Gather *gather = g_task_get_task_data (outer);

  gather->waiting--;
  if (gather->error == NULL)
    gather->error = error;
  else
    g_clear_error (&error);
  if (gather->returned || (gather->waiting > 0 && gather->error == NULL))
    return;
  gather->returned = TRUE;
  g_clear_handle_id (&gather->deadline, g_source_remove);
  if (gather->error != NULL)
    g_task_return_error (outer, g_steal_pointer (&gather->error));
  else
    g_task_return_boolean (outer, TRUE);
}

static void
on_gathered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) outer = user_data;
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  gather_one (outer, error);
}

void
cold_inventory_resync_async (ColdInventory *self, const char *pool_uuid, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) outer = g_task_new (self, cancellable, callback, user_data);
  Gather *gather = g_new0 (Gather, 1);
  const ColdPool *pool = pool_uuid != NULL ? g_hash_table_lookup (self->pools, pool_uuid) : NULL;

  g_task_set_task_data (outer, gather, (GDestroyNotify) gather_free);
  if (pool_uuid != NULL && pool == NULL)
    {
      g_task_return_new_error (outer, COLD_ERROR, COLD_ERROR_NOT_FOUND, "there is no pool %s", pool_uuid);
      return;
    }
  for (guint i = 0; i < self->connections->len; i++)
    {
      ColdConnection *connection = g_ptr_array_index (self->connections, i);

      /* A single pool is read together with the rest of its connection: domains may have come with it. */
      if (pool != NULL && !g_str_equal (pool->uri, cold_connection_get_uri (connection)))
        continue;
      gather->waiting++;
      sync_connection (self, connection, TRUE, g_task_new (self, NULL, on_gathered, g_object_ref (outer)));
    }
  if (gather->waiting == 0)
    g_task_return_boolean (outer, TRUE);
}

gboolean
cold_inventory_resync_finish (ColdInventory *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_domains_reread (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) outer = user_data;
  ColdInventory *self = g_task_get_source_object (outer);
  GError *error = NULL;
  ColdSnapshot *snapshot = cold_connection_read_finish (COLD_CONNECTION (source), result, &error);
  Merge *merge;

  if (snapshot == NULL)
    {
      gather_one (outer, error);
      return;
    }
  merge = merge_new (snapshot);
  merge->all_domains = TRUE;
  merge->task = g_task_new (self, NULL, on_gathered, g_steal_pointer (&outer));
  push_merge (self, merge);
}

static gboolean
on_deadline (gpointer user_data)
{
  GTask *outer = user_data;
  Gather *gather = g_task_get_task_data (outer);

  gather->deadline = 0;
  gather->returned = TRUE;
  g_task_return_new_error (outer, COLD_ERROR, COLD_ERROR_NOT_CONNECTED,
                           "libvirt did not answer in time; it may be busy starting a domain: try again later");
  return G_SOURCE_REMOVE;
}

void
cold_inventory_reread_domains_async (ColdInventory *self, guint deadline_ms, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) outer = g_task_new (self, cancellable, callback, user_data);
  Gather *gather = g_new0 (Gather, 1);

  g_task_set_task_data (outer, gather, (GDestroyNotify) gather_free);
  gather->waiting = self->connections->len;
  gather->deadline = g_timeout_add_full (G_PRIORITY_DEFAULT, deadline_ms, on_deadline, g_object_ref (outer),
                                         g_object_unref);
  for (guint i = 0; i < self->connections->len; i++)
    cold_connection_read_domains_async (g_ptr_array_index (self->connections, i), NULL, cancellable, on_domains_reread,
                                        g_object_ref (outer));
}

gboolean
cold_inventory_reread_domains_finish (ColdInventory *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
