/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-retries.h"

#include "cold-blockers.h"

/* After a failure nothing is tried again by itself for so long, unless content or catalogue change. */
#define RETRY_SECONDS 3600
/* After a refusal, and twice as long after each that follows, up to the above. */
#define REFUSED_SECONDS 60

/* What only an upgrade that has begun finds out, by looking at the files: nothing tells when it is over, so it is tried.
 * All else the agent sees come and go by itself. */
static const char *const found_by_trying[] = { "no-space", "open-elsewhere", "untrusted-directory", "unsupported-storage",
                                               "several-names", "unsupported-format", "untrusted-chain", "has-checkpoints",
                                               "encrypted", NULL };

typedef struct
{
  gint64 until; /* monotonic time before which policy leaves the volume alone */
  ColdBlocker *refusal; /* (nullable) */
  guint refusals; /* in a row */
  ColdFileId content; /* that was refused */
} Wait;

/* An inspection that failed. */
typedef struct
{
  ColdFileId content;
  ColdBlocker *reason; /* (nullable): what it was refused for */
} Unreadable;

struct ColdRetries
{
  gint64 yield_us;
  GHashTable *waits;      /* (element-type gint64* Wait) */
  GHashTable *unreadable; /* (element-type gint64* Unreadable) */
};

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  g_clear_pointer (&wait->refusal, cold_blocker_free);
  g_free (wait);
}

static void
unreadable_free (gpointer data)
{
  Unreadable *unreadable = data;

  g_clear_pointer (&unreadable->reason, cold_blocker_free);
  g_free (unreadable);
}

ColdRetries *
cold_retries_new (gint64 yield_us)
{
  ColdRetries *self = g_new0 (ColdRetries, 1);

  self->yield_us = yield_us;
  self->waits = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, wait_free);
  self->unreadable = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, unreadable_free);
  return self;
}

void
cold_retries_free (ColdRetries *self)
{
  g_hash_table_unref (self->waits);
  g_hash_table_unref (self->unreadable);
  g_free (self);
}

/* @refusal: (transfer full) (nullable) */
static void
leave_alone (ColdRetries *self, const ColdVolume *volume, gint64 wait_us, ColdBlocker *refusal, guint refusals)
{
  Wait *wait = g_new0 (Wait, 1);

  wait->until = g_get_monotonic_time () + wait_us;
  wait->refusal = refusal;
  wait->refusals = refusals;
  wait->content = volume->file;
  g_hash_table_insert (self->waits, g_memdup2 (&volume->id, sizeof volume->id), wait);
}

/* Returns: (transfer full) (nullable): what @job was refused for, when only trying tells whether it is over */
static ColdBlocker *
find_refusal (ColdJob *job)
{
  g_auto (GStrv) parts = g_strsplit (cold_job_get_error_message (job), ": ", 2);

  if (g_str_equal (cold_job_get_kind (job), "rollback") || !g_str_equal (cold_job_get_outcome (job), "refused")
      || g_strv_length (parts) < 2 || !g_strv_contains (found_by_trying, parts[0]))
    return NULL;
  return cold_blocker_new (parts[0], parts[1]);
}

static void
note_refusal (ColdRetries *self, const ColdVolume *volume, ColdBlocker *refusal)
{
  const Wait *before = g_hash_table_lookup (self->waits, &volume->id);
  guint refusals = before != NULL ? before->refusals : 0;
  gint64 seconds = MIN ((gint64) REFUSED_SECONDS << MIN (refusals, 16), RETRY_SECONDS);

  leave_alone (self, volume, MAX (seconds * (gint64) G_USEC_PER_SEC, self->yield_us), refusal, refusals + 1);
}

void
cold_retries_note_upgrade (ColdRetries *self, ColdVolume *volume, ColdJob *job)
{
  const char *outcome = cold_job_get_outcome (job);
  ColdBlocker *refusal = find_refusal (job);

  g_free (volume->last_outcome);
  volume->last_outcome = g_strdup (outcome);
  g_free (volume->last_error);
  volume->last_error = g_strdup (cold_job_get_error_message (job));
  if (g_str_equal (outcome, "upgraded") || g_str_equal (outcome, "nothing-to-do"))
    {
      volume->failures = 0;
      g_hash_table_remove (self->waits, &volume->id);
    }
  else if (g_str_equal (outcome, "failed"))
    {
      volume->failures++;
      leave_alone (self, volume, RETRY_SECONDS * (gint64) G_USEC_PER_SEC, NULL, 0);
    }
  else if (g_str_equal (outcome, "rolled-back"))
    {
      /* Policy must not upgrade again at once what an admin has just taken back. */
      volume->failures = COLD_FAILURES_MAX;
      g_free (volume->last_error);
      volume->last_error = g_strdup ("the last upgrade was rolled back");
    }
  else if (refusal != NULL)
    note_refusal (self, volume, refusal);
  else
    leave_alone (self, volume, self->yield_us, NULL, 0);
}

gint64
cold_retries_time_left (ColdRetries *self, const ColdVolume *volume)
{
  const Wait *wait = g_hash_table_lookup (self->waits, &volume->id);

  return wait != NULL ? MAX (wait->until - g_get_monotonic_time (), 0) : 0;
}

const ColdBlocker *
cold_retries_get_refusal (ColdRetries *self, const ColdVolume *volume)
{
  const Wait *wait = g_hash_table_lookup (self->waits, &volume->id);

  if (wait == NULL || cold_retries_time_left (self, volume) == 0 || !cold_file_id_same_content (&wait->content, &volume->file))
    return NULL;
  return wait->refusal;
}

void
cold_retries_note_unreadable (ColdRetries *self, const ColdVolume *volume, ColdJob *job)
{
  Unreadable *unreadable = g_new0 (Unreadable, 1);

  unreadable->content = volume->file;
  unreadable->reason = find_refusal (job);
  g_hash_table_insert (self->unreadable, g_memdup2 (&volume->id, sizeof volume->id), unreadable);
}

static const Unreadable *
find_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  const Unreadable *unreadable = g_hash_table_lookup (self->unreadable, &volume->id);

  return unreadable != NULL && cold_file_id_same_content (&unreadable->content, &volume->file) ? unreadable : NULL;
}

gboolean
cold_retries_is_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  return find_unreadable (self, volume) != NULL;
}

const ColdBlocker *
cold_retries_get_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  const Unreadable *unreadable = find_unreadable (self, volume);

  return unreadable != NULL ? unreadable->reason : NULL;
}

void
cold_retries_forget_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  if (volume != NULL)
    g_hash_table_remove (self->unreadable, &volume->id);
  else
    g_hash_table_remove_all (self->unreadable);
}
