/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of jobs. */
#include "cold-json.h"
#include "cold-store-private.h"

void
cold_store_save_job (ColdStore *self, const ColdJobRecord *record)
{
  ColdStoreWrite *w = cold_store_write_new ("INSERT OR REPLACE INTO jobs (number, kind, volume, state, started, finished, outcome, error_name,"
                        " error_message, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

  cold_store_put_int (w, record->number);
  cold_store_put_text (w, record->kind);
  cold_store_put_int (w, record->volume);
  cold_store_put_text (w, record->state);
  cold_store_put_int (w, record->started);
  cold_store_put_int (w, record->finished);
  cold_store_put_text (w, record->outcome);
  cold_store_put_text (w, record->error_name);
  cold_store_put_text (w, record->error_message);
  cold_store_put_text (w, record->report);
  cold_store_push_write (self, w);
}

typedef struct
{
  gint64 volume;
  guint limit;
} Query;

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
      = cold_store_prepare (self, task,
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
  g_task_set_task_data (task, query, g_free);
  cold_store_push_query (self, task, answer_history);
}

char *
cold_store_history_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
