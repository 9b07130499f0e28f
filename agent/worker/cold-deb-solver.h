/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libsolv for Debian packages: what is installed and what the catalogue has.
 *
 * Obsoletes (Replaces with Conflicts) are left out of the pool: to libsolv they say "may take the place of", and nothing is
 * ever removed here.
 */
#pragma once

#include <gio/gio.h>
#include <solv/pool.h>
#include <solv/repo.h>

#include "cold-deb-repository.h"

G_BEGIN_DECLS

#define COLD_DEB_PHASED_ALL 100

/**
 * cold_deb_solver_make_cache:
 * @packages: a Packages file, not compressed
 * @solv: where the cache is to be
 * @count: number of packages
 *
 * Returns: %FALSE with @error, also when a file that is not empty has no package
 */
gboolean cold_deb_solver_make_cache (const char *packages, const char *solv, guint *count, GError **error);

/* Returns: (transfer full): a pool for packages of @arch (dpkg's word); pool_free() it */
Pool *cold_deb_solver_new_pool (const char *arch);

/**
 * cold_deb_solver_add_installed:
 * @status: text in the format of dpkg's status file
 * @native: the guest's architecture
 * @held: (element-type utf8): gets the pool's names of those on hold, as dpkg's selection says
 * @foreign: gets the other architectures of which something is installed (transfer full): cold-deb-multiarch.h
 *
 * Only what is wholly installed counts: libsolv itself does not look at the Status field.
 */
gboolean cold_deb_solver_add_installed (Pool *pool, const char *status, const char *native, GPtrArray *held,
                                        GStrv *foreign, GError **error);

/* @index: borrowed, kept as the repo's appdata. Reads the cache, or the Packages file when the cache is missing.
 * @native: the guest's architecture; packages of others are renamed */
gboolean cold_deb_solver_add_index (Pool *pool, const ColdDebIndex *index, const char *native, GError **error);

/* Returns: Phased-Update-Percentage of a version of an index; %COLD_DEB_PHASED_ALL when it has none */
guint cold_deb_solver_get_phased (Solvable *s);

G_END_DECLS
