/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths that packages of one repository require and packages of another one own. primary.xml lists programs and configuration only;
 * for anything else filelists.xml has to be read, which is ten times as large: that is done for paths that somebody requires.
 *
 * generation.json has for it "unmet":[s], what packages of the repository require and none of its own has, and "wanted":[s], what
 * was looked for in filelists.xml on behalf of other repositories. Both are sorted. Which repositories serve a guest together is
 * not known here: all of one architecture might.
 */
#pragma once

#include <solv/repo.h>

#include "cold-repository.h"

G_BEGIN_DECLS

/* Returns: (transfer full): what the other ones of self->beside have as "unmet" in the catalogue, sorted, none twice */
GStrv cold_rpm_paths_wanted (const ColdSource *self, const char *catalogue);

/* Whether "wanted" of a generation has all of them. @generation: (nullable) */
gboolean cold_rpm_paths_are_in (const char *const *paths, JsonObject *generation);

/* Returns: (transfer full): "unmet" of @repo, whose index is complete */
GStrv cold_rpm_paths_unmet (Repo *repo);

/* ColdRepositoryType.is_behind */
gboolean cold_rpm_paths_is_behind (const ColdSource *self, const char *catalogue);

G_END_DECLS
