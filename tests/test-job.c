/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-job.h"

typedef struct
{
  ColdJob *job;
  guint changed;
  guint finished;
  gboolean final; /* what the last "changed" saw was what "finished" saw */
} Fixture;

static void
on_changed (ColdJob *job, Fixture *f)
{
  f->changed++;
}

static void
on_finished (ColdJob *job, Fixture *f)
{
  f->finished++;
  f->final = cold_job_is_finished (job) && *cold_job_get_outcome (job) != '\0';
}

static void
setup (Fixture *f, gconstpointer data)
{
  f->job = cold_job_new (7, "upgrade", 42);
  g_signal_connect (f->job, "changed", G_CALLBACK (on_changed), f);
  g_signal_connect (f->job, "finished", G_CALLBACK (on_finished), f);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->job);
}

static void
test_new (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (cold_job_get_number (f->job), ==, 7);
  g_assert_cmpstr (cold_job_get_kind (f->job), ==, "upgrade");
  g_assert_cmpint (cold_job_get_volume (f->job), ==, 42);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "queued");
  g_assert_cmpstr (cold_job_get_phase (f->job), ==, "");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "");
  g_assert_cmpint (cold_job_get_finished (f->job), ==, 0);
  g_assert_null (cold_job_get_report (f->job));
  g_assert_false (cold_job_is_finished (f->job));
}

static void
test_done (Fixture *f, gconstpointer data)
{
  gint64 before = g_get_real_time ();

  cold_job_start (f->job);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "running");
  g_assert_cmpint (cold_job_get_started (f->job), >=, before);
  cold_job_set_phase (f->job, "copying");
  cold_job_set_progress (f->job, 0.5);
  cold_job_set_phase (f->job, "upgrading");
  g_assert_cmpfloat (cold_job_get_progress (f->job), ==, 0);
  cold_job_set_packages (f->job, 3);
  cold_job_finish (f->job, "upgraded", NULL);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "done");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "upgraded");
  g_assert_cmpfloat (cold_job_get_progress (f->job), ==, 1);
  g_assert_cmpint (cold_job_get_finished (f->job), >=, cold_job_get_started (f->job));
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "");
  g_assert_cmpuint (f->finished, ==, 1);
  g_assert_true (f->final);
}

/* The bus hears of progress at most four times a second, of phases at once. */
static void
test_progress (Fixture *f, gconstpointer data)
{
  gint64 begin = g_get_monotonic_time ();
  guint seconds;

  cold_job_start (f->job);
  f->changed = 0;
  for (guint i = 0; i < 10000; i++)
    cold_job_set_progress (f->job, i / 10000.0);
  seconds = (g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
  g_assert_cmpuint (f->changed, >=, 1);
  g_assert_cmpuint (f->changed, <=, 1 + 4 * (seconds + 1));
  g_assert_cmpfloat (cold_job_get_progress (f->job), ==, 0.9999);

  f->changed = 0;
  cold_job_set_phase (f->job, "copying");
  cold_job_set_phase (f->job, "copying");
  g_assert_cmpuint (f->changed, ==, 1);
}

static void
test_progress_bounds (Fixture *f, gconstpointer data)
{
  cold_job_set_progress (f->job, 1.5);
  g_assert_cmpfloat (cold_job_get_progress (f->job), ==, 1);
  cold_job_set_progress (f->job, -1);
  g_assert_cmpfloat (cold_job_get_progress (f->job), ==, 0);
}

static void
test_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (COLD_ERROR, COLD_ERROR_GUEST, "apt: 100");

  cold_job_start (f->job);
  cold_job_finish (f->job, "upgraded", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "failed");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "failed");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "org.coldpatch1.Error.Guest");
  g_assert_cmpstr (cold_job_get_error_message (f->job), ==, "apt: 100");
}

static void
test_foreign_error (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "closed");

  cold_job_start (f->job);
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "failed");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "org.coldpatch1.Error.Failed");
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (COLD_ERROR, COLD_ERROR_BLOCKED, "in-use: web");

  cold_job_start (f->job);
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "failed");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "refused");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "org.coldpatch1.Error.Blocked");
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  cold_job_start (f->job);
  cold_job_cancel (f->job, "cancelled");
  cold_job_cancel (f->job, "yielded"); /* too late: the first reason stands */
  g_assert_true (g_cancellable_set_error_if_cancelled (cold_job_get_cancellable (f->job), &error));
  g_assert_false (cold_job_is_finished (f->job)); /* only when whoever works on it has ended */
  cold_job_finish (f->job, "upgraded", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "cancelled");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "cancelled");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "");
  g_assert_cmpuint (f->finished, ==, 1);
}

static void
test_yielded (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  cold_job_start (f->job);
  cold_job_cancel (f->job, "yielded");
  g_assert_true (g_cancellable_set_error_if_cancelled (cold_job_get_cancellable (f->job), &error));
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "cancelled");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "yielded");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "org.coldpatch1.Error.Yielded");
}

/* The commit itself found that the disk had changed: nobody called cancel. */
static void
test_yielded_by_itself (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (COLD_ERROR, COLD_ERROR_YIELDED, "owner changed");

  cold_job_start (f->job);
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "cancelled");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "yielded");
  g_assert_cmpstr (cold_job_get_error_message (f->job), ==, "owner changed");
}

/* A real failure that came before the cancelling was heard is told as what it is. */
static void
test_failure_beats_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (COLD_ERROR, COLD_ERROR_NO_SPACE, "full");

  cold_job_start (f->job);
  cold_job_cancel (f->job, "cancelled");
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "failed");
  g_assert_cmpstr (cold_job_get_error_name (f->job), ==, "org.coldpatch1.Error.NoSpace");
}

/* An exchange that has begun is finished first: the upgrade is there although somebody cancelled. */
static void
test_cancel_too_late (Fixture *f, gconstpointer data)
{
  cold_job_start (f->job);
  cold_job_cancel (f->job, "cancelled");
  cold_job_finish (f->job, "upgraded", NULL);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "done");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "upgraded");
  f->changed = 0;
  cold_job_cancel (f->job, "yielded");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "upgraded");
  g_assert_cmpuint (f->changed, ==, 0);
}

static void
test_cancel_queued (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  cold_job_cancel (f->job, "cancelled");
  g_assert_true (g_cancellable_set_error_if_cancelled (cold_job_get_cancellable (f->job), &error));
  cold_job_finish (f->job, "", error);
  g_assert_cmpstr (cold_job_get_state (f->job), ==, "cancelled");
  g_assert_cmpstr (cold_job_get_outcome (f->job), ==, "cancelled");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/job/" path, Fixture, NULL, setup, test, teardown)
  ADD ("new/is-queued", test_new);
  ADD ("done/outcome-and-full-progress", test_done);
  ADD ("progress/is-told-four-times-a-second", test_progress);
  ADD ("progress/stays-in-bounds", test_progress_bounds);
  ADD ("failed/names-the-error", test_failed);
  ADD ("failed/foreign-error-has-a-name", test_foreign_error);
  ADD ("blocked/is-refused", test_refused);
  ADD ("cancel/first-reason-stands", test_cancelled);
  ADD ("cancel/yielded", test_yielded);
  ADD ("cancel/yielded-by-itself", test_yielded_by_itself);
  ADD ("cancel/failure-is-told", test_failure_beats_cancel);
  ADD ("cancel/too-late", test_cancel_too_late);
  ADD ("cancel/queued", test_cancel_queued);
  return g_test_run ();
}
