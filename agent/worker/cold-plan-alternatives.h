/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which new package is taken where several would do. To libsolv they are all the same; apt and pacman take the first alternative of a
 * dependency, and for a name that several provide, a package that is called so.
 */
#pragma once

#include <solv/queue.h>

#include "cold-plan.h"

G_BEGIN_DECLS

/* Adds jobs that favour what the guest's manager would take for each need of an upgrade that no package of an installed name meets, and
 * for what these need in turn. After pool_createwhatprovides(). */
void cold_plan_alternatives_favour (ColdPlan *plan, Queue *jobs);

G_END_DECLS
