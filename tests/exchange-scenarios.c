/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exchange-scenarios.h"

#include <fcntl.h>
#include <stdio.h>

#include "async-result.h"
#include "cold-copy.h"
#include "cold-error.h"
#include "cold-fd.h"

#define IMAGE_SIZE (6 * 1024 * 1024) /* more than a chunk, so that half a copy exists */

static void
exchange_write_image (const char *path, char letter)
{
  g_autofree char *text = g_malloc (IMAGE_SIZE);
  FILE *file = fopen (path, "we");

  g_assert_nonnull (file);
  memset (text, letter, IMAGE_SIZE);
  g_assert_cmpuint (fwrite (text, 1, IMAGE_SIZE, file), ==, IMAGE_SIZE);
  g_assert_cmpint (fclose (file), ==, 0);
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

static gboolean
copy_member (Fixture *f, ColdJournalMember *member, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *hidden_path = fixture_hidden (f, member->hidden_name);
  cold_fd_auto directory = cold_directory_open_below (f->base, f->volumes, error);
  cold_fd_auto hidden = directory >= 0 ? cold_directory_open_private (f->base, f->hidden, error) : -1;

  if (hidden < 0 || !cold_exchange_probe (directory, hidden, member->hidden_name, error))
    return FALSE;
  cold_copy_async (directory, member->name, hidden, member->hidden_name, NULL, keep_result, &result);
  wait_for_result (&result);
  cold_tuple_free (member->original);
  member->original = cold_copy_finish (result, error);
  if (member->original == NULL)
    return FALSE;
  exchange_write_image (hidden_path, 'n');
  member->replacement = cold_tuple_read_at (hidden, member->hidden_name, error);
  return member->replacement != NULL;
}

static ColdJournal *
upgrade_until_ready (Fixture *f, guint job, GError **error)
{
  g_autoptr (ColdJournal) journal = cold_journal_new (job, "upgrade");

  for (guint i = 0; i < EXCHANGE_N_MEMBERS; i++)
    {
      ColdJournalMember *member = cold_journal_add_member (journal);

      member->directory = g_strdup (f->volumes);
      member->name = g_strdup_printf ("volume-%u", i);
      member->hidden_directory = g_strdup (f->hidden);
      member->hidden_name = cold_journal_new_hidden_name (journal);
    }
  if (!cold_journal_save (f->journals, journal, error))
    return NULL;
  for (guint i = 0; i < EXCHANGE_N_MEMBERS; i++)
    if (!copy_member (f, g_ptr_array_index (journal->members, i), error))
      return NULL;
  journal->state = COLD_JOURNAL_READY;
  return cold_journal_save (f->journals, journal, error) ? g_steal_pointer (&journal) : NULL;
}

gboolean
exchange_act_upgrade (Fixture *f, GError **error)
{
  g_autoptr (ColdJournal) journal = upgrade_until_ready (f, 1, error);

  return journal != NULL && cold_exchange_commit (&f->context, journal, error);
}

gboolean
exchange_act_upgrade_twice (Fixture *f, GError **error)
{
  g_autoptr (ColdJournal) journal = NULL;

  if (!exchange_act_upgrade (f, error))
    return FALSE;
  journal = upgrade_until_ready (f, 2, error);
  return journal != NULL && cold_exchange_commit (&f->context, journal, error);
}

gboolean
exchange_act_fold (Fixture *f, GError **error)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);

  if (journals->len != 2 || !cold_exchange_can_fold (journals->pdata[0], journals->pdata[1]))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_IO, "there are no two exchanges to make one of");
      return FALSE;
    }
  return cold_exchange_fold (&f->context, journals->pdata[0], journals->pdata[1], error);
}

static gboolean
only_before (gpointer asked)
{
  return ++*(guint *) asked == 1;
}

gboolean
exchange_act_back (Fixture *f, GError **error)
{
  g_autoptr (ColdJournal) journal = upgrade_until_ready (f, 1, error);
  g_autoptr (GError) yielded = NULL;
  guint asked = 0;

  if (journal == NULL)
    return FALSE;
  f->context.still_wanted = only_before;
  f->context.user_data = &asked;
  g_assert_false (cold_exchange_commit (&f->context, journal, &yielded));
  g_assert_nonnull (yielded);
  return cold_exchange_drop_hidden (&f->context, journal, error);
}

gboolean
exchange_act_rollback (Fixture *f, GError **error)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);
  ColdJournal *upgrade = journals->len > 0 ? journals->pdata[0] : NULL;
  g_autoptr (ColdJournal) rollback = NULL;

  if (upgrade == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_IO, "no journal could be read");
      return FALSE;
    }
  rollback = fixture_rollback_of (upgrade, 2);
  return cold_journal_save (f->journals, rollback, error) && cold_exchange_commit (&f->context, rollback, error);
}

gboolean
exchange_act_drop (Fixture *f, GError **error)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);

  if (journals->len == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_IO, "no journal could be read");
      return FALSE;
    }
  return cold_exchange_drop_hidden (&f->context, journals->pdata[0], error);
}

gboolean
exchange_act_recover (Fixture *f, GError **error)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);

  for (guint i = 0; i < journals->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (cold_exchange_recover (&f->context, journals->pdata[i], &local) == COLD_RECOVERY_KEPT)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "recovery gave up: %s",
                       local != NULL ? local->message : "quarantined");
          return FALSE;
        }
    }
  return TRUE;
}

char
exchange_read_side (Fixture *f)
{
  gboolean mixed = FALSE;
  char side = 0;

  for (guint i = 0; i < EXCHANGE_N_MEMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);
      g_autofree char *path = fixture_volume (f, name);
      char letter = read_image (path);

      g_assert_true (letter == 'o' || letter == 'n');
      mixed = mixed || (side != 0 && side != letter);
      side = letter;
    }
  return mixed ? 0 : side;
}

char
exchange_assert_whole (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);
  guint named = 0;
  char side = exchange_read_side (f);

  g_assert_true (side != 0);
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
  g_assert_cmpuint (fixture_count (f->volumes), ==, EXCHANGE_N_MEMBERS);
  g_assert_cmpuint (journals->len, <=, 1);
  return side;
}

void
exchange_assert_folding (Fixture *f)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_all (f->journals);
  const ColdJournal *first;

  g_assert_cmpint (exchange_read_side (f), ==, 'n');
  g_assert_cmpuint (journals->len, >=, 1);
  first = journals->pdata[0];
  for (guint i = 0; i < first->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (first->members, i);
      g_autofree char *hidden = fixture_hidden (f, member->hidden_name);
      g_autofree char *path = cold_journal_member_path (member);
      g_autoptr (ColdTuple) now = cold_tuple_read_at (AT_FDCWD, path, NULL);
      const ColdJournalMember *later = journals->len > 1 ? cold_journal_find_member (journals->pdata[1], path) : NULL;

      g_assert_cmpint (read_image (hidden), ==, 'o');
      g_assert_true (cold_tuple_same_file (member->replacement, now)
                     || (later != NULL && cold_tuple_same_file (member->replacement, later->original)));
    }
}

Fixture *
exchange_set_up (void)
{
  Fixture *f = fixture_new ();

  for (guint i = 0; i < EXCHANGE_N_MEMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);
      g_autofree char *path = fixture_volume (f, name);

      exchange_write_image (path, 'o');
    }
  return f;
}
