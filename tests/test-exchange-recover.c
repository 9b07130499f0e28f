/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-exchange-set.h"
#include "cold-fd.h"
#include "exchange-fixture.h"

static ColdExchangeSet *
swapped_over (Fixture *f, ColdJournal *journal, const char *taken)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *other = fixture_volume (f, "other");
  ColdExchangeSet *set = cold_exchange_set_open (&f->context, journal, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < set->n_members; i++)
    g_assert_true (cold_exchange_member_prove_hidden (&set->members[i], &error)
                   && cold_exchange_member_seize (&set->members[i], &error));
  fixture_write (other, "mine");
  g_assert_cmpint (rename (other, taken), ==, 0);
  for (guint i = 0; i < set->n_members; i++)
    g_assert_true (cold_exchange_member_swap (&set->members[i], &error));
  return set;
}

/* Somebody moves another file to the name after it was looked at, just before it is exchanged. */
static void
test_put_back_brings_strangers_file (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *first = fixture_name_path (f, journal, 0);
  g_autofree char *taken = fixture_name_path (f, journal, 1);
  g_autofree char *hidden = fixture_hidden_path (f, journal, 1);
  g_autoptr (ColdExchangeSet) set = swapped_over (f, journal, taken);
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_exchange_member_is_sure (&set->members[1], NULL));
  g_assert_true (cold_exchange_set_put_back (set, &error));
  g_assert_no_error (error);
  fixture_assert_content (first, "old");
  fixture_assert_content (taken, "mine");
  fixture_assert_content (hidden, "new");
}

/* Killed before it was put back. */
static void
test_recover_displaced (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *first = fixture_name_path (f, journal, 0);
  g_autofree char *taken = fixture_name_path (f, journal, 1);

  cold_exchange_set_free (swapped_over (f, journal, taken));
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_content (first, "old");
  fixture_assert_content (taken, "mine");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

/* What was written to the new image meanwhile counts more. */
static void
test_recover_displaced_in_use (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *taken = fixture_name_path (f, journal, 0);
  g_autofree char *hidden = fixture_hidden_path (f, journal, 0);

  cold_exchange_set_free (swapped_over (f, journal, taken));
  fixture_write (taken, "newer");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_KEPT);
  g_assert_true (journal->quarantined);
  fixture_assert_content (taken, "newer");
  fixture_assert_content (hidden, "mine");
}

static void
test_recover_untouched (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = fixture_name_path (f, journal, 0);

  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_content (path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
  g_assert_cmpuint (fixture_count (f->journals), ==, 0);
}

static void
test_recover_half_goes_forward (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);

  fixture_swap (f, journal, 1);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_FINISHED);
  fixture_assert_set (f, journal, "new");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_NOTHING);
}

static void
test_recover_half_goes_back (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);
  g_autofree char *open_path = fixture_name_path (f, journal, 0);
  cold_fd_auto writer = open (open_path, O_RDWR | O_CLOEXEC);

  fixture_swap (f, journal, 1);
  g_assert_cmpint (cold_exchange_settle (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_set (f, journal, "old");
}

static void
test_recover_torn_set_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *open_path = fixture_name_path (f, journal, 0);
  g_autofree char *written_path = fixture_name_path (f, journal, 1);
  cold_fd_auto writer = open (open_path, O_RDWR | O_CLOEXEC);

  fixture_swap (f, journal, 1);
  fixture_write (written_path, "newer");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_KEPT);
  g_assert_true (journal->quarantined);
  fixture_assert_content (written_path, "newer");
  fixture_assert_content (open_path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 2);
}

static void
test_recover_stranger_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);
  g_autofree char *hidden = fixture_hidden_path (f, journal, 0);
  g_autofree char *other = fixture_volume (f, "other");

  fixture_write (other, "mine");
  fixture_swap (f, journal, 0);
  g_assert_cmpint (rename (other, path), ==, 0);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_KEPT);
  fixture_assert_content (path, "mine");
  fixture_assert_content (hidden, "old");
}

