/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's side of the worker's protocol (common/cold-protocol.h), apart from any process: bytes go in, progress and
 * one last line come out. The worker is not trusted: every rule of the protocol is checked here.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* Only the last line may be longer than this. */
#define COLD_WORKER_LINES_SHORT (64 * 1024)
/* More progress than any honest worker makes: it reports four times a second, for at most four hours. */
#define COLD_WORKER_LINES_PROGRESS_MAX 100000
#define COLD_WORKER_LINES_MESSAGE_MAX 8192 /* bytes of an error's message; the rest is cut off */

typedef void (*ColdWorkerProgressFunc) (const char *phase, double fraction, const char *message, gpointer user_data);

typedef struct _ColdWorkerLines ColdWorkerLines;

ColdWorkerLines *cold_worker_lines_new (ColdWorkerProgressFunc progress, gpointer user_data);
void cold_worker_lines_free (ColdWorkerLines *self);

/**
 * cold_worker_lines_push:
 *
 * Cheap, however long the lines are: the last line is kept as it is, for cold_worker_lines_parse_last().
 *
 * Returns: %FALSE with @error (Worker) when the protocol is broken; nothing may be pushed then
 */
gboolean cold_worker_lines_push (ColdWorkerLines *self, const char *bytes, gsize length, GError **error);

/* Whether the last line is there. */
gboolean cold_worker_lines_is_complete (ColdWorkerLines *self);

/**
 * cold_worker_lines_take_last:
 *
 * Returns: (transfer full) (nullable): the last line; %NULL when the worker ended without one
 */
GBytes *cold_worker_lines_take_last (ColdWorkerLines *self);

/**
 * cold_worker_lines_parse_last:
 *
 * May take a while for a long line (0.3 s for 16 MiB): to be called in a thread.
 *
 * Returns: (transfer full): the result; %NULL with the error that the worker reports, or with Worker when the line is
 *   neither
 */
JsonObject *cold_worker_lines_parse_last (GBytes *line, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdWorkerLines, cold_worker_lines_free)

G_END_DECLS
