/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The properties of org.coldpatch1.Volume. Tens of thousands of volumes have no skeleton each, but one packed
 * tuple of what was shown last: changes are found by comparing it with what would be shown now.
 */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

/* The state as the bus names it. */
const char *cold_bus_volume_state (const ColdVolume *volume);

/* Returns: (transfer full): a serialised tuple of all properties but LastSeen, which is never signalled */
GVariant *cold_bus_volume_pack (const ColdBusContext *context, const ColdVolume *volume);

/* Returns: (transfer full) (nullable): a property's value; %NULL when there is none of that name */
GVariant *cold_bus_volume_get (GVariant *packed, gint64 last_seen, const char *name);

/* Returns: (transfer floating): all properties, a{sv} */
GVariant *cold_bus_volume_unpack (GVariant *packed, gint64 last_seen);

/* Returns: (transfer floating) (nullable): those which differ, a{sv}; all for a %NULL @before */
GVariant *cold_bus_volume_compare (GVariant *before, GVariant *now);

/* Whether a property differs between two packed tuples. */
gboolean cold_bus_volume_differs (GVariant *before, GVariant *now, const char *name);

G_END_DECLS
