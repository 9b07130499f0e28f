/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the store's tables share: queued writes, queries on the store's thread, columns.
 */
#pragma once

#include <sqlite3.h>

#include "cold-store.h"

G_BEGIN_DECLS

/* A statement that is bound on the caller's thread, from copies of its values, and stepped on the store's. */
typedef struct _ColdStoreWrite ColdStoreWrite;

/* @sql: static; one value is put for each of its '?', in their order */
ColdStoreWrite *cold_store_write_new (const char *sql);
void cold_store_put_int (ColdStoreWrite *w, gint64 number);
void cold_store_put_text (ColdStoreWrite *w, const char *text); /* @text: (nullable) */
void cold_store_put_bytes (ColdStoreWrite *w, gconstpointer data, gsize length);
/* Names and paths are bytes: not all of them are UTF-8. @name: (nullable) */
void cold_store_put_name (ColdStoreWrite *w, const char *name);
/* @w: (transfer full) */
void cold_store_push_write (ColdStore *self, ColdStoreWrite *w);

/* @answer runs on the store's thread after all writes that were pushed before, and returns @task. @task: (transfer full) */
void cold_store_push_query (ColdStore *self, GTask *task, void (*answer) (ColdStore *self, GTask *task));
/* For an answer. Returns: (nullable): %NULL when @task has been returned with an error */
sqlite3_stmt *cold_store_prepare (ColdStore *self, GTask *task, const char *sql);

/* Runs before the loop does, when nothing is queued: the caller's thread may use the database. A row of which @read_row makes
 * %NULL is damaged, and left out. (transfer full) */
GPtrArray *cold_store_load (ColdStore *self, const char *sql, gpointer (*read_row) (sqlite3_stmt *),
                            gpointer element_free);
/* For a read row and its like; NULL is "" as a text, and %NULL as a name. */
void cold_store_take_text (sqlite3_stmt *statement, int column, char **where);
void cold_store_take_name (sqlite3_stmt *statement, int column, char **where);
/* A word that is none counts as off: nothing is changed for a mistake. */
void cold_store_take_policy (sqlite3_stmt *statement, int column, char **where);
/* Returns: (nullable): %NULL when it is none; valid as sqlite3_column_text() */
const char *cold_store_get_uuid (sqlite3_stmt *statement, int column);
/* (transfer none) (element-type utf8): ids of those whose rows are written, or queued; on the caller's thread */
GHashTable *cold_store_get_manifests (ColdStore *self);
/* (transfer none): for other statements, on the thread that may use it. */
sqlite3 *cold_store_get_db (ColdStore *self);

G_END_DECLS
