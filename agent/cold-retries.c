/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-retries.h"

#include "cold-blockers.h"

/* After a failure nothing is tried again by itself for so long, unless content or catalogue change. */
#define RETRY_SECONDS 3600

struct ColdRetries
{
  gint64 yield_us;
  GHashTable *not_before; /* (element-type gint64* gint64*): monotonic time before which policy leaves a volume alone */
  GHashTable *unreadable; /* (element-type gint64* ColdFileId): content whose inspection failed */
};

ColdRetries *
cold_retries_new (gint64 yield_us)
{
  ColdRetries *self = g_new0 (ColdRetries, 1);

  self->yield_us = yield_us;
  self->not_before = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->unreadable = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return self;
}

void
cold_retries_free (ColdRetries *self)
{
  g_hash_table_unref (self->not_before);
  g_hash_table_unref (self->unreadable);
  g_free (self);
}

static void
leave_alone (ColdRetries *self, gint64 volume, gint64 wait_us)
{
  gint64 until = g_get_monotonic_time () + wait_us;

  g_hash_table_insert (self->not_before, g_memdup2 (&volume, sizeof volume), g_memdup2 (&until, sizeof until));
}

void
cold_retries_note_upgrade (ColdRetries *self, ColdVolume *volume, ColdJob *job)
{
  const char *outcome = cold_job_get_outcome (job);

  g_free (volume->last_outcome);
  volume->last_outcome = g_strdup (outcome);
  g_free (volume->last_error);
  volume->last_error = g_strdup (cold_job_get_error_message (job));
  if (g_str_equal (outcome, "upgraded") || g_str_equal (outcome, "nothing-to-do"))
    {
      volume->failures = 0;
      g_hash_table_remove (self->not_before, &volume->id);
    }
  else if (g_str_equal (outcome, "failed"))
    {
      volume->failures++;
      leave_alone (self, volume->id, RETRY_SECONDS * (gint64) G_USEC_PER_SEC);
    }
  else if (g_str_equal (outcome, "rolled-back"))
    {
      /* Policy must not upgrade again at once what an admin has just taken back. */
      volume->failures = COLD_FAILURES_MAX;
      g_free (volume->last_error);
      volume->last_error = g_strdup ("the last upgrade was rolled back");
    }
  else
    leave_alone (self, volume->id, self->yield_us);
}

gint64
cold_retries_time_left (ColdRetries *self, const ColdVolume *volume)
{
  const gint64 *until = g_hash_table_lookup (self->not_before, &volume->id);

  return until != NULL ? MAX (*until - g_get_monotonic_time (), 0) : 0;
}

void
cold_retries_note_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  g_hash_table_insert (self->unreadable, g_memdup2 (&volume->id, sizeof volume->id),
                       g_memdup2 (&volume->file, sizeof volume->file));
}

gboolean
cold_retries_is_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  const ColdFileId *content = g_hash_table_lookup (self->unreadable, &volume->id);

  return content != NULL && cold_file_id_same_content (content, &volume->file);
}

void
cold_retries_forget_unreadable (ColdRetries *self, const ColdVolume *volume)
{
  if (volume != NULL)
    g_hash_table_remove (self->unreadable, &volume->id);
  else
    g_hash_table_remove_all (self->unreadable);
}
