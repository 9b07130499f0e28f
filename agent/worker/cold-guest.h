/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A libguestfs handle on the disks of one guest, launched on the fixed appliance without network.
 */
#pragma once

#include <guestfs.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_guest_open:
 * @request: "disks", "accelerator" as common/cold-protocol.h says
 * @readonly: %FALSE for upgrade
 * @extra_disk: (nullable): path of one more disk, raw and read-only (the bundle); it is the last device
 *
 * Chains are opened without locks on any member. Returns: (transfer full): launched; guestfs_close() shuts it down
 */
guestfs_h *cold_guest_open (JsonObject *request, gboolean readonly, const char *extra_disk, GError **error);

/**
 * cold_guest_inspect:
 * @facts: gets everything but packages and manifest
 *
 * Finds the one root and mounts its file systems (read-only or not, as @readonly says), the shortest path first.
 *
 * Returns: (transfer full) (nullable): the root; %NULL without @error when @facts got a blocker that says why there is
 *   none
 */
char *cold_guest_inspect (guestfs_h *g, gboolean readonly, JsonObject *facts, GError **error);

/* Adds {"code","detail"} to "blockers" of @facts. */
void cold_guest_add_blocker (JsonObject *facts, const char *code, const char *detail);

/* GError from the handle's last error: Guest, "<what>: <libguestfs' words>". Returns: %FALSE */
gboolean cold_guest_set_error (guestfs_h *g, GError **error, const char *what);

/* Unmounts, syncs, shuts down: data is on disk when it returns %TRUE. */
gboolean cold_guest_close (guestfs_h *g, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (guestfs_h, guestfs_close)

G_END_DECLS
