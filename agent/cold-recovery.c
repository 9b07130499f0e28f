/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-recovery.h"

#include "cold-exchange.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-half-written.h"
#include "cold-names.h"

/* Nobody else holds the gate for longer than an exchange takes, or a hook. */
#define GATE_WAIT_MS 5000

static const ColdExchangeContext context = {
  .journal_dir = COLD_JOURNAL_DIR,
  .claim_dir = COLD_CLAIM_DIR,
  .gate_file = COLD_GATE_FILE,
};

/* @thrown_away: when it was cut off, and what became of it, if the originals stand */
static void
tell (const ColdJournal *journal, ColdRecovery recovery, const char *thrown_away, const GError *error)
{
  switch (recovery)
    {
    case COLD_RECOVERY_NOTHING:
      break;
    case COLD_RECOVERY_THROWN_AWAY:
      g_message ("job %u was cut off %s", journal->job, thrown_away);
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

/* Journals that were cut off before they had their name. The hook writes journals too, under the gate. */
static void
sweep (void)
{
  g_autoptr (GError) error = NULL;
  cold_fd_auto gate = cold_gate_take (COLD_GATE_FILE, GATE_WAIT_MS, &error);

  if (gate < 0)
    g_warning ("%s", error->message);
  else
    cold_half_written_sweep (COLD_JOURNAL_DIR, ".json");
}

void
cold_recovery_run (void)
{
  g_autoptr (GPtrArray) journals = NULL;

  sweep ();
  journals = cold_journal_load_all (COLD_JOURNAL_DIR);
  /* Newest first: of two journals of one volume, only the newer one knows what the hidden file is. */
  for (guint i = journals->len; i > 0; i--)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i - 1);
      g_autoptr (GError) error = NULL;
      ColdRecovery recovery;

      recovery = cold_exchange_recover (&context, journal, &error);
      tell (journal, recovery, "before its exchange: its work copies were deleted", error);
    }
}

void
cold_recovery_settle (void)
{
  g_autoptr (GPtrArray) journals = cold_journal_load_ready (COLD_JOURNAL_DIR, NULL);
  g_autoptr (GError) gate_error = NULL;
  cold_fd_auto gate = -1;

  if (journals->len == 0)
    return;
  gate = cold_gate_take (COLD_GATE_FILE, GATE_WAIT_MS, &gate_error);
  if (gate < 0)
    {
      g_warning ("%s", gate_error->message);
      return;
    }
  /* Once more: whoever had the gate may have exchanged, and said so. */
  g_ptr_array_unref (journals);
  journals = cold_journal_load_ready (COLD_JOURNAL_DIR, NULL);
  for (guint i = journals->len; i > 0; i--)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i - 1);
      g_autoptr (GError) error = NULL;
      ColdRecovery recovery = cold_exchange_settle (&context, journal, &error);

      tell (journal, recovery, "in its exchange, which was taken back", error);
    }
}
