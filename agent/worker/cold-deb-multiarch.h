/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages of several architectures in one guest (Multi-Arch of deb-control(5)), as apt sees them (apt-pkg/pkgcachegen.cc,
 * apt-pkg/deb/deblistparser.cc).
 *
 * libsolv takes two packages of one name for alternatives, and reads Multi-Arch without using it. So the packages of an
 * architecture that is not the guest's own are called "NAME:ARCHITECTURE" in the pool, and what Multi-Arch means is written out
 * in dependencies between those names. Where a guest has packages of its own architecture only, nothing of this is done.
 */
#pragma once

#include <glib.h>
#include <solv/bitmap.h>
#include <solv/pool.h>
#include <solv/repo.h>

G_BEGIN_DECLS

/* Of one guest, beside its own. */
#define COLD_DEB_FOREIGN_MAX 4

/**
 * cold_deb_multiarch_accept:
 * @installed: what is installed in the guest, under the names that dpkg knows
 * @native: dpkg's word for the guest's architecture
 *
 * Lets @pool take packages of the architectures that are installed. Packages of architectures that are not usable (no name of one,
 * too many) are removed from @installed.
 *
 * Returns: (transfer full): the foreign ones, mostly none
 */
GStrv cold_deb_multiarch_accept (Pool *pool, Repo *installed, const char *native);

/* Gives the foreign packages of @repo the names that they have in a pool. */
void cold_deb_multiarch_rename (Repo *repo, const char *native);

/* Returns: (transfer full): the name that dpkg knows */
char *cold_deb_multiarch_get_name (const Solvable *s, const char *native);

/**
 * cold_deb_multiarch_relate:
 * @foreign: not empty
 * @considered: the packages that may take part in a plan; those that nothing can ask for are taken out
 *
 * Writes out what the dependencies mean between architectures. Once for a pool, when all packages are in and renamed.
 */
void cold_deb_multiarch_relate (Pool *pool, const char *native, GStrv foreign, Map *considered);

G_END_DECLS
