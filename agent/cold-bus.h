/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent on the bus (data/org.coldpatch1.xml): shows what the agent's objects tell, and turns calls into
 * theirs. Nothing below knows that there is a bus.
 */
#pragma once

#include "cold-appliance.h"
#include "cold-catalogue.h"
#include "cold-scheduler.h"

G_BEGIN_DECLS

#define COLD_TYPE_BUS (cold_bus_get_type ())
G_DECLARE_FINAL_TYPE (ColdBus, cold_bus, COLD, BUS, GObject)

/* Exports everything on @connection; owning a name is the caller's. All is borrowed and outlives the bus. */
ColdBus *cold_bus_new (GDBusConnection *connection, ColdScheduler *scheduler, ColdInventory *inventory,
                       ColdStore *store, ColdCatalogue *catalogue, ColdAppliance *appliance);

G_END_DECLS
