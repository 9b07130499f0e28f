/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills copy, journal, exchange, rollback, deletion and recovery at every crash point, at each of its passings, and recovery of
 * what that left at every one of its own; afterwards every name must lead to one whole image, the same side for all members of
 * the set, with no file left over that no journal names. COLDPATCH_CRASH_ROUNDS=<n> adds n kills at random moments to each
 * scenario (default 10).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-copy.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "exchange-fixture.h"

#define N_MEMBERS 2
#define IMAGE_SIZE (6 * 1024 * 1024) /* more than a chunk, so that half a copy exists */
#define MAX_PASSINGS 40

static const char *const points[] = {
  "journal-before", "journal-after", "copy-made",  "copy-half",     "copy-filled",    "copy-done",       "swap-before",     "swap-after",
  "decided",        "decided-back",  "done-saved", "put-back-one",  "discard-before", "discard-unlinked", "recover-settled", "settle-swap",
};

typedef void (*Act) (Fixture *f);

static void
write_image (const char *path, char letter)
{
  g_autofree char *text = g_malloc (IMAGE_SIZE);
  cold_fd_auto fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  memset (text, letter, IMAGE_SIZE);
  g_assert_cmpint (write (fd, text, IMAGE_SIZE), ==, IMAGE_SIZE);
}

/* The letter that the image consists of; fails for a torn one. */
static char
read_image (const char *path)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_cmpuint (length, ==, IMAGE_SIZE);
  for (gsize i = 1; i < length; i++)
    if (text[i] != text[0])
      g_error ("%s is torn at byte %" G_GSIZE_FORMAT, path, i);
  return text[0];
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
copy_member (Fixture *f, ColdJournalMember *member)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *hidden_path = fixture_hidden (f, member->hidden_name);
  cold_fd_auto directory = cold_directory_open_below (f->base, f->volumes, &error);
  cold_fd_auto hidden = cold_directory_open_private (f->base, f->hidden, &error);

  cold_copy_async (directory, member->name, hidden, member->hidden_name, NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  cold_tuple_free (member->original);
  member->original = cold_copy_finish (result, &error);
  g_assert_no_error (error);
  write_image (hidden_path, 'n');
  member->replacement = cold_tuple_read_at (hidden, member->hidden_name, &error);
  g_assert_no_error (error);
}

static ColdJournal *
upgrade_until_ready (Fixture *f)
{
  ColdJournal *journal = cold_journal_new (1, "upgrade");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_MEMBERS; i++)
    {
      ColdJournalMember *member = cold_journal_add_member (journal);

      member->directory = g_strdup (f->volumes);
      member->name = g_strdup_printf ("volume-%u", i);
      member->hidden_directory = g_strdup (f->hidden);
      member->hidden_name = cold_journal_new_hidden_name (journal);
    }
  cold_journal_save (f->journals, journal, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_MEMBERS; i++)
    copy_member (f, g_ptr_array_index (journal->members, i));
  journal->state = COLD_JOURNAL_READY;
  cold_journal_save (f->journals, journal, &error);
  g_assert_no_error (error);
  return journal;
}

static void
act_upgrade (Fixture *f)
{
  g_autoptr (ColdJournal) journal = upgrade_until_ready (f);

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
}

static gboolean
only_before (gpointer asked)
{
  return ++*(guint *) asked == 1;
}

static void
act_exchange_back (Fixture *f)
{
  g_autoptr (ColdJournal) journal = upgrade_until_ready (f);
  guint asked = 0;

  f->context.still_wanted = only_before;
  f->context.user_data = &asked;
  g_assert_false (cold_exchange_commit (&f->context, journal, NULL));
  g_assert_true (cold_exchange_drop_hidden (&f->context, journal, NULL));
}

static void
act_rollback (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);
  ColdJournal *upgrade = journals->pdata[0];
  g_autoptr (ColdJournal) rollback = cold_journal_new (2, "rollback");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < upgrade->members->len; i++)
    {
      const ColdJournalMember *from = g_ptr_array_index (upgrade->members, i);
      ColdJournalMember *member = cold_journal_add_member (rollback);

      member->directory = g_strdup (from->directory);
      member->name = g_strdup (from->name);
      member->hidden_directory = g_strdup (from->hidden_directory);
      member->hidden_name = g_strdup (from->hidden_name);
      member->original = cold_tuple_copy (from->replacement);
      member->replacement = cold_tuple_copy (from->original);
    }
  rollback->supersedes = upgrade->job;
  rollback->state = COLD_JOURNAL_READY;
  cold_journal_save (f->journals, rollback, &error);
  g_assert_no_error (error);
  g_assert_true (cold_exchange_commit (&f->context, rollback, NULL));
}

static void
act_drop (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);

  g_assert_true (cold_exchange_drop_hidden (&f->context, journals->pdata[0], NULL));
}

