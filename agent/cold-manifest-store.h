/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manifests by content: one file each, named by its SHA-256, shared by every guest with the same packages.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cold_manifest_store_put_async:
 * @folder: COLD_MANIFEST_DIR
 * @path: a file that a worker left, which may be anything by now
 * @id: its SHA-256, 64 hexadecimal digits, lower case
 *
 * Copies it, readable for workers. Fails with Worker when it is no regular file, too large, or of another hash.
 */
void cold_manifest_store_put_async (const char *folder, const char *path, const char *id, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_manifest_store_put_finish (GAsyncResult *result, GError **error);

/**
 * cold_manifest_store_sweep_async:
 * @keep: (element-type utf8): ids that somebody refers to; borrowed by a thread until @callback, and not changed meanwhile
 *
 * Removes all other files that are older than an hour. Cannot fail: what stays is found by the next one.
 */
void cold_manifest_store_sweep_async (const char *folder, GHashTable *keep, GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
