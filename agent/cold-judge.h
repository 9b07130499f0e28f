/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says of each volume what state it is in and what blocks it, and shows that to whoever listens to the inventory.
 * Main context only.
 */
#pragma once

#include "cold-agenda.h"
#include "cold-job-queue.h"
#include "cold-retries.h"

G_BEGIN_DECLS

typedef struct ColdJudge ColdJudge;

/* All borrowed. */
ColdJudge *cold_judge_new (const ColdParts *parts, ColdJobQueue *queue, ColdRetries *retries, ColdAgenda *agenda);
void cold_judge_free (ColdJudge *judge);

/* Volumes, domains or known headers have changed, so that other volumes may be others' backing images now: those are soon
 * put on the agenda, and headers that are needed are read. */
void cold_judge_forget_backing (ColdJudge *judge);

/* Sets state and blockers of @volume as they are now, and emits the inventory's volume-changed when they are others. */
void cold_judge_show (ColdJudge *judge, ColdVolume *volume);

/* Whether the inventory's volume-changed that is being emitted comes from cold_judge_show(). */
gboolean cold_judge_is_announcing (ColdJudge *judge);

guint cold_judge_get_pending_count (ColdJudge *judge); /* volumes in state pending */

/* Whether @volume, by its type, size, format and blockers, may be looked into. */
gboolean cold_judge_allows_inspection (const ColdVolume *volume);
/* Whether it was wiped, or made anew as something that is no disk of a guest: what is known of one was another content, and nothing
 * that is there now could be looked into. */
gboolean cold_judge_has_lost_guest (const ColdVolume *volume);

/* How long, in microseconds, the guest must still be left alone after its last run or its last change; 0: it has settled. */
gint64 cold_judge_settle_time_left (ColdJudge *judge, const ColdVolume *volume);

/* Whether the guest was shut down cleanly last time, or was never seen running: policy auto acts then only. */
gboolean cold_judge_ended_cleanly (ColdJudge *judge, const ColdVolume *volume);

G_END_DECLS
