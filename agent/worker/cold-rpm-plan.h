/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "dnf upgrade" or "zypper update" would do, without them: functions of ColdRepositoryType. Both are made on libsolv
 * too, so what remains here is what they tell it: what is locked and excluded, which packages are installed beside their
 * older versions, whether the vendor may change, and what dnf's modules leave of the catalogue (cold-rpm-modular.h).
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

gboolean cold_rpm_plan_load_catalogue (ColdPlan *plan, GError **error);
gboolean cold_rpm_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error);
void cold_rpm_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs);
gboolean cold_rpm_plan_is_usable (ColdPlan *plan, Solvable *s);
Id cold_rpm_plan_get_candidate (ColdPlan *plan, Id installed);
void cold_rpm_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package);

G_END_DECLS
