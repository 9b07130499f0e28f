/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cold-claim-watch.h"
#include "cold-process.h"
#include "exchange-fixture.h"

static void
on_claim (ColdClaimWatch *watch, const char *domain, gpointer user_data)
{
  *(char **) user_data = g_strdup (domain);
}

static void
wait_for (char **seen)
{
  while (*seen == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_watch_follows (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdClaimWatch) watch = NULL;
  g_auto (GStrv) first = NULL;
  g_autofree char *added = NULL;
  g_autofree char *removed = NULL;

  fixture_claim (f, FIXTURE_DOMAIN);
  watch = cold_claim_watch_new (f->claims, &error);
  g_assert_no_error (error);
  first = cold_claim_watch_list (watch);
  g_assert_cmpuint (g_strv_length (first), ==, 1);
  g_signal_connect (watch, "claim-added", G_CALLBACK (on_claim), &added);
  g_signal_connect (watch, "claim-removed", G_CALLBACK (on_claim), &removed);
  fixture_claim (f, FIXTURE_STRANGER);
  wait_for (&added);
  g_assert_cmpstr (added, ==, FIXTURE_STRANGER);
  g_assert_true (cold_claim_remove (f->claims, FIXTURE_DOMAIN, NULL));
  wait_for (&removed);
  g_assert_cmpstr (removed, ==, FIXTURE_DOMAIN);
  g_assert_false (cold_claim_watch_contains (watch, FIXTURE_DOMAIN));
  g_assert_true (cold_claim_watch_contains (watch, FIXTURE_STRANGER));
}

/* @away: moved, or else deleted */
static void
check_folder_is_replaced (gboolean away)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *elsewhere = g_strconcat (f->claims, ".old", NULL);
  g_autoptr (ColdClaimWatch) watch = NULL;
  g_autofree char *added = NULL;
  g_autofree char *removed = NULL;
  g_autofree char *again = NULL;

  fixture_claim (f, FIXTURE_DOMAIN);
  watch = cold_claim_watch_new (f->claims, NULL);
  g_signal_connect (watch, "claim-removed", G_CALLBACK (on_claim), &removed);
  if (away)
    g_assert_cmpint (g_rename (f->claims, elsewhere), ==, 0);
  else
    g_assert_true (cold_claim_remove (f->claims, FIXTURE_DOMAIN, NULL) && g_rmdir (f->claims) == 0);
  /* As a hook does that is quicker than the watch. */
  fixture_claim (f, FIXTURE_STRANGER);
  g_signal_connect (watch, "claim-added", G_CALLBACK (on_claim), &added);
  wait_for (&added);
  wait_for (&removed);
  g_assert_cmpstr (added, ==, FIXTURE_STRANGER);
  g_assert_cmpstr (removed, ==, FIXTURE_DOMAIN);
  g_assert_false (cold_claim_watch_contains (watch, FIXTURE_DOMAIN));
  /* And from now on by events, in the new folder. */
  g_signal_handlers_disconnect_by_data (watch, &added);
  g_signal_connect (watch, "claim-added", G_CALLBACK (on_claim), &again);
  fixture_claim (f, FIXTURE_DOMAIN);
  wait_for (&again);
  g_assert_cmpstr (again, ==, FIXTURE_DOMAIN);
  if (!away)
    return;
  /* What happens in the old one is nobody's claim. */
  cold_claim_remove (elsewhere, FIXTURE_DOMAIN, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (cold_claim_watch_contains (watch, FIXTURE_DOMAIN));
  g_rmdir (elsewhere);
}

static void
test_folder_deleted (void)
{
  check_folder_is_replaced (FALSE);
}

static void
test_folder_moved (void)
{
  check_folder_is_replaced (TRUE);
}

static gboolean
answer (const char *domain, gpointer user_data)
{
  return GPOINTER_TO_INT (user_data);
}

static void
test_stale (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *boot_id = cold_boot_id ();
  const ColdClaim live = { .domain = (char *) FIXTURE_DOMAIN, .operation = (char *) "prepare",
                           .libvirtd_pid = getpid (), .libvirtd_start = cold_process_start_time (getpid ()),
                           .boot_id = boot_id, .time = g_get_real_time () };
  ColdClaim dead = live;
  g_autoptr (ColdClaimWatch) watch = NULL;

  dead.domain = (char *) FIXTURE_STRANGER;
  dead.libvirtd_start++;
  g_assert_true (cold_claim_write (f->claims, &live, NULL));
  g_assert_true (cold_claim_write (f->claims, &dead, NULL));
  watch = cold_claim_watch_new (f->claims, NULL);
  g_assert_cmpuint (cold_claim_watch_clear_stale (watch, answer, GINT_TO_POINTER (FALSE)), ==, 0);
  g_assert_cmpuint (cold_claim_watch_clear_stale (watch, answer, GINT_TO_POINTER (TRUE)), ==, 1);
  g_assert_true (cold_claim_exists (f->claims, FIXTURE_DOMAIN));
  g_assert_false (cold_claim_exists (f->claims, FIXTURE_STRANGER));
}

/* Returns: whether it is there still, after the sweep of a minute later; it is gone now */
static gboolean
is_spared (Fixture *f, pid_t pid, gint64 age)
{
  g_autofree char *path = g_strdup_printf ("%s/." FIXTURE_DOMAIN ".%d", f->claims, (int) pid);
  const struct timespec times[2] = { { time (NULL) - age, 0 }, { time (NULL) - age, 0 } };

  fixture_write (path, "{");
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  cold_claim_sweep (f->claims);
  return g_unlink (path) == 0;
}

static void
test_half_written (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  pid_t dead = fork ();

  if (dead == 0)
    _exit (0);
  g_assert_cmpint (waitpid (dead, NULL, 0), ==, dead);
  fixture_claim (f, FIXTURE_DOMAIN);
  g_assert_false (is_spared (f, dead, 100));
  g_assert_true (is_spared (f, dead, 0));
  g_assert_true (is_spared (f, getpid (), 100));
  g_assert_true (cold_claim_exists (f->claims, FIXTURE_DOMAIN));
}

static void
test_broken_claim_holds (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = g_build_filename (f->claims, FIXTURE_DOMAIN ".json", NULL);
  g_autoptr (ColdClaim) claim = NULL;

  fixture_write (path, "{");
  claim = cold_claim_read (f->claims, FIXTURE_DOMAIN, NULL);
  g_assert_cmpstr (claim->domain, ==, FIXTURE_DOMAIN);
  g_assert_false (cold_claim_is_live (claim));
  g_assert_false (cold_claim_remove (f->claims, "../../etc/passwd", NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/claim/watch-follows", test_watch_follows);
  g_test_add_func ("/claim/folder-deleted/watched-again", test_folder_deleted);
  g_test_add_func ("/claim/folder-moved/watched-again", test_folder_moved);
  g_test_add_func ("/claim/stale-are-cleared", test_stale);
  g_test_add_func ("/claim/half-written-go", test_half_written);
  g_test_add_func ("/claim/broken-holds", test_broken_claim_holds);
  return g_test_run ();
}
