/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-manifest-sweep.h"

#include "cold-manifest-store.h"
#include "cold-names.h"

#define INTERVAL_SECONDS (24 * 3600)

struct _ColdManifestSweep
{
  const ColdParts *parts;
  guint timer;
};

/* Of volumes that are gone too: they may come back, and can be asked about.
 * Returns: (transfer full) (element-type utf8) */
static GHashTable *
find_used (ColdInventory *inventory)
{
  GHashTable *used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdFacts *facts = ((const ColdVolume *) value)->facts;

      if (facts != NULL && *facts->manifest != '\0' && !g_hash_table_contains (used, facts->manifest))
        g_hash_table_add (used, g_strdup (facts->manifest));
    }
  return used;
}

static gboolean
on_timer (gpointer user_data)
{
  const ColdManifestSweep *self = user_data;
  g_autoptr (GHashTable) used = find_used (self->parts->inventory);

  cold_store_keep_manifests (self->parts->store, used);
  cold_manifest_store_sweep_async (COLD_MANIFEST_DIR, used, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

ColdManifestSweep *
cold_manifest_sweep_new (const ColdParts *parts)
{
  ColdManifestSweep *self = g_new0 (ColdManifestSweep, 1);

  self->parts = parts;
  self->timer = g_timeout_add_seconds (INTERVAL_SECONDS, on_timer, self);
  on_timer (self);
  return self;
}

void
cold_manifest_sweep_free (ColdManifestSweep *self)
{
  if (self == NULL)
    return;
  g_source_remove (self->timer);
  g_free (self);
}
