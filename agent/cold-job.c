/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-job.h"

#include "cold-error.h"
#include "cold-names.h"

/* At most four progress signals a second. */
#define PROGRESS_INTERVAL_US (G_USEC_PER_SEC / 4)

struct _ColdJob
{
  GObject parent_instance;

  guint number;
  char *kind;
  gint64 volume;
  const char *state;
  char *phase;
  double progress;
  gint64 progress_shown; /* monotonic */
  gint64 started;
  gint64 finished;
  const char *outcome;
  const char *cancel_outcome; /* (nullable) */
  char *error_name;
  char *error_message;
  char *log;
  char *report;
  guint packages;
  GCancellable *cancellable;
};

enum
{
  CHANGED,
  FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdJob, cold_job, G_TYPE_OBJECT)

static gboolean
replace_string (char **where, const char *value)
{
  if (g_strcmp0 (*where, value) == 0)
    return FALSE;
  g_free (*where);
  *where = g_strdup (value);
  return TRUE;
}

static void
cold_job_finalize (GObject *object)
{
  ColdJob *self = COLD_JOB (object);

  g_free (self->kind);
  g_free (self->phase);
  g_free (self->error_name);
  g_free (self->error_message);
  g_free (self->log);
  g_free (self->report);
  g_object_unref (self->cancellable);
  G_OBJECT_CLASS (cold_job_parent_class)->finalize (object);
}

static void
cold_job_class_init (ColdJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_job_finalize;
  signals[CHANGED] = g_signal_new ("changed", COLD_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[FINISHED] = g_signal_new ("finished", COLD_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_job_init (ColdJob *self)
{
  self->state = "queued";
  self->outcome = "";
  self->phase = g_strdup ("");
  self->error_name = g_strdup ("");
  self->error_message = g_strdup ("");
  self->log = g_strdup ("");
  self->cancellable = g_cancellable_new ();
  self->started = g_get_real_time ();
}

ColdJob *
cold_job_new (guint number, const char *kind, gint64 volume)
{
  ColdJob *self = g_object_new (COLD_TYPE_JOB, NULL);

  self->number = number;
  self->kind = g_strdup (kind);
  self->volume = volume;
  return self;
}

guint
cold_job_get_number (ColdJob *self)
{
  return self->number;
}

const char *
cold_job_get_kind (ColdJob *self)
{
  return self->kind;
}

gint64
cold_job_get_volume (ColdJob *self)
{
  return self->volume;
}

const char *
cold_job_get_state (ColdJob *self)
{
  return self->state;
}

const char *
cold_job_get_phase (ColdJob *self)
{
  return self->phase;
}

double
cold_job_get_progress (ColdJob *self)
{
  return self->progress;
}

gint64
cold_job_get_started (ColdJob *self)
{
  return self->started;
}

gint64
cold_job_get_finished (ColdJob *self)
{
  return self->finished;
}

const char *
cold_job_get_outcome (ColdJob *self)
{
  return self->outcome;
}

const char *
cold_job_get_error_name (ColdJob *self)
{
  return self->error_name;
}

const char *
cold_job_get_error_message (ColdJob *self)
{
  return self->error_message;
}

const char *
cold_job_get_log (ColdJob *self)
{
  return self->log;
}

const char *
cold_job_get_report (ColdJob *self)
{
  return self->report;
}

guint
cold_job_get_packages (ColdJob *self)
{
  return self->packages;
}

GCancellable *
cold_job_get_cancellable (ColdJob *self)
{
  return self->cancellable;
}

gboolean
cold_job_is_finished (ColdJob *self)
{
  return self->finished != 0;
}

void
cold_job_cancel (ColdJob *self, const char *why)
{
  if (cold_job_is_finished (self) || self->cancel_outcome != NULL)
    return;
  self->cancel_outcome = g_intern_string (why);
  g_cancellable_cancel (self->cancellable);
}

void
cold_job_start (ColdJob *self)
{
  g_return_if_fail (g_str_equal (self->state, "queued"));
  self->state = "running";
  self->started = g_get_real_time ();
  g_signal_emit (self, signals[CHANGED], 0);
}

void
cold_job_set_phase (ColdJob *self, const char *phase)
{
  if (replace_string (&self->phase, phase))
    {
      self->progress = 0;
      g_signal_emit (self, signals[CHANGED], 0);
    }
}

void
cold_job_set_progress (ColdJob *self, double fraction)
{
  gint64 now = g_get_monotonic_time ();

  self->progress = CLAMP (fraction, 0, 1);
  if (now - self->progress_shown < PROGRESS_INTERVAL_US)
    return;
  self->progress_shown = now;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
cold_job_set_log (ColdJob *self, const char *path)
{
  replace_string (&self->log, path);
}

void
cold_job_set_report (ColdJob *self, const char *report)
{
  replace_string (&self->report, report);
}

void
cold_job_set_packages (ColdJob *self, guint packages)
{
  self->packages = packages;
}

void
cold_job_finish (ColdJob *self, const char *outcome, const GError *error)
{
  gboolean given_up;

  g_return_if_fail (!cold_job_is_finished (self));
  given_up = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
             || g_error_matches (error, COLD_ERROR, COLD_ERROR_YIELDED);
  self->finished = g_get_real_time ();
  if (error == NULL)
    {
      self->state = "done";
      self->outcome = g_intern_string (outcome);
      self->progress = 1;
    }
  else if (given_up)
    {
      self->state = "cancelled";
      self->outcome = self->cancel_outcome != NULL ? self->cancel_outcome : "yielded";
    }
  else
    {
      self->state = "failed";
      self->outcome = g_error_matches (error, COLD_ERROR, COLD_ERROR_BLOCKED) ? "refused" : "failed";
    }
  /* Who cancelled a job knows why: no error then. */
  if (error != NULL && !g_str_equal (self->outcome, "cancelled"))
    {
      ColdError code = given_up ? COLD_ERROR_YIELDED : error->domain == COLD_ERROR ? error->code : COLD_ERROR_FAILED;
      g_autofree char *name = g_strconcat (COLD_BUS_ERROR_PREFIX, cold_error_nick (code), NULL);

      replace_string (&self->error_name, name);
      replace_string (&self->error_message, error->message);
    }
  g_signal_emit (self, signals[CHANGED], 0);
  g_signal_emit (self, signals[FINISHED], 0);
}
