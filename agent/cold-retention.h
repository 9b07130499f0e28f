/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the old images of finished exchanges are kept, and which of them give way when space is short. Deletes nothing.
 */
#pragma once

#include "cold-inventory.h"
#include "cold-journal.h"

G_BEGIN_DECLS

/* Whether the volume's path leads to the very image that the journal's exchange put there. */
gboolean cold_retention_is_current (const ColdJournalMember *member);

/* What the old image takes, in bytes; 0 when it is not there. */
guint64 cold_retention_hidden_bytes (const ColdJournalMember *member);

/**
 * cold_retention_is_over:
 * @journals: (element-type ColdJournal): all that there are, @journal among them
 * @now: microseconds since the epoch
 *
 * Later upgrades of a guest build on earlier ones: an old image counts as long as what its upgrade made is in place, or is
 * itself the old image of a later upgrade that counts. An image is not let go of before the older ones that stand behind it.
 *
 * Returns: whether the old images of @journal are to be deleted: their retention has ended and the domain has run since, or
 *   the volume was deleted, wiped (while the guest did not run) or made anew. Never while a job works on the guest (it may
 *   be bringing them back), or while an image cannot be seen: its file system may not be mounted
 */
gboolean cold_retention_is_over (ColdInventory *inventory, GPtrArray *journals, const ColdJournal *journal, gint64 now);

/**
 * cold_retention_list_evictable:
 * @path: of a volume that needs room on its file system
 * @job: number of the job that asks, which does not stand against its own guest's old image
 *
 * The old images there (of a set: all of its images) whose guest has run well since its upgrade: they are the least likely to be
 * wanted. Never the only image that is known to work, nor one that another job may be bringing back.
 *
 * Returns: (transfer container) (element-type ColdJournal): of @journals, oldest first
 */
GPtrArray *cold_retention_list_evictable (ColdInventory *inventory, GPtrArray *journals, const char *path, guint job);

/**
 * cold_retention_pick:
 * @evictable: cut down to the first that are enough
 * @bytes: that are to become free
 *
 * What an image shares with another one is not counted, where the file system tells of it. Any thread: goes through every
 * extent.
 *
 * Returns: %FALSE when all of them are not enough: then none need go
 */
gboolean cold_retention_pick (GPtrArray *evictable, guint64 bytes);

G_END_DECLS
