/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirtd's qemu hook does for coldpatch (design section 7). It runs under the domain's lock, so it never talks to
 * libvirt or the bus, never waits longer than its bound, and prints nothing: libvirtd takes the output of some operations
 * for a new definition.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const char *claim_dir;
  const char *gate_file;
  const char *journal_dir;
  const char *proof_dir; /* where the agent lays a file named by the nonce of its gate domain, for the hook to take away */
  const char *trusted_base; /* (nullable): cold_directory_open_below() */
} ColdHookPaths;

/**
 * cold_hook_run:
 * @argv: object, operation, sub-operation, extra, as libvirt gives them after the program's name
 * @xml_fd: the domain's definition
 *
 * Returns: the exit status: 0 whatever happens, so that no start ever fails because of us; 1 only to refuse the agent's own
 *   gate domains
 */
int cold_hook_run (const ColdHookPaths *paths, int argc, char **argv, int xml_fd);

G_END_DECLS
