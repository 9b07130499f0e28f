/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest is: its file systems, its one operating system, and what speaks against touching it.
 */
#pragma once

#include "cold-guest.h"

G_BEGIN_DECLS

/**
 * cold_guest_check_filesystems:
 * @facts: gets blockers encrypted, hibernated, dirty-filesystem
 *
 * Must come before anything is mounted: mounting replays journals, also a read-only mount.
 */
gboolean cold_guest_check_filesystems (guestfs_h *g, JsonObject *facts, GError **error);

/**
 * cold_guest_fsck:
 * @checks: gets one {"name":"filesystem <device>","ok","detail"} for each file system that has a checker
 *
 * Reads only. Nothing may be mounted.
 */
gboolean cold_guest_fsck (guestfs_h *g, JsonArray *checks, GError **error);

/**
 * cold_guest_inspect:
 * @facts: gets what common/cold-protocol.h says of inspect, but for packages and manifest
 *
 * Finds the one root, mounts its file systems read-only, the shortest path first, and describes it.
 *
 * Returns: (transfer full) (nullable): the root, mounted; %NULL without @error when @facts got a blocker that says why
 *   there is none
 */
char *cold_guest_inspect (guestfs_h *g, JsonObject *facts, GError **error);

/**
 * cold_guest_mount:
 * @mountpoints: "mountpoints" of the facts of an inspection of the same content
 *
 * Mounts them for writing, without looking for an operating system once more: that takes as long as starting the
 * appliance. Returns: %FALSE with @error (Guest) when one that packages have files on cannot be mounted
 */
gboolean cold_guest_mount (guestfs_h *g, JsonArray *mountpoints, GError **error);

/* @text: (nullable): of os-release(5). Returns: (transfer full) (nullable): a value of it */
char *cold_guest_os_release (const char *text, const char *key);

G_END_DECLS
