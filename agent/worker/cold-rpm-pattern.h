/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages as dnf's and zypper's lists have them: NAME, NAME.ARCH, NAME-[EPOCH:]VERSION[-RELEASE][.ARCH], or yum's
 * EPOCH:NAME-VERSION-RELEASE.ARCH, with wildcards; or a regular expression for the name, between slashes.
 */
#pragma once

#include <glib.h>
#include <solv/pool.h>

G_BEGIN_DECLS

gboolean cold_rpm_pattern_matches (Pool *pool, const Solvable *s, const char *pattern);
gboolean cold_rpm_pattern_matches_any (Pool *pool, const Solvable *s, GStrv patterns);

G_END_DECLS
