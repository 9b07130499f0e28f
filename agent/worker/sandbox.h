/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of coldpatch-sandbox. It is root until it has mounted, so it is small and uses nothing but libc and
 * libseccomp: no GLib here.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* In a mount namespace of its own, a tmpfs covers this folder: what the sandbox shows is gathered there. */
#define SANDBOX_STAGE COLD_RUN_DIR

/**
 * sandbox_fail:
 * @code: nick of a ColdError
 * @blocker: (nullable): for "Blocked"
 *
 * Says it on stdout as the worker's error line (common/cold-protocol.h), and ends the process.
 */
void sandbox_fail (const char *code, const char *blocker, const char *format, ...)
    __attribute__ ((noreturn, format (printf, 3, 4)));

/**
 * sandbox_clone_disk:
 * @fd: any descriptor of a regular file, also O_PATH, of a mount in this process's mount namespace
 *
 * A detached mount of that one file, on which its owner and group are @uid and @gid: the worker can open it whatever
 * folders it lies in, and what it writes keeps the real owner. Blocked (unsupported-storage) where the file system
 * cannot do that.
 *
 * To be called before sandbox_open_stage(): open_tree() clones only from the current mount namespace.
 *
 * Returns: descriptor of the mount
 */
int sandbox_clone_disk (int fd, bool writable, uid_t uid, gid_t gid);

/* Own mount namespace, SANDBOX_STAGE empty. */
void sandbox_open_stage (void);

/* Attaches @mount (closed), or binds @path, at a fresh place of the stage. Returns: (transfer full): that place */
char *sandbox_stage_mount (int mount);
char *sandbox_stage_bind (const char *path);

/* A small read-only file. Returns: (transfer full): its place */
char *sandbox_stage_file (const char *text);

/* Returns: descriptor of the seccomp program for bubblewrap, not close-on-exec */
int sandbox_make_filter (void);
