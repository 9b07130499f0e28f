/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Installed rpm packages as a manifest has them, for libsolv. */
#pragma once

#include <json-glib/json-glib.h>
#include <solv/pool.h>

G_BEGIN_DECLS

/* @installed: of the manifest (common/cold-protocol.h). Returns: %FALSE with @error (Guest) when it is not usable */
gboolean cold_rpm_installed_add (Pool *pool, JsonArray *installed, GError **error);

G_END_DECLS
