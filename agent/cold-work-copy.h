/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work copy of one volume, beside the original, or the old image that a rollback brings back: what either of the two names
 * stands for, and whether it still does. All of it blocks.
 */
#pragma once

#include "cold-exchange.h"
#include "cold-guest-disks.h"

G_BEGIN_DECLS

typedef struct
{
  ColdOpenImage image;       /* the original, and its folder */
  int hidden;                /* folder of the work copy */
  ColdJournalMember *member; /* borrowed from the journal */
} ColdWorkCopy;

/**
 * cold_work_copy_open:
 * @journal: gets a member for it, without a hidden name; outlives the work copy
 * @path: of the original
 *
 * Opens folder and image, and makes the hidden folder. Fails with Blocked (untrusted-directory, unsupported-storage,
 * several-names, open-elsewhere) or Io.
 */
ColdWorkCopy *cold_work_copy_open (ColdJournal *journal, const char *path, GError **error);
void cold_work_copy_free (ColdWorkCopy *copy);

/* Reads what the original is now into the journal's member. */
gboolean cold_work_copy_read_original (ColdWorkCopy *copy, GError **error);

/**
 * cold_work_copy_adopt_old_image:
 * @old: the member of the exchange that is undone
 *
 * The old image becomes the work copy. Fails with Blocked when it is not what that exchange left behind.
 */
gboolean cold_work_copy_adopt_old_image (ColdWorkCopy *copy, const ColdJournalMember *old, GError **error);

/* Returns: O_PATH, -1 with Io */
int cold_work_copy_open_path (const ColdWorkCopy *copy, GError **error);

/* The work copy and its name are on disk afterwards, and what was written to the original before. */
gboolean cold_work_copy_sync (const ColdWorkCopy *copy, GError **error);

/**
 * cold_work_copy_read_replacement:
 * @is_rollback: it is an old image
 *
 * Reads what is about to get the volume's name into the journal's member. Fails with Blocked or Worker when that is not what it was
 * made as.
 */
gboolean cold_work_copy_read_replacement (ColdWorkCopy *copy, gboolean is_rollback, GError **error);

/* Whether the original is still what was copied. */
gboolean cold_work_copy_original_stands (const ColdWorkCopy *copy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdWorkCopy, cold_work_copy_free)

G_END_DECLS
