/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-pool.h"

#include "cold-bus-objects.h"
#include "cold-dbus.h"
#include "cold-json.h"
#include "cold-policy.h"

struct _ColdBusPools
{
  const ColdBusContext *context;
  GHashTable *skeletons; /* (element-type utf8 ColdDbusPool): by UUID */
};

/* Its handler's view of the pool, which can go while a call waits. */
static ColdPool *
find_pool (ColdBusPools *self, ColdDbusPool *skeleton, GDBusMethodInvocation *invocation)
{
  const char *uuid = cold_dbus_pool_get_uuid (skeleton);
  ColdPool *pool = cold_inventory_lookup_pool (self->context->inventory, uuid);

  if (pool != NULL && !pool->gone)
    return pool;
  cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "libvirt has no pool %s any more", uuid);
  return NULL;
}

static gboolean
on_set_policy (ColdDbusPool *skeleton, GDBusMethodInvocation *invocation, const char *policy,
               ColdBusPools *self)
{
  ColdPool *pool = find_pool (self, skeleton, invocation);
  GError *error = NULL;
  gboolean ok;

  if (pool == NULL)
    return TRUE;
  ok = cold_policy_set_pool (self->context->inventory, pool, policy, &error);
  cold_bus_return_done (invocation, ok, error);
  return TRUE;
}

static void
on_resynced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean ok = cold_inventory_resync_finish (COLD_INVENTORY (source), result, &error);

  cold_bus_return_done (user_data, ok, error);
}

static gboolean
on_resync (ColdDbusPool *skeleton, GDBusMethodInvocation *invocation, ColdBusPools *self)
{
  const ColdPool *pool = find_pool (self, skeleton, invocation);

  if (pool != NULL)
    cold_inventory_resync_async (self->context->inventory, pool->uuid, NULL, on_resynced, invocation);
  return TRUE;
}

static void
update (ColdDbusPool *skeleton, const ColdPool *pool)
{
  g_autofree char *name = cold_text_make_valid (pool->name);
  g_autofree char *path = cold_text_make_valid (pool->path);

  cold_dbus_pool_set_name (skeleton, name);
  cold_dbus_pool_set_uuid (skeleton, pool->uuid);
  cold_dbus_pool_set_type_ (skeleton, pool->type);
  cold_dbus_pool_set_state (skeleton, cold_pool_state_to_string (pool));
  cold_dbus_pool_set_path (skeleton, path);
  cold_dbus_pool_set_volume_count (skeleton, pool->volume_count);
  cold_dbus_pool_set_policy (skeleton, pool->policy);
}

void
cold_bus_pools_changed (ColdBusPools *self, const ColdPool *pool)
{
  ColdDbusPool *skeleton = g_hash_table_lookup (self->skeletons, pool->uuid);
  g_autofree char *path = cold_bus_pool_path (pool->uuid);

  if (pool->gone)
    {
      cold_bus_objects_unexport (self->context->objects, path);
      g_hash_table_remove (self->skeletons, pool->uuid);
      return;
    }
  if (skeleton != NULL)
    {
      update (skeleton, pool);
      return;
    }
  skeleton = cold_dbus_pool_skeleton_new ();
  update (skeleton, pool);
  g_signal_connect (skeleton, "handle-set-policy", G_CALLBACK (on_set_policy), self);
  g_signal_connect (skeleton, "handle-resync", G_CALLBACK (on_resync), self);
  g_hash_table_insert (self->skeletons, g_strdup (pool->uuid), skeleton);
  cold_bus_objects_export (self->context->objects, path, G_DBUS_INTERFACE_SKELETON (skeleton));
}

ColdBusPools *
cold_bus_pools_new (const ColdBusContext *context)
{
  ColdBusPools *self = g_new0 (ColdBusPools, 1);
  GHashTableIter iter;
  gpointer value;

  self->context = context;
  self->skeletons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  g_hash_table_iter_init (&iter, cold_inventory_get_pools (context->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    cold_bus_pools_changed (self, value);
  return self;
}

void
cold_bus_pools_free (ColdBusPools *self)
{
  g_hash_table_unref (self->skeletons);
  g_free (self);
}
