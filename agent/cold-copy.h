/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work copy of a volume: same file system, hidden from the pool, with everything that a renamed copy would lose
 * (owner, mode, ACL, labels, NOCOW, preallocation, holes). Design section 6, step 1.
 */
#pragma once

#include "cold-directory.h"
#include "cold-tuple.h"

G_BEGIN_DECLS

/**
 * cold_copy_async:
 * @directory_fd: the volume's folder, from cold_directory_open(); borrowed for the time of the call
 * @name: the volume's file name in it
 * @hidden_fd: the hidden folder of the same file system, from cold_directory_open_hidden()
 * @copy_name: name of the work copy in it
 *
 * FICLONE where the file system can, else a sparse copy in chunks in a thread. Preallocation is
 * restored, both files are synced, the original's tuple is compared before and after: Yielded when it changed.
 * On failure or cancellation no copy is left. Blocked "open-elsewhere: ..." while somebody has the volume open for writing,
 * "unsupported-storage: ..." for a volume with set-id bits.
 */
void cold_copy_async (int directory_fd, const char *name, int hidden_fd, const char *copy_name,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): the original's tuple, equal before and after the copy */
ColdTuple *cold_copy_finish (GAsyncResult *result, GError **error);

/**
 * cold_copy_space_needed:
 *
 * Returns: bytes that a copy of the file can take at worst (its allocation now, plus @growth)
 */
guint64 cold_copy_space_needed (int directory_fd, const char *name, guint64 growth);

/**
 * cold_delete_stepwise_async:
 *
 * Deletes a work copy that never had a volume's name, in a thread: under a write lease, with the name gone first and the space freed
 * in steps, since freeing 4 GiB at once takes seconds of kernel time that others wait for. A name that is gone is no error.
 * What a journal from READY on names is for cold_exchange_drop_hidden() alone.
 */
void cold_delete_stepwise_async (int hidden_fd, const char *name, GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_delete_stepwise_finish (GAsyncResult *result, GError **error);

G_END_DECLS
