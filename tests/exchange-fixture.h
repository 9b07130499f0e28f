/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool folder of its own with volumes, hidden files, claims and journals, for the tests of exchange, crashes and hook. */
#pragma once

#include "cold-exchange.h"

#define FIXTURE_DOMAIN "11111111-2222-3333-4444-555555555555"
#define FIXTURE_STRANGER "99999999-2222-3333-4444-555555555555"

typedef struct
{
  char *base;
  char *volumes;
  char *hidden;
  char *claims;
  char *journals;
  char *gate;
  ColdExchangeContext context;
} Fixture;

Fixture *fixture_new (void);
void fixture_free (Fixture *self);

char *fixture_volume (Fixture *self, const char *name); /* path */
char *fixture_hidden (Fixture *self, const char *name); /* path */
void fixture_write (const char *path, const char *text);
void fixture_assert_content (const char *path, const char *text);
void fixture_claim (Fixture *self, const char *domain);
guint fixture_count (const char *folder); /* files in it */

/* A volume with "old" in it and a hidden file with "new", as a member. */
ColdJournalMember *fixture_add_member (Fixture *self, ColdJournal *journal, const char *name);
/* READY, saved, with that many members called volume-0, volume-1, ... */
ColdJournal *fixture_ready (Fixture *self, guint n_members);

/* Paths of a member. */
char *fixture_name_path (Fixture *self, const ColdJournal *journal, guint i);
char *fixture_hidden_path (Fixture *self, const ColdJournal *journal, guint i);
/* Every name leads to @named, every hidden name to the other image. */
void fixture_assert_set (Fixture *self, const ColdJournal *journal, const char *named);
/* Exchanges the two names of a member. */
void fixture_swap (Fixture *self, const ColdJournal *journal, guint i);

/* Of an upgrade that is DONE, the rollback: READY, not saved. */
ColdJournal *fixture_rollback_of (const ColdJournal *upgrade, guint job);

/* A process of its own that has the file open for writing, until it is killed. */
pid_t fixture_open_in_child (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)
