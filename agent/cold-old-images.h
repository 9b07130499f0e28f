/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letting go of old images that are kept after exchanges: when somebody asks for it, when their time is over, when room is short
 * (which ones: cold-retention.h). Keeps the volumes' rollback fields.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-parts.h"

G_BEGIN_DECLS

/* Returns: (transfer full) (element-type ColdJournal): newest first */
GPtrArray *cold_old_images_load (void);

/**
 * cold_old_images_let_go:
 * @job: number of a rollback that has just been exchanged, and took away what nobody had touched since the upgrade; 0 for none
 * @behind: number of the exchange that made the image which it brought back, when that was not touched since; 0 for none
 *
 * Deletes in the background what was taken away; what stands behind it counts on. Updates the volumes' rollback fields.
 */
void cold_old_images_let_go (const ColdParts *parts, guint job, guint behind);

/* Returns: (transfer none) (nullable): of @journals, the exchange whose images @later exchanged although nobody had touched them */
ColdJournal *cold_old_images_find_foldable (GPtrArray *journals, const ColdJournal *later);

/**
 * cold_old_images_fold_async:
 * @job: number of an upgrade that has just been exchanged
 *
 * When nobody has used or touched what the upgrade before it made, that one's old image is the last that is known to work: it is
 * kept, and the one in between deleted (cold_exchange_fold()). Not for volumes that no domain uses. Updates the volumes'
 * rollback fields. Only while the job is at the guest, so that nobody goes back to it.
 */
void cold_old_images_fold_async (const ColdParts *parts, guint job, GAsyncReadyCallback callback, gpointer user_data);
/* Fails when the image in between had to be kept: a warning was logged. */
gboolean cold_old_images_fold_finish (GAsyncResult *result, GError **error);

/* Deletes every old image that is kept for @volume. */
void cold_old_images_drop_async (const ColdParts *parts, gint64 volume, GAsyncReadyCallback callback, gpointer user_data);
/* Fails with NotFound when none is kept, Busy when somebody has it open (it stays, quarantined). */
gboolean cold_old_images_drop_finish (GAsyncResult *result, GError **error);

/**
 * cold_old_images_evict_async:
 * @path: of a volume that an upgrade needs room for
 * @bytes: that are to become free on its file system
 * @job: number of that upgrade
 *
 * Deletes the oldest of the images that cold_retention_list_evictable() names, until there is enough room; none when all of them
 * are not enough.
 */
void cold_old_images_evict_async (const ColdParts *parts, const char *path, guint64 bytes, guint job, GAsyncReadyCallback callback,
                                gpointer user_data);
/* (transfer full) (element-type JsonObject): {"job":n,"volumes":[path],"bytes":n}; %NULL with NotFound when they are not enough,
 * or why one was kept */
JsonArray *cold_old_images_evict_finish (GAsyncResult *result, GError **error);

/**
 * cold_old_images_expire:
 *
 * Deletes, in the background, every old image of which cold_retention_is_over() says so. Updates the volumes' rollback fields.
 * Exchanges that could not be journalled as done are, if they can by now.
 */
void cold_old_images_expire (const ColdParts *parts);

G_END_DECLS
