/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps every guest's plan in step with its manifest and the catalogue. Guests with equal manifests are one solve, and many
 * solves are one worker (cold-plan-queue.h).
 */
#pragma once

#include "cold-parts.h"

G_BEGIN_DECLS

#define COLD_TYPE_PLANNER (cold_planner_get_type ())
G_DECLARE_FINAL_TYPE (ColdPlanner, cold_planner, COLD, PLANNER, GObject)

/* @parts: borrowed, outlives the planner */
ColdPlanner *cold_planner_new (const ColdParts *parts);

/* Whether the volume carries a guest whose plan is not of the catalogue's present generation. */
gboolean cold_planner_is_stale (ColdPlanner *self, const ColdVolume *volume);

/* Plans the volume's guest soon when it is stale; the volume is touched when that is done. */
void cold_planner_request (ColdPlanner *self, gint64 id);

G_END_DECLS
