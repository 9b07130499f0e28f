/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Old images that are kept after an exchange: going back to them, and letting go of them (design section 6).
 */
#pragma once

#include "cold-job.h"
#include "cold-journal.h"
#include "cold-parts.h"

G_BEGIN_DECLS

/* @options: (nullable): a{sv}: discard-changes b. InvalidArgument for anything else. */
gboolean cold_rollback_options_parse (GVariant *options, gboolean *discard_changes, GError **error);

/**
 * cold_rollback_run_async:
 * @discard_changes: go back even if the image was written to since the upgrade; what is discarded is kept for the
 *   retention time
 */
void cold_rollback_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, gboolean discard_changes,
                              GAsyncReadyCallback callback, gpointer user_data);
/* Fails with NotFound (no old image), Blocked, Yielded, Io. */
gboolean cold_rollback_run_finish (GAsyncResult *result, GError **error);

/* Deletes every old image that is kept for @volume. */
void cold_rollback_drop_async (const ColdParts *parts, gint64 volume, GAsyncReadyCallback callback, gpointer user_data);
/* Fails with NotFound when none is kept, Busy when somebody has it open (it stays, quarantined). */
gboolean cold_rollback_drop_finish (GAsyncResult *result, GError **error);

/**
 * cold_rollback_evict_async:
 * @path: of a volume that an upgrade needs room for
 * @bytes: that are to become free on its file system
 * @job: number of that upgrade
 *
 * Deletes the oldest of the images that cold_retention_list_evictable() names, until there is enough room; none when all of them
 * are not enough.
 */
void cold_rollback_evict_async (const ColdParts *parts, const char *path, guint64 bytes, guint job, GAsyncReadyCallback callback,
                                gpointer user_data);
/* (transfer full) (element-type JsonObject): {"job":n,"volumes":[path],"bytes":n}; %NULL with NotFound when they are not enough,
 * or why one was kept */
JsonArray *cold_rollback_evict_finish (GAsyncResult *result, GError **error);

/**
 * cold_rollback_expire:
 *
 * Deletes, in the background, every old image of which cold_retention_is_over() says so. Updates the volumes' rollback fields.
 */
void cold_rollback_expire (const ColdParts *parts);

G_END_DECLS
