/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has failed, or was given up, lately: not tried again by itself for a while, or until the content changes.
 * Main context only.
 */
#pragma once

#include "cold-job.h"
#include "cold-volume.h"

G_BEGIN_DECLS

typedef struct ColdRetries ColdRetries;

/* @yield_us: how long a volume is left alone after an upgrade that yielded, in microseconds, and at least after one that was
 * refused: for what only trying finds out a minute, and twice as long each time, up to an hour */
ColdRetries *cold_retries_new (gint64 yield_us);
void cold_retries_free (ColdRetries *retries);

/* An upgrade or rollback has ended: outcome, error and failures of @volume (which the caller touches), and when to try again. */
void cold_retries_note_upgrade (ColdRetries *retries, ColdVolume *volume, ColdJob *job);

/* Returns: microseconds until policy may try @volume again, 0: now */
gint64 cold_retries_time_left (ColdRetries *retries, const ColdVolume *volume);

/* Returns: (transfer none) (nullable): what the last upgrade was refused for and nothing else tells of: until the next
 * try is due, or the content is another */
const ColdBlocker *cold_retries_get_refusal (ColdRetries *retries, const ColdVolume *volume);

/* The volume's content, as it is now, could not be inspected by @job. */
void cold_retries_note_unreadable (ColdRetries *retries, const ColdVolume *volume, ColdJob *job);
gboolean cold_retries_is_unreadable (ColdRetries *retries, const ColdVolume *volume);
/* Returns: (transfer none) (nullable): what that was refused for, and nothing else tells of */
const ColdBlocker *cold_retries_get_unreadable (ColdRetries *retries, const ColdVolume *volume);
void cold_retries_forget_unreadable (ColdRetries *retries, const ColdVolume *volume); /* (nullable): %NULL: all */

G_END_DECLS
