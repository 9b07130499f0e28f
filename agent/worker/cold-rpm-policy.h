/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an admin has forbidden dnf and zypper to update: texts of their configuration files.
 *
 * Each function adds patterns to @patterns (element-type utf8, owned): valid UTF-8, in their order in the file.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* versionlock.list of dnf's and yum's plugin: "name-epoch:version-release.arch" a line, "!" in front of what is excluded. */
void cold_rpm_policy_add_versionlock (const char *text, GPtrArray *patterns);

/* versionlock.toml of dnf 5: "name-evr.*" where one version is named, otherwise "=name": the installed one is. */
void cold_rpm_policy_add_versionlock_toml (const char *text, GPtrArray *patterns);

/* /etc/zypp/locks: names of packages that are locked in any way, globs, and regular expressions between slashes. */
void cold_rpm_policy_add_zypp_locks (const char *text, GPtrArray *patterns);

/* exclude, excludepkgs of [main] in dnf.conf and yum.conf */
void cold_rpm_policy_add_excludes (const char *text, GPtrArray *patterns);

/* includepkgs of [main] in dnf.conf and yum.conf: if any, nothing else is taken. */
void cold_rpm_policy_add_includes (const char *text, GPtrArray *patterns);

/* installonlypkgs of [main] in dnf.conf and yum.conf: "provides:NAME" for each. */
void cold_rpm_policy_add_installonly (const char *text, GPtrArray *specs);

/* multiversion of [main] in zypp.conf, and files of multiversion.d: "NAME" or "provides:NAME". */
void cold_rpm_policy_add_multiversion (const char *text, GPtrArray *specs);
void cold_rpm_policy_add_lines (const char *text, GPtrArray *specs);

/* A file of /etc/zypp/vendors.d: vendors that are one for zypper. */
void cold_rpm_policy_add_vendors (const char *text, GPtrArray *vendors);

/**
 * cold_rpm_policy_get_main:
 *
 * Returns: (transfer full) (nullable): the value of @key in [main], the last one
 */
char *cold_rpm_policy_get_main (const char *text, const char *key);

/**
 * cold_rpm_policy_read_bool:
 * @value: (inout): stays as it is where @key is not in [main], or with no value that dnf takes for true or false
 */
void cold_rpm_policy_read_bool (const char *text, const char *key, gboolean *value);

G_END_DECLS
