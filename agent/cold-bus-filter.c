/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-filter.h"

#include "cold-blockers.h"
#include "cold-bus-domain.h"
#include "cold-bus-volume-properties.h"
#include "cold-policy.h"

typedef enum
{
  ANY,
  YES,
  NO,
} Wanted;

/* What is %NULL is not asked for. */
typedef struct
{
  const char *state;
  const char *os;
  const char *policy;
  const char *blocker;
  const char *pool;   /* UUID */
  GHashTable *domain; /* (element-type gint64*) ids */
  Wanted has_guest;
} Filter;

typedef gboolean (*Parse) (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error);

static gboolean
parse_state (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  filter->state = g_variant_get_string (value, NULL);
  for (guint i = 0; i <= COLD_VOLUME_GONE; i++)
    if (g_str_equal (cold_volume_state_to_string (i), filter->state))
      return TRUE;
  g_set_error (
      error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
      "'%s' is no state of a volume: use new, inspecting, current, pending, blocked, upgrading, failed,"
      " unsupported or gone",
      filter->state);
  return FALSE;
}

static gboolean
parse_pool (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  const char *wanted = g_variant_get_string (value, NULL);
  GHashTableIter iter;
  gpointer pool;

  g_hash_table_iter_init (&iter, cold_inventory_get_pools (context->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &pool))
    {
      const ColdPool *one = pool;

      if (!one->gone && (g_str_equal (one->uuid, wanted) || g_str_equal (one->name, wanted)))
        {
          filter->pool = one->uuid;
          return TRUE;
        }
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
               "there is no pool '%s': virsh pool-list --all names them", wanted);
  return FALSE;
}

static gboolean
parse_domain (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  const char *wanted = g_variant_get_string (value, NULL);
  const ColdDomain *domain = cold_inventory_lookup_domain (context->inventory, wanted);

  if (domain == NULL || domain->gone)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                   "there is no domain '%s': virsh list --all names them", wanted);
      return FALSE;
    }
  g_clear_pointer (&filter->domain, g_hash_table_unref);
  filter->domain = cold_bus_domain_find_used (context->inventory, domain);
  return TRUE;
}

static gboolean
parse_os (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  filter->os = g_variant_get_string (value, NULL);
  return TRUE;
}

static gboolean
parse_policy (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  filter->policy = g_variant_get_string (value, NULL);
  return cold_policy_check (filter->policy, TRUE, error);
}

static gboolean
parse_blocker (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  guint n;
  const ColdBlockerText *texts = cold_blocker_texts (&n);

  filter->blocker = g_variant_get_string (value, NULL);
  for (guint i = 0; i < n; i++)
    if (g_str_equal (texts[i].code, filter->blocker))
      return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "'%s' is no blocker's code: see coldpatchd(8) for all of them", filter->blocker);
  return FALSE;
}

static gboolean
parse_has_guest (const ColdBusContext *context, GVariant *value, Filter *filter, GError **error)
{
  filter->has_guest = g_variant_get_boolean (value) ? YES : NO;
  return TRUE;
}

static gboolean
parse_one (const ColdBusContext *context, const char *key, GVariant *value, Filter *filter, GError **error)
{
  static const struct
  {
    const char *key;
    const char *type;
    Parse parse;
  } keys[] = {
    { "state", "s", parse_state },         { "pool", "s", parse_pool },
    { "domain", "s", parse_domain },       { "os", "s", parse_os },
    { "policy", "s", parse_policy },       { "blocker", "s", parse_blocker },
    { "has-guest", "b", parse_has_guest },
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (!g_str_equal (key, keys[i].key))
        continue;
      if (g_variant_is_of_type (value, G_VARIANT_TYPE (keys[i].type)))
        return keys[i].parse (context, value, filter, error);
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "the value of '%s' must be of type %s, not %s", key, keys[i].type,
                   g_variant_get_type_string (value));
      return FALSE;
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "unknown key '%s': use state, pool, domain, os, policy, blocker (s) or has-guest (b)", key);
  return FALSE;
}

static gboolean
parse (const ColdBusContext *context, GVariant *options, Filter *filter, GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      /* The strings are those of @options, which the caller holds. */
      if (!parse_one (context, key, owned, filter, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
matches (const Filter *filter, const ColdVolume *volume)
{
  gboolean has_guest = volume->facts != NULL && volume->facts->has_guest;
  const char *os = volume->facts != NULL ? volume->facts->os : "";

  if (filter->state != NULL ? !g_str_equal (cold_bus_volume_state (volume), filter->state) : volume->gone)
    return FALSE;
  return (filter->has_guest == ANY || has_guest == (filter->has_guest == YES))
         && (filter->os == NULL || g_str_equal (os, filter->os))
         && (filter->policy == NULL || g_str_equal (volume->policy, filter->policy))
         && (filter->blocker == NULL || cold_volume_has_blocker (volume, filter->blocker))
         && (filter->pool == NULL || g_str_equal (volume->pool_uuid, filter->pool))
         && (filter->domain == NULL || g_hash_table_contains (filter->domain, &volume->id));
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const ColdVolume *left = *(ColdVolume *const *) a, *right = *(ColdVolume *const *) b;

  return (left->id > right->id) - (left->id < right->id);
}

GPtrArray *
cold_bus_filter_volumes (const ColdBusContext *context, GVariant *options, gboolean guests, GError **error)
{
  GPtrArray *volumes = NULL;
  Filter filter = { 0 };
  GHashTableIter iter;
  gpointer value;

  if (parse (context, options, &filter, error))
    {
      volumes = g_ptr_array_new ();
      g_hash_table_iter_init (&iter, cold_inventory_get_volumes (context->inventory));
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          const ColdVolume *volume = value;

          if (matches (&filter, volume) && (!guests || (volume->facts != NULL && volume->facts->has_guest)))
            g_ptr_array_add (volumes, value);
        }
      g_ptr_array_sort (volumes, compare_ids);
    }
  g_clear_pointer (&filter.domain, g_hash_table_unref);
  return volumes;
}
