/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Since when what a plan says is pending. Kept beside the plan, which is made anew after each inspection and each
 * refresh of the catalogue: {"<name> <arch> <installed version>": microseconds since the epoch}
 *
 * A candidate that is followed by a newer one is still the same delay; another installed version begins a new one.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_pending_merge:
 * @before: (nullable): what the last call returned for the guest
 * @packages: (nullable): of the new plan
 * @now: microseconds since the epoch, for packages that were not pending before
 *
 * Returns: (transfer full) (nullable): %NULL when nothing is pending
 */
char *cold_pending_merge (const char *before, JsonArray *packages, gint64 now);

/**
 * cold_pending_since:
 * @pending: (nullable): what cold_pending_merge() returned, as an object
 * @package: of the plan
 *
 * Returns: microseconds since the epoch; 0: not known
 */
gint64 cold_pending_since (JsonObject *pending, JsonObject *package);

G_END_DECLS
