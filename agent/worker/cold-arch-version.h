/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libsolv compares versions of Arch packages by rpm's rules. Where vercmp(8) has another order, versions are written for
 * the pool in another way, so that rpm's order of what is written is vercmp's order of what is meant.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_arch_version_for_solver:
 * @version: [epoch:]version[-release]
 *
 * A letter right after a digit makes a version older than the one that ends there (1.0rc1 comes before 1.0); for rpm, '~' does.
 * The characters '~' and '^' themselves mean nothing to vercmp.
 *
 * Returns: (transfer full)
 */
char *cold_arch_version_for_solver (const char *version);

G_END_DECLS
