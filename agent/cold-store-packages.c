/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of manifests and their packages. */
#include "cold-json.h"
#include "cold-store-private.h"

void
cold_store_save_manifest (ColdStore *self, const char *manifest, const char *format, JsonArray *packages)
{
  ColdStoreWrite *head = cold_store_write_new ("INSERT OR REPLACE INTO manifests (id, format) VALUES (?, ?)");
  ColdStoreWrite *drop = cold_store_write_new ("DELETE FROM packages WHERE manifest = ?");

  cold_store_put_text (head, manifest);
  cold_store_put_text (head, format);
  cold_store_push_write (self, head);
  cold_store_put_text (drop, manifest);
  cold_store_push_write (self, drop);
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
}

static void
answer_packages (ColdStore *self, GTask *task)
{
  const char *manifest = g_task_get_task_data (task);
  sqlite3_stmt *statement = cold_store_prepare (
      self, task, "SELECT name, version, arch FROM packages WHERE manifest = ? ORDER BY name, arch, version");
  GVariantBuilder builder;

  if (statement == NULL)
    return;
  sqlite3_bind_text (statement, 1, manifest, -1, SQLITE_STATIC);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      g_autofree char *name = NULL, *version = NULL, *arch = NULL;

      cold_store_take_text (statement, 0, &name);
      cold_store_take_text (statement, 1, &version);
      cold_store_take_text (statement, 2, &arch);
      g_variant_builder_add (&builder, "(sss)", name, version, arch);
    }
  sqlite3_finalize (statement);
  g_task_return_pointer (task, g_variant_ref_sink (g_variant_builder_end (&builder)),
                         (GDestroyNotify) g_variant_unref);
}

void
cold_store_packages_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, g_strdup (manifest), g_free);
  cold_store_push_query (self, task, answer_packages);
}

GVariant *
cold_store_packages_finish (ColdStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
