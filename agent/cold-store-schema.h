/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's tables: opening, checking and migrating the SQLite file. */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/**
 * cold_store_schema_open:
 * @path: a file, or ":memory:"
 *
 * Returns: a connection with the present schema, or %NULL with Failed: no database, corrupt, newer, or not to be opened. The
 *   file is left as it is then.
 */
sqlite3 *cold_store_schema_open (const char *path, GError **error);

G_END_DECLS
