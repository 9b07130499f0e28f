/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-quarantine.h"

#include "cold-names.h"

/* Returns: (transfer full) (element-type utf8 utf8): by the volume's path, what is left of it */
static GHashTable *
collect (GPtrArray *journals)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i);

      for (guint j = 0; journal->quarantined && j < journal->members->len; j++)
        {
          const ColdJournalMember *member = g_ptr_array_index (journal->members, j);

          g_hash_table_replace (table, cold_journal_member_path (member),
                                g_strdup_printf ("%s/%s is left, which " COLD_JOURNAL_DIR "/%u.json names",
                                                 member->hidden_directory, member->hidden_name, journal->job));
        }
    }
  return table;
}

void
cold_quarantine_update (ColdInventory *inventory, GPtrArray *journals)
{
  g_autoptr (GHashTable) table = collect (journals);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ColdVolume *volume = value;
      const char *now = g_hash_table_lookup (table, volume->path);

      if (g_strcmp0 (volume->quarantine, now) == 0)
        continue;
      g_free (volume->quarantine);
      volume->quarantine = g_strdup (now);
      cold_inventory_volume_touch (inventory, volume);
    }
}
