/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages of apk as libsolv takes them, which knows nothing of apk: in a pool of DISTTYPE_RPM, all of one architecture, with
 * versions written as cold-apk-version.h says. What apk means by names is put into dependencies:
 *
 *   a name has one owner: who provides it with a version, or is called so, conflicts with all others that provide it
 *   name~1.2 is all that begins with 1.2: two bounds
 *   install_if are libsolv's "supplements"
 */
#pragma once

#include <solv/pool.h>
#include <solv/repo.h>

#include "cold-apk-index.h"

G_BEGIN_DECLS

/* What libsolv has no word for, as texts of a solvable. */
#define COLD_APK_VERSION "apk:version"     /* as it was published */
#define COLD_APK_ARCH "apk:arch"
#define COLD_APK_IDENTITY "apk:identity"
#define COLD_APK_INSTALL_IF "apk:install-if"

typedef enum
{
  COLD_APK_CONFLICT = 1 << 0, /* "!name" */
  COLD_APK_PINNED = 1 << 1,   /* to a repository ("name@tag") or to one file ("name><Q1...") */
  COLD_APK_EXACT = 1 << 2     /* to one version ("name=1.2-r0") */
} ColdApkDependencyFlags;

/**
 * cold_apk_solver_dependency:
 * @text: as in the fields of a package, or in /etc/apk/world
 * @flags: (out) (optional)
 *
 * Returns: the dependency, for a conflict that which must not be; 0 when there is no name
 */
Id cold_apk_solver_dependency (Pool *pool, const char *text, ColdApkDependencyFlags *flags);

/* Returns: (transfer full): the name in a dependency */
char *cold_apk_solver_name (const char *text);

/* Adds a package to @repo. @data: of it. @location: (nullable): of the package file below the repository's URI */
Id cold_apk_solver_add (Repo *repo, Repodata *data, const ColdApkPackage *package, const char *location);

/* Makes supplements of COLD_APK_INSTALL_IF, which caches keep and supplements they do not. */
void cold_apk_solver_add_install_if (Repo *repo);

/* Returns: (nullable): @key: one of the above */
const char *cold_apk_solver_text (Pool *pool, Id solvable, const char *key);

/* Reads an APKINDEX into @repo. @arch: of packages that do not say theirs */
gboolean cold_apk_solver_read (Repo *repo, const char *path, const char *arch, GError **error);

G_END_DECLS
