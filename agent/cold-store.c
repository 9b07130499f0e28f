/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-store-schema.h"

/* Statements are bound on the caller's thread, from copies of its values, and stepped on the store's. */
typedef struct
{
  const char *sql; /* static */
  GArray *values;  /* (element-type Value) */
} Write;

typedef enum
{
  VALUE_NULL,
  VALUE_INT,
  VALUE_TEXT,
  VALUE_BLOB,
} ValueKind;

typedef struct
{
  ValueKind kind;
  gint64 number;
  gpointer data;
  gsize length;
} Value;

/* What the store's thread is asked to do. */
typedef struct
{
  GPtrArray *writes; /* (nullable) (element-type Write): one transaction, or part of one */
  GTask *query;      /* (nullable) */
  void (*answer) (ColdStore *self, GTask *task);
  gboolean stop;
  /* A flush waits for this. */
  GMutex *mutex;
  GCond *cond;
  gboolean *done;
} Order;

struct _ColdStore
{
  GObject parent_instance;

  sqlite3 *db;
  GThread *thread;
  GAsyncQueue *orders;
  gint64 last_volume;
  guint last_job;
  gboolean complained; /* store's thread: a failing disk is reported once until it works again */
};

G_DEFINE_FINAL_TYPE (ColdStore, cold_store, G_TYPE_OBJECT)

static void
value_clear (Value *value)
{
  g_free (value->data);
}

static void
write_free (Write *w)
{
  g_array_unref (w->values);
  g_free (w);
}

static Write *
write_new (const char *sql)
{
  Write *w = g_new0 (Write, 1);

  w->sql = sql;
  w->values = g_array_new (FALSE, TRUE, sizeof (Value));
  g_array_set_clear_func (w->values, (GDestroyNotify) value_clear);
  return w;
}

static void
put_int (Write *w, gint64 number)
{
  Value value = { .kind = VALUE_INT, .number = number };

  g_array_append_val (w->values, value);
}

static void
put_text (Write *w, const char *text)
{
  Value value = { .kind = text != NULL ? VALUE_TEXT : VALUE_NULL, .data = g_strdup (text) };

  value.length = text != NULL ? strlen (text) : 0;
  g_array_append_val (w->values, value);
}

/* Names and paths are bytes: not all of them are UTF-8. */
static void
put_bytes (Write *w, gconstpointer data, gsize length)
{
  Value value = { .kind = data != NULL ? VALUE_BLOB : VALUE_NULL, .data = g_memdup2 (data, length), .length = length };

  g_array_append_val (w->values, value);
}

static void
put_name (Write *w, const char *name)
{
  put_bytes (w, name, name != NULL ? strlen (name) + 1 : 0);
}

