/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest takes from which repository: includepkgs, excludepkgs and priority of its *.repo files, also where the
 * catalogue's repositories are the admin's.
 */
#pragma once

#include "cold-plan.h"

G_BEGIN_DECLS

/**
 * cold_rpm_restrictions_apply:
 * @repositories: (nullable): of the manifest
 *
 * Takes out of plan->considered what the guest would not take, and sets priorities. A repository of the guest and one of the
 * catalogue are the same when they have a URI (or that of a list) in common, or are called the same. A restricted one that the
 * catalogue does not seem to have can be any of those that the guest does not seem to have: they are all restricted by it.
 */
void cold_rpm_restrictions_apply (ColdPlan *plan, JsonArray *repositories);

/* @repositories: (nullable): of the manifest. Returns: (transfer none) (nullable): the guest's repository that is @source */
JsonObject *cold_rpm_restrictions_find (JsonArray *repositories, const ColdSource *source);

G_END_DECLS
