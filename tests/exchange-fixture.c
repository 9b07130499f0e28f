/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exchange-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cold-claim.h"
#include "cold-fd.h"

static char *
make_folder (Fixture *self, const char *name, int mode)
{
  char *path = g_build_filename (self->base, name, NULL);

  g_assert_cmpint (g_mkdir (path, mode), ==, 0);
  return path;
}

Fixture *
fixture_new (void)
{
  Fixture *self = g_new0 (Fixture, 1);
  g_autoptr (GError) error = NULL;
  cold_fd_auto volumes = -1;
  cold_fd_auto hidden = -1;

  umask (022);
  self->base = g_dir_make_tmp ("cold-exchange-XXXXXX", &error);
  g_assert_no_error (error);
  self->volumes = make_folder (self, "images", 0755);
  self->claims = make_folder (self, "claims", 0755);
  self->journals = make_folder (self, "journal", 0700);
  self->gate = g_build_filename (self->base, "gate", NULL);
  volumes = cold_directory_open_below (self->base, self->volumes, &error);
  g_assert_no_error (error);
  hidden = cold_directory_open_hidden_below (self->base, self->volumes, volumes, &self->hidden, &error);
  g_assert_no_error (error);
  self->context = (ColdExchangeContext) {
    .journal_dir = self->journals, .claim_dir = self->claims, .gate_file = self->gate, .trusted_base = self->base,
  };
  return self;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_SYMLINK) || !g_file_test (child, G_FILE_TEST_IS_DIR))
        g_unlink (child);
      else
        remove_tree (child);
    }
  g_rmdir (path);
}

void
fixture_free (Fixture *self)
{
  remove_tree (self->base);
  g_free (self->base);
  g_free (self->volumes);
  g_free (self->hidden);
  g_free (self->claims);
  g_free (self->journals);
  g_free (self->gate);
  g_free (self);
}

char *
fixture_volume (Fixture *self, const char *name)
{
  return g_build_filename (self->volumes, name, NULL);
}

char *
fixture_hidden (Fixture *self, const char *name)
{
  return g_build_filename (self->hidden, name, NULL);
}

void
fixture_write (const char *path, const char *text)
{
  cold_fd_auto fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
}

void
fixture_assert_content (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  g_file_get_contents (path, &found, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, text);
}

void
fixture_claim (Fixture *self, const char *domain)
{
  g_autoptr (GError) error = NULL;
  const ColdClaim claim = { .domain = (char *) domain };

  cold_claim_write (self->claims, &claim, &error);
  g_assert_no_error (error);
}

guint
fixture_count (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static ColdTuple *
read_tuple (const char *path)
{
  g_autoptr (GError) error = NULL;
  ColdTuple *tuple = cold_tuple_read_at (AT_FDCWD, path, &error);

  g_assert_no_error (error);
  return tuple;
}

ColdJournalMember *
fixture_add_member (Fixture *self, ColdJournal *journal, const char *name)
{
  ColdJournalMember *member = cold_journal_add_member (journal);
  g_autofree char *volume = fixture_volume (self, name);
  g_autofree char *hidden = NULL;

  member->directory = g_strdup (self->volumes);
  member->name = g_strdup (name);
  member->hidden_directory = g_strdup (self->hidden);
  member->hidden_name = cold_journal_new_hidden_name (journal);
  hidden = fixture_hidden (self, member->hidden_name);
  fixture_write (volume, "old");
  fixture_write (hidden, "new");
  member->original = read_tuple (volume);
  member->replacement = read_tuple (hidden);
  return member;
}

ColdJournal *
fixture_ready (Fixture *self, guint n_members)
{
  g_autoptr (GError) error = NULL;
  ColdJournal *journal = cold_journal_new (7, "upgrade");

  g_strfreev (journal->domains);
  journal->domains = g_strsplit (FIXTURE_DOMAIN, " ", -1);
  for (guint i = 0; i < n_members; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);

      fixture_add_member (self, journal, name);
    }
  journal->state = COLD_JOURNAL_READY;
  cold_journal_save (self->journals, journal, &error);
  g_assert_no_error (error);
  return journal;
}

char *
fixture_name_path (Fixture *self, const ColdJournal *journal, guint i)
{
  return fixture_volume (self, ((ColdJournalMember *) g_ptr_array_index (journal->members, i))->name);
}

char *
fixture_hidden_path (Fixture *self, const ColdJournal *journal, guint i)
{
  return fixture_hidden (self, ((ColdJournalMember *) g_ptr_array_index (journal->members, i))->hidden_name);
}

void
fixture_assert_set (Fixture *self, const ColdJournal *journal, const char *named)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *name = fixture_name_path (self, journal, i);
      g_autofree char *hidden = fixture_hidden_path (self, journal, i);

      fixture_assert_content (name, named);
      fixture_assert_content (hidden, g_str_equal (named, "old") ? "new" : "old");
    }
}

void
fixture_swap (Fixture *self, const ColdJournal *journal, guint i)
{
  g_autofree char *name = fixture_name_path (self, journal, i);
  g_autofree char *hidden = fixture_hidden_path (self, journal, i);

  g_assert_cmpint (renameat2 (AT_FDCWD, name, AT_FDCWD, hidden, RENAME_EXCHANGE), ==, 0);
}

ColdJournal *
fixture_rollback_of (const ColdJournal *upgrade, guint job)
{
  ColdJournal *rollback = cold_journal_new (job, "rollback");

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
  return rollback;
}

pid_t
fixture_open_in_child (const char *path)
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
