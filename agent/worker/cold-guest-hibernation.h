/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a system sleeps in a guest's files: it would wake up on changed file systems.
 */
#pragma once

#include "cold-guest.h"

G_BEGIN_DECLS

/**
 * cold_guest_is_swap_suspended:
 * @page: the first page of swap space, 4096 bytes
 *
 * Returns: whether the kernel has written a suspended system to it
 */
gboolean cold_guest_is_swap_suspended (const char *page, gsize length);

/**
 * cold_guest_check_ntfs:
 * @device: an NTFS that is not mounted
 * @facts: gets blocker hibernated, when Windows sleeps in it or was shut down the fast way, or dirty-filesystem
 */
void cold_guest_check_ntfs (guestfs_h *g, const char *device, JsonObject *facts);

/**
 * cold_guest_check_swap_files:
 * @facts: gets blocker hibernated
 *
 * Looks into the files that the mounted guest's fstab names as swap space, and those that have the usual names.
 *
 * Returns: %FALSE with @error (Guest) when one cannot be read
 */
gboolean cold_guest_check_swap_files (guestfs_h *g, JsonObject *facts, GError **error);

G_END_DECLS