static gboolean
carry_out (ColdStore *self, const Write *w)
{
  sqlite3_stmt *statement = NULL;
  int rc;

  if (sqlite3_prepare_v2 (self->db, w->sql, -1, &statement, NULL) != SQLITE_OK)
    return FALSE;
  for (guint i = 0; i < w->values->len; i++)
    {
      const Value *value = &g_array_index (w->values, Value, i);

      if (value->kind == VALUE_INT)
        sqlite3_bind_int64 (statement, i + 1, value->number);
      else if (value->kind == VALUE_TEXT)
        sqlite3_bind_text (statement, i + 1, value->data, value->length, SQLITE_STATIC);
      else if (value->kind == VALUE_BLOB)
        sqlite3_bind_blob (statement, i + 1, value->data, value->length, SQLITE_STATIC);
    }
  rc = sqlite3_step (statement);
  sqlite3_finalize (statement);
  return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

static gboolean
carry_out_all (ColdStore *self, GPtrArray *writes)
{
  gboolean good = sqlite3_exec (self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;

  for (guint i = 0; good && i < writes->len; i++)
    good = carry_out (self, g_ptr_array_index (writes, i));
  good = good && sqlite3_exec (self->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
  if (!good)
    {
      if (!self->complained)
        g_warning ("the store cannot be written: %s; it is tried again with the next change",
                   sqlite3_errmsg (self->db));
      sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
    }
  self->complained = !good;
  return good;
}

static void
order_done (Order *order)
{
  if (order->done != NULL)
    {
      g_mutex_lock (order->mutex);
      *order->done = TRUE;
      g_cond_signal (order->cond);
      g_mutex_unlock (order->mutex);
    }
  g_free (order);
}

static gpointer
store_thread (gpointer user_data)
{
  ColdStore *self = user_data;
  g_autoptr (GPtrArray) pending = g_ptr_array_new_with_free_func ((GDestroyNotify) write_free);
  gboolean stop = FALSE;

  while (!stop)
    {
      Order *order = g_async_queue_pop (self->orders);

      /* Everything that has been queued becomes one transaction. */
      while (order != NULL && order->writes != NULL)
        {
          g_ptr_array_extend_and_steal (pending, g_steal_pointer (&order->writes));
          order_done (order);
          order = g_async_queue_try_pop (self->orders);
        }
      /* What a full disk refused stays, in order, and is tried again with what comes next. */
      if (pending->len > 0 && carry_out_all (self, pending))
        g_ptr_array_set_size (pending, 0);
      if (order == NULL)
        continue;
      if (order->query != NULL)
        {
          order->answer (self, order->query);
          g_object_unref (order->query);
        }
      stop = order->stop;
      order_done (order);
    }
  return NULL;
}

static void
push_write (ColdStore *self, Write *w)
{
  Order *order = g_new0 (Order, 1);

  order->writes = g_ptr_array_new_with_free_func ((GDestroyNotify) write_free);
  g_ptr_array_add (order->writes, w);
  g_async_queue_push (self->orders, order);
}

static void
push_query (ColdStore *self, GTask *task, void (*answer) (ColdStore *, GTask *))
{
  Order *order = g_new0 (Order, 1);

  order->query = task;
  order->answer = answer;
  g_async_queue_push (self->orders, order);
}

static void
push_and_wait (ColdStore *self, gboolean stop)
{
  GMutex mutex;
  GCond cond;
  gboolean done = FALSE;
  Order *order = g_new0 (Order, 1);

  g_mutex_init (&mutex);
  g_cond_init (&cond);
  order->stop = stop;
  order->mutex = &mutex;
  order->cond = &cond;
  order->done = &done;
  g_async_queue_push (self->orders, order);
  g_mutex_lock (&mutex);
  while (!done)
    g_cond_wait (&cond, &mutex);
  g_mutex_unlock (&mutex);
  g_mutex_clear (&mutex);
  g_cond_clear (&cond);
}

static void
cold_store_finalize (GObject *object)
{
  ColdStore *self = COLD_STORE (object);

  if (self->thread != NULL)
    {
      push_and_wait (self, TRUE);
      g_thread_join (self->thread);
    }
  g_async_queue_unref (self->orders);
  sqlite3_close (self->db);
  G_OBJECT_CLASS (cold_store_parent_class)->finalize (object);
}

static void
cold_store_class_init (ColdStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_store_finalize;
}

static void
cold_store_init (ColdStore *self)
{
  self->orders = g_async_queue_new ();
}

static gint64
ask_number (ColdStore *self, const char *sql)
{
  sqlite3_stmt *statement = NULL;
  gint64 number = 0;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step (statement) == SQLITE_ROW)
    number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return number;
}

/* Companion files of WAL mode belong to the file that is set aside. */
static gboolean
set_aside (const char *path, const char *why, GError **error)
{
  const char *const suffixes[] = { "", "-wal", "-shm" };
  g_autofree char *aside = g_strdup_printf ("%s.broken-%" G_GINT64_FORMAT, path, g_get_real_time () / G_USEC_PER_SEC);

  g_warning ("the store %s cannot be used: %s. It is kept as %s, and an empty one takes its place", path, why, aside);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *from = g_strconcat (path, suffixes[i], NULL);
      g_autofree char *to = g_strconcat (aside, suffixes[i], NULL);

      if (g_rename (from, to) < 0 && errno != ENOENT)
        return cold_error_set_errno (error, errno, "cannot rename %s", from);
    }
  return TRUE;
}

ColdStore *
cold_store_open (const char *path, GError **error)
{
  g_autoptr (ColdStore) self = g_object_new (COLD_TYPE_STORE, NULL);
  g_autoptr (GError) local = NULL;
  gboolean in_memory = g_str_equal (path, ":memory:");
  g_autofree char *folder = g_path_get_dirname (path);

  if (!in_memory && g_mkdir_with_parents (folder, 0700) < 0)
    {
      cold_error_set_errno (error, errno, "cannot make %s", folder);
      return NULL;
    }
  self->db = cold_store_schema_open (path, &local);
  if (self->db == NULL)
    {
      if (in_memory || !set_aside (path, local->message, error))
        {
          if (in_memory)
            g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
      self->db = cold_store_schema_open (path, error);
      if (self->db == NULL)
        return NULL;
    }
  if (!in_memory)
    chmod (path, 0600);
  self->last_volume = ask_number (self, "SELECT max (id) FROM volumes");
  self->last_job = MAX (ask_number (self, "SELECT max (number) FROM jobs"),
                        ask_number (self, "SELECT value FROM settings WHERE name = 'last-job'"));
  self->thread = g_thread_new ("store", store_thread, self);
  return g_steal_pointer (&self);
}

void
cold_store_flush (ColdStore *self)
{
  push_and_wait (self, FALSE);
}

/* Runs before the loop does, when nothing is queued: the caller's thread may use the database. */
static GPtrArray *
load (ColdStore *self, const char *sql, gpointer (*read_row) (sqlite3_stmt *), gpointer element_free)
{
  GPtrArray *array = g_ptr_array_new_with_free_func ((GDestroyNotify) element_free);
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    g_warning ("the store cannot be read: %s", sqlite3_errmsg (self->db));
  while (statement != NULL && sqlite3_step (statement) == SQLITE_ROW)
    g_ptr_array_add (array, read_row (statement));
  sqlite3_finalize (statement);
  return array;
}

static void
take_text (sqlite3_stmt *statement, int column, char **where)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  g_free (*where);
  *where = g_strdup (text != NULL ? text : "");
}

static void
take_name (sqlite3_stmt *statement, int column, char **where)
{
  const char *name = sqlite3_column_blob (statement, column);

  g_free (*where);
  *where = name != NULL ? g_strndup (name, sqlite3_column_bytes (statement, column)) : NULL;
}

static void
take_file (sqlite3_stmt *statement, int column, ColdFileId *file)
{
  gconstpointer data = sqlite3_column_blob (statement, column);

  if (data != NULL && sqlite3_column_bytes (statement, column) == sizeof *file)
    memcpy (file, data, sizeof *file);
}

static gpointer
read_pool (sqlite3_stmt *statement)
{
  ColdPool *pool = cold_pool_new ((const char *) sqlite3_column_text (statement, 0));

  take_text (statement, 1, &pool->uri);
  take_text (statement, 2, &pool->name);
  take_text (statement, 3, &pool->type);
  take_text (statement, 4, &pool->path);
  pool->active = sqlite3_column_int (statement, 5);
  pool->gone = sqlite3_column_int (statement, 6);
  take_text (statement, 7, &pool->policy);
  return pool;
}

GPtrArray *
cold_store_load_pools (ColdStore *self)
{
  return load (self, "SELECT uuid, uri, name, type, path, active, gone, policy FROM pools", read_pool, cold_pool_free);
}

void
cold_store_save_pool (ColdStore *self, const ColdPool *pool)
{
  Write *w = write_new ("INSERT OR REPLACE INTO pools (uuid, uri, name, type, path, active, gone, policy)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

  put_text (w, pool->uuid);
  put_text (w, pool->uri);
  put_text (w, pool->name);
  put_text (w, pool->type);
  put_text (w, pool->path);
  put_int (w, pool->active);
  put_int (w, pool->gone);
  put_text (w, pool->policy);
  push_write (self, w);
}

static char *
facts_to_text (const ColdFacts *facts)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *blockers = json_array_new ();

  json_object_set_boolean_member (object, "has-guest", facts->has_guest);
  json_object_set_string_member (object, "os", facts->os);
  json_object_set_string_member (object, "os-version", facts->os_version);
  json_object_set_string_member (object, "os-product", facts->os_product);
  json_object_set_string_member (object, "arch", facts->arch);
  json_object_set_string_member (object, "hostname", facts->hostname);
  json_object_set_string_member (object, "package-format", facts->package_format);
  json_object_set_string_member (object, "package-manager", facts->package_manager);
  json_object_set_int_member (object, "package-count", facts->package_count);
  json_object_set_string_member (object, "manifest", facts->manifest);
  json_object_set_string_member (object, "details", facts->details);
  for (guint i = 0; i < facts->blockers->len; i++)
    {
      const ColdBlocker *blocker = g_ptr_array_index (facts->blockers, i);
      JsonObject *entry = json_object_new ();

      json_object_set_string_member (entry, "code", blocker->code);
      if (blocker->detail != NULL)
        json_object_set_string_member (entry, "detail", blocker->detail);
      json_array_add_object_element (blockers, entry);
    }
  json_object_set_array_member (object, "blockers", blockers);
  return cold_json_to_text (object);
}

static void
take_member (JsonObject *object, const char *member, char **where)
{
  if (cold_json_string (object, member) == NULL)
    return;
  g_free (*where);
  *where = g_strdup (cold_json_string (object, member));
}

static ColdFacts *
facts_from_text (const char *text)
{
  g_autoptr (JsonObject) object = text != NULL ? cold_json_parse_object (text, -1, NULL) : NULL;
  JsonArray *blockers;
  ColdFacts *facts;

  if (object == NULL)
    return NULL;
  facts = cold_facts_new ();
  facts->has_guest = cold_json_bool (object, "has-guest");
  take_member (object, "os", &facts->os);
  take_member (object, "os-version", &facts->os_version);
  take_member (object, "os-product", &facts->os_product);
  take_member (object, "arch", &facts->arch);
  take_member (object, "hostname", &facts->hostname);
  take_member (object, "package-format", &facts->package_format);
  take_member (object, "package-manager", &facts->package_manager);
  facts->package_count = cold_json_int (object, "package-count");
  take_member (object, "manifest", &facts->manifest);
  take_member (object, "details", &facts->details);
  blockers = cold_json_array (object, "blockers");
  for (guint i = 0; blockers != NULL && i < json_array_get_length (blockers); i++)
    {
      JsonObject *entry = cold_json_array_object (blockers, i);

      g_ptr_array_add (facts->blockers,
                       cold_blocker_new (cold_json_string (entry, "code"), cold_json_string (entry, "detail")));
    }
  return facts;
}

#define VOLUME_COLUMNS                                                                                                 \
  "id, pool, name, key, path, type, format, capacity, allocation, backing_path, backing_format, file, first_seen,"     \
  " last_seen, gone, inspected, inspected_file, facts, plan, plan_generation, pending_count, pending_security,"        \
  " pending_bytes, policy, upgraded, last_outcome, last_error, failures, rollback_until, rollback_bytes, awaits_boot"

static gpointer
read_volume (sqlite3_stmt *statement)
{
  g_autofree char *name = NULL;
  ColdVolume *volume;
  int i = 3;

  take_name (statement, 2, &name);
  volume = cold_volume_new ((const char *) sqlite3_column_text (statement, 1), name);
  volume->id = sqlite3_column_int64 (statement, 0);
  take_name (statement, i++, &volume->key);
  take_name (statement, i++, &volume->path);
  take_text (statement, i++, &volume->type);
  take_text (statement, i++, &volume->format);
  volume->capacity = sqlite3_column_int64 (statement, i++);
  volume->allocation = sqlite3_column_int64 (statement, i++);
  take_name (statement, i++, &volume->backing_path);
  if (sqlite3_column_type (statement, i) != SQLITE_NULL)
    take_text (statement, i, &volume->backing_format);
  i++;
  take_file (statement, i++, &volume->file);
  volume->first_seen = sqlite3_column_int64 (statement, i++);
  volume->last_seen = sqlite3_column_int64 (statement, i++);
  volume->gone = sqlite3_column_int (statement, i++);
  volume->inspected = sqlite3_column_int64 (statement, i++);
  take_file (statement, i++, &volume->inspected_file);
  volume->facts = facts_from_text ((const char *) sqlite3_column_text (statement, i++));
  volume->plan = g_strdup ((const char *) sqlite3_column_text (statement, i++));
  volume->plan_generation = sqlite3_column_int64 (statement, i++);
  volume->pending_count = sqlite3_column_int64 (statement, i++);
  volume->pending_security = sqlite3_column_int64 (statement, i++);
  volume->pending_bytes = sqlite3_column_int64 (statement, i++);
  take_text (statement, i++, &volume->policy);
  volume->upgraded = sqlite3_column_int64 (statement, i++);
  take_text (statement, i++, &volume->last_outcome);
  take_text (statement, i++, &volume->last_error);
  volume->failures = sqlite3_column_int64 (statement, i++);
  volume->rollback_until = sqlite3_column_int64 (statement, i++);
  volume->rollback_bytes = sqlite3_column_int64 (statement, i++);
  volume->awaits_boot = sqlite3_column_int (statement, i++);
  return volume;
}

GPtrArray *
cold_store_load_volumes (ColdStore *self)
{
  return load (self, "SELECT " VOLUME_COLUMNS " FROM volumes ORDER BY id", read_volume, cold_volume_free);
}

void
cold_store_save_volume (ColdStore *self, const ColdVolume *volume)
{
  Write *w = write_new ("INSERT OR REPLACE INTO volumes (" VOLUME_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  g_autofree char *facts = volume->facts != NULL ? facts_to_text (volume->facts) : NULL;

  put_int (w, volume->id);
  put_text (w, volume->pool_uuid);
  put_name (w, volume->name);
  put_name (w, volume->key);
  put_name (w, volume->path);
  put_text (w, volume->type);
  put_text (w, volume->format);
  put_int (w, volume->capacity);
  put_int (w, volume->allocation);
  put_name (w, volume->backing_path);
  put_text (w, volume->backing_format);
  put_bytes (w, &volume->file, sizeof volume->file);
  put_int (w, volume->first_seen);
  put_int (w, volume->last_seen);
  put_int (w, volume->gone);
  put_int (w, volume->inspected);
  put_bytes (w, &volume->inspected_file, sizeof volume->inspected_file);
  put_text (w, facts);
  put_text (w, volume->plan);
  put_int (w, volume->plan_generation);
  put_int (w, volume->pending_count);
  put_int (w, volume->pending_security);
  put_int (w, volume->pending_bytes);
  put_text (w, volume->policy);
  put_int (w, volume->upgraded);
  put_text (w, volume->last_outcome);
  put_text (w, volume->last_error);
  put_int (w, volume->failures);
  put_int (w, volume->rollback_until);
  put_int (w, volume->rollback_bytes);
  put_int (w, volume->awaits_boot);
  push_write (self, w);
}

static gpointer
read_domain (sqlite3_stmt *statement)
{
  ColdDomain *domain = cold_domain_new ((const char *) sqlite3_column_text (statement, 0));

  take_text (statement, 1, &domain->info->uri);
  take_text (statement, 2, &domain->info->name);
  take_text (statement, 3, &domain->info->state);
  domain->info->active = sqlite3_column_int (statement, 4);
  take_text (statement, 5, &domain->policy);
  take_text (statement, 6, &domain->last_stop);
  domain->last_stop_time = sqlite3_column_int64 (statement, 7);
  domain->last_start_time = sqlite3_column_int64 (statement, 8);
  domain->gone = sqlite3_column_int (statement, 9);
  return domain;
}

static void
load_disks (ColdStore *self, ColdDomain *domain)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, "SELECT target, path FROM disks WHERE domain = ?", -1, &statement, NULL) == SQLITE_OK)
    sqlite3_bind_text (statement, 1, domain->uuid, -1, SQLITE_STATIC);
  while (statement != NULL && sqlite3_step (statement) == SQLITE_ROW)
    {
      ColdDisk *disk = cold_disk_new ();

      take_text (statement, 0, &disk->target);
      take_name (statement, 1, &disk->path);
      disk->device = g_strdup ("disk");
      disk->type = g_strdup ("file");
      cold_file_id_stat (disk->path, &disk->file);
      g_ptr_array_add (domain->info->disks, disk);
    }
  sqlite3_finalize (statement);
}

