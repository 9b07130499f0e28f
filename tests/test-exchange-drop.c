/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-discard.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "exchange-fixture.h"

static void
test_touched_old_image_is_kept (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = fixture_hidden_path (f, journal, 1);
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
  g_autofree char *path = fixture_hidden_path (f, journal, 0);
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
  g_autofree char *hidden = fixture_hidden_path (f, journal, 0);
  cold_fd_auto gate = -1;
  GThread *thread;
  Drop drop = { .f = f, .journal = journal };

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  gate = cold_gate_take (f->gate, 0, NULL);
  g_assert_cmpint (gate, >=, 0);
  thread = g_thread_new ("drop", drop_thread, &drop);
  while (!g_atomic_int_get (&drop.ended) && !is_leased (hidden))
    g_usleep (1000);
  fixture_swap (f, journal, 0);
  cold_fd_clear (&gate);
  g_thread_join (thread);
  g_assert_error (drop.error, COLD_ERROR, COLD_ERROR_BUSY);
  g_clear_error (&drop.error);
  fixture_assert_set (f, journal, "old");
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
  g_autofree char *path = fixture_hidden_path (f, journal, 1);
  g_autofree char *wanted = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid;

  g_assert_true (cold_exchange_commit (&f->context, journal, NULL));
  pid = fixture_open_in_child (path);
  wanted = g_strdup_printf ("(pid %d)", (int) pid);
  g_assert_false (cold_exchange_drop_hidden (&f->context, journal, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_suffix (error->message, wanted));
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Refusals warn, and are meant to. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/exchange/drop/open-names-who", test_opener_of_old_image_is_named);
  g_test_add_func ("/exchange/drop/touched-is-kept", test_touched_old_image_is_kept);
  g_test_add_func ("/exchange/drop/open-is-kept", test_open_old_image_is_kept);
  g_test_add_func ("/exchange/drop/meets-exchange", test_drop_meets_exchange);
  g_test_add_func ("/exchange/drop/leaves-anothers-journal", test_drop_leaves_anothers_journal);
  g_test_add_func ("/exchange/drop/named-file-is-not-shrunk", test_named_file_is_not_shrunk);
  return g_test_run ();
}
