/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cold-discard.h"
#include "cold-error.h"
#include "cold-exchange-set.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-lease.h"
#include "exchange-fixture.h"

static char *
name_path (Fixture *f, const ColdJournal *journal, guint i)
{
  return fixture_volume (f, ((ColdJournalMember *) g_ptr_array_index (journal->members, i))->name);
}

static char *
hidden_path (Fixture *f, const ColdJournal *journal, guint i)
{
  return fixture_hidden (f, ((ColdJournalMember *) g_ptr_array_index (journal->members, i))->hidden_name);
}

/* Every name leads to @named, every hidden name to the other image. */
static void
assert_set (Fixture *f, const ColdJournal *journal, const char *named)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *name = name_path (f, journal, i);
      g_autofree char *hidden = hidden_path (f, journal, i);

      fixture_assert_content (name, named);
      fixture_assert_content (hidden, g_str_equal (named, "old") ? "new" : "old");
    }
}

static void
assert_refused (Fixture *f, ColdJournal *journal, ColdError code, const char *begin)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_exchange_commit (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, (int) code);
  if (begin != NULL)
    g_assert_true (g_str_has_prefix (error->message, begin));
  g_assert_cmpint (journal->state, ==, COLD_JOURNAL_READY);
  assert_set (f, journal, "old");
}

static void
swap (Fixture *f, const ColdJournal *journal, guint i)
{
  g_autofree char *name = name_path (f, journal, i);
  g_autofree char *hidden = hidden_path (f, journal, i);

  g_assert_cmpint (renameat2 (AT_FDCWD, name, AT_FDCWD, hidden, RENAME_EXCHANGE), ==, 0);
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
  assert_set (f, journal, "new");
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
  g_autofree char *path = name_path (f, journal, 1);

  g_assert_cmpint (chmod (path, 0640), ==, 0);
  assert_refused (f, journal, COLD_ERROR_YIELDED, NULL);
}

static void
test_writer_refuses (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = name_path (f, journal, 0);
  cold_fd_auto fd = open (path, O_RDWR | O_CLOEXEC);

  assert_refused (f, journal, COLD_ERROR_BLOCKED, "open-elsewhere: ");
}

/* A process of its own that has the file open for writing. */
static pid_t
open_in_child (const char *path)
{
  int ready[2];
  char byte;
  pid_t pid;

  g_assert_cmpint (pipe (ready), ==, 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (open (path, O_RDWR | O_CLOEXEC) >= 0 && write (ready[1], "x", 1) == 1)
        for (;;)
          pause ();
      _exit (1);
    }
  close (ready[1]);
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  close (ready[0]);
  return pid;
}

/* Of a set, the one that has the right file open. */
static void
test_writer_is_named (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);
  g_autofree char *path = name_path (f, journal, 1);
  pid_t pid = open_in_child (path);
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
  g_autofree char *path = name_path (f, journal, 0);
  cold_fd_auto fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
}

static void
test_qemu_lock_refuses (void)
{
  static const off_t bytes[] = { 0, 101, 103, 201, 203 };
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = name_path (f, journal, 0);

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
  g_autofree char *path = name_path (f, journal, 0);
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
  g_autofree char *path = hidden_path (f, journal, 0);
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
  g_autofree char *old_path = hidden_path (f, journal, 0);
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
  g_autofree char *first = name_path (f, journal, 0);
  g_autofree char *taken = name_path (f, journal, 1);
  g_autofree char *hidden = hidden_path (f, journal, 1);
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
  g_autofree char *first = name_path (f, journal, 0);
  g_autofree char *taken = name_path (f, journal, 1);

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
  g_autofree char *taken = name_path (f, journal, 0);
  g_autofree char *hidden = hidden_path (f, journal, 0);

  cold_exchange_set_free (swapped_over (f, journal, taken));
  fixture_write (taken, "newer");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_KEPT);
  g_assert_true (journal->quarantined);
  fixture_assert_content (taken, "newer");
  fixture_assert_content (hidden, "mine");
}

static void
test_touched_old_image_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = hidden_path (f, journal, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) loaded = NULL;

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  fixture_write (path, "OLD");
  g_assert_false (cold_exchange_drop_hidden (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 2);
  loaded = cold_journal_load_all (f->journals);
  g_assert_true (((ColdJournal *) loaded->pdata[0])->quarantined);
}

static void
test_open_old_image_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = hidden_path (f, journal, 0);
  cold_fd_auto fd = -1;

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_false (cold_exchange_drop_hidden (&f->context, journal, NULL));
  fixture_assert_content (path, "old");
}