GPtrArray *
cold_store_load_domains (ColdStore *self)
{
  GPtrArray *domains = load (self,
                             "SELECT uuid, uri, name, state, active, policy, last_stop, last_stop_time, last_start_time,"
                             " gone FROM domains",
                             read_domain, cold_domain_free);

  for (guint i = 0; i < domains->len; i++)
    load_disks (self, g_ptr_array_index (domains, i));
  return domains;
}

void
cold_store_save_domain (ColdStore *self, const ColdDomain *domain)
{
  Write *w = write_new ("INSERT OR REPLACE INTO domains (uuid, uri, name, state, active, policy, last_stop,"
                        " last_stop_time, last_start_time, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  Write *drop = write_new ("DELETE FROM disks WHERE domain = ?");

  put_text (w, domain->uuid);
  put_text (w, domain->info->uri);
  put_text (w, domain->info->name);
  put_text (w, domain->info->state);
  put_int (w, domain->info->active);
  put_text (w, domain->policy);
  put_text (w, domain->last_stop);
  put_int (w, domain->last_stop_time);
  put_int (w, domain->last_start_time);
  put_int (w, domain->gone);
  push_write (self, w);
  put_text (drop, domain->uuid);
  push_write (self, drop);
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      Write *add = write_new ("INSERT INTO disks (domain, target, path) VALUES (?, ?, ?)");

      put_text (add, domain->uuid);
      put_text (add, disk->target);
      put_name (add, disk->path);
      push_write (self, add);
    }
}

