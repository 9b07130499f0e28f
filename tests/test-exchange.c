/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "exchange-fixture.h"

static void
assert_refused (Fixture *f, ColdJournal *journal, ColdError code, const char *begin)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_exchange_commit (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, (int) code);
  if (begin != NULL)
    g_assert_true (g_str_has_prefix (error->message, begin));
  g_assert_cmpint (journal->state, ==, COLD_JOURNAL_READY);
  fixture_assert_set (f, journal, "old");
}

static void
test_commit (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autoptr (GPtrArray) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_exchange_commit (&f->context, journal, &error));
  g_assert_no_error (error);
  fixture_assert_set (f, journal, "new");
  loaded = cold_journal_load_all (f->journals);
  g_assert_cmpuint (loaded->len, ==, 1);
  g_assert_cmpint (((ColdJournal *) loaded->pdata[0])->state, ==, COLD_JOURNAL_DONE);
  g_assert_true (cold_exchange_drop_hidden (&f->context, loaded->pdata[0], &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
  g_assert_cmpuint (fixture_count (f->journals), ==, 0);
}

static void
test_claim_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);

  fixture_claim (f, FIXTURE_DOMAIN);
  assert_refused (f, journal, COLD_ERROR_YIELDED, NULL);
}

static void
test_unknown_claim_refuses (void)
{
  const char *const known[] = { FIXTURE_STRANGER, NULL };
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autoptr (GError) error = NULL;

  fixture_claim (f, FIXTURE_STRANGER);
  assert_refused (f, journal, COLD_ERROR_YIELDED, NULL);
  f->context.known_domains = known;
  g_assert_true (cold_exchange_commit (&f->context, journal, &error));
  g_assert_no_error (error);
}

static void
test_change_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = fixture_name_path (f, journal, 1);

  g_assert_cmpint (chmod (path, 0640), ==, 0);
  assert_refused (f, journal, COLD_ERROR_YIELDED, NULL);
}

static void
test_writer_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);
  cold_fd_auto fd = open (path, O_RDWR | O_CLOEXEC);

  assert_refused (f, journal, COLD_ERROR_BLOCKED, "open-elsewhere: ");
}

/* Of a set, the one that has the right file open. */
static void
test_writer_is_named (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);
  g_autofree char *path = fixture_name_path (f, journal, 1);
  pid_t pid = fixture_open_in_child (path);
  g_autofree char *wanted = g_strdup_printf ("(pid %d)", (int) pid);
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_exchange_commit (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "open-elsewhere: volume-1: "));
  g_assert_true (g_str_has_suffix (error->message, wanted));
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
test_reader_is_left_alone (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);
  cold_fd_auto fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
}

static void
test_qemu_lock_refuses (void)
{
  static const off_t bytes[] = { 0, 101, 103, 201, 203 };
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    {
      cold_fd_auto fd = open (path, O_RDONLY | O_CLOEXEC);
      struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

      g_assert_cmpint (fcntl (fd, F_OFD_SETLK, &lock), ==, 0);
      assert_refused (f, journal, COLD_ERROR_BLOCKED, "open-elsewhere: ");
    }
}

static void
test_second_name_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_name_path (f, journal, 0);
  g_autofree char *second = fixture_volume (f, "second");
  ColdJournalMember *member = journal->members->pdata[0];

  g_assert_cmpint (link (path, second), ==, 0);
  cold_tuple_free (member->original);
  member->original = cold_tuple_read_at (AT_FDCWD, path, NULL);
  assert_refused (f, journal, COLD_ERROR_BLOCKED, "several-names: ");
}

static void
test_open_work_copy_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = fixture_hidden_path (f, journal, 0);
  cold_fd_auto fd = open (path, O_RDONLY | O_CLOEXEC);

  assert_refused (f, journal, COLD_ERROR_IO, NULL);
}

static void
test_gate_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  cold_fd_auto gate = cold_gate_take (f->gate, 0, NULL);

  g_assert_cmpint (gate, >=, 0);
  assert_refused (f, journal, COLD_ERROR_BUSY, NULL);
}

