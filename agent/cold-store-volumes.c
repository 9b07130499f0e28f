/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of volumes. */
#include <string.h>

#include "cold-guest-source.h"
#include "cold-json.h"
#include "cold-store-private.h"

static void
take_file (sqlite3_stmt *statement, int column, ColdFileId *file)
{
  gconstpointer data = sqlite3_column_blob (statement, column);

  if (data != NULL && sqlite3_column_bytes (statement, column) == sizeof *file)
    memcpy (file, data, sizeof *file);
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
  if (facts->sources->len > 0)
    json_object_set_array_member (object, "sources", cold_guest_sources_to_json (facts->sources));
  if (facts->foreign[0] != NULL)
    cold_json_set_strv (object, "foreign", (const char *const *) facts->foreign);
  if (facts->format != NULL)
    json_object_set_string_member (object, "format", facts->format);
  if (facts->disks != NULL)
    {
      JsonArray *disks = json_array_new ();

      for (guint i = 0; i < facts->disks->len; i++)
        json_array_add_int_element (disks, g_array_index (facts->disks, gint64, i));
      json_object_set_array_member (object, "disks", disks);
    }
  return cold_json_to_text (object);
}

static GArray *
take_disks (JsonArray *disks)
{
  GArray *ids = NULL;

  for (guint i = 0; disks != NULL && i < json_array_get_length (disks); i++)
    {
      JsonNode *node = json_array_get_element (disks, i);
      gint64 id = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : 0;

      if (ids == NULL)
        ids = g_array_new (FALSE, FALSE, sizeof (gint64));
      g_array_append_val (ids, id);
    }
  return ids;
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
  g_ptr_array_unref (facts->sources);
  facts->sources = cold_guest_sources_from_json (cold_json_array (object, "sources"));
  cold_facts_take_foreign (facts, object);
  facts->format = g_intern_string (cold_json_string (object, "format"));
  facts->disks = take_disks (cold_json_array (object, "disks"));
  blockers = cold_json_array (object, "blockers");
  for (guint i = 0; blockers != NULL && i < json_array_get_length (blockers); i++)
    {
      JsonObject *entry = cold_json_array_object (blockers, i);

      if (cold_json_string (entry, "code") != NULL)
        g_ptr_array_add (facts->blockers,
                         cold_blocker_new (cold_json_string (entry, "code"), cold_json_string (entry, "detail")));
    }
  return facts;
}

#define VOLUME_COLUMNS                                                                                                 \
  "id, pool, name, key, path, type, format, capacity, allocation, backing_path, backing_format, file, first_seen,"     \
  " last_seen, gone, inspected, inspected_file, facts, plan, plan_generation, pending_count, pending_security,"        \
  " pending_bytes, policy, upgraded, last_outcome, last_error, failures, rollback_until, rollback_bytes, awaits_boot,"     \
  " pending_since, manifest"

/* What is empty has no bytes, which SQLite gives as NULL. */
static void
take_bytes (sqlite3_stmt *statement, int column, char **where)
{
  cold_store_take_name (statement, column, where);
  if (*where == NULL)
    *where = g_strdup ("");
}

