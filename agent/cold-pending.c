/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pending.h"

#include "cold-json.h"

/* None of the three has a space in any package format. */
static char *
make_key (JsonObject *package)
{
  const char *name = cold_json_string (package, "name");
  const char *arch = cold_json_string (package, "arch");
  const char *installed = cold_json_string (package, "installed");

  return g_strdup_printf ("%s %s %s", name != NULL ? name : "", arch != NULL ? arch : "",
                          installed != NULL ? installed : "");
}

gint64
cold_pending_since (JsonObject *pending, JsonObject *package)
{
  g_autofree char *key = make_key (package);

  return cold_json_int (pending, key);
}

char *
cold_pending_merge (const char *before, JsonArray *packages, gint64 now)
{
  g_autoptr (JsonObject) old = before != NULL ? cold_json_parse_object (before, -1, NULL) : NULL;
  g_autoptr (JsonObject) pending = json_object_new ();

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);
      g_autofree char *key = make_key (package);
      gint64 since = cold_json_int (old, key);

      json_object_set_int_member (pending, key, since != 0 ? since : now);
    }
  return json_object_get_size (pending) > 0 ? cold_json_to_text (pending) : NULL;
}