/* Deleted, replaced, or led elsewhere before anything was exchanged: the work copy has nowhere to go. */
static void
test_recover_taken_name (gconstpointer data)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = fixture_name_path (f, journal, 1);
  g_autofree char *untouched = fixture_name_path (f, journal, 0);
  g_autofree char *other = fixture_volume (f, "other");
  const char *how = data;

  fixture_write (other, "mine");
  if (g_str_equal (how, "replaced"))
    g_assert_cmpint (rename (other, path), ==, 0);
  else
    g_assert_cmpint (unlink (path), ==, 0);
  if (g_str_equal (how, "linked"))
    g_assert_cmpint (symlink (other, path), ==, 0);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  if (g_str_equal (how, "deleted"))
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  else
    fixture_assert_content (path, "mine");
  fixture_assert_content (untouched, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
  g_assert_cmpuint (fixture_count (f->journals), ==, 0);
}

/* Of a set that is half exchanged a name was taken away: the other goes back to its original. */
static void
test_recover_half_with_a_taken_name (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *exchanged = fixture_name_path (f, journal, 0);
  g_autofree char *taken = fixture_name_path (f, journal, 1);

  fixture_swap (f, journal, 0);
  g_assert_cmpint (unlink (taken), ==, 0);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_content (exchanged, "old");
  g_assert_false (g_file_test (taken, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

static void
test_recover_all_exchanged_but_old_in_use (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *old_path = fixture_hidden_path (f, journal, 0);
  cold_fd_auto writer = -1;

  fixture_swap (f, journal, 0);
  fixture_swap (f, journal, 1);
  writer = open (old_path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (cold_exchange_settle (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_set (f, journal, "old");
}

static void
test_recover_finished_keeps_domains_writes (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);

  fixture_swap (f, journal, 0);
  fixture_write (path, "new, and used since");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_FINISHED);
  g_assert_cmpint (journal->state, ==, COLD_JOURNAL_DONE);
  fixture_assert_content (path, "new, and used since");
}

static void
test_recover_waits_for_a_missing_folder (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *away = g_strconcat (f->volumes, ".away", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (rename (f->volumes, away), ==, 0);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, &error), ==, COLD_RECOVERY_KEPT);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  g_assert_false (journal->quarantined);
  g_assert_cmpint (rename (away, f->volumes), ==, 0);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
}

/* What a work copy that vanished leaves when it is read again for a second try. */
static void
test_recover_unread_copy (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  ColdJournalMember *member = journal->members->pdata[0];
  g_autofree char *hidden = fixture_hidden_path (f, journal, 0);
  g_autofree char *path = fixture_name_path (f, journal, 0);

  g_assert_cmpint (unlink (hidden), ==, 0);
  g_clear_pointer (&member->replacement, cold_tuple_free);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_content (path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Refusals warn, and are meant to. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/exchange/put-back/brings-strangers-file", test_put_back_brings_strangers_file);
  g_test_add_func ("/exchange/recover/displaced-goes-back", test_recover_displaced);
  g_test_add_func ("/exchange/recover/displaced-in-use-is-kept", test_recover_displaced_in_use);
  g_test_add_func ("/exchange/recover/untouched-is-thrown-away", test_recover_untouched);
  g_test_add_func ("/exchange/recover/half-goes-forward", test_recover_half_goes_forward);
  g_test_add_func ("/exchange/recover/half-in-use-goes-back", test_recover_half_goes_back);
  g_test_add_func ("/exchange/recover/torn-is-kept", test_recover_torn_set_is_kept);
  g_test_add_func ("/exchange/recover/stranger-is-kept", test_recover_stranger_is_kept);
  g_test_add_data_func ("/exchange/recover/name-deleted/copy-goes", "deleted", test_recover_taken_name);
  g_test_add_data_func ("/exchange/recover/name-replaced/copy-goes", "replaced", test_recover_taken_name);
  g_test_add_data_func ("/exchange/recover/name-linked/copy-goes", "linked", test_recover_taken_name);
  g_test_add_func ("/exchange/recover/half-with-a-taken-name-goes-back", test_recover_half_with_a_taken_name);
  g_test_add_func ("/exchange/recover/old-in-use-goes-back", test_recover_all_exchanged_but_old_in_use);
  g_test_add_func ("/exchange/recover/domains-writes-stay", test_recover_finished_keeps_domains_writes);
  g_test_add_func ("/exchange/recover/missing-folder-waits", test_recover_waits_for_a_missing_folder);
  g_test_add_func ("/exchange/recover/unread-copy", test_recover_unread_copy);
  return g_test_run ();
}
