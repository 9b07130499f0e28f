/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter of ListVolumes and GetReport. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

/**
 * cold_bus_filter_volumes:
 * @options: a{sv}; keys as data/org.coldpatch1.xml documents them
 * @guests: only volumes that carry a guest, whatever @options say
 *
 * Returns: (transfer full) (element-type ColdVolume): borrowed volumes in the order of their ids; %NULL with
 * @error (InvalidArgument, NotFound)
 */
GPtrArray *cold_bus_filter_volumes (const ColdBusContext *context, GVariant *options, gboolean guests,
                                    GError **error);

G_END_DECLS
