/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a proven work set to the exchange: sync, a last look at libvirt, the gate; again when an event came in between (design
 * section 6, steps 3 to 6).
 */
#pragma once

#include "cold-job.h"
#include "cold-work-set.h"

G_BEGIN_DECLS

/**
 * cold_commit_run_async:
 * @volume: id of the volume whose blockers are looked at
 * @set: borrowed until the callback
 * @disks: (nullable) (element-type ColdGuestDisk): what was copied, as it was then; %NULL for a rollback, which puts back
 *   what was there
 */
void cold_commit_run_async (const ColdParts *parts, gint64 volume, ColdWorkSet *set, GPtrArray *disks, ColdJob *job,
                            GAsyncReadyCallback callback, gpointer user_data);
/* %FALSE with Blocked, Yielded, Busy, G_IO_ERROR_CANCELLED, NotConnected or Io: nothing has happened to any name */
gboolean cold_commit_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