static void
act_recover (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);

  for (guint i = 0; i < journals->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (cold_exchange_recover (&f->context, journals->pdata[i], &error) == COLD_RECOVERY_KEPT)
        g_error ("recovery gave up: %s", error != NULL ? error->message : "quarantined");
    }
}

/* In a process of its own. Returns: whether it was killed; it must end well otherwise. */
static gboolean
run (Fixture *f, Act act, const char *crash_at, guint kill_after_usec)
{
  pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (crash_at != NULL)
        g_setenv ("COLDPATCH_CRASH_AT", crash_at, TRUE);
      act (f);
      _exit (0);
    }
  if (kill_after_usec > 0)
    {
      g_usleep (kill_after_usec);
      kill (pid, SIGKILL);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    return TRUE;
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return FALSE;
}

static void
assert_whole (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);
  guint named = 0;
  char side = 0;

  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);
      g_autofree char *path = fixture_volume (f, name);
      char letter = read_image (path);

      g_assert_true (letter == 'o' || letter == 'n');
      g_assert_true (side == 0 || side == letter);
      side = letter;
    }
  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *journal = journals->pdata[i];

      g_assert_cmpint (journal->state, ==, COLD_JOURNAL_DONE);
      g_assert_false (journal->quarantined);
      for (guint j = 0; j < journal->members->len; j++)
        {
          g_autofree char *path
              = fixture_hidden (f, ((ColdJournalMember *) g_ptr_array_index (journal->members, j))->hidden_name);

          if (!g_file_test (path, G_FILE_TEST_EXISTS))
            continue; /* deleting it was interrupted; the journal knows the rest */
          g_assert_cmpint (read_image (path), ==, side == 'o' ? 'n' : 'o');
          named++;
        }
    }
  g_assert_cmpuint (fixture_count (f->hidden), ==, named);
  g_assert_cmpuint (fixture_count (f->volumes), ==, N_MEMBERS);
  g_assert_cmpuint (journals->len, <=, 1);
}

static Fixture *
set_up (Act before)
{
  Fixture *f = fixture_new ();

  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);
      g_autofree char *path = fixture_volume (f, name);

      write_image (path, 'o');
    }
  if (before != NULL)
    run (f, before, NULL, 0);
  return f;
}

typedef struct
{
  const char *name;
  Act before; /* (nullable) */
  Act act;
} Scenario;

/* Recovery killed at each of its points in turn, until it gets through, as often as it takes. */
static void
recover_with_crashes (Fixture *f, guint *kills)
{
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    *kills += run (f, act_recover, points[i], 0);
  run (f, act_recover, NULL, 0);
}

static void
test_points (gconstpointer data)
{
  const Scenario *scenario = data;
  guint kills = 0, recovery_kills = 0;

  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    for (guint passing = 1; passing < MAX_PASSINGS; passing++)
      for (guint hard = 0; hard < 2; hard++)
        {
          g_autoptr (Fixture) f = set_up (scenario->before);
          g_autofree char *at = g_strdup_printf ("%s:%u", points[i], passing);

          if (!run (f, scenario->act, at, 0))
            {
              passing = MAX_PASSINGS;
              break;
            }
          kills++;
          if (hard)
            recover_with_crashes (f, &recovery_kills);
          else
            run (f, act_recover, NULL, 0);
          assert_whole (f);
          run (f, act_recover, NULL, 0);
          assert_whole (f);
        }
  g_test_message ("%s: killed %u times, its recovery %u times", scenario->name, kills, recovery_kills);
  g_assert_cmpuint (kills, >, 0);
}

static void
test_random (gconstpointer data)
{
  const Scenario *scenario = data;
  const char *rounds = g_getenv ("COLDPATCH_CRASH_ROUNDS");
  guint n_rounds = rounds != NULL ? (guint) g_ascii_strtoull (rounds, NULL, 10) : 10;
  g_autoptr (Fixture) timed = set_up (scenario->before);
  gint64 begin = g_get_monotonic_time ();
  gint64 duration;

  run (timed, scenario->act, NULL, 0);
  duration = g_get_monotonic_time () - begin;
  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (Fixture) f = set_up (scenario->before);

      run (f, scenario->act, NULL, g_test_rand_int_range (1, duration + 2));
      run (f, act_recover, NULL, 0);
      assert_whole (f);
    }
}

static const Scenario scenarios[] = {
  { "upgrade", NULL, act_upgrade },
  { "exchange-back", NULL, act_exchange_back },
  { "rollback", act_upgrade, act_rollback },
  { "drop", act_upgrade, act_drop },
};

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    {
      g_autofree char *at_points = g_strdup_printf ("/crash/%s/at-every-point", scenarios[i].name);
      g_autofree char *at_random = g_strdup_printf ("/crash/%s/at-random", scenarios[i].name);

      g_test_add_data_func (at_points, &scenarios[i], test_points);
      g_test_add_data_func (at_random, &scenarios[i], test_random);
    }
  return g_test_run ();
}
