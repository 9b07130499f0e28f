/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * cold_worker_leftovers_end:
 * @uid: the worker's user, who has no processes but workers of the one agent of this host; never 0
 *
 * Kills what runs as that user, and returns when none is left, after three seconds at the latest. For the agent's start:
 * the workers of one that was killed are told by the kernel to end, and that takes a moment.
 */
void cold_worker_leftovers_end (uid_t uid);

G_END_DECLS
