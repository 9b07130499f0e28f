/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * $releasever, $basearch and what else stands for something in the configuration of dnf, yum and zypper: dnf.conf(5),
 * "variables"; zypper(8), "repository variables".
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_rpm_variables_new:
 * @manifest: of a guest with rpm packages; "installed", "release", "arch" and "manager" are looked at
 *
 * Knows releasever, releasever_major, releasever_minor, basearch and arch.
 *
 * Returns: (transfer full) (element-type utf8 utf8)
 */
GHashTable *cold_rpm_variables_new (JsonObject *manifest);

/* A file of a folder of variables: it is called as its variable, and its first line is the value. */
void cold_rpm_variables_add (GHashTable *variables, const char *name, const char *text);

/**
 * cold_rpm_variables_expand:
 *
 * $name, ${name}, ${name:-word} where it may be unknown or empty, ${name:+word} where it has to be neither.
 *
 * Returns: (transfer full) (nullable): %NULL when something that is meant to be a variable is not known
 */
char *cold_rpm_variables_expand (GHashTable *variables, const char *text);

G_END_DECLS