gint64
cold_store_next_volume_id (ColdStore *self)
{
  return ++self->last_volume;
}

guint
cold_store_next_job (ColdStore *self)
{
  return ++self->last_job;
}

void
cold_store_save_manifest (ColdStore *self, const char *manifest, const char *format, JsonArray *packages)
{
  Write *head = write_new ("INSERT OR REPLACE INTO manifests (id, format) VALUES (?, ?)");
  Write *drop = write_new ("DELETE FROM packages WHERE manifest = ?");

  put_text (head, manifest);
  put_text (head, format);
  push_write (self, head);
  put_text (drop, manifest);
  push_write (self, drop);
  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonNode *node = json_array_get_element (packages, i);
      JsonArray *package = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      Write *w;

      if (package == NULL)
        continue;
      w = write_new ("INSERT INTO packages (manifest, name, version, arch, source) VALUES (?, ?, ?, ?, ?)");
      put_text (w, manifest);
      for (guint j = 0; j < 4; j++)
        put_text (w, cold_json_array_string (package, j));
      push_write (self, w);
    }
}

void
cold_store_save_job (ColdStore *self, const ColdJobRecord *record)
{
  Write *w = write_new ("INSERT OR REPLACE INTO jobs (number, kind, volume, state, started, finished, outcome, error_name,"
                        " error_message, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

  put_int (w, record->number);
  put_text (w, record->kind);
  put_int (w, record->volume);
  put_text (w, record->state);
  put_int (w, record->started);
  put_int (w, record->finished);
  put_text (w, record->outcome);
  put_text (w, record->error_name);
  put_text (w, record->error_message);
  put_text (w, record->report);
  push_write (self, w);
}

void
cold_store_set_setting (ColdStore *self, const char *name, const char *value)
{
  Write *w = write_new ("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)");

  put_text (w, name);
  put_text (w, value);
  push_write (self, w);
}

char *
cold_store_get_setting (ColdStore *self, const char *name)
{
  sqlite3_stmt *statement = NULL;
  char *value = NULL;

  if (sqlite3_prepare_v2 (self->db, "SELECT value FROM settings WHERE name = ?", -1, &statement, NULL) == SQLITE_OK)
    {
      sqlite3_bind_text (statement, 1, name, -1, SQLITE_STATIC);
      if (sqlite3_step (statement) == SQLITE_ROW)
        value = g_strdup ((const char *) sqlite3_column_text (statement, 0));
    }
  sqlite3_finalize (statement);
  return value;
}

typedef struct
{
  char *manifest;
  gint64 volume;
  guint limit;
} Query;

static void
query_free (Query *query)
{
  g_free (query->manifest);
  g_free (query);
}

static sqlite3_stmt *
prepare (ColdStore *self, GTask *task, const char *sql)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_IO, "the store cannot be read: %s", sqlite3_errmsg (self->db));
  return statement;
}

