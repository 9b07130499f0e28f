/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs that wait, run or have just ended: at most so many appliances at once, upgrades before inspections, the catalogue
 * beside both. Everything that ends is written into the store's history.
 */
#pragma once

#include "cold-job.h"
#include "cold-parts.h"
#include "cold-upgrade.h"

G_BEGIN_DECLS

#define COLD_TYPE_JOB_QUEUE (cold_job_queue_get_type ())
G_DECLARE_FINAL_TYPE (ColdJobQueue, cold_job_queue, COLD, JOB_QUEUE, GObject)

/* Signals, each with a ColdJob: job-added, job-started, job-finished, job-removed (a while later). */

/* @parts: borrowed, outlives the queue */
ColdJobQueue *cold_job_queue_new (const ColdParts *parts);

/* All return a borrowed job, which may have begun already. */
ColdJob *cold_job_queue_add_inspection (ColdJobQueue *self, gint64 volume);
/* @options: its content is taken */
ColdJob *cold_job_queue_add_upgrade (ColdJobQueue *self, gint64 volume, ColdUpgradeOptions *options);
ColdJob *cold_job_queue_add_rollback (ColdJobQueue *self, gint64 volume, gboolean discard_changes);
/* One refresh at a time: returns the one under way when there is one. */
ColdJob *cold_job_queue_add_catalogue (ColdJobQueue *self);

GPtrArray *cold_job_queue_get_jobs (ColdJobQueue *self); /* (element-type ColdJob) borrowed, finished ones for a while */
ColdJob *cold_job_queue_lookup (ColdJobQueue *self, guint number); /* (nullable) */
guint cold_job_queue_get_unfinished (ColdJobQueue *self);

/* Cancels everything and takes nothing more; finishes when no job runs. */
void cold_job_queue_stop_async (ColdJobQueue *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_job_queue_stop_finish (ColdJobQueue *self, GAsyncResult *result, GError **error);
gboolean cold_job_queue_is_stopping (ColdJobQueue *self);

G_END_DECLS