/* What happens to the old inode right after the renames, from the callback that is asked then. */
typedef struct
{
  guint asked;
  char *old_path; /* hidden by now */
  enum
  {
    SAY_NO,
    RELABEL,
    OPEN_FOR_WRITING
  } act;
} Doubt;

static gboolean
raise_doubt (gpointer user_data)
{
  Doubt *doubt = user_data;

  if (++doubt->asked < 2)
    return TRUE;
  fixture_assert_content (doubt->old_path, "old");
  if (doubt->act == RELABEL)
    g_assert_cmpint (chmod (doubt->old_path, 0660), ==, 0);
  if (doubt->act == OPEN_FOR_WRITING)
    {
      g_assert_cmpint (open (doubt->old_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), ==, -1);
      g_assert_cmpint (errno, ==, EWOULDBLOCK);
    }
  return doubt->act != SAY_NO;
}

static void
test_doubt_exchanges_back (gconstpointer data)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);
  g_autofree char *old_path = fixture_hidden_path (f, journal, 0);
  g_autoptr (GError) error = NULL;
  Doubt doubt = { .act = GPOINTER_TO_INT (data), .old_path = old_path };

  f->context.still_wanted = raise_doubt;
  f->context.user_data = &doubt;
  assert_refused (f, journal, COLD_ERROR_YIELDED, NULL);
  g_assert_cmpuint (doubt.asked, ==, 2);

  /* Nobody kept the copies open, so they may go. */
  g_assert_true (cold_exchange_drop_hidden (&f->context, journal, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

/* The upgrade that is DONE, and a rollback of it that is READY. */
static ColdJournal *
ready_rollback (Fixture *f, ColdJournal *upgrade)
{
  ColdJournal *rollback;
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_exchange_commit (&f->context, upgrade, NULL));
  rollback = fixture_rollback_of (upgrade, 8);
  cold_journal_save (f->journals, rollback, &error);
  g_assert_no_error (error);
  return rollback;
}

static void
test_rollback (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) upgrade = fixture_ready (f, 1);
  g_autoptr (ColdJournal) rollback = ready_rollback (f, upgrade);
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_exchange_commit (&f->context, rollback, &error));
  g_assert_no_error (error);
  fixture_assert_set (f, rollback, "old");
  g_assert_cmpuint (fixture_count (f->journals), ==, 1);
  g_assert_false (cold_journal_save (f->journals, upgrade, NULL));
  g_assert_true (cold_exchange_drop_hidden (&f->context, rollback, &error));
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

static void
test_interrupted_rollback_keeps_old_image (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) upgrade = fixture_ready (f, 1);
  g_autoptr (ColdJournal) rollback = ready_rollback (f, upgrade);

  g_assert_cmpint (cold_exchange_recover (&f->context, rollback, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_set (f, upgrade, "new");
  g_assert_cmpuint (fixture_count (f->journals), ==, 1);
}

/* Another exchange of the same volumes, straight after the first. */
static ColdJournal *
exchange_again (Fixture *f, const ColdJournal *first)
{
  ColdJournal *journal = cold_journal_new (first->job + 1, "upgrade");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < first->members->len; i++)
    {
      const ColdJournalMember *before = g_ptr_array_index (first->members, i);
      ColdJournalMember *member = cold_journal_add_member (journal);
      g_autofree char *path = cold_journal_member_path (before);
      g_autofree char *hidden = NULL;

      member->directory = g_strdup (before->directory);
      member->name = g_strdup (before->name);
      member->hidden_directory = g_strdup (before->hidden_directory);
      member->hidden_name = cold_journal_new_hidden_name (journal);
      hidden = fixture_hidden (f, member->hidden_name);
      fixture_write (hidden, "newest");
      member->original = cold_tuple_read_at (AT_FDCWD, path, NULL);
      member->replacement = cold_tuple_read_at (AT_FDCWD, hidden, NULL);
    }
  journal->state = COLD_JOURNAL_READY;
  g_assert_true (cold_journal_save (f->journals, journal, &error) && cold_exchange_commit (&f->context, journal, &error));
  return journal;
}

