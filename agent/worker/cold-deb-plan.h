/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "apt-get upgrade --with-new-pkgs" would do, without apt: functions of ColdRepositoryType.
 *
 * apt looks at one version of each package only, its candidate: the one of the highest priority. So the candidates are
 * chosen first, by apt's own rules (cold-deb-preferences.h), and nothing else of the catalogue is shown to the solver. Whatever
 * apt would do here that cannot be said to libsolv keeps its package back, with a text in "problems". What is installed of other
 * architectures than the guest's own is planned with (cold-deb-multiarch.h).
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

gboolean cold_deb_plan_load_catalogue (ColdPlan *plan, GError **error);
gboolean cold_deb_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error);
void cold_deb_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs);
gboolean cold_deb_plan_is_usable (ColdPlan *plan, Solvable *s);
Id cold_deb_plan_get_candidate (ColdPlan *plan, Id installed);
char *cold_deb_plan_get_name (ColdPlan *plan, Solvable *s);
void cold_deb_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package);

G_END_DECLS
