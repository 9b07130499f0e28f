/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-zypp-vendors.h"

#include "cold-json.h"

#define OPENSUSE "opensuse"

struct _ColdZyppVendors
{
  GHashTable *groups; /* (element-type utf8 guint) by entry in lower case */
  guint n_groups;
};

/* Joins the group with those that have one of its entries already. */
static void
add_group (ColdZyppVendors *self, GStrv entries)
{
  guint group = ++self->n_groups;

  for (guint i = 0; entries[i] != NULL; i++)
    {
      g_autofree char *entry = g_ascii_strdown (entries[i], -1);
      gpointer known = g_hash_table_lookup (self->groups, entry);
      GHashTableIter iter;
      gpointer value;

      if (*entry == '\0')
        continue;
      g_hash_table_iter_init (&iter, self->groups);
      while (known != NULL && g_hash_table_iter_next (&iter, NULL, &value))
        if (value == known)
          g_hash_table_iter_replace (&iter, GUINT_TO_POINTER (group));
      g_hash_table_replace (self->groups, g_steal_pointer (&entry), GUINT_TO_POINTER (group));
    }
}

ColdZyppVendors *
cold_zypp_vendors_new (JsonArray *groups)
{
  ColdZyppVendors *self = g_new0 (ColdZyppVendors, 1);
  const char *const suse[] = { "suse", NULL };

  self->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  add_group (self, (GStrv) suse);
  for (guint i = 0; groups != NULL && i < json_array_get_length (groups); i++)
    {
      JsonNode *node = json_array_get_element (groups, i);
      JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
      g_auto (GStrv) entries = NULL;

      for (guint k = 0; array != NULL && k < json_array_get_length (array); k++)
        if (cold_json_array_string (array, k) != NULL)
          g_strv_builder_add (builder, cold_json_array_string (array, k));
      entries = g_strv_builder_end (builder);
      add_group (self, entries);
    }
  return self;
}

void
cold_zypp_vendors_free (ColdZyppVendors *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->groups);
  g_free (self);
}

/* Returns: 0: of none */
static guint
group_of (ColdZyppVendors *self, const char *vendor)
{
  g_autofree char *lower = g_ascii_strdown (vendor, -1);
  const char *last = NULL;
  GHashTableIter iter;
  gpointer entry;

  if (g_str_has_prefix (lower, OPENSUSE))
    return GPOINTER_TO_UINT (g_hash_table_lookup (self->groups, lower));
  g_hash_table_iter_init (&iter, self->groups);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    if (g_str_has_prefix (lower, entry) && (last == NULL || strcmp (entry, last) > 0))
      last = entry;
  return last != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->groups, last)) : 0;
}

gboolean
cold_zypp_vendors_are_one (ColdZyppVendors *self, const char *a, const char *b)
{
  guint group = group_of (self, a);

  return g_ascii_strcasecmp (a, b) == 0 || (group != 0 && group == group_of (self, b));
}

static const char *
vendor_of (Pool *pool, const Solvable *s)
{
  return s->vendor != 0 ? pool_id2str (pool, s->vendor) : "";
}

static int
is_change (Pool *pool, Solvable *from, Solvable *to)
{
  return from->vendor != to->vendor
         && !cold_zypp_vendors_are_one (pool->appdata, vendor_of (pool, from), vendor_of (pool, to));
}

void
cold_zypp_vendors_set (ColdZyppVendors *self, Pool *pool)
{
  pool->appdata = self;
  pool_set_custom_vendorcheck (pool, self != NULL ? is_change : NULL);
}