typedef struct
{
  Fixture *f;
  ColdJournal *journal;
  GError *error;
  gint ended;
} Drop;

static gpointer
drop_thread (gpointer data)
{
  Drop *drop = data;

  cold_exchange_drop_hidden (&drop->f->context, drop->journal, &drop->error);
  g_atomic_int_set (&drop->ended, 1);
  return NULL;
}

/* Whether a write lease is on the file. To open it would break the lease. */
static gboolean
is_leased (const char *path)
{
  g_autofree char *locks = NULL;
  g_autofree char *wanted = NULL;
  g_auto (GStrv) lines = NULL;
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  wanted = g_strdup_printf (":%lu ", (gulong) st.st_ino);
  g_assert_true (g_file_get_contents ("/proc/locks", &locks, NULL, NULL));
  lines = g_strsplit (locks, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (strstr (*line, "LEASE") != NULL && strstr (*line, "WRITE") != NULL && strstr (*line, wanted) != NULL)
      return TRUE;
  return FALSE;
}

/* A rollback brings the old image back after its deletion has begun: the image that has the hidden name by then is another. */
static void
test_drop_meets_exchange (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *hidden = hidden_path (f, journal, 0);
  cold_fd_auto gate = -1;
  GThread *thread;
  Drop drop = { .f = f, .journal = journal };

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  gate = cold_gate_take (f->gate, 0, NULL);
  g_assert_cmpint (gate, >=, 0);
  thread = g_thread_new ("drop", drop_thread, &drop);
  while (!g_atomic_int_get (&drop.ended) && !is_leased (hidden))
    g_usleep (1000);
  swap (f, journal, 0);
  cold_fd_clear (&gate);
  g_thread_join (thread);
  g_assert_error (drop.error, COLD_ERROR, COLD_ERROR_BUSY);
  g_clear_error (&drop.error);
  assert_set (f, journal, "old");
  g_assert_false (journal->quarantined);
  g_assert_cmpuint (fixture_count (f->journals), ==, 1);
}

/* The number of a store that was lost is another job's, whose journal keeps its old image. */
static void
test_drop_leaves_anothers_journal (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autoptr (ColdJournal) other = cold_journal_new (journal->job, "upgrade");
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  g_assert_false (cold_journal_save (f->journals, other, NULL));
  g_assert_true (cold_exchange_drop_hidden (&f->context, other, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count (f->journals), ==, 1);
}

/* Larger than a step of shrinking. */
static void
test_named_file_is_not_shrunk (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *path = fixture_volume (f, "large");
  cold_fd_auto fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const off_t size = G_GINT64_CONSTANT (1) << 30;
  struct stat st;

  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  cold_discard_shrink (fd);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_assert_cmpint (st.st_size, ==, size);
  g_assert_cmpint (unlink (path), ==, 0);
  cold_discard_shrink (fd);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_assert_cmpint (st.st_size, <, size);
}

static void
test_opener_of_old_image_is_named (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = hidden_path (f, journal, 1);
  g_autofree char *wanted = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid;

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  pid = open_in_child (path);
  wanted = g_strdup_printf ("(pid %d)", (int) pid);
  g_assert_false (cold_exchange_drop_hidden (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_suffix (error->message, wanted));
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
test_recover_untouched (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = name_path (f, journal, 0);

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

  swap (f, journal, 1);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_FINISHED);
  assert_set (f, journal, "new");
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_NOTHING);
}

static void
test_recover_half_goes_back (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 3);
  g_autofree char *open_path = name_path (f, journal, 0);
  cold_fd_auto writer = open (open_path, O_RDWR | O_CLOEXEC);

  swap (f, journal, 1);
  g_assert_cmpint (cold_exchange_settle (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  assert_set (f, journal, "old");
}

static void
test_recover_torn_set_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *open_path = name_path (f, journal, 0);
  g_autofree char *written_path = name_path (f, journal, 1);
  cold_fd_auto writer = open (open_path, O_RDWR | O_CLOEXEC);

  swap (f, journal, 1);
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
  g_autofree char *path = name_path (f, journal, 0);
  g_autofree char *hidden = hidden_path (f, journal, 0);
  g_autofree char *other = fixture_volume (f, "other");

  fixture_write (other, "mine");
  swap (f, journal, 0);
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
  g_autofree char *path = name_path (f, journal, 1);
  g_autofree char *untouched = name_path (f, journal, 0);
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
  g_autofree char *exchanged = name_path (f, journal, 0);
  g_autofree char *taken = name_path (f, journal, 1);

  swap (f, journal, 0);
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
  g_autofree char *old_path = hidden_path (f, journal, 0);
  cold_fd_auto writer = -1;

  swap (f, journal, 0);
  swap (f, journal, 1);
  writer = open (old_path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (cold_exchange_settle (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  assert_set (f, journal, "old");
}

static void
test_recover_finished_keeps_domains_writes (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 1);
  g_autofree char *path = name_path (f, journal, 0);

  swap (f, journal, 0);
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
  g_autofree char *hidden = hidden_path (f, journal, 0);
  g_autofree char *path = name_path (f, journal, 0);

  g_assert_cmpint (unlink (hidden), ==, 0);
  g_clear_pointer (&member->replacement, cold_tuple_free);
  g_assert_cmpint (cold_exchange_recover (&f->context, journal, NULL), ==, COLD_RECOVERY_THROWN_AWAY);
  fixture_assert_content (path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
}

/* The upgrade that is DONE, and a rollback of it that is READY. */
static ColdJournal *
ready_rollback (Fixture *f, ColdJournal *upgrade)
{
  ColdJournal *rollback = cold_journal_new (8, "rollback");
  ColdJournalMember *from = upgrade->members->pdata[0];
  ColdJournalMember *member = cold_journal_add_member (rollback);
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_exchange_commit (&f->context, upgrade, NULL));
  member->directory = g_strdup (from->directory);
  member->name = g_strdup (from->name);
  member->hidden_directory = g_strdup (from->hidden_directory);
  member->hidden_name = g_strdup (from->hidden_name);
  member->original = cold_tuple_copy (from->replacement);
  member->replacement = cold_tuple_copy (from->original);
  rollback->supersedes = upgrade->job;
  rollback->state = COLD_JOURNAL_READY;
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
  assert_set (f, rollback, "old");
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
  assert_set (f, upgrade, "new");
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
  g_autofree char *old_path = hidden_path (f, first, 1);
  g_autofree char *path = name_path (f, first, 1);
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
  g_autofree char *path = name_path (f, first, 1);

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

  g_assert_true (cold_exchange_probe (volumes, hidden, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture_count (f->hidden), ==, 0);
  g_assert_false (cold_exchange_probe (elsewhere, hidden, &error));
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
  g_test_add_func ("/exchange/drop/open-names-who", test_opener_of_old_image_is_named);
  g_test_add_func ("/exchange/reader/is-left-alone", test_reader_is_left_alone);
  g_test_add_func ("/exchange/qemu-lock/refuses", test_qemu_lock_refuses);
  g_test_add_func ("/exchange/second-name/refuses", test_second_name_refuses);
  g_test_add_func ("/exchange/open-work-copy/refuses", test_open_work_copy_refuses);
  g_test_add_func ("/exchange/gate/refuses", test_gate_refuses);
  g_test_add_data_func ("/exchange/not-wanted/goes-back", GINT_TO_POINTER (SAY_NO), test_doubt_exchanges_back);
  g_test_add_data_func ("/exchange/relabelled/goes-back", GINT_TO_POINTER (RELABEL), test_doubt_exchanges_back);
  g_test_add_data_func ("/exchange/opened/goes-back", GINT_TO_POINTER (OPEN_FOR_WRITING), test_doubt_exchanges_back);
  g_test_add_func ("/exchange/put-back/brings-strangers-file", test_put_back_brings_strangers_file);
  g_test_add_func ("/exchange/recover/displaced-goes-back", test_recover_displaced);
  g_test_add_func ("/exchange/recover/displaced-in-use-is-kept", test_recover_displaced_in_use);
  g_test_add_func ("/exchange/drop/touched-is-kept", test_touched_old_image_is_kept);
  g_test_add_func ("/exchange/drop/open-is-kept", test_open_old_image_is_kept);
  g_test_add_func ("/exchange/drop/meets-exchange", test_drop_meets_exchange);
  g_test_add_func ("/exchange/drop/leaves-anothers-journal", test_drop_leaves_anothers_journal);
  g_test_add_func ("/exchange/drop/named-file-is-not-shrunk", test_named_file_is_not_shrunk);
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
  g_test_add_func ("/exchange/rollback/leads-to-old", test_rollback);
  g_test_add_func ("/exchange/rollback/interrupted-keeps-old", test_interrupted_rollback_keeps_old_image);
  g_test_add_func ("/exchange/fold/keeps-the-first", test_fold);
  g_test_add_func ("/exchange/fold/not-of-touched", test_no_fold_of_touched);
  g_test_add_func ("/exchange/probe", test_probe);
  return g_test_run ();
}
