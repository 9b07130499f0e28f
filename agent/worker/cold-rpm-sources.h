/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The repositories that a guest's dnf, yum or zypper reads: files of yum.repos.d and of zypp's repos.d, and the groups of
 * dnf.conf but [main].
 */
#pragma once

#include "cold-listed-source.h"

G_BEGIN_DECLS

/**
 * cold_rpm_sources_parse:
 * @text: of a *.repo file
 * @variables: (element-type utf8 utf8): cold-rpm-variables.h
 * @zypper: which passes over "exclude", "includepkgs", "module_hotfixes"
 * @sources: gets {"uri","mirrors":[s]?,"list":"mirrorlist"|"metalink"?,"priority":n?,"excludes":[s]?,"includes":[s]?} for each
 *   repository that is enabled
 * @repositories: gets {"id","uris":[s],"priority":n?,"excludes":[s]?,"includes":[s]?,"module-hotfixes":b?} for
 *   each of them, also of those that the catalogue cannot fetch: what the guest takes from which repository
 *
 * With "list", "uri" is of a document that has the places of the repository. What the catalogue cannot fetch is passed over:
 * other schemes than http and https, variables that nobody knows, a repository of which only some packages are wanted in more
 * words than is usable.
 */
void cold_rpm_sources_parse (const char *text, GHashTable *variables, gboolean zypper, JsonArray *sources,
                             JsonArray *repositories);

G_END_DECLS
