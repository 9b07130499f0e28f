/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work copies of one guest's volumes, from the first copied byte to the exchange or the dustbin. Every step is in the
 * journal before it happens (design section 6); what blocks runs in a thread that owns the set for that time.
 */
#pragma once

#include "cold-exchange.h"
#include "cold-guest-disks.h"
#include "cold-parts.h"

G_BEGIN_DECLS

typedef struct ColdWorkSet ColdWorkSet;

/**
 * cold_work_set_open_async:
 * @disks: (element-type ColdGuestDisk): copied
 * @domains: (nullable): UUIDs of the domains that use them
 *
 * Opens folders and images, makes the hidden folders, and takes the room that the work copies may need until the set is gone.
 * Fails with Blocked (untrusted-directory, unsupported-storage, several-names, open-elsewhere, no-space).
 */
void cold_work_set_open_async (ColdRoom *room, guint job, GPtrArray *disks, const char *const *domains,
                               GAsyncReadyCallback callback, gpointer user_data);

/**
 * cold_work_set_open_rollback_async:
 * @undone: (transfer full): a journal in state DONE whose old images stand where it says
 *
 * A set whose work copies are the old images. Discarding it leaves them where they are. Fails with Blocked or Io.
 */
void cold_work_set_open_rollback_async (guint job, ColdJournal *undone, GAsyncReadyCallback callback, gpointer user_data);

/**
 * cold_work_set_find_short:
 * @missing: (out): bytes that would have to become free for all disks on that file system
 *
 * Returns: (transfer none) (nullable): path of a disk whose file system has too little room for copies of @disks
 */
const char *cold_work_set_find_short (ColdRoom *room, GPtrArray *disks, guint64 *missing);

/* Of either. Returns: (transfer full) */
ColdWorkSet *cold_work_set_open_finish (GAsyncResult *result, GError **error);

/* Of a rollback. Returns: (nullable) (transfer none): %NULL when every volume is as the exchange left it, otherwise what
 * changed since */
const char *cold_work_set_get_changed (ColdWorkSet *set);

void cold_work_set_free (ColdWorkSet *set);

/* Journals COPYING, checks that the file system can exchange (Blocked: unsupported-storage), then copies. */
void cold_work_set_copy_async (ColdWorkSet *set, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean cold_work_set_copy_finish (GAsyncResult *result, GError **error);

/* Descriptors (O_PATH) of the work copies, one a disk; valid after the copy. */
const int *cold_work_set_get_copies (ColdWorkSet *set);
ColdJournal *cold_work_set_get_journal (ColdWorkSet *set);

/* Everything written to the work copies is on disk; before the last look at libvirt. */
void cold_work_set_sync_async (ColdWorkSet *set, GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_work_set_sync_finish (GAsyncResult *result, GError **error);

/**
 * cold_work_set_commit_async:
 * @inventory: its event generation must not move on from @generation
 * @known_domains: every domain that the inventory knew at that generation
 * @keep_until: end of retention of the old images, microseconds since the epoch
 *
 * Journals READY and exchanges. Yielded and Busy: nothing has happened, and it may be tried again, unless the set is stale.
 */
void cold_work_set_commit_async (ColdWorkSet *set, ColdInventory *inventory, guint64 generation,
                                 const char *const *known_domains, gint64 keep_until, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_work_set_commit_finish (GAsyncResult *result, GError **error);

/* Whether the last commit found an original that is not what was copied any more. */
gboolean cold_work_set_is_stale (ColdWorkSet *set);
/* @domains: (transfer full): whose claims are to be heeded from now on; not while it is copied or committed */
void cold_work_set_take_domains (ColdWorkSet *set, GStrv domains);

/* Deletes work copies and journal. Consumes @set; nobody waits for it, failures are logged. */
void cold_work_set_discard (ColdWorkSet *set);

G_END_DECLS
