/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deleting a hidden file for good, in two steps so that a set is examined as a whole before its first file goes.
 */
#pragma once

#include "cold-tuple.h"

G_BEGIN_DECLS

/**
 * cold_discard_open:
 * @hidden_fd: the hidden folder
 * @expected: (nullable): what the file's tuple must be; %NULL for a work copy that was never proven
 *
 * Opens @name and takes a write lease on it, for up to 2 s: a worker may be dying still, a backup program reading.
 *
 * Returns: a descriptor that holds the lease; -1 with NotFound, Blocked ("open-elsewhere: ...", "quarantined: ..." when
 *   the tuple is another, "unsupported-storage: ...") or Io
 */
int cold_discard_open (int hidden_fd, const char *name, const ColdTuple *expected, GError **error);

/**
 * cold_discard_finish:
 * @fd: from cold_discard_open()
 *
 * Unlinks first, so that a crash leaves either the whole file or none, and then truncates in steps: freeing 4 GiB at once
 * takes seconds of kernel time that others wait for.
 */
gboolean cold_discard_finish (int hidden_fd, const char *name, int fd, GError **error);

/* Truncates a file that has no name any more in steps; closing it frees what is left. */
void cold_discard_shrink (int fd);

G_END_DECLS
