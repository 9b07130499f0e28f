/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a guest's volumes to their work copies (design section 4): takes the room that they need, and lets go of old
 * images, once, when there is too little of it.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-job.h"
#include "cold-work-set.h"

G_BEGIN_DECLS

/**
 * cold_copying_run_async:
 * @volume: id of the guest's leader, whose domains' claims are to be heeded
 * @disks: (element-type ColdGuestDisk): what is copied
 * @report: gets "evicted" (cold_old_images_evict_finish()) when old images had to go, even when it fails after that
 */
void cold_copying_run_async (const ColdParts *parts, gint64 volume, GPtrArray *disks, ColdJob *job, JsonObject *report,
                             GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): copied; %NULL with what cold_work_set_open_async() and cold_copy_async() say, or NotFound when the
 * volume is gone: no work copy is left then */
ColdWorkSet *cold_copying_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
