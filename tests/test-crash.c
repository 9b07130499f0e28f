/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills copy, journal, exchange, rollback, deletion and recovery at every crash point, at each of its passings, and recovery of
 * what that left at every one of its own; afterwards every name must lead to one whole image, the same side for all members of
 * the set, with no file left over that no journal names. COLDPATCH_CRASH_ROUNDS=<n> adds n kills at random moments to each
 * scenario (default 10).
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange-scenarios.h"

#define MAX_PASSINGS 40

static const char *const points[] = {
  "journal-before", "journal-after",  "probe-made",       "probe-unlinked", "copy-made",    "copy-half",       "copy-filled",
  "copy-done",      "swap-before",    "swap-after",       "decided",         "decided-back", "done-saved",      "put-back-one",
  "discard-before", "discard-unlinked", "discard-synced", "recover-settled", "settle-swap",  "fold-saved",
};

/* In a process of its own. Returns: whether it was killed; it must end well otherwise. */
static gboolean
run (Fixture *f, ExchangeAct act, const char *crash_at, guint kill_after_usec)
{
  pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (crash_at != NULL)
        g_setenv ("COLDPATCH_CRASH_AT", crash_at, TRUE);
      {
        g_autoptr (GError) error = NULL;

        if (!act (f, &error))
          g_error ("%s", error->message);
      }
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

static Fixture *
set_up (ExchangeAct before)
{
  Fixture *f = exchange_set_up ();

  if (before != NULL)
    run (f, before, NULL, 0);
  return f;
}

typedef struct
{
  const char *name;
  ExchangeAct before; /* (nullable) */
  ExchangeAct act;
} Scenario;

/* Recovery killed at each of its points in turn, until it gets through, as often as it takes. */
static void
recover_with_crashes (Fixture *f, guint *kills)
{
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    *kills += run (f, exchange_act_recover, points[i], 0);
  run (f, exchange_act_recover, NULL, 0);
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
            run (f, exchange_act_recover, NULL, 0);
          exchange_assert_whole (f);
          run (f, exchange_act_recover, NULL, 0);
          exchange_assert_whole (f);
        }
  g_test_message ("%s: killed %u times, its recovery %u times", scenario->name, kills, recovery_kills);
  g_assert_cmpuint (kills, >, 0);
}

static void
test_fold (void)
{
  guint kills = 0;

  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    for (guint passing = 1; passing <= EXCHANGE_N_MEMBERS; passing++)
      {
        g_autoptr (Fixture) f = set_up (exchange_act_upgrade_twice);
        g_autofree char *at = g_strdup_printf ("%s:%u", points[i], passing);

        kills += run (f, exchange_act_fold, at, 0);
        exchange_assert_folding (f);
        run (f, exchange_act_recover, NULL, 0);
        exchange_assert_folding (f);
      }
  g_assert_cmpuint (kills, >=, 9);
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
      run (f, exchange_act_recover, NULL, 0);
      exchange_assert_whole (f);
    }
}

static const Scenario scenarios[] = {
  { "upgrade", NULL, exchange_act_upgrade },
  { "exchange-back", NULL, exchange_act_back },
  { "rollback", exchange_act_upgrade, exchange_act_rollback },
  { "drop", exchange_act_upgrade, exchange_act_drop },
};

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/crash/fold/at-every-point", test_fold);
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    {
      g_autofree char *at_points = g_strdup_printf ("/crash/%s/at-every-point", scenarios[i].name);
      g_autofree char *at_random = g_strdup_printf ("/crash/%s/at-random", scenarios[i].name);

      g_test_add_data_func (at_points, &scenarios[i], test_points);
      g_test_add_data_func (at_random, &scenarios[i], test_random);
    }
  return g_test_run ();
}
