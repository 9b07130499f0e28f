/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Installed rpm packages as a manifest has them, for libsolv. */
#pragma once

#include <json-glib/json-glib.h>
#include <solv/pool.h>

G_BEGIN_DECLS

/* @installed: of the manifest (common/cold-protocol.h). Returns: %FALSE with @error (Guest) when it is not usable */
gboolean cold_rpm_installed_add (Pool *pool, JsonArray *installed, GError **error);

/* A manifest has the paths of programs only, and those that something installed requires: of what a repository has too, gives what
 * is installed the paths that are known of it there. After the repositories and cold_rpm_installed_add(). */
void cold_rpm_installed_add_paths (Pool *pool);

G_END_DECLS
