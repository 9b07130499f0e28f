/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange of work copies and originals, and what follows a crash (design section 6, steps 4 to 6). Blocking, for a thread; no
 * call to libvirt or the bus. The agent and, for sets that were left half-done, the hook use it.
 */
#pragma once

#include "cold-journal.h"

G_BEGIN_DECLS

typedef struct
{
  const char *journal_dir;
  const char *claim_dir;
  const char *gate_file;
  /* Asked under the gate, before and right after the renames, on the exchanging thread: %FALSE gives it up. */
  gboolean (*still_wanted) (gpointer user_data);
  gpointer user_data;
} ColdExchangeContext;

/**
 * cold_exchange_commit:
 * @journal: in state READY and saved; DONE and saved afterwards
 *
 * Gate, claims, tuples, lock bytes, read lease, RENAME_EXCHANGE of every member, checks, exchange back on any doubt.
 *
 * Returns: %TRUE when every name leads to its new image; %FALSE with Yielded, Busy, Blocked or Io: every name leads to its
 *   original, and nothing has happened
 */
gboolean cold_exchange_commit (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

typedef enum
{
  COLD_RECOVERY_NOTHING,     /* the journal was DONE already */
  COLD_RECOVERY_THROWN_AWAY, /* work copies were deleted, originals stand */
  COLD_RECOVERY_FINISHED,    /* the exchange was completed: DONE */
  COLD_RECOVERY_KEPT,        /* something unexpected was found: everything is left as it is, and quarantined */
} ColdRecovery;

/**
 * cold_exchange_recover:
 *
 * Brings one journal that a crash left behind to an end, under the gate. Idempotent.
 */
ColdRecovery cold_exchange_recover (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

/**
 * cold_exchange_drop_hidden:
 *
 * Deletes the hidden inode of every member of a DONE journal (the rollback images) or of one before READY (work
 * copies), only when a write lease on it succeeds and its tuple is the journalled one, then the journal. Otherwise keeps it, sets quarantined.
 */
gboolean cold_exchange_drop_hidden (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

G_END_DECLS
