/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-recovery.h"

#include "cold-exchange.h"
#include "cold-names.h"

void
cold_recovery_run (void)
{
  const ColdExchangeContext context = {
    .journal_dir = COLD_JOURNAL_DIR,
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
  };
  g_autoptr (GPtrArray) journals = cold_journal_load_all (COLD_JOURNAL_DIR);

  /* Newest first: of two journals of one volume, only the newer one knows what the hidden file is. */
  for (guint i = journals->len; i > 0; i--)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i - 1);
      g_autoptr (GError) error = NULL;

      switch (cold_exchange_recover (&context, journal, &error))
        {
        case COLD_RECOVERY_NOTHING:
          break;
        case COLD_RECOVERY_THROWN_AWAY:
          g_message ("job %u was cut off before its exchange: its work copies were deleted", journal->job);
          break;
        case COLD_RECOVERY_FINISHED:
          g_message ("job %u was cut off in its exchange, which was finished", journal->job);
          break;
        case COLD_RECOVERY_KEPT:
          g_warning ("job %u was cut off and left something unexpected, nothing was deleted: %s", journal->job,
                     error != NULL ? error->message : "see its journal");
          break;
        default:
          g_assert_not_reached ();
        }
    }
}
