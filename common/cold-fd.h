/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File descriptors with owners (g_autofd needs GLib 2.76), and errors that keep the blocker's code in front.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Closes unless negative; keeps errno. */
void cold_fd_clear (int *fd);

/* Returns: @fd's value, which the caller owns from now on; -1 is left behind */
int cold_fd_steal (int *fd);

#define cold_fd_auto __attribute__ ((cleanup (cold_fd_clear))) int

/* That what @path leads to, a file or the names in a folder but no link, is on disk. Returns: %FALSE with NotFound or Io */
gboolean cold_fd_sync_path (const char *path, GError **error);

/**
 * cold_error_prefix:
 * @error: (inout) (optional): an error that is set
 * @what: the thing, e.g. a file name
 *
 * "<message>" becomes "<what>: <message>"; a Blocked "code: <message>" becomes "code: <what>: <message>".
 */
void cold_error_prefix (GError **error, const char *what);

G_END_DECLS
