/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-plan-cache.h"

/* Of 200 packages, one takes 400 KiB. The planner needs each once, and then an upgrade of each clone. */
#define PLANS_MAX 64

struct _ColdPlanCache
{
  GHashTable *plans; /* (element-type utf8 JsonObject) by key */
  GQueue recent;     /* (element-type utf8) their keys, borrowed; the last used first */
};

ColdPlanCache *
cold_plan_cache_new (void)
{
  ColdPlanCache *self = g_new0 (ColdPlanCache, 1);

  self->plans = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  g_queue_init (&self->recent);
  return self;
}

void
cold_plan_cache_free (ColdPlanCache *self)
{
  if (self == NULL)
    return;
  g_queue_clear (&self->recent);
  g_hash_table_unref (self->plans);
  g_free (self);
}

void
cold_plan_cache_insert (ColdPlanCache *self, const char *key, JsonObject *plan)
{
  char *own;

  if (g_hash_table_contains (self->plans, key))
    return;
  own = g_strdup (key);
  g_hash_table_insert (self->plans, own, json_object_ref (plan));
  g_queue_push_head (&self->recent, own);
  if (g_queue_get_length (&self->recent) > PLANS_MAX)
    g_hash_table_remove (self->plans, g_queue_pop_tail (&self->recent));
}

JsonObject *
cold_plan_cache_lookup (ColdPlanCache *self, const char *key)
{
  gpointer own;
  gpointer plan;

  if (!g_hash_table_lookup_extended (self->plans, key, &own, &plan))
    return NULL;
  g_queue_remove (&self->recent, own);
  g_queue_push_head (&self->recent, own);
  return json_object_ref (plan);
}
