/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking into a guest: a worker reads it, the manifest goes into the manifest store, the facts to the volume.
 */
#pragma once

#include "cold-guest-disks.h"
#include "cold-job.h"
#include "cold-parts.h"

G_BEGIN_DECLS

/**
 * cold_inspection_run_async:
 * @volume: id
 * @job: its cancellable ends it, its progress is moved
 *
 * Finishes with the volume's facts and inspected fields set. Other volumes of the same guest are marked as inspected,
 * without a guest of their own.
 */
void cold_inspection_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, GAsyncReadyCallback callback,
                                gpointer user_data);
/* Fails with Yielded when the content changed meanwhile, or with the worker's error. */
gboolean cold_inspection_run_finish (GAsyncResult *result, GError **error);

/**
 * cold_inspection_absorb_async:
 * @disks: (element-type ColdGuestDisk): of the guest; the first one's volume carries the facts
 * @result: what an inspect or verify worker answered
 * @scratch: where it left its manifest
 *
 * Keeps manifest and packages and sets the volumes' facts for the content that the files have now, as
 * ColdVolume::file says: update that first.
 */
void cold_inspection_absorb_async (const ColdParts *parts, GPtrArray *disks, JsonObject *result, const char *scratch,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_inspection_absorb_finish (GAsyncResult *result, GError **error);

G_END_DECLS
