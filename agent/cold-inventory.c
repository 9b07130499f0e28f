/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-inventory.h"

#include "cold-definitions.h"
#include "cold-error.h"
#include "cold-gather.h"
#include "cold-merge.h"
#include "cold-names.h"
#include "cold-pool-watches.h"
#include "cold-reads.h"
#include "cold-records.h"

/* A turn of the main loop that puts a snapshot in. */
#define SLICE_US 10000

struct _ColdInventory
{
  GObject parent_instance;

  ColdStore *store;
  GPtrArray *connections; /* (element-type ColdConnection) */
  guint resync_seconds;
  guint resync_timer;
  ColdRecords *records;
  ColdPoolWatches *watches;
  ColdDefinitions *definitions;
  ColdReads *reads;
  GQueue merges; /* (element-type ColdMerge) */
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

static void
cold_inventory_finalize (GObject *object)
{
  ColdInventory *self = COLD_INVENTORY (object);

  g_clear_handle_id (&self->resync_timer, g_source_remove);
  g_clear_handle_id (&self->merge_source, g_source_remove);
  g_queue_clear_full (&self->merges, (GDestroyNotify) cold_merge_free);
  cold_reads_free (self->reads);
  cold_pool_watches_free (self->watches);
  cold_definitions_free (self->definitions);
  g_ptr_array_unref (self->connections);
  cold_records_free (self->records);
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

void
cold_inventory_volume_touch (ColdInventory *self, ColdVolume *volume)
{
  /* Callers may have set the file: the index borrows it. */
  cold_volume_index_forget (self->records->volumes, volume);
  cold_volume_index_remember (self->records->volumes, volume);
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

static gboolean
on_merge (gpointer user_data)
{
  ColdInventory *self = user_data;
  const ColdMergeTarget target
      = { .inventory = self, .store = self->store, .records = self->records, .watches = self->watches };
  gint64 end = g_get_monotonic_time () + SLICE_US;

  while (g_get_monotonic_time () < end)
    {
      ColdMerge *merge = g_queue_peek_head (&self->merges);
      gboolean synced;

      if (merge == NULL)
        {
          self->merge_source = 0;
          return G_SOURCE_REMOVE;
        }
      if (cold_merge_step (merge, &target))
        continue;
      g_queue_pop_head (&self->merges);
      synced = merge->all_pools && merge->all_domains;
      if (merge->task != NULL)
        g_task_return_boolean (merge->task, TRUE);
      cold_merge_free (merge);
      if (synced)
        g_signal_emit (self, signals[SYNCED], 0);
    }
  return G_SOURCE_CONTINUE;
}

static void
push_merge (ColdInventory *self, ColdMerge *merge)
{
  g_queue_push_tail (&self->merges, merge);
  /* Above idle: what follows from it (bus, scheduler) works with a whole picture. */
  if (self->merge_source == 0)
    self->merge_source = g_idle_add_full (G_PRIORITY_DEFAULT, on_merge, self, NULL);
}

/* @snapshot: (transfer full) */
static void
on_read (GObject *owner, ColdSnapshot *snapshot, const char *uuid, gboolean is_domain)
{
  ColdMerge *merge = cold_merge_new (snapshot);

  *(is_domain ? &merge->domain_uuid : &merge->pool_uuid) = g_strdup (uuid);
  push_merge (COLD_INVENTORY (owner), merge);
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
on_folder_changed (const char *uuid, gboolean over, gpointer user_data)
{
  ColdInventory *self = user_data;
  const ColdPool *pool = cold_inventory_lookup_pool (self, uuid);
  ColdConnection *connection = pool != NULL ? find_connection (self, pool->uri) : NULL;

  /* libvirt does not look by itself: only a refresh shows it, and us, new names and what a header says now. What it made itself,
   * and files that it knows, show without. */
  if (connection != NULL)
    cold_reads_request_pool (self->reads, connection, uuid, over);
}

static void
on_definition_changed (const char *name, gpointer user_data)
{
  ColdInventory *self = user_data;
  const ColdDomain *domain = cold_records_lookup_domain (self->records, name);

  /* One that is new is told of by an event. */
  if (domain != NULL && !domain->gone && g_strcmp0 (domain->info->uri, COLD_DEFINITIONS_URI) == 0)
    cold_inventory_request_domain (self, COLD_DEFINITIONS_URI, domain->uuid);
}

static void
watch_definitions (ColdInventory *self, ColdConnection *connection)
{
  if (g_str_equal (cold_connection_get_uri (connection), COLD_DEFINITIONS_URI))
    cold_definitions_watch (self->definitions);
}

static void
on_pool_event (ColdConnection *connection, const char *uuid, const char *event, ColdInventory *self)
{
  ColdPool *pool = g_hash_table_lookup (self->records->pools, uuid);

  /* Its blockers change at once; the rest is read. */
  if (g_str_equal (event, "stopped") && pool != NULL && pool->active)
    {
      pool->active = FALSE;
      cold_pool_watches_update (self->watches, pool);
      cold_inventory_pool_touch (self, pool);
    }
  cold_reads_request_pool (self->reads, connection, uuid, FALSE);
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
        cold_reads_request_pool (self->reads, connection, volume->pool_uuid, FALSE);
    }
}

static void
set_string (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
}

static void
on_domain_event (ColdConnection *connection, const char *uuid, const char *name, const char *event, const char *detail,
                 ColdInventory *self)
{
  guint64 generation = cold_connection_get_generation (connection);
  ColdDomain *domain;

  if (g_str_has_prefix (name, COLD_GATE_DOMAIN_PREFIX))
    return;
  cold_records_mark_event (self->records, uuid, generation);
  domain = cold_records_ensure_domain (self->records, uuid);
  if (g_str_equal (event, "started"))
    {
      domain->stop_doubted = domain->gone = FALSE;
      domain->info->active = TRUE;
      set_string (&domain->info->state, "running");
      set_string (&domain->info->name, name);
      domain->last_start_time = g_get_real_time ();
      cold_inventory_domain_touch (self, domain);
      g_signal_emit (self, signals[DOMAIN_STARTED], 0, domain);
    }
  else if (g_str_equal (event, "stopped"))
    {
      cold_domain_note_stop (domain, detail);
      cold_inventory_domain_touch (self, domain);
      reread_pools_of (self, connection, domain);
      g_signal_emit (self, signals[DOMAIN_STOPPED], 0, domain);
    }
  else if (g_str_equal (event, "disks-changed"))
    reread_pools_of (self, connection, domain);
  else if (g_str_equal (event, "defined"))
    {
      /* The first definition of a host makes the folder. */
      watch_definitions (self, connection);
      g_signal_emit (self, signals[DOMAIN_DEFINED], 0, domain);
    }
  cold_reads_request_domain (self->reads, connection, uuid);
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
      ColdMerge *merge = cold_merge_new (snapshot);

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
sync_connection (ColdInventory *self, ColdConnection *connection, ColdRefresh refresh, GTask *task)
{
  Sync *sync = g_new0 (Sync, 1);

  sync->inventory = g_object_ref (self);
  sync->task = task;
  cold_connection_read_async (connection, NULL, refresh, TRUE, cold_records_collect_known (self->records, NULL), NULL,
                              on_synced, sync);
}

static void
on_connected (ColdConnection *connection, ColdInventory *self)
{
  g_message ("connected to %s", cold_connection_get_uri (connection));
  watch_definitions (self, connection);
  /* A file that came while the agent was not running is in no listing before a refresh. */
  sync_connection (self, connection, COLD_REFRESH_ALL, NULL);
  g_signal_emit (self, signals[CONNECTION_CHANGED], 0);
}

static void
on_disconnected (ColdConnection *connection, const char *why, ColdInventory *self)
{
  g_warning ("%s cannot be reached: %s; it is tried again by itself", cold_connection_get_uri (connection), why);
  g_signal_emit (self, signals[CONNECTION_CHANGED], 0);
}

static void
cold_inventory_init (ColdInventory *self)
{
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->records = cold_records_new ();
  self->watches = cold_pool_watches_new (on_folder_changed, self);
  self->definitions = cold_definitions_new (on_definition_changed, self);
  self->reads = cold_reads_new (G_OBJECT (self), self->records, on_read);
  g_queue_init (&self->merges);
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
  cold_records_load (self->records, store);
  return self;
}

static gboolean
on_resync (gpointer user_data)
{
  ColdInventory *self = user_data;

  for (guint i = 0; i < self->connections->len; i++)
    sync_connection (self, g_ptr_array_index (self->connections, i), COLD_REFRESH_ALL, NULL);
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
  return self->records->pools;
}

GHashTable *
cold_inventory_get_volumes (ColdInventory *self)
{
  return cold_volume_index_get_all (self->records->volumes);
}

GHashTable *
cold_inventory_get_domains (ColdInventory *self)
{
  return self->records->domains;
}

ColdVolume *
cold_inventory_lookup_volume (ColdInventory *self, gint64 id)
{
  return cold_volume_index_lookup (self->records->volumes, id);
}

ColdVolume *
cold_inventory_lookup_path (ColdInventory *self, const char *path)
{
  return cold_volume_index_lookup_path (self->records->volumes, path);
}

ColdVolume *
cold_inventory_lookup_name (ColdInventory *self, const char *uuid_or_name, const char *name)
{
  return cold_records_lookup_name (self->records, uuid_or_name, name);
}

ColdVolume *
cold_inventory_lookup_file (ColdInventory *self, const ColdFileId *file)
{
  return cold_volume_index_lookup_file (self->records->volumes, file);
}

ColdPool *
cold_inventory_lookup_pool (ColdInventory *self, const char *uuid)
{
  return g_hash_table_lookup (self->records->pools, uuid);
}

ColdDomain *
cold_inventory_lookup_domain (ColdInventory *self, const char *uuid_or_name)
{
  return cold_records_lookup_domain (self->records, uuid_or_name);
}

GPtrArray *
cold_inventory_domains_of (ColdInventory *self, const ColdVolume *volume)
{
  return cold_records_domains_of (self->records, volume);
}

GPtrArray *
cold_inventory_departed_of (ColdInventory *self, const ColdVolume *volume)
{
  return cold_records_departed_of (self->records, volume);
}

GPtrArray *
cold_inventory_volumes_of (ColdInventory *self, const ColdDomain *domain)
{
  return cold_records_volumes_of (self->records, domain);
}

GPtrArray *
cold_inventory_images_of (ColdInventory *self, const ColdDomain *domain)
{
  return cold_records_images_of (self->records, domain);
}

void
cold_inventory_request_domain (ColdInventory *self, const char *uri, const char *uuid)
{
  ColdConnection *connection = find_connection (self, uri);

  if (connection != NULL)
    cold_reads_request_domain (self->reads, connection, uuid);
}

void
cold_inventory_resync_async (ColdInventory *self, const char *pool_uuid, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  const ColdPool *pool = pool_uuid != NULL ? cold_inventory_lookup_pool (self, pool_uuid) : NULL;
  g_autoptr (GTask) gather = NULL;

  if (pool_uuid != NULL && pool == NULL)
    {
      g_task_report_new_error (self, callback, user_data, cold_inventory_resync_async, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                               "there is no pool %s", pool_uuid);
      return;
    }
  gather = cold_gather_new (self, cancellable, callback, user_data);
  for (guint i = 0; i < self->connections->len; i++)
    {
      ColdConnection *connection = g_ptr_array_index (self->connections, i);

      /* A single pool is read together with the rest of its connection: domains may have come with it. */
      if (pool == NULL || g_str_equal (pool->uri, cold_connection_get_uri (connection)))
        sync_connection (self, connection, COLD_REFRESH_ALL, cold_gather_add (gather));
    }
  cold_gather_close (gather);
}

gboolean
cold_inventory_resync_finish (ColdInventory *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
cold_inventory_reread_async (ColdInventory *self, guint deadline_ms, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) gather = cold_gather_new (self, cancellable, callback, user_data);

  cold_gather_set_deadline (gather, deadline_ms,
                            "libvirt did not answer in time; it may be busy starting a domain: try again later");
  for (guint i = 0; i < self->connections->len; i++)
    sync_connection (self, g_ptr_array_index (self->connections, i), COLD_REFRESH_FOLDERS, cold_gather_add (gather));
  cold_gather_close (gather);
}

gboolean
cold_inventory_reread_finish (ColdInventory *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
