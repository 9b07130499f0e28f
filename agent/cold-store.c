/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-store-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cold-error.h"
#include "cold-policy.h"
#include "cold-store-schema.h"

/* While something could not be written. */
#define RETRY_SECONDS 5

struct _ColdStoreWrite
{
  const char *sql; /* static */
  GArray *values;  /* (element-type Value) */
};

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
  GPtrArray *writes; /* (nullable) (element-type ColdStoreWrite): one transaction, or part of one */
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
  GHashTable *manifests; /* (element-type utf8) that have rows, or will when what is queued is written */
  gboolean complained; /* store's thread: a failing disk is reported once until it works again */
};

G_DEFINE_FINAL_TYPE (ColdStore, cold_store, G_TYPE_OBJECT)

static void
value_clear (Value *value)
{
  g_free (value->data);
}

static void
write_free (ColdStoreWrite *w)
{
  g_array_unref (w->values);
  g_free (w);
}

ColdStoreWrite *
cold_store_write_new (const char *sql)
{
  ColdStoreWrite *w = g_new0 (ColdStoreWrite, 1);

  w->sql = sql;
  w->values = g_array_new (FALSE, TRUE, sizeof (Value));
  g_array_set_clear_func (w->values, (GDestroyNotify) value_clear);
  return w;
}

void
cold_store_put_int (ColdStoreWrite *w, gint64 number)
{
  Value value = { .kind = VALUE_INT, .number = number };

  g_array_append_val (w->values, value);
}

void
cold_store_put_text (ColdStoreWrite *w, const char *text)
{
  Value value = { .kind = text != NULL ? VALUE_TEXT : VALUE_NULL, .data = g_strdup (text) };

  value.length = text != NULL ? strlen (text) : 0;
  g_array_append_val (w->values, value);
}

void
cold_store_put_bytes (ColdStoreWrite *w, gconstpointer data, gsize length)
{
  Value value = { .kind = data != NULL ? VALUE_BLOB : VALUE_NULL, .data = g_memdup2 (data, length), .length = length };

  g_array_append_val (w->values, value);
}

void
cold_store_put_name (ColdStoreWrite *w, const char *name)
{
  cold_store_put_bytes (w, name, name != NULL ? strlen (name) + 1 : 0);
}

static gboolean
carry_out (ColdStore *self, const ColdStoreWrite *w)
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
        g_warning ("the store cannot be written: %s; it is tried again every %d s", sqlite3_errmsg (self->db), RETRY_SECONDS);
      sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
    }
  if (good && self->complained)
    g_message ("the store is written again, nothing was lost");
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
      Order *order = pending->len == 0 ? g_async_queue_pop (self->orders)
                                       : g_async_queue_timeout_pop (self->orders, RETRY_SECONDS * G_USEC_PER_SEC);

      /* Everything that has been queued becomes one transaction. */
      while (order != NULL && order->writes != NULL)
        {
          g_ptr_array_extend_and_steal (pending, g_steal_pointer (&order->writes));
          order_done (order);
          order = g_async_queue_try_pop (self->orders);
        }
      /* What a full disk refused stays, in order, and is tried again. */
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
  if (pending->len > 0)
    g_warning ("%u changes could not be written to the store and are lost", pending->len);
  return NULL;
}

void
cold_store_push_write (ColdStore *self, ColdStoreWrite *w)
{
  Order *order = g_new0 (Order, 1);

  order->writes = g_ptr_array_new_with_free_func ((GDestroyNotify) write_free);
  g_ptr_array_add (order->writes, w);
  g_async_queue_push (self->orders, order);
}

void
cold_store_push_query (ColdStore *self, GTask *task, void (*answer) (ColdStore *, GTask *))
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
  g_hash_table_unref (self->manifests);
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
  self->manifests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
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

static void
read_manifests (ColdStore *self)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, "SELECT id FROM manifests", -1, &statement, NULL) == SQLITE_OK)
    while (sqlite3_step (statement) == SQLITE_ROW)
      g_hash_table_add (self->manifests, g_strdup ((const char *) sqlite3_column_text (statement, 0)));
  sqlite3_finalize (statement);
}

