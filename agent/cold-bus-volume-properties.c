/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-volume-properties.h"

#include "cold-names.h"

/* In the order of the tuple. */
static const char *const names[]
    = { "Name",          "Path",       "Pool",           "Format",       "Capacity",     "Allocation",
        "State",         "Blockers",   "Domains",        "Os",           "OsVersion",    "OsProduct",
        "Arch",          "Hostname",   "PackageManager", "PackageCount", "PendingCount", "PendingSecurity",
        "PendingBytes",  "Inspected",  "Upgraded",       "LastOutcome",  "Policy",       "RollbackUntil",
        "RollbackBytes", "AwaitsBoot", "FirstSeen" };

#define LAST_SEEN "LastSeen"

const char *
cold_bus_volume_state (const ColdVolume *volume)
{
  /* It is gone before the scheduler has looked at it again. */
  return cold_volume_state_to_string (volume->gone ? COLD_VOLUME_GONE : volume->state);
}

static GVariant *
blocker_codes (const ColdVolume *volume)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < volume->blockers->len; i++)
    g_variant_builder_add (&builder, "s", ((ColdBlocker *) g_ptr_array_index (volume->blockers, i))->code);
  return g_variant_builder_end (&builder);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(char *const *) a, *(char *const *) b);
}

static GVariant *
domain_paths (const ColdBusContext *context, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (context->inventory, volume);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < domains->len; i++)
    g_ptr_array_add (paths, cold_bus_domain_path (((ColdDomain *) g_ptr_array_index (domains, i))->uuid));
  /* The inventory's order is that of a hash table: another order would look like a change. */
  g_ptr_array_sort (paths, compare_paths);
  return g_variant_new_objv ((const char *const *) paths->pdata, paths->len);
}

GVariant *
cold_bus_volume_pack (const ColdBusContext *context, const ColdVolume *volume)
{
  const ColdFacts *facts = volume->facts;
  g_autofree char *pool = cold_bus_pool_path (volume->pool_uuid);
  GVariant *values[] = {
    cold_bus_text (volume->name),
    cold_bus_text (volume->path),
    g_variant_new_object_path (pool),
    cold_bus_text (volume->format),
    g_variant_new_uint64 (volume->capacity),
    g_variant_new_uint64 (volume->allocation),
    g_variant_new_string (cold_bus_volume_state (volume)),
    blocker_codes (volume),
    domain_paths (context, volume),
    cold_bus_text (facts != NULL ? facts->os : ""),
    cold_bus_text (facts != NULL ? facts->os_version : ""),
    cold_bus_text (facts != NULL ? facts->os_product : ""),
    cold_bus_text (facts != NULL ? facts->arch : ""),
    cold_bus_text (facts != NULL ? facts->hostname : ""),
    cold_bus_text (facts != NULL ? facts->package_manager : ""),
    g_variant_new_uint32 (facts != NULL ? facts->package_count : 0),
    g_variant_new_uint32 (volume->pending_count),
    g_variant_new_uint32 (volume->pending_security),
    g_variant_new_uint64 (volume->pending_bytes),
    g_variant_new_uint64 (volume->inspected),
    g_variant_new_uint64 (volume->upgraded),
    g_variant_new_string (volume->last_outcome),
    g_variant_new_string (volume->policy),
    g_variant_new_uint64 (volume->rollback_until),
    g_variant_new_uint64 (volume->rollback_bytes),
    g_variant_new_boolean (volume->awaits_boot),
    g_variant_new_uint64 (volume->first_seen),
  };
  GVariant *packed;

  G_STATIC_ASSERT (G_N_ELEMENTS (values) == G_N_ELEMENTS (names));
  packed = g_variant_ref_sink (g_variant_new_tuple (values, G_N_ELEMENTS (values)));
  /* Some 400 bytes in one piece, in place of a tree of 27 variants. */
  g_variant_get_data (packed);
  return packed;
}

GVariant *
cold_bus_volume_get (GVariant *packed, gint64 last_seen, const char *name)
{
  if (g_str_equal (name, LAST_SEEN))
    return g_variant_ref_sink (g_variant_new_uint64 (last_seen));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i], name))
      return g_variant_get_child_value (packed, i);
  return NULL;
}

GVariant *
cold_bus_volume_unpack (GVariant *packed, gint64 last_seen)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (packed, i);

      g_variant_builder_add (&builder, "{sv}", names[i], value);
    }
  g_variant_builder_add (&builder, "{sv}", LAST_SEEN, g_variant_new_uint64 (last_seen));
  return g_variant_builder_end (&builder);
}

GVariant *
cold_bus_volume_compare (GVariant *before, GVariant *now)
{
  GVariantBuilder builder;
  guint n = 0;

  if (before != NULL && g_variant_equal (before, now))
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GVariant) old = before != NULL ? g_variant_get_child_value (before, i) : NULL;
      g_autoptr (GVariant) value = g_variant_get_child_value (now, i);

      /* const: never signalled. */
      if ((old != NULL && g_variant_equal (old, value)) || g_str_equal (names[i], "Pool"))
        continue;
      g_variant_builder_add (&builder, "{sv}", names[i], value);
      n++;
    }
  if (n > 0)
    return g_variant_builder_end (&builder);
  g_variant_builder_clear (&builder);
  return NULL;
}

gboolean
cold_bus_volume_differs (GVariant *before, GVariant *now, const char *name)
{
  g_autoptr (GVariant) old = cold_bus_volume_get (before, 0, name);
  g_autoptr (GVariant) value = cold_bus_volume_get (now, 0, name);

  return !g_variant_equal (old, value);
}
