/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For whose sake new packages are installed. apt and pacman install what the packages that they upgrade need; where an upgrade takes
 * away what a package that stays needs, they do not look for something new that could stand in. libsolv does.
 */
#pragma once

#include <solv/transaction.h>

#include "cold-plan.h"

G_BEGIN_DECLS

/**
 * cold_plan_needs_restrict:
 * @transaction: a solution that removes nothing
 *
 * Looks for new packages that only packages which stay need. What these need is then to be had from packages of installed names
 * alone.
 *
 * Returns: whether there were some, and everything has to be solved again
 */
gboolean cold_plan_needs_restrict (ColdPlan *plan, Transaction *transaction);

G_END_DECLS
