/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange of work copies and originals, and what follows a crash (design section 6, steps 4 to 6). Blocking, for a thread; no
 * call to libvirt or the bus. The agent and, for sets that were left half-done, the hook use it.
 *
 * What holds at every instant, whoever is killed: each name leads to one whole image, old or new; the other one lies under
 * the member's hidden name; nothing hidden is deleted unless a write lease on it succeeds and its tuple is the journalled
 * one.
 */
#pragma once

#include "cold-directory.h"
#include "cold-journal.h"

G_BEGIN_DECLS

typedef struct
{
  const char *journal_dir;
  const char *claim_dir;
  const char *gate_file;
  /* (nullable): UUIDs of the domains whose disks the caller knows. A claim by any other domain makes an exchange yield: it
   * may be starting on these very disks. */
  const char *const *known_domains;
  /* (nullable): Asked under the gate, before and right after the renames, on the exchanging thread: %FALSE gives it up. */
  gboolean (*still_wanted) (gpointer user_data);
  gpointer user_data;
  /* (nullable): cold_directory_open_below(); %NULL for "/" */
  const char *trusted_base;
} ColdExchangeContext;

/**
 * cold_exchange_probe:
 * @directory_fd: a volume's folder
 * @hidden_fd: its hidden folder
 * @hidden_name: of the work copy that is to be made there, in a journal that is COPYING and saved
 *
 * Tries what an exchange needs (RENAME_EXCHANGE, leases, one file system for both folders) on two empty files in the hidden
 * folder, so that it is found out before any work. The files are gone afterwards; after a failure or a crash
 * cold_exchange_drop_hidden() of that journal deletes them.
 *
 * Returns: %FALSE with Blocked: "unsupported-storage: ...", NoSpace or Io
 */
gboolean cold_exchange_probe (int directory_fd, int hidden_fd, const char *hidden_name, GError **error);

/**
 * cold_exchange_commit:
 * @journal: in state READY and saved; DONE and saved afterwards
 *
 * Gate, claims, tuples, lock bytes, read lease, RENAME_EXCHANGE of every member, checks, exchange back on any doubt. A
 * journal that it supersedes is removed at the end. After an exchange back somebody may still have a work copy open that had
 * the original's name for a moment: cold_exchange_drop_hidden() finds out.
 *
 * Returns: %TRUE when every name leads to its new image; %FALSE with Yielded, Busy, Blocked or Io: every name leads to its
 *   original, and nothing has happened; the journal is still READY: cold_exchange_drop_hidden(), or try again. Only when the
 *   disk fails while names are put back does one of several lead to its new image: cold_exchange_recover(), or the hook of a
 *   domain that starts before, makes them one side.
 */
gboolean cold_exchange_commit (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

typedef enum
{
  COLD_RECOVERY_NOTHING,     /* the journal was DONE already */
  COLD_RECOVERY_THROWN_AWAY, /* originals stand; work copies and the journal were deleted (a rollback's hidden files stay) */
  COLD_RECOVERY_FINISHED,    /* the exchange was completed: DONE */
  COLD_RECOVERY_KEPT,        /* something unexpected was found: everything is left as it is, and quarantined; with @error
                              * set, nothing could be said (a pool not mounted, the gate held): try again later */
} ColdRecovery;

/**
 * cold_exchange_recover:
 *
 * Brings one journal that a crash left behind to an end; waits for the gate up to 5 s. Idempotent, and may itself be
 * killed at any instant. Not for a journal that a live job works on.
 */
ColdRecovery cold_exchange_recover (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

/**
 * cold_exchange_settle:
 *
 * The part of recovery that cannot wait, for a caller that holds the gate and is about to let a domain start: a READY
 * journal of which some names were exchanged is made whole, forward if possible, else back. Never deletes anything.
 *
 * Returns: COLD_RECOVERY_NOTHING when there is nothing half-done (names all lead to their originals, or DONE),
 *   FINISHED when all names lead to the new images, THROWN_AWAY when all lead to the originals again, KEPT
 */
ColdRecovery cold_exchange_settle (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

/**
 * cold_exchange_drop_hidden:
 *
 * Deletes the hidden inode of every member of a DONE journal (old images) or of one before DONE (work copies; never those
 * of a rollback, which are another journal's old images), only when a write lease on it succeeds and its tuple is the
 * journalled one, then the journal. Otherwise keeps it, and quarantines the journal. Takes the gate, for up to 5 s, to take the
 * names away. Steps of truncation: seconds for many GiB.
 *
 * Returns: %FALSE with Blocked ("quarantined: ..."), Busy (somebody holds the gate, or an exchange has used a hidden file
 *   meanwhile) or Io
 */
gboolean cold_exchange_drop_hidden (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

/* Whether @later exchanged the very images that @earlier had put in place, all of them, and nobody touched them in between. */
gboolean cold_exchange_can_fold (const ColdJournal *earlier, const ColdJournal *later);

/**
 * cold_exchange_fold:
 * @later: of the same volumes; not to be used afterwards
 *
 * Makes one exchange of two: @earlier is as if it had put in place what @later did, and keeps its old images; those of
 * @later, which nobody ever used, are deleted with its journal. Killed in between, both journals say that they made what is
 * in place: the earlier one's image is the one to go back to.
 *
 * Returns: %FALSE as cold_exchange_drop_hidden(), or when @earlier could not be saved
 */
gboolean cold_exchange_fold (const ColdExchangeContext *context, ColdJournal *earlier, ColdJournal *later, GError **error);

G_END_DECLS
