/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dnf's modules leave of the catalogue's packages for a guest: setModuleExcludes() of libdnf's dnf-sack.cpp.
 *
 * Packages of inactive streams are not seen, and neither are others that are called like a package of an active stream, or
 * provide that name, however new they are; a repository with module_hotfixes is exempt from both. A package whose release
 * says that it is of a module (".module") while no active stream has it is one that dnf would refuse at the very end: it is
 * kept back, and so is everything of modules when the guest's choice of streams is not known, or not possible.
 */
#pragma once

#include "cold-plan.h"
#include "cold-rpm-streams.h"

G_BEGIN_DECLS

typedef struct _ColdRpmModular ColdRpmModular;

ColdRpmModular *cold_rpm_modular_new (void);
void cold_rpm_modular_free (ColdRpmModular *self);

/* @path: of COLD_RPM_MODULES_FILE of a repository, which need not be there */
gboolean cold_rpm_modular_load (ColdRpmModular *self, const char *path, GError **error);

/* Finds the packages of all streams in @pool, which has all repositories. Once for many guests. */
void cold_rpm_modular_find (ColdRpmModular *self, Pool *pool);

/**
 * cold_rpm_modular_apply:
 * @manifest: is loaded; plan->considered has everything, or what other rules left
 * @arch: as pool_setarch() takes it
 *
 * Takes out of plan->considered what the guest would not see, and adds to plan->locked what is kept back.
 */
void cold_rpm_modular_apply (ColdRpmModular *self, ColdPlan *plan, JsonObject *manifest, const char *arch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdRpmModular, cold_rpm_modular_free)

G_END_DECLS