static void
answer_packages (ColdStore *self, GTask *task)
{
  const Query *query = g_task_get_task_data (task);
  sqlite3_stmt *statement
      = prepare (self, task, "SELECT name, version, arch FROM packages WHERE manifest = ? ORDER BY name, arch, version");
  GVariantBuilder builder;

  if (statement == NULL)
    return;
  sqlite3_bind_text (statement, 1, query->manifest, -1, SQLITE_STATIC);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      g_autofree char *name = NULL, *version = NULL, *arch = NULL;

      take_text (statement, 0, &name);
      take_text (statement, 1, &version);
      take_text (statement, 2, &arch);
      g_variant_builder_add (&builder, "(sss)", name, version, arch);
    }
  sqlite3_finalize (statement);
  g_task_return_pointer (task, g_variant_ref_sink (g_variant_builder_end (&builder)), (GDestroyNotify) g_variant_unref);
}

void
cold_store_packages_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Query *query = g_new0 (Query, 1);

  query->manifest = g_strdup (manifest);
  g_task_set_task_data (task, query, (GDestroyNotify) query_free);
  push_query (self, task, answer_packages);
}

GVariant *
cold_store_packages_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static JsonObject *
read_job (sqlite3_stmt *statement)
{
  static const char *const names[] = { "number",  "kind",       "volume",        "state", "started", "finished",
                                       "outcome", "error-name", "error-message", "report" };
  JsonObject *job = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *text = (const char *) sqlite3_column_text (statement, i);
      JsonObject *report = NULL;

      if (sqlite3_column_type (statement, i) == SQLITE_INTEGER)
        json_object_set_int_member (job, names[i], sqlite3_column_int64 (statement, i));
      else if (g_str_equal (names[i], "report") && text != NULL
               && (report = cold_json_parse_object (text, -1, NULL)) != NULL)
        json_object_set_object_member (job, names[i], report);
      else if (!g_str_equal (names[i], "report"))
        json_object_set_string_member (job, names[i], text != NULL ? text : "");
    }
  return job;
}

