/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fstab(5) of a guest, against what was mounted of it: what is not mounted is missed by nobody during an upgrade, which then
 * writes into the folder below it.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_fstab_check:
 * @text: (nullable): of /etc/fstab
 * @mounted: (array zero-terminated=1): mount points of what was mounted
 * @facts: gets blockers: missing-disk for a file system that no disk of the guest has, unsupported-os for a part of the
 *   system that comes from elsewhere (another folder, the network)
 *
 * Places that hold data alone are not missed, nor is what the guest starts without (nofail, noauto, _netdev), unless
 * packages have their files there.
 */
void cold_fstab_check (const char *text, const char *const *mounted, JsonObject *facts);

/**
 * cold_fstab_list_partitions:
 * @text: (nullable): of /etc/fstab
 *
 * Those that are named by what the partition table calls them, as in Debian's images for clouds: libguestfs finds none of them
 * (1.48).
 *
 * Returns: (transfer full): mount points and devices, in turn
 */
GStrv cold_fstab_list_partitions (const char *text);

/* Returns: whether packages put files there: everything but the places of data */
gboolean cold_fstab_is_of_system (const char *where);

G_END_DECLS
