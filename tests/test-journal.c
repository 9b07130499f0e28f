/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>

#include "cold-error.h"
#include "exchange-fixture.h"

static void
test_round_trip (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = cold_journal_new (3, "upgrade");
  ColdJournalMember *member = fixture_add_member (f, journal, "a \"b\"\n\xff%41");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) loaded = NULL;
  const ColdJournal *found;
  const ColdJournalMember *found_member;

  journal->keep_until = 12345;
  journal->supersedes = 2;
  journal->quarantined = TRUE;
  journal->state = COLD_JOURNAL_READY;
  g_assert_true (cold_journal_save (f->journals, journal, &error));
  g_assert_no_error (error);
  loaded = cold_journal_load_all (f->journals);
  g_assert_cmpuint (loaded->len, ==, 1);
  found = loaded->pdata[0];
  found_member = found->members->pdata[0];
  g_assert_cmpuint (found->job, ==, 3);
  g_assert_cmpint (found->state, ==, COLD_JOURNAL_READY);
  g_assert_cmpint (found->keep_until, ==, 12345);
  g_assert_cmpuint (found->supersedes, ==, 2);
  g_assert_true (found->quarantined);
  g_assert_cmpstr (found_member->name, ==, member->name);
  g_assert_cmpstr (found_member->hidden_name, ==, member->hidden_name);
  g_assert_true (cold_tuple_equal (found_member->original, member->original, NULL));
  g_assert_true (cold_tuple_equal (found_member->replacement, member->replacement, NULL));
}

static void
test_garbage_is_set_aside (void)
{
  static const char *const texts[] = {
    "", "{", "[]", "{\"version\":1}",
    "{\"version\":1,\"job\":4,\"kind\":\"upgrade\",\"state\":\"ready\",\"boot-id\":\"\",\"members\":[{\"directory\":\"/x\","
    "\"name\":\"../y\",\"hidden-directory\":\"/x\",\"hidden-name\":\"z\"}]}",
    "{\"version\":1,\"job\":4,\"kind\":\"upgrade\",\"state\":\"ready\",\"boot-id\":\"\",\"members\":[{\"directory\":\"/x\","
    "\"name\":\"y\",\"hidden-directory\":\"/x\",\"hidden-name\":\"z\"}]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (Fixture) f = fixture_new ();
      g_autofree char *path = g_build_filename (f->journals, "4.json", NULL);
      g_autofree char *broken = g_strconcat (path, ".broken", NULL);
      g_autoptr (GPtrArray) loaded = NULL;

      fixture_write (path, texts[i]);
      loaded = cold_journal_load_all (f->journals);
      g_assert_cmpuint (loaded->len, ==, 0);
      g_assert_true (g_file_test (broken, G_FILE_TEST_EXISTS));
    }
}

static void
test_numbers_are_not_used_twice (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) first = cold_journal_new (5, "upgrade");
  g_autoptr (ColdJournal) second = cold_journal_new (5, "upgrade");
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_journal_save (f->journals, first, &error));
  g_assert_true (cold_journal_save (f->journals, first, &error));
  g_assert_false (cold_journal_save (f->journals, second, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_true (cold_journal_remove (f->journals, 5, &error));
  g_assert_true (cold_journal_remove (f->journals, 5, &error));
  g_assert_false (cold_journal_save (f->journals, first, &error));
}

static void
test_last_number (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = cold_journal_new (7, "upgrade");
  g_autofree char *broken = g_build_filename (f->journals, "31.json.broken", NULL);
  g_autofree char *other = g_build_filename (f->journals, "README", NULL);

  g_assert_cmpuint (cold_journal_last_number ("/nonexistent"), ==, 0);
  g_assert_cmpuint (cold_journal_last_number (f->journals), ==, 0);
  fixture_write (other, "");
  g_assert_true (cold_journal_save (f->journals, journal, NULL));
  g_assert_cmpuint (cold_journal_last_number (f->journals), ==, 7);
  fixture_write (broken, "{");
  g_assert_cmpuint (cold_journal_last_number (f->journals), ==, 31);
}

static void
test_device_of_another_boot (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  ColdJournalMember *member = journal->members->pdata[0];
  guint64 device = cold_tuple_get_device (member->original);
  g_autoptr (GPtrArray) loaded = NULL;

  cold_tuple_set_device (member->original, 1);
  g_free (journal->boot_id);
  journal->boot_id = g_strdup ("an earlier one");
  g_assert_true (cold_journal_save (f->journals, journal, NULL));
  loaded = cold_journal_load_all (f->journals);
  member = ((ColdJournal *) loaded->pdata[0])->members->pdata[0];
  g_assert_cmpuint (cold_tuple_get_device (member->original), ==, device);
}

/* For a domain that starts: what does not concern it costs it nothing. */
static void
test_ready (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) ready = fixture_ready (f, 1);
  g_autoptr (ColdJournal) done = cold_journal_new (8, "upgrade");
  g_autoptr (ColdJournal) quarantined = cold_journal_new (9, "upgrade");
  g_autoptr (GPtrArray) of_domain = NULL;
  g_autoptr (GPtrArray) of_stranger = NULL;
  g_autoptr (GPtrArray) of_any = NULL;

  g_strfreev (done->domains);
  done->domains = g_strdupv (ready->domains);
  fixture_add_member (f, done, "done");
  done->state = COLD_JOURNAL_DONE;
  g_assert_true (cold_journal_save (f->journals, done, NULL));
  fixture_add_member (f, quarantined, "quarantined");
  quarantined->state = COLD_JOURNAL_READY;
  quarantined->quarantined = TRUE;
  g_assert_true (cold_journal_save (f->journals, quarantined, NULL));
  g_free (ready->boot_id);
  ready->boot_id = g_strdup ("an earlier one");
  g_assert_true (cold_journal_save (f->journals, ready, NULL));

  of_domain = cold_journal_load_ready (f->journals, FIXTURE_DOMAIN);
  g_assert_cmpuint (of_domain->len, ==, 1);
  g_assert_cmpuint (((ColdJournal *) of_domain->pdata[0])->job, ==, ready->job);
  /* No folder was looked at. */
  g_assert_cmpstr (((ColdJournal *) of_domain->pdata[0])->boot_id, ==, "an earlier one");
  of_stranger = cold_journal_load_ready (f->journals, FIXTURE_STRANGER);
  g_assert_cmpuint (of_stranger->len, ==, 0);
  of_any = cold_journal_load_ready (f->journals, NULL);
  g_assert_cmpuint (of_any->len, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/journal/round-trip", test_round_trip);
  g_test_add_func ("/journal/garbage-is-set-aside", test_garbage_is_set_aside);
  g_test_add_func ("/journal/numbers-are-not-used-twice", test_numbers_are_not_used_twice);
  g_test_add_func ("/journal/last-number", test_last_number);
  g_test_add_func ("/journal/device-of-another-boot", test_device_of_another_boot);
  g_test_add_func ("/journal/ready", test_ready);
  return g_test_run ();
}
