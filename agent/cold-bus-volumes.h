/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All volumes on the bus: one subtree that answers for each of them, and the signals of what changed, sent in
 * slices.
 */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

typedef struct _ColdBusVolumes ColdBusVolumes;

/**
 * ColdBusVolumesShown:
 *
 * Called when another number of volumes is there, and when all that changed has been shown. @links: volumes came,
 * went or moved, so that domains may lead elsewhere.
 */
typedef void (*ColdBusVolumesShown) (gboolean links, gpointer user_data);

/* Shows what is in the inventory soon after. @context: borrowed */
ColdBusVolumes *cold_bus_volumes_new (const ColdBusContext *context, ColdBusVolumesShown shown,
                                      gpointer user_data);
void cold_bus_volumes_free (ColdBusVolumes *self);

/* Something of the volume may have changed; it is compared and signalled soon. */
void cold_bus_volumes_changed (ColdBusVolumes *self, gint64 id);
/* The same at once, so that what is signalled next comes after it. */
void cold_bus_volumes_show_now (ColdBusVolumes *self, gint64 id);

/* The first resync has ended: once all that waits has been shown, new volumes are news. */
void cold_bus_volumes_set_synced (ColdBusVolumes *self);

/* Volumes that are not gone. */
guint cold_bus_volumes_get_count (ColdBusVolumes *self);

G_END_DECLS
