/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One piece of work on one guest (or on the catalogue), as the bus shows it. Whoever carries it out moves it on with the
 * setters; everybody else looks and may cancel.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_TYPE_JOB (cold_job_get_type ())
G_DECLARE_FINAL_TYPE (ColdJob, cold_job, COLD, JOB, GObject)

/*
 * Signals:
 *   changed  ()   at most four times a second for progress alone; at once for state and phase
 *   finished ()   last; state, outcome and error are final
 */

/* @kind: inspect upgrade rollback catalogue; @volume: id, 0 for none */
ColdJob *cold_job_new (guint number, const char *kind, gint64 volume);

guint cold_job_get_number (ColdJob *self);
const char *cold_job_get_kind (ColdJob *self);
gint64 cold_job_get_volume (ColdJob *self);
const char *cold_job_get_state (ColdJob *self);         /* queued running done failed cancelled */
const char *cold_job_get_phase (ColdJob *self);         /* "" or a phase of design section 9 */
double cold_job_get_progress (ColdJob *self);           /* 0..1 */
gint64 cold_job_get_started (ColdJob *self);            /* microseconds since the epoch */
gint64 cold_job_get_finished (ColdJob *self);           /* 0: not yet */
const char *cold_job_get_outcome (ColdJob *self);       /* "" until finished */
const char *cold_job_get_error_name (ColdJob *self);    /* "" or org.coldpatch1.Error.* */
const char *cold_job_get_error_message (ColdJob *self); /* "" */
const char *cold_job_get_log (ColdJob *self);           /* "" or a path */
const char *cold_job_get_report (ColdJob *self);        /* (nullable) JSON */
guint cold_job_get_packages (ColdJob *self);            /* upgraded */
GCancellable *cold_job_get_cancellable (ColdJob *self);
gboolean cold_job_is_finished (ColdJob *self);

/**
 * cold_job_cancel:
 * @why: outcome when it has ended because of this: "cancelled" (somebody asked) or "yielded" (the domain starts)
 *
 * The first reason stands. No effect on a finished job.
 */
void cold_job_cancel (ColdJob *self, const char *why);

void cold_job_start (ColdJob *self);                                                    /* queued -> running */
void cold_job_set_phase (ColdJob *self, const char *phase);                             /* progress begins at 0 again */
void cold_job_set_progress (ColdJob *self, double fraction);
void cold_job_set_log (ColdJob *self, const char *path);
void cold_job_set_report (ColdJob *self, const char *report);
void cold_job_set_packages (ColdJob *self, guint packages);

/**
 * cold_job_finish:
 * @outcome: used when @error is %NULL: upgraded nothing-to-do refused rolled-back, or "" for kinds without outcome
 * @error: (nullable): G_IO_ERROR_CANCELLED and Yielded give the outcome of cold_job_cancel(), Blocked gives refused,
 *   everything else failed
 */
void cold_job_finish (ColdJob *self, const char *outcome, const GError *error);

G_END_DECLS
