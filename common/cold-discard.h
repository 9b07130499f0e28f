/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deleting a hidden file for good, in three steps: a set is examined as a whole before its first file goes, and what takes long
 * is done without the gate.
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
 * cold_discard_unlink:
 * @fd: from cold_discard_open()
 *
 * Takes the name away, if nobody waits for the lease and the name still leads to @fd's file: an exchange may have put another
 * image there. Between the two only the gate keeps exchanges away: the caller holds it, unless nobody else knows the name.
 *
 * Returns: %FALSE with Busy (it is another file by now), Blocked ("open-elsewhere: ...", "quarantined: ...") or Io
 */
gboolean cold_discard_unlink (int hidden_fd, const char *name, int fd, const ColdTuple *expected, GError **error);

/**
 * cold_discard_release:
 *
 * After cold_discard_unlink(), without the gate: makes it durable, so that a crash leaves either the whole file or none, and
 * then truncates in steps: freeing 4 GiB at once takes seconds of kernel time that others wait for.
 */
gboolean cold_discard_release (int hidden_fd, int fd, GError **error);

/* Truncates in steps a file that has no name any more, and no other; closing it frees what is left. */
void cold_discard_shrink (int fd);

G_END_DECLS
