/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of what package managers said: <job number>.log, of at most 16 MiB each. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_JOB_LOGS_MAX (256 * 1024 * 1024)

/**
 * cold_job_logs_sweep:
 * @folder: where nobody writes meanwhile
 * @max: bytes
 *
 * Deletes the oldest logs until the others have no more than @max bytes together, but for the newest one, and what was left
 * half-written.
 */
void cold_job_logs_sweep (const char *folder, guint64 max);

G_END_DECLS
