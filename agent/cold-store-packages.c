/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of manifests and their packages. */
#include <string.h>

#include "cold-json.h"
#include "cold-store-private.h"
#include "cold-version.h"

static void
drop_packages (ColdStore *self, const char *manifest)
{
  ColdStoreWrite *drop = cold_store_write_new ("DELETE FROM packages WHERE manifest = ?");

  cold_store_put_text (drop, manifest);
  cold_store_push_write (self, drop);
}

void
cold_store_save_manifest (ColdStore *self, const char *manifest, const char *format, JsonArray *packages)
{
  ColdStoreWrite *head;

  if (!g_hash_table_add (cold_store_get_manifests (self), g_strdup (manifest)))
    return;
  /* What a crash left of it. */
  drop_packages (self, manifest);
  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonNode *node = json_array_get_element (packages, i);
      JsonArray *package = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      ColdStoreWrite *w;

      if (package == NULL)
        continue;
      w = cold_store_write_new (
          "INSERT INTO packages (manifest, name, version, arch, source) VALUES (?, ?, ?, ?, ?)");
      cold_store_put_text (w, manifest);
      for (guint j = 0; j < 4; j++)
        cold_store_put_text (w, cold_json_array_string (package, j));
      cold_store_push_write (self, w);
    }
  /* The last one: where it is, the packages are. */
  head = cold_store_write_new ("INSERT OR REPLACE INTO manifests (id, format) VALUES (?, ?)");
  cold_store_put_text (head, manifest);
  cold_store_put_text (head, format);
  cold_store_push_write (self, head);
}

void
cold_store_keep_manifests (ColdStore *self, GHashTable *keep)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, cold_store_get_manifests (self));
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      ColdStoreWrite *head;

      if (g_hash_table_contains (keep, id))
        continue;
      head = cold_store_write_new ("DELETE FROM manifests WHERE id = ?");
      cold_store_put_text (head, id);
      cold_store_push_write (self, head);
      drop_packages (self, id);
      g_hash_table_iter_remove (&iter);
    }
}

static GVariant *
read_packages (sqlite3_stmt *statement, const char *manifest, const char *type)
{
  guint n = strlen (type) - strlen ("a()");
  GVariantBuilder builder;

  sqlite3_bind_text (statement, 1, manifest, -1, SQLITE_STATIC);
  g_variant_builder_init (&builder, G_VARIANT_TYPE (type));
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      g_variant_builder_open (&builder, g_variant_type_element (G_VARIANT_TYPE (type)));
      for (guint i = 0; i < n; i++)
        {
          const char *text = (const char *)sqlite3_column_text (statement, i);

          g_variant_builder_add (&builder, "s", text != NULL ? text : "");
        }
      g_variant_builder_close (&builder);
    }
  sqlite3_finalize (statement);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

#define PACKAGES " FROM packages WHERE manifest = ? ORDER BY name, arch, version"

static void
answer_packages (ColdStore *self, GTask *task)
{
  sqlite3_stmt *statement = cold_store_prepare (self, task, "SELECT name, version, arch" PACKAGES);

  if (statement != NULL)
    g_task_return_pointer (task, read_packages (statement, g_task_get_task_data (task), "a(sss)"),
                           (GDestroyNotify)g_variant_unref);
}

void
cold_store_packages_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, g_strdup (manifest), g_free);
  cold_store_push_query (self, task, answer_packages);
}

static void
answer_components (ColdStore *self, GTask *task)
{
  sqlite3_stmt *statement = cold_store_prepare (self, task, "SELECT name, version, arch, source" PACKAGES);

  if (statement != NULL)
    g_task_return_pointer (task, read_packages (statement, g_task_get_task_data (task), "a(ssss)"),
                           (GDestroyNotify)g_variant_unref);
}

void
cold_store_components_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, g_strdup (manifest), g_free);
  cold_store_push_query (self, task, answer_components);
}

GVariant *
cold_store_packages_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  char *name;
  char *below;
} Search;

static void
search_free (Search *search)
{
  g_free (search->name);
  g_free (search->below);
  g_free (search);
}

static void
found_free (ColdFoundPackage *found)
{
  g_free (found->version);
  g_free (found->arch);
  g_free (found->hostname);
  g_free (found);
}

/* @orders: (element-type utf8 ColdVersionOrder): made when a format is met for the first time */
static gboolean
is_below (GHashTable *orders, const char *format, const char *version, const char *below)
{
  ColdVersionOrder *order;

  if (*below == '\0')
    return TRUE;
  if (!g_hash_table_contains (orders, format))
    g_hash_table_insert (orders, g_strdup (format), cold_version_order_new (format));
  order = g_hash_table_lookup (orders, format);
  return order != NULL && cold_version_order_compare (order, version, below) < 0;
}

static void
order_free (ColdVersionOrder *order)
{
  if (order != NULL)
    cold_version_order_free (order);
}

static void
answer_find (ColdStore *self, GTask *task)
{
  const Search *search = g_task_get_task_data (task);
  g_autoptr (GHashTable) orders
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)order_free);
  /* In this order whatever the planner thinks: few packages have the name, and each manifest has few volumes.
   */
  sqlite3_stmt *statement = cold_store_prepare (
      self, task,
      "SELECT v.id, p.version, p.arch, json_extract (v.facts, '$.hostname'), m.format FROM packages p"
      " CROSS JOIN manifests m ON m.id = p.manifest CROSS JOIN volumes v ON v.manifest = p.manifest"
      " WHERE p.name = ? AND v.gone = 0 ORDER BY v.id, p.arch, p.version");
  GPtrArray *all;

  if (statement == NULL)
    return;
  all = g_ptr_array_new_with_free_func ((GDestroyNotify)found_free);
  sqlite3_bind_text (statement, 1, search->name, -1, SQLITE_STATIC);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      g_autofree char *format = NULL;
      ColdFoundPackage *found = g_new0 (ColdFoundPackage, 1);

      found->volume = sqlite3_column_int64 (statement, 0);
      cold_store_take_text (statement, 1, &found->version);
      cold_store_take_text (statement, 2, &found->arch);
      cold_store_take_text (statement, 3, &found->hostname);
      cold_store_take_text (statement, 4, &format);
      if (is_below (orders, format, found->version, search->below))
        g_ptr_array_add (all, found);
      else
        found_free (found);
    }
  sqlite3_finalize (statement);
  g_task_return_pointer (task, all, (GDestroyNotify)g_ptr_array_unref);
}

void
cold_store_find_package_async (ColdStore *self, const char *name, const char *below,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Search *search = g_new0 (Search, 1);

  search->name = g_strdup (name);
  search->below = g_strdup (below);
  g_task_set_task_data (task, search, (GDestroyNotify)search_free);
  cold_store_push_query (self, task, answer_find);
}

GPtrArray *
cold_store_find_package_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
