/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.coldpatch1.Manager: the agent as a whole, at COLD_BUS_ROOT. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

typedef struct _ColdBusManager ColdBusManager;

/* @context: borrowed */
ColdBusManager *cold_bus_manager_new (const ColdBusContext *context);
void cold_bus_manager_free (ColdBusManager *self);

/* Reads all properties again but VolumeCount. */
void cold_bus_manager_update (ColdBusManager *self);
void cold_bus_manager_set_volume_count (ColdBusManager *self, guint count);
void cold_bus_manager_emit_upgrade_started (ColdBusManager *self, const ColdVolume *volume, ColdJob *job);
void cold_bus_manager_emit_upgrade_finished (ColdBusManager *self, const ColdVolume *volume, ColdJob *job);

G_END_DECLS
