/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-blockers.h"
#include "cold-error.h"
#include "cold-retries.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define YIELD (10 * SECOND)

typedef struct
{
  ColdRetries *retries;
  ColdVolume *volume;
} Tries;

static void
set_up (Tries *tries, gconstpointer data)
{
  tries->retries = cold_retries_new (YIELD);
  tries->volume = cold_volume_new ("11111111-2222-3333-4444-555555555555", "a.raw");
  tries->volume->id = 7;
  tries->volume->file = (ColdFileId) { .device = 1, .inode = 2, .size = 4096, .nlink = 1 };
}

static void
tear_down (Tries *tries, gconstpointer data)
{
  cold_retries_free (tries->retries);
  cold_volume_free (tries->volume);
}

/* @message: (nullable): of a Blocked error; else the job has the outcome @outcome. Returns: how long is waited now */
static gint64
end (Tries *tries, const char *kind, const char *outcome, const char *message)
{
  g_autoptr (ColdJob) job = cold_job_new (1, kind, 7);
  g_autoptr (GError) error = message != NULL ? g_error_new_literal (COLD_ERROR, COLD_ERROR_BLOCKED, message) : NULL;

  cold_job_start (job);
  cold_job_finish (job, outcome, error);
  cold_retries_note_upgrade (tries->retries, tries->volume, job);
  return cold_retries_time_left (tries->retries, tries->volume);
}

static void
test_refused (Tries *tries, gconstpointer data)
{
  const ColdBlocker *refusal;
  gint64 wait, before;

  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
  before = end (tries, "upgrade", "", "no-space: a.raw: it is full");
  g_assert_cmpint (before, >, YIELD);
  refusal = cold_retries_get_refusal (tries->retries, tries->volume);
  g_assert_nonnull (refusal);
  g_assert_cmpstr (refusal->code, ==, "no-space");
  g_assert_cmpstr (refusal->detail, ==, "a.raw: it is full");
  /* Longer each time, whatever it is that time, but not for ever. */
  wait = end (tries, "upgrade", "", "open-elsewhere: a.raw");
  g_assert_cmpint (wait, >, before);
  g_assert_cmpstr (cold_retries_get_refusal (tries->retries, tries->volume)->code, ==, "open-elsewhere");
  for (guint i = 0; i < 100; i++)
    wait = end (tries, "upgrade", "", "open-elsewhere: a.raw");
  g_assert_cmpint (wait, >, 1800 * SECOND);
  g_assert_cmpint (wait, <=, 3600 * SECOND);

  g_assert_cmpint (end (tries, "upgrade", "upgraded", NULL), ==, 0);
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
  g_assert_cmpint (end (tries, "upgrade", "", "no-space: a.raw: it is full"), <=, 60 * SECOND);
}

/* What the agent sees by itself is not remembered: it may be over. */
static void
test_seen_otherwise (Tries *tries, gconstpointer data)
{
  g_assert_cmpint (end (tries, "upgrade", "", "in-use: a domain runs"), <=, YIELD);
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
  g_assert_cmpint (end (tries, "upgrade", "", "gate-missing: no hook"), <=, YIELD);
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
  /* Nor what stood against going back. */
  g_assert_cmpint (end (tries, "rollback", "", "open-elsewhere: a.raw"), <=, YIELD);
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
}

static void
test_other_content (Tries *tries, gconstpointer data)
{
  end (tries, "upgrade", "", "unsupported-format: a.raw");
  g_assert_nonnull (cold_retries_get_refusal (tries->retries, tries->volume));
  tries->volume->file.mtime_ns++;
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
}

static void
inspect (Tries *tries, const char *message)
{
  g_autoptr (ColdJob) job = cold_job_new (1, "inspect", 7);
  g_autoptr (GError) error = g_error_new_literal (COLD_ERROR, COLD_ERROR_BLOCKED, message);

  cold_job_start (job);
  cold_job_finish (job, NULL, error);
  cold_retries_note_unreadable (tries->retries, tries->volume, job);
}

static void
test_unreadable (Tries *tries, gconstpointer data)
{
  g_assert_null (cold_retries_get_unreadable (tries->retries, tries->volume));
  inspect (tries, "untrusted-directory: /run/x is a symbolic link");
  g_assert_true (cold_retries_is_unreadable (tries->retries, tries->volume));
  g_assert_cmpstr (cold_retries_get_unreadable (tries->retries, tries->volume)->code, ==, "untrusted-directory");
  /* Policy waits for nothing else: only upgrades are tried again. */
  g_assert_null (cold_retries_get_refusal (tries->retries, tries->volume));
  inspect (tries, "in-use: the agent sees that by itself");
  g_assert_true (cold_retries_is_unreadable (tries->retries, tries->volume));
  g_assert_null (cold_retries_get_unreadable (tries->retries, tries->volume));
  inspect (tries, "untrusted-directory: again");
  tries->volume->file.mtime_ns++;
  g_assert_false (cold_retries_is_unreadable (tries->retries, tries->volume));
  g_assert_null (cold_retries_get_unreadable (tries->retries, tries->volume));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/retries/refused/waits-longer", Tries, NULL, set_up, test_refused, tear_down);
  g_test_add ("/retries/seen-otherwise/not-remembered", Tries, NULL, set_up, test_seen_otherwise, tear_down);
  g_test_add ("/retries/other-content/not-refused", Tries, NULL, set_up, test_other_content, tear_down);
  g_test_add ("/retries/unreadable/says-why", Tries, NULL, set_up, test_unreadable, tear_down);
  return g_test_run ();
}
