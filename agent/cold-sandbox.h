/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one run of coldpatch-worker is given, and the command line of coldpatch-sandbox (agent/worker/sandbox.c) for it.
 *
 * Both programs are looked for in COLD_LIBEXECDIR/coldpatch, or in the folder that the environment variable
 * COLDPATCH_LIBEXECDIR names (meson devenv, tests).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdSandbox ColdSandbox;

typedef enum
{
  COLD_WORKER_CATALOGUE_NONE,
  COLD_WORKER_CATALOGUE_READ,
  COLD_WORKER_CATALOGUE_WRITE, /* and the network: the two never come with an image */
} ColdWorkerCatalogue;

/**
 * cold_sandbox_new:
 * @verb: COLD_VERB_*
 * @scratch: (nullable): an existing folder to become /scratch; %NULL makes one under COLD_SCRATCH_DIR that is removed
 *   with the object. It is handed to the worker's user.
 */
ColdSandbox *cold_sandbox_new (const char *verb, const char *scratch);
void cold_sandbox_free (ColdSandbox *self);

/* The scratch folder's path on the host; %NULL when it could not be made: cold_sandbox_spawn() says why then. */
const char *cold_sandbox_get_scratch (const ColdSandbox *self);

/**
 * cold_sandbox_add_disk:
 * @fd: (transfer none): the image opened O_PATH (or otherwise); a duplicate is kept. It is given to the worker as an idmapped
 *   single-file mount.
 * @inside: name inside the sandbox, e.g. "/disks/0"
 */
gboolean cold_sandbox_add_disk (ColdSandbox *self, int fd, const char *inside, gboolean writable, GError **error);

/*
 * Read-only bind of a file or folder that the worker's user can read (keyrings, manifests, file: repositories); the
 * folders above it may be closed to that user.
 */
void cold_sandbox_add_bind (ColdSandbox *self, const char *path, const char *inside);
void cold_sandbox_set_catalogue (ColdSandbox *self, ColdWorkerCatalogue access);
void cold_sandbox_set_appliance (ColdSandbox *self, const char *folder); /* needed by inspect upgrade verify */

/**
 * cold_sandbox_spawn:
 * @accelerator: (nullable): "kvm" lets the worker see /dev/kvm
 *
 * Starts the verb, with pipes for its standard input, output and messages. Fails with AccessDenied when the agent is not
 * root, with Config when the worker's user is missing, with Worker when coldpatch-sandbox cannot be run.
 *
 * Returns: (transfer full):
 */
GSubprocess *cold_sandbox_spawn (ColdSandbox *self, const char *accelerator, GError **error);

G_END_DECLS