static void
answer_history (ColdStore *self, GTask *task)
{
  const Query *query = g_task_get_task_data (task);
  sqlite3_stmt *statement
      = prepare (self, task,
                 "SELECT number, kind, volume, state, started, finished, outcome, error_name, error_message, report"
                 " FROM jobs WHERE ?1 = 0 OR volume = ?1 ORDER BY number DESC LIMIT ?2");
  g_autoptr (JsonNode) node = NULL;
  JsonArray *array;

  if (statement == NULL)
    return;
  sqlite3_bind_int64 (statement, 1, query->volume);
  sqlite3_bind_int64 (statement, 2, query->limit);
  array = json_array_new ();
  while (sqlite3_step (statement) == SQLITE_ROW)
    json_array_add_object_element (array, read_job (statement));
  sqlite3_finalize (statement);
  node = json_node_init_array (json_node_alloc (), array);
  json_array_unref (array);
  g_task_return_pointer (task, json_to_string (node, FALSE), g_free);
}

void
cold_store_history_async (ColdStore *self, gint64 volume, guint limit, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Query *query = g_new0 (Query, 1);

  query->volume = volume;
  query->limit = limit;
  g_task_set_task_data (task, query, (GDestroyNotify) query_free);
  push_query (self, task, answer_history);
}

char *
cold_store_history_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