/* What nobody has used goes, what is known to work stays, and can be gone back to. */
static void
test_fold (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) first = fixture_ready (f, 2);
  g_autoptr (ColdJournal) second = NULL;
  g_autofree char *old_path = fixture_hidden_path (f, first, 1);
  g_autofree char *path = fixture_name_path (f, first, 1);
  g_autoptr (GPtrArray) loaded = NULL;
  g_autoptr (ColdTuple) now = NULL;
  g_autoptr (GError) error = NULL;
  const ColdJournalMember *member;

  g_assert_true (cold_exchange_commit (&f->context, first, NULL));
  second = exchange_again (f, first);
  g_assert_true (cold_exchange_can_fold (first, second));
  g_assert_false (cold_exchange_can_fold (second, first));
  g_assert_true (cold_exchange_fold (&f->context, first, second, &error));
  g_assert_no_error (error);
  fixture_assert_content (path, "newest");
  fixture_assert_content (old_path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 2);
  loaded = cold_journal_load_all (f->journals);
  g_assert_cmpuint (loaded->len, ==, 1);
  member = ((ColdJournal *) loaded->pdata[0])->members->pdata[1];
  now = cold_tuple_read_at (AT_FDCWD, path, NULL);
  g_assert_true (cold_tuple_is_untouched (member->replacement, now, NULL));
}

/* A run, or an admin at work, makes the image in between worth keeping. */
static void
test_no_fold_of_touched (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) first = fixture_ready (f, 2);
  g_autoptr (ColdJournal) second = NULL;
  g_autofree char *path = fixture_name_path (f, first, 1);

  g_assert_true (cold_exchange_commit (&f->context, first, NULL));
  fixture_write (path, "used");
  second = exchange_again (f, first);
  g_assert_false (cold_exchange_can_fold (first, second));
}

static void
test_probe (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  cold_fd_auto volumes = cold_directory_open_below (f->base, f->volumes, &error);
  cold_fd_auto hidden = cold_directory_open_private (f->base, f->hidden, &error);
  cold_fd_auto elsewhere = open ("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_true (cold_exchange_probe (volumes, hidden, "copy", &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
  g_assert_false (cold_exchange_probe (elsewhere, hidden, "copy", &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "unsupported-storage: "));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Refusals warn, and are meant to. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/exchange/commit/leads-to-new", test_commit);
  g_test_add_func ("/exchange/claim/refuses", test_claim_refuses);
  g_test_add_func ("/exchange/unknown-claim/refuses", test_unknown_claim_refuses);
  g_test_add_func ("/exchange/changed/refuses", test_change_refuses);
  g_test_add_func ("/exchange/open-elsewhere/refuses", test_writer_refuses);
  g_test_add_func ("/exchange/open-elsewhere/names-who", test_writer_is_named);
  g_test_add_func ("/exchange/reader/is-left-alone", test_reader_is_left_alone);
  g_test_add_func ("/exchange/qemu-lock/refuses", test_qemu_lock_refuses);
  g_test_add_func ("/exchange/second-name/refuses", test_second_name_refuses);
  g_test_add_func ("/exchange/open-work-copy/refuses", test_open_work_copy_refuses);
  g_test_add_func ("/exchange/gate/refuses", test_gate_refuses);
  g_test_add_data_func ("/exchange/not-wanted/goes-back", GINT_TO_POINTER (SAY_NO), test_doubt_exchanges_back);
  g_test_add_data_func ("/exchange/relabelled/goes-back", GINT_TO_POINTER (RELABEL), test_doubt_exchanges_back);
  g_test_add_data_func ("/exchange/opened/goes-back", GINT_TO_POINTER (OPEN_FOR_WRITING), test_doubt_exchanges_back);
  g_test_add_func ("/exchange/rollback/leads-to-old", test_rollback);
  g_test_add_func ("/exchange/rollback/interrupted-keeps-old", test_interrupted_rollback_keeps_old_image);
  g_test_add_func ("/exchange/fold/keeps-the-first", test_fold);
  g_test_add_func ("/exchange/fold/not-of-touched", test_no_fold_of_touched);
  g_test_add_func ("/exchange/probe", test_probe);
  return g_test_run ();
}
