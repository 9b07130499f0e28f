/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A journal as a broken disk may give it back. What was understood is written, and must be understood again.
 */
#include "cold-journal.h"
#include "fuzz.h"

#include <unistd.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *folder = fuzz_path ("journal");
  g_autofree char *path = fuzz_path ("journal/7.json");
  g_autofree char *broken = fuzz_path ("journal/7.json.broken");
  g_autoptr (GPtrArray) journals = NULL;
  g_autoptr (GPtrArray) again = NULL;
  static gboolean made;

  if (!made)
    g_mkdir_with_parents (folder, 0700);
  made = TRUE;
  fuzz_write (path, data, size);
  journals = cold_journal_load_all (folder);
  unlink (broken);
  if (journals->len == 0)
    return 0;
  {
    ColdJournal *journal = g_ptr_array_index (journals, 0);
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (journal->job, ==, 7);
    for (guint i = 0; i < journal->members->len; i++)
      {
        const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
        g_autofree char *path_of_member = cold_journal_member_path (member);

        /* Recovery opens these folders, and deletes these names in them. */
        g_assert_true (*member->directory == '/' && *member->hidden_directory == '/');
        g_assert_true (*path_of_member == '/');
        g_assert_true (strchr (member->name, '/') == NULL && strchr (member->hidden_name, '/') == NULL);
        g_assert_true (journal->state == COLD_JOURNAL_COPYING || (member->original != NULL && member->replacement != NULL));
      }
    g_assert_true (cold_journal_save (folder, journal, &error));
  }
  again = cold_journal_load_all (folder);
  g_assert_cmpuint (again->len, ==, 1);
  g_assert_cmpuint (((ColdJournal *) again->pdata[0])->members->len, ==, ((ColdJournal *) journals->pdata[0])->members->len);
  unlink (path);
  return 0;
}
