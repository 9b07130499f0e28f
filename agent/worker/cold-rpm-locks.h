/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's dnf or zypper must not touch: versionlock's list, zypp's locks, and what [main] of dnf.conf excludes or includes.
 */
#pragma once

#include "cold-plan.h"

G_BEGIN_DECLS

/**
 * cold_rpm_locks_hide_main:
 * @includes: if any, nothing else is seen
 *
 * The patterns of [main]. As dnf has it, what is installed and excluded is not seen either: it stays as it is.
 */
void cold_rpm_locks_hide_main (ColdPlan *plan, GStrv includes, GStrv excludes);

/* "held" of a manifest: what is locked to the installed version gets into @plan->held, other versions are not seen. */
void cold_rpm_locks_apply (ColdPlan *plan, GStrv held, gboolean zypper);

G_END_DECLS
