/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange journal: one small JSON file a job in COLD_JOURNAL_DIR, named <job number>.json, replaced atomically and
 * synced at every step. Recovery and the hook rely on it alone (design section 6). States, in order:
 *   copying -> ready -> exchanged -> done      removed when the rollback images it names are gone
 */
#pragma once

#include "cold-tuple.h"

G_BEGIN_DECLS

typedef enum
{
  COLD_JOURNAL_COPYING,   /* work copies may exist; the originals are untouched */
  COLD_JOURNAL_READY,     /* work copies are whole and proven; the exchange may have happened to any part of the set */
  COLD_JOURNAL_DONE,      /* every name leads to the new image; the hidden inode is the rollback image */
} ColdJournalState;

typedef struct
{
  gint64 volume;          /* id in the store */
  char *directory;        /* absolute path of the volume's folder */
  char *name;             /* file name in it */
  char *hidden_directory; /* absolute path of the hidden folder */
  char *hidden_name;      /* work copy before the exchange, old image after it */
  ColdTuple *original;    /* tuple of the original inode (commit tuple) */
  ColdTuple *replacement; /* (nullable) tuple of the work copy, from READY on */
} ColdJournalMember;

typedef struct
{
  guint job;
  char *kind;             /* upgrade rollback */
  ColdJournalState state;
  GStrv domains;          /* UUIDs whose start must wait for the set to be whole */
  GPtrArray *members;     /* (element-type ColdJournalMember) */
  gint64 time;            /* of the last change, microseconds since the epoch */
  gint64 keep_until;      /* DONE: end of retention */
  gboolean quarantined;   /* a hidden inode was opened by somebody in between: never deleted by us */
} ColdJournal;

ColdJournal *cold_journal_new (guint job, const char *kind);
ColdJournalMember *cold_journal_add_member (ColdJournal *journal); /* (transfer none) */
void cold_journal_free (ColdJournal *journal);
/* Atomic and durable. */
gboolean cold_journal_save (const char *journal_dir, const ColdJournal *journal, GError **error);
gboolean cold_journal_remove (const char *journal_dir, guint job, GError **error);
/* (transfer full) (element-type ColdJournal): every journal that can be read; a broken file is renamed to *.broken, with a warning. */
GPtrArray *cold_journal_load_all (const char *journal_dir);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdJournal, cold_journal_free)

G_END_DECLS
