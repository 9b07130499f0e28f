/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of coldpatch-worker in its sandbox (agent/worker/sandbox.c): one verb, gone when it is cancelled or when the
 * agent dies. The unit of cancelling is the process: libguestfs calls cannot be interrupted.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <gio/gio.h>

#include "cold-sandbox.h"

G_BEGIN_DECLS

#define COLD_TYPE_WORKER_PROCESS (cold_worker_process_get_type ())
G_DECLARE_FINAL_TYPE (ColdWorkerProcess, cold_worker_process, COLD, WORKER_PROCESS, GObject)

/* Signal: progress (const char *phase, double fraction 0..1, const char *message), at most four times a second. */

/* What these are about stands in cold-sandbox.h. */
ColdWorkerProcess *cold_worker_process_new (const char *verb, const char *scratch);
const char *cold_worker_process_get_scratch (ColdWorkerProcess *self);
gboolean cold_worker_process_add_disk (ColdWorkerProcess *self, int fd, const char *inside, gboolean writable,
                                       GError **error);
void cold_worker_process_add_bind (ColdWorkerProcess *self, const char *path, const char *inside);
void cold_worker_process_set_catalogue (ColdWorkerProcess *self, ColdWorkerCatalogue access);
void cold_worker_process_set_appliance (ColdWorkerProcess *self, const char *folder);

/**
 * cold_worker_process_run_async:
 * @request: everything but "verb", which is added; "accelerator":"kvm" lets the worker see /dev/kvm
 *
 * Once for an object, on the thread that dispatches the default context. @cancellable kills everything inside; the call
 * finishes when every process of the sandbox is gone, never before; a sandbox that somebody killed from outside is waited
 * for two seconds at most. Fails with AccessDenied when the agent is not root,
 * with Config when the worker's user is missing, with Worker for a worker that died, broke the protocol or took longer
 * than its verb may, and with what the worker reports: Blocked (unsupported-storage) for a file system without idmapped
 * mounts.
 */
void cold_worker_process_run_async (ColdWorkerProcess *self, JsonObject *request, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): the result line; %NULL with the worker's own error, Worker, or G_IO_ERROR_CANCELLED. For a
 * Blocked error the message begins with the blocker's code and a colon. */
JsonObject *cold_worker_process_run_finish (ColdWorkerProcess *self, GAsyncResult *result, GError **error);

G_END_DECLS
