/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools of libsolv, and the caches in which it keeps what it parsed: for every type of packages. */
#pragma once

#include <glib.h>
#include <solv/pool.h>
#include <solv/repo.h>

G_BEGIN_DECLS

/* @index: path or name of the parsed file; a suffix ".Packages" is cut. Returns: (transfer full): of its cache, for the libsolv
 * that is running */
char *cold_solver_cache_path (const char *index);

/* Returns: (transfer full) (nullable): that path, or when there is none that of a cache which another version wrote: libsolv reads
 * those of its predecessors, and says so when it cannot */
char *cold_solver_find_cache (const char *index);

/* Writes @repo to @path, without texts for people: all or nothing. */
gboolean cold_solver_write_cache (Repo *repo, const char *path, GError **error);
gboolean cold_solver_read_cache (Repo *repo, const char *path, GError **error);

/* @type: DISTTYPE_*; @arch: the packages' word. Returns: (transfer full): pool_free() it */
Pool *cold_solver_new_pool (int type, const char *arch);

G_END_DECLS
