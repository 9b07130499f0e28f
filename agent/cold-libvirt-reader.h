/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls to libvirt, all of them blocking, for a connection's own thread.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "cold-libvirt-events.h"
#include "cold-snapshot.h"

G_BEGIN_DECLS

/**
 * cold_libvirt_read_pools:
 * @uuid: (nullable): one pool; it is left out when it does not exist
 * @refresh: refresh active pools first; one that fails is read as it is
 * @events: of this connection, which do not tell of these refreshes then
 * @known: (nullable) (element-type utf8 ColdKnownVolume)
 *
 * Adds pools with their volumes to @snapshot. A volume that cannot be described is kept with what is known of it. Drivers without
 * pools give none. Fails with Io when libvirt does not answer.
 */
gboolean cold_libvirt_read_pools (virConnectPtr conn, const char *uuid, ColdRefresh refresh, ColdLibvirtEvents *events,
                                  GHashTable *known, ColdSnapshot *snapshot, GError **error);

/*
 * @uuid: (nullable): one domain; it is left out when it does not exist
 *
 * Fails with Io when a domain cannot be described: without its disks they would pass for unused.
 */
gboolean cold_libvirt_read_domains (virConnectPtr conn, const char *uuid, ColdSnapshot *snapshot, GError **error);

/* See cold_connection_prove_gate_async(). */
gboolean cold_libvirt_prove_gate (virConnectPtr conn, const char *nonce, GError **error);

G_END_DECLS