static gpointer
read_volume (sqlite3_stmt *statement)
{
  const char *pool = cold_store_get_uuid (statement, 1);
  g_autofree char *name = NULL;
  ColdVolume *volume;
  int i = 3;

  cold_store_take_name (statement, 2, &name);
  if (pool == NULL || name == NULL || *name == '\0' || sqlite3_column_int64 (statement, 0) <= 0)
    return NULL;
  volume = cold_volume_new (pool, name);
  volume->id = sqlite3_column_int64 (statement, 0);
  take_bytes (statement, i++, &volume->key);
  take_bytes (statement, i++, &volume->path);
  cold_store_take_text (statement, i++, &volume->type);
  cold_store_take_text (statement, i++, &volume->format);
  volume->capacity = sqlite3_column_int64 (statement, i++);
  volume->allocation = sqlite3_column_int64 (statement, i++);
  cold_store_take_name (statement, i++, &volume->backing_path);
  if (sqlite3_column_type (statement, i) != SQLITE_NULL)
    cold_store_take_text (statement, i, &volume->backing_format);
  i++;
  take_file (statement, i++, &volume->file);
  volume->first_seen = sqlite3_column_int64 (statement, i++);
  volume->last_seen = sqlite3_column_int64 (statement, i++);
  volume->gone = sqlite3_column_int (statement, i++);
  volume->inspected = sqlite3_column_int64 (statement, i++);
  take_file (statement, i++, &volume->inspected_file);
  volume->facts = facts_from_text ((const char *) sqlite3_column_text (statement, i++));
  cold_volume_share_text (&volume->plan, (const char *) sqlite3_column_text (statement, i++));
  volume->plan_generation = sqlite3_column_int64 (statement, i++);
  volume->pending_count = sqlite3_column_int64 (statement, i++);
  volume->pending_security = sqlite3_column_int64 (statement, i++);
  volume->pending_bytes = sqlite3_column_int64 (statement, i++);
  cold_store_take_policy (statement, i++, &volume->policy);
  volume->upgraded = sqlite3_column_int64 (statement, i++);
  cold_store_take_text (statement, i++, &volume->last_outcome);
  cold_store_take_text (statement, i++, &volume->last_error);
  volume->failures = sqlite3_column_int64 (statement, i++);
  volume->rollback_until = sqlite3_column_int64 (statement, i++);
  volume->rollback_bytes = sqlite3_column_int64 (statement, i++);
  volume->awaits_boot = sqlite3_column_int (statement, i++);
  cold_volume_share_text (&volume->pending_since, (const char *) sqlite3_column_text (statement, i++));
  return volume;
}

GPtrArray *
cold_store_load_volumes (ColdStore *self)
{
  return cold_store_load (self, "SELECT " VOLUME_COLUMNS " FROM volumes ORDER BY id", read_volume, cold_volume_free);
}

void
cold_store_save_volume (ColdStore *self, const ColdVolume *volume)
{
  ColdStoreWrite *w = cold_store_write_new ("INSERT OR REPLACE INTO volumes (" VOLUME_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  g_autofree char *facts = volume->facts != NULL ? facts_to_text (volume->facts) : NULL;

  cold_store_put_int (w, volume->id);
  cold_store_put_text (w, volume->pool_uuid);
  cold_store_put_name (w, volume->name);
  cold_store_put_name (w, volume->key);
  cold_store_put_name (w, volume->path);
  cold_store_put_text (w, volume->type);
  cold_store_put_text (w, volume->format);
  cold_store_put_int (w, volume->capacity);
  cold_store_put_int (w, volume->allocation);
  cold_store_put_name (w, volume->backing_path);
  cold_store_put_text (w, volume->backing_format);
  cold_store_put_bytes (w, &volume->file, sizeof volume->file);
  cold_store_put_int (w, volume->first_seen);
  cold_store_put_int (w, volume->last_seen);
  cold_store_put_int (w, volume->gone);
  cold_store_put_int (w, volume->inspected);
  cold_store_put_bytes (w, &volume->inspected_file, sizeof volume->inspected_file);
  cold_store_put_text (w, facts);
  cold_store_put_text (w, volume->plan);
  cold_store_put_int (w, volume->plan_generation);
  cold_store_put_int (w, volume->pending_count);
  cold_store_put_int (w, volume->pending_security);
  cold_store_put_int (w, volume->pending_bytes);
  cold_store_put_text (w, volume->policy);
  cold_store_put_int (w, volume->upgraded);
  cold_store_put_text (w, volume->last_outcome);
  cold_store_put_text (w, volume->last_error);
  cold_store_put_int (w, volume->failures);
  cold_store_put_int (w, volume->rollback_until);
  cold_store_put_int (w, volume->rollback_bytes);
  cold_store_put_int (w, volume->awaits_boot);
  cold_store_put_text (w, volume->pending_since);
  /* A column of its own, of what the facts have too: guests are found by it. */
  cold_store_put_text (w, volume->facts != NULL && *volume->facts->manifest != '\0' ? volume->facts->manifest : NULL);
  cold_store_push_write (self, w);
}
