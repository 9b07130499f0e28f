/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's own folders (common/cold-names.h): made at start, with the owners and modes that the trust levels need.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cold_folders_prepare:
 *
 * Makes what is missing, and takes away what a crash left: everything in the scratch folder, half-written files in the others. The
 * workers of an agent that was killed are dying already; what is left of them is ended first, so that none writes there any
 * more. Fails with Config when the worker's user does not exist, Io otherwise.
 */
gboolean cold_folders_prepare (GError **error);

/**
 * cold_folders_lock:
 *
 * Two agents on one host would recover each other's jobs: the second one gets Busy.
 *
 * Returns: a descriptor that holds the lock until it is closed, or -1
 */
int cold_folders_lock (GError **error);

/**
 * cold_folders_remove_tree:
 *
 * @wait: %FALSE on the main loop: rm does it by itself
 *
 * Deletes a folder with everything below it, following no symbolic link and entering no other file system. What cannot be
 * deleted is logged.
 */
void cold_folders_remove_tree (const char *path, gboolean wait);

G_END_DECLS
