/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exchange journal: one small JSON file a job in COLD_JOURNAL_DIR, named <job number>.json, replaced atomically and
 * synced at every step. Recovery and the hook rely on it alone (design section 6). States, in order:
 *   copying -> ready -> done      removed when the hidden files it names are gone
 * From ready back to copying when nothing was exchanged and the work copies are to go.
 *
 *   {"version":1,"job":n,"kind":"upgrade","state":"ready","domains":["<uuid>"],"boot-id":"...","time":n,"keep-until":n,
 *    "quarantined":false,"supersedes":n,
 *    "members":[{"volume":n,"directory":"...","name":"...","hidden-directory":"...","hidden-name":"...",
 *                "original":{tuple},"replacement":{tuple}}]}
 * Names that are not UTF-8 are kept as URI escapes ("%ff").
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
  char *directory;        /* absolute path of the volume's folder */
  char *name;             /* file name in it */
  char *hidden_directory; /* absolute path of the hidden folder */
  char *hidden_name;      /* work copy before the exchange, old image after it */
  ColdTuple *original;    /* (nullable) tuple of the original inode (commit tuple); needed from READY on */
  ColdTuple *replacement; /* (nullable) tuple of the work copy, from READY on */
} ColdJournalMember;

typedef struct
{
  guint job;
  char *kind;             /* upgrade rollback */
  ColdJournalState state;
  GStrv domains;          /* UUIDs whose start must wait for the set to be whole */
  GPtrArray *members;     /* (element-type ColdJournalMember) */
  char *boot_id;          /* of the boot that the tuples' device numbers are from */
  gint64 time;            /* of the last change, microseconds since the epoch */
  gint64 keep_until;      /* DONE: end of retention */
  gboolean quarantined;   /* a hidden inode was opened by somebody in between: never deleted by us */
  guint supersedes;       /* rollback: the upgrade's journal, which goes when this one is done; 0 for none */
  gboolean on_disk;       /* it was loaded or saved */
} ColdJournal;

ColdJournal *cold_journal_new (guint job, const char *kind);
ColdJournalMember *cold_journal_add_member (ColdJournal *journal); /* (transfer none) */
/* Returns: (transfer full): the volume's path, by which journal and inventory know each other: the store's numbers begin
 * anew when it is lost */
char *cold_journal_member_path (const ColdJournalMember *member);
/* Returns: (transfer none) (nullable): the member that is the volume at @path */
const ColdJournalMember *cold_journal_find_member (const ColdJournal *journal, const char *path);
gboolean cold_journal_is_rollback (const ColdJournal *journal);
/* @domain: a UUID */
gboolean cold_journal_names_domain (const ColdJournal *journal, const char *domain);
void cold_journal_free (ColdJournal *journal);

/**
 * cold_journal_refresh_devices:
 *
 * After a reboot a file system may have another device number. Tuples from an earlier boot get the one of the folder that
 * they lie in. Folders that are not there (a pool not mounted yet) leave the journal as it is, and it is tried again later.
 */
void cold_journal_refresh_devices (ColdJournal *journal);

/**
 * cold_journal_new_hidden_name:
 *
 * Returns: (transfer full): a file name that no other journal, of this store or a lost one, ever uses
 */
char *cold_journal_new_hidden_name (const ColdJournal *journal);

/* Atomic and durable; sets the time. Failed when a new journal's number is taken on disk, or an old one was removed there
 * meanwhile (superseded): neither may be written over. */
gboolean cold_journal_save (const char *journal_dir, ColdJournal *journal, GError **error);
/* %TRUE also when there was none. */
gboolean cold_journal_remove (const char *journal_dir, guint job, GError **error);
/* (transfer full) (element-type ColdJournal): every journal that can be read, by job; a broken file is renamed to *.broken, with
 * a warning. */
GPtrArray *cold_journal_load_all (const char *journal_dir);
/**
 * cold_journal_load_ready:
 * @domain: (nullable): a UUID; %NULL for whichever
 *
 * For whoever has no time: what is not READY, is quarantined or names other domains is passed over, and no folder is looked at:
 * cold_journal_refresh_devices() is still to be called.
 *
 * Returns: (transfer full) (element-type ColdJournal)
 */
GPtrArray *cold_journal_load_ready (const char *journal_dir, const char *domain);

/* Returns: the largest job number that a file in @journal_dir has, broken ones included; 0 when there is none. A lost store
 * must not give such a number out again. */
guint cold_journal_last_number (const char *journal_dir);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdJournal, cold_journal_free)

G_END_DECLS
