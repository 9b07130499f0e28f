/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: one lock file. The agent holds it exclusively for the milliseconds of an exchange; the hook waits for it,
 * 200 ms at most, after it has written its claim.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: a descriptor that holds the gate until closed; -1 with Busy when it was not free within @wait_ms */
int cold_gate_take (const char *gate_file, guint wait_ms, GError **error);

G_END_DECLS
