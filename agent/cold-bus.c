/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus.h"

#include "cold-bus-domain.h"
#include "cold-bus-job.h"
#include "cold-bus-manager.h"
#include "cold-bus-objects.h"
#include "cold-bus-pool.h"
#include "cold-bus-volumes.h"

struct _ColdBus
{
  GObject parent_instance;

  ColdBusContext context;
  ColdBusManager *manager;
  ColdBusPools *pools;
  ColdBusVolumes *volumes;
  ColdBusDomains *domains;
  ColdBusJobs *jobs;
};

G_DEFINE_FINAL_TYPE (ColdBus, cold_bus, G_TYPE_OBJECT)

static void
on_pool_changed (ColdInventory *inventory, ColdPool *pool, ColdBus *self)
{
  cold_bus_pools_changed (self->pools, pool);
}

static void
on_volume_changed (ColdInventory *inventory, ColdVolume *volume, ColdBus *self)
{
  cold_bus_volumes_changed (self->volumes, volume->id);
}

static void
on_domain_changed (ColdInventory *inventory, ColdDomain *domain, ColdBus *self)
{
  cold_bus_domains_changed (self->domains, domain);
}

static void
on_synced (ColdInventory *inventory, ColdBus *self)
{
  cold_bus_volumes_set_synced (self->volumes);
}

static void
on_manager_changed (ColdBus *self)
{
  cold_bus_manager_update (self->manager);
}

static void
on_volumes_shown (gboolean links, gpointer user_data)
{
  ColdBus *self = user_data;

  cold_bus_manager_set_volume_count (self->manager, cold_bus_volumes_get_count (self->volumes));
  if (links)
    cold_bus_domains_relink (self->domains);
}

/* What a signal is about is to be seen before it. */
static void
show_before (ColdBus *self, const ColdVolume *volume, ColdJob *job)
{
  cold_bus_volumes_show_now (self->volumes, volume->id);
  cold_bus_jobs_flush (self->jobs, job);
}

static void
on_upgrade_started (ColdScheduler *scheduler, ColdVolume *volume, ColdJob *job, ColdBus *self)
{
  show_before (self, volume, job);
  cold_bus_manager_emit_upgrade_started (self->manager, volume, job);
}

static void
on_upgrade_finished (ColdScheduler *scheduler, ColdVolume *volume, ColdJob *job, ColdBus *self)
{
  show_before (self, volume, job);
  cold_bus_manager_emit_upgrade_finished (self->manager, volume, job);
}

static void
cold_bus_finalize (GObject *object)
{
  ColdBus *self = COLD_BUS (object);

  g_signal_handlers_disconnect_by_data (self->context.inventory, self);
  g_signal_handlers_disconnect_by_data (self->context.scheduler, self);
  g_signal_handlers_disconnect_by_data (self->context.catalogue, self);
  g_signal_handlers_disconnect_by_data (self->context.appliance, self);
  /* Nothing may be called any more when the rest goes. */
  cold_bus_volumes_free (self->volumes);
  cold_bus_objects_free (self->context.objects);
  cold_bus_jobs_free (self->jobs);
  cold_bus_domains_free (self->domains);
  cold_bus_pools_free (self->pools);
  cold_bus_manager_free (self->manager);
  G_OBJECT_CLASS (cold_bus_parent_class)->finalize (object);
}

static void
cold_bus_class_init (ColdBusClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_bus_finalize;
}

static void
cold_bus_init (ColdBus *self)
{
}

ColdBus *
cold_bus_new (GDBusConnection *connection, ColdScheduler *scheduler, ColdInventory *inventory,
              ColdStore *store, ColdCatalogue *catalogue, ColdAppliance *appliance)
{
  ColdBus *self = g_object_new (COLD_TYPE_BUS, NULL);

  self->context = (ColdBusContext){
    .connection = connection,
    .scheduler = scheduler,
    .inventory = inventory,
    .store = store,
    .catalogue = catalogue,
    .appliance = appliance,
    .objects = cold_bus_objects_new (connection),
  };
  self->manager = cold_bus_manager_new (&self->context);
  self->pools = cold_bus_pools_new (&self->context);
  self->volumes = cold_bus_volumes_new (&self->context, on_volumes_shown, self);
  self->domains = cold_bus_domains_new (&self->context, self->volumes);
  self->jobs = cold_bus_jobs_new (&self->context);

  g_signal_connect (inventory, "pool-changed", G_CALLBACK (on_pool_changed), self);
  g_signal_connect (inventory, "volume-changed", G_CALLBACK (on_volume_changed), self);
  g_signal_connect (inventory, "domain-changed", G_CALLBACK (on_domain_changed), self);
  g_signal_connect (inventory, "synced", G_CALLBACK (on_synced), self);
  g_signal_connect_swapped (inventory, "connection-changed", G_CALLBACK (on_manager_changed), self);
  g_signal_connect_swapped (catalogue, "changed", G_CALLBACK (on_manager_changed), self);
  g_signal_connect_swapped (appliance, "changed", G_CALLBACK (on_manager_changed), self);
  g_signal_connect_swapped (scheduler, "changed", G_CALLBACK (on_manager_changed), self);
  g_signal_connect (scheduler, "upgrade-started", G_CALLBACK (on_upgrade_started), self);
  g_signal_connect (scheduler, "upgrade-finished", G_CALLBACK (on_upgrade_finished), self);
  return self;
}