/* Companion files of WAL mode belong to the file that is set aside. */
static gboolean
set_aside (const char *path, const char *why, GError **error)
{
  const char *const suffixes[] = { "", "-wal", "-shm" };
  g_autofree char *aside = g_strdup_printf ("%s.broken-%" G_GINT64_FORMAT, path, g_get_real_time () / G_USEC_PER_SEC);

  g_warning ("the store %s cannot be used: %s. It is kept as %s, and an empty one takes its place: policies that were set by"
             " SetPolicy must be set again, and what happened before is in no history", path, why, aside);
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
  /* Policies and history are in it: it is not given up for a disk that is full. */
  if (self->db == NULL && (in_memory || local->code != COLD_ERROR_FAILED))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&local), "the store %s cannot be used: ", path);
      return NULL;
    }
  if (self->db == NULL)
    {
      if (!set_aside (path, local->message, error))
        return NULL;
      self->db = cold_store_schema_open (path, error);
      if (self->db == NULL)
        return NULL;
    }
  if (!in_memory)
    chmod (path, 0600);
  self->last_volume = ask_number (self, "SELECT max (id) FROM volumes");
  self->last_job = MAX (ask_number (self, "SELECT max (number) FROM jobs"),
                        ask_number (self, "SELECT value FROM settings WHERE name = 'last-job'"));
  read_manifests (self);
  self->thread = g_thread_new ("store", store_thread, self);
  return g_steal_pointer (&self);
}

void
cold_store_flush (ColdStore *self)
{
  push_and_wait (self, FALSE);
}

GPtrArray *
cold_store_load (ColdStore *self, const char *sql, gpointer (*read_row) (sqlite3_stmt *), gpointer element_free)
{
  GPtrArray *array = g_ptr_array_new_with_free_func ((GDestroyNotify) element_free);
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    g_warning ("the store cannot be read: %s", sqlite3_errmsg (self->db));
  while (statement != NULL && sqlite3_step (statement) == SQLITE_ROW)
    {
      gpointer row = read_row (statement);

      if (row != NULL)
        g_ptr_array_add (array, row);
      else
        g_warning ("the store has a damaged row, which is left out: %s", sql);
    }
  sqlite3_finalize (statement);
  return array;
}

void
cold_store_take_text (sqlite3_stmt *statement, int column, char **where)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  g_free (*where);
  *where = text != NULL ? g_utf8_make_valid (text, -1) : g_strdup ("");
}

void
cold_store_take_policy (sqlite3_stmt *statement, int column, char **where)
{
  g_autoptr (GError) error = NULL;

  cold_store_take_text (statement, column, where);
  if (cold_policy_check (*where, TRUE, &error))
    return;
  g_warning ("the store has a damaged policy, which counts as off: %s", error->message);
  g_free (*where);
  *where = g_strdup ("off");
}

const char *
cold_store_get_uuid (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return text != NULL && strlen (text) == 36 && strspn (text, "0123456789abcdefABCDEF-") == 36 ? text : NULL;
}

void
cold_store_take_name (sqlite3_stmt *statement, int column, char **where)
{
  const char *name = sqlite3_column_blob (statement, column);

  g_free (*where);
  *where = name != NULL ? g_strndup (name, sqlite3_column_bytes (statement, column)) : NULL;
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
cold_store_raise_job (ColdStore *self, guint number)
{
  self->last_job = MAX (self->last_job, number);
}

void
cold_store_set_setting (ColdStore *self, const char *name, const char *value)
{
  ColdStoreWrite *w = cold_store_write_new ("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)");

  cold_store_put_text (w, name);
  cold_store_put_text (w, value);
  cold_store_push_write (self, w);
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

sqlite3_stmt *
cold_store_prepare (ColdStore *self, GTask *task, const char *sql)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_IO, "the store cannot be read: %s",
                             sqlite3_errmsg (self->db));
  return statement;
}

GHashTable *
cold_store_get_manifests (ColdStore *self)
{
  return self->manifests;
}

sqlite3 *
cold_store_get_db (ColdStore *self)
{
  return self->db;
}
