/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metadata of an rpm repository, verified and unpacked, read into libsolv.
 */
#pragma once

#include <glib.h>
#include <solv/repo.h>

G_BEGIN_DECLS

/* Whether the file is a text in UTF-8, as all metadata are: not every reader knows another encoding, and a text that one of them
 * reads differently is none that was checked. What is added below is checked. Returns: %FALSE with @error (Signature) */
gboolean cold_rpm_index_check (const char *path, const char *what, GError **error);

/* Adds the packages of primary.xml to @repo. Returns: %FALSE with @error (Signature), also when there is none */
gboolean cold_rpm_index_add_primary (Repo *repo, const char *path, GError **error);

/* Adds the advisories of updateinfo.xml. */
gboolean cold_rpm_index_add_updateinfo (Repo *repo, const char *path, GError **error);

/**
 * cold_rpm_index_find_paths:
 * @wanted: (nullable): paths that are required elsewhere
 *
 * Returns: (transfer full) (element-type utf8): those of @wanted, and of what packages of @repo require, of which no package of
 *   @repo is known to own them
 */
GHashTable *cold_rpm_index_find_paths (Repo *repo, const char *const *wanted);

/* Whether primary.xml would say who owns such a path. */
gboolean cold_rpm_index_is_primary (const char *path);

/* Makes each package of @repo that owns one of @paths by filelists.xml provide it. */
gboolean cold_rpm_index_add_paths (Repo *repo, const char *path, GHashTable *paths, GError **error);

G_END_DECLS
