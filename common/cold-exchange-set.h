/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of a journal with their folders open: the steps that exchange and recovery share. Private to both.
 */
#pragma once

#include "cold-exchange.h"

G_BEGIN_DECLS

typedef struct
{
  ColdJournalMember *member; /* the journal's */
  int directory;
  int hidden;
  int original;              /* -1, or the original inode with a read lease, held until the set is freed */
  gboolean swapped;          /* by us, in this call */
} ColdExchangeMember;

typedef struct
{
  guint n_members;
  ColdExchangeMember *members;
} ColdExchangeSet;

/* Opens every folder; errors of cold_directory_open(). */
ColdExchangeSet *cold_exchange_set_open (const ColdExchangeContext *context, const ColdJournal *journal, GError **error);
void cold_exchange_set_free (ColdExchangeSet *set);

/* Read lease, lock bytes and tuple of the file that the name leads to. Yielded when it is not member->original. */
gboolean cold_exchange_member_seize (ColdExchangeMember *self, GError **error);
/* That the hidden file is member->replacement and that nobody has it open. Io when not. */
gboolean cold_exchange_member_prove_hidden (ColdExchangeMember *self, GError **error);
/* After a swap: nobody touched the old inode or waits for it, and both names lead where they should. Yielded when not. */
gboolean cold_exchange_member_is_sure (ColdExchangeMember *self, GError **error);

/* renameat2(RENAME_EXCHANGE) of name and hidden name. */
gboolean cold_exchange_member_swap (ColdExchangeMember *self, GError **error);
/* Swaps back, in reverse order, whatever has been swapped, and syncs. %FALSE when a name could not be led back. */
gboolean cold_exchange_set_put_back (ColdExchangeSet *set, GError **error);
gboolean cold_exchange_set_sync (ColdExchangeSet *set, GError **error);

/* Returns: (transfer full): the second name that cold_exchange_probe() uses for a while */
char *cold_exchange_probe_name (const char *hidden_name);
/* Deletes what probes left that were killed; durable. */
gboolean cold_exchange_set_drop_probes (ColdExchangeSet *set, GError **error);

/* Sets DONE, saves, and removes the journal that it supersedes. */
gboolean cold_exchange_save_done (const ColdExchangeContext *context, ColdJournal *journal, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdExchangeSet, cold_exchange_set_free)

G_END_DECLS
