/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-domain.h"

#include "cold-bus-objects.h"
#include "cold-dbus.h"
#include "cold-json.h"
#include "cold-policy.h"

typedef struct
{
  ColdDbusDomain *skeleton;
  GHashTable *used; /* cold_bus_domain_find_used(), as last shown */
} Shown;

struct _ColdBusDomains
{
  const ColdBusContext *context;
  ColdBusVolumes *volumes;
  GHashTable *shown; /* (element-type utf8 Shown): by UUID */
};

static void
shown_free (gpointer user_data)
{
  Shown *shown = user_data;

  g_object_unref (shown->skeleton);
  g_hash_table_unref (shown->used);
  g_free (shown);
}

GHashTable *
cold_bus_domain_find_used (ColdInventory *inventory, const ColdDomain *domain)
{
  GHashTable *used = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GPtrArray) images = NULL;

  if (domain->gone)
    return used;
  images = cold_inventory_images_of (inventory, domain);
  for (guint i = 0; i < images->len; i++)
    g_hash_table_add (used, g_memdup2 (&((ColdVolume *) g_ptr_array_index (images, i))->id, sizeof (gint64)));
  return used;
}

static void
mark_volumes (ColdBusDomains *self, GHashTable *some, GHashTable *others)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, some);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_hash_table_contains (others, key))
      cold_bus_volumes_changed (self->volumes, *(gint64 *) key);
}

/* Volumes that the domain has let go of, or taken, show other Domains. */
static void
relink (ColdBusDomains *self, Shown *shown, const ColdDomain *domain)
{
  GHashTable *used = cold_bus_domain_find_used (self->context->inventory, domain);

  mark_volumes (self, shown->used, used);
  mark_volumes (self, used, shown->used);
  g_hash_table_unref (shown->used);
  shown->used = used;
}

static gboolean
on_set_policy (ColdDbusDomain *skeleton, GDBusMethodInvocation *invocation, const char *policy,
               ColdBusDomains *self)
{
  const char *uuid = cold_dbus_domain_get_uuid (skeleton);
  ColdDomain *domain = g_hash_table_lookup (cold_inventory_get_domains (self->context->inventory), uuid);
  GError *error = NULL;
  gboolean ok;

  if (domain == NULL || domain->gone)
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "libvirt has no domain %s any more", uuid);
      return TRUE;
    }
  ok = cold_policy_set_domain (self->context->inventory, domain, policy, &error);
  cold_bus_return_done (invocation, ok, error);
  return TRUE;
}

static void
update (ColdBusDomains *self, ColdDbusDomain *skeleton, const ColdDomain *domain)
{
  g_autoptr (GPtrArray) volumes = cold_inventory_volumes_of (self->context->inventory, domain);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *name = cold_text_make_valid (domain->info->name);

  for (guint i = 0; i < volumes->len; i++)
    g_ptr_array_add (paths, cold_bus_volume_path (((ColdVolume *) g_ptr_array_index (volumes, i))->id));
  g_ptr_array_add (paths, NULL);
  cold_dbus_domain_set_name (skeleton, name);
  cold_dbus_domain_set_uuid (skeleton, domain->uuid);
  cold_dbus_domain_set_state (skeleton, domain->info->state != NULL ? domain->info->state : "nostate");
  cold_dbus_domain_set_volumes (skeleton, (const char *const *) paths->pdata);
  cold_dbus_domain_set_policy (skeleton, domain->policy);
  cold_dbus_domain_set_claimed (skeleton, domain->claimed);
  cold_dbus_domain_set_last_stop (skeleton, domain->last_stop);
}

void
cold_bus_domains_changed (ColdBusDomains *self, const ColdDomain *domain)
{
  Shown *shown = g_hash_table_lookup (self->shown, domain->uuid);
  g_autofree char *path = cold_bus_domain_path (domain->uuid);
  gboolean is_new = shown == NULL;

  if (domain->gone && is_new)
    return;
  if (is_new)
    {
      shown = g_new0 (Shown, 1);
      shown->skeleton = cold_dbus_domain_skeleton_new ();
      shown->used = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
      g_signal_connect (shown->skeleton, "handle-set-policy", G_CALLBACK (on_set_policy), self);
      g_hash_table_insert (self->shown, g_strdup (domain->uuid), shown);
    }
  relink (self, shown, domain);
  if (domain->gone)
    {
      cold_bus_objects_unexport (self->context->objects, path);
      g_hash_table_remove (self->shown, domain->uuid);
      return;
    }
  update (self, shown->skeleton, domain);
  if (is_new)
    cold_bus_objects_export (self->context->objects, path, G_DBUS_INTERFACE_SKELETON (shown->skeleton));
}

void
cold_bus_domains_relink (ColdBusDomains *self)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->shown);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      Shown *shown = value;
      const ColdDomain *domain
          = g_hash_table_lookup (cold_inventory_get_domains (self->context->inventory), key);

      if (domain == NULL)
        continue;
      relink (self, shown, domain);
      update (self, shown->skeleton, domain);
    }
}

ColdBusDomains *
cold_bus_domains_new (const ColdBusContext *context, ColdBusVolumes *volumes)
{
  ColdBusDomains *self = g_new0 (ColdBusDomains, 1);
  GHashTableIter iter;
  gpointer value;

  self->context = context;
  self->volumes = volumes;
  self->shown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, shown_free);
  g_hash_table_iter_init (&iter, cold_inventory_get_domains (context->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    cold_bus_domains_changed (self, value);
  return self;
}

void
cold_bus_domains_free (ColdBusDomains *self)
{
  g_hash_table_unref (self->shown);
  g_free (self);
}
