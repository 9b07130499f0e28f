/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repository of rpm packages ("rpm-md", as createrepo_c makes it), and what a generation of the catalogue
 * (cold-generation.h) holds of it:
 *
 *   generation.json          also "base":s, the URI that the files are below, "places":[s], others of its list, "revision":s
 *                            and "date":n, of the newest file that repomd.xml names, in seconds since the epoch, and what
 *                            cold-rpm-paths.h says
 *   repomd.xml               as it was fetched, and verified by
 *   repomd.xml.asc
 *   index.<version>.solv     for libsolv, whose version is in the name: primary, the paths of filelists that somebody
 *                            requires, updateinfo. After an update of libsolv, the one of before is read until the next refresh
 *   modules                  what modules.yaml has, if there is one (cold-rpm-modules.h)
 *
 * A generation's name is a SHA-256 over the URI and repomd.xml, which has the hashes of everything else, and over what other
 * repositories want of it.
 */
#pragma once

#include <solv/repo.h>

#include "cold-repository.h"

G_BEGIN_DECLS

/* ColdRepositoryType.refresh */
JsonObject *cold_rpm_repository_refresh (const ColdSource *self, const char *catalogue, const char *scratch,
                                         ColdDownload *download, GError **error);

/* Adds the current generation to @pool, with @self as appdata. @modules: gets (transfer full) where its file is, if it has one.
 * Returns: (transfer none): %NULL with @error, NotFound when nothing was fetched yet */
Repo *cold_rpm_repository_open (const ColdSource *self, const char *catalogue, Pool *pool, char **modules, GError **error);

/* Whether @s is an advisory of updateinfo, not a package. */
gboolean cold_rpm_is_advisory (const Solvable *s);

G_END_DECLS
