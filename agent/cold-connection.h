/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One libvirt URI. Every libvirt call happens on a thread of the connection's own (libvirtd answers slowly while a
 * domain starts: its objects are locked), every signal and every callback on the main context.
 *
 * libvirt never replays an event that was missed: after each (re)connect "connected" is emitted, and whoever keeps a
 * picture of the world reads a full snapshot again.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-snapshot.h"

G_BEGIN_DECLS

#define COLD_TYPE_CONNECTION (cold_connection_get_type ())
G_DECLARE_FINAL_TYPE (ColdConnection, cold_connection, COLD, CONNECTION, GObject)

/*
 * Signals:
 *   connected     ()
 *   disconnected  (const char *why)                  reconnects by itself, with back-off from 1 s to 60 s
 *   pool-event    (const char *uuid, const char *event)    defined undefined started stopped created deleted refreshed
 *   domain-event  (const char *uuid, const char *name, const char *event, const char *detail)
 *                 event: defined undefined started suspended resumed stopped shutdown pmsuspended crashed disks-changed
 *                 detail: libvirt's detail in lower case with dashes, e.g. "shutdown", "saved", "migrated", "destroyed"
 */

ColdConnection *cold_connection_new (const char *uri);

/* Begins to connect and keeps at it until the object is disposed. Never blocks. */
void cold_connection_start (ColdConnection *self);

const char *cold_connection_get_uri (ColdConnection *self);
gboolean cold_connection_is_connected (ColdConnection *self);

/**
 * cold_connection_get_generation:
 *
 * Counts every event and disconnect that came from libvirt; it is raised when the main loop reads the event, before any signal is
 * emitted for it. Callable from any thread.
 */
guint64 cold_connection_get_generation (ColdConnection *self);

/**
 * cold_connection_describe:
 *
 * Versions are asked soon after each connect, and kept when it is lost; "" until then, and where the driver has none.
 *
 * Returns: (transfer full): {"uri","connected":b,"driver":"QEMU","libvirt":"9.0.0","driver-version":"7.2.22"}: versions of
 *   libvirt's daemon and of QEMU
 */
JsonObject *cold_connection_describe (ColdConnection *self);

/**
 * cold_connection_read_async:
 * @pool_uuid: (nullable): read this pool only; %NULL for all pools
 * @refresh: which active pools libvirt is asked to refresh first
 * @domains: read domains, their disks, snapshots, checkpoints and managed save
 * @known: (nullable) (transfer full) (element-type utf8 ColdKnownVolume): by volume path: volumes whose content tuple is the
 *   same are not described again. Owns its keys and values; used on the other thread.
 *
 * Requests of one connection are carried out in order.
 */
void cold_connection_read_async (ColdConnection *self, const char *pool_uuid, ColdRefresh refresh, gboolean domains,
                                 GHashTable *known, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
/* Returns: (transfer full): %NULL with NotConnected, or Io with libvirt's own words */
ColdSnapshot *cold_connection_read_finish (ColdConnection *self, GAsyncResult *result, GError **error);

/**
 * cold_connection_read_domains_async:
 *
 * Every domain, or the one with @uuid; finish with cold_connection_read_finish(): pools stay empty.
 */
void cold_connection_read_domains_async (ColdConnection *self, const char *uuid, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);

/**
 * cold_connection_prove_gate_async:
 *
 * Starts a transient domain without disks named COLD_GATE_DOMAIN_PREFIX + @nonce, which a live hook refuses, and checks
 * that the hook took away COLD_GATE_PROOF_DIR/<nonce>, which is laid there first. Design section 7. On the QEMU driver only; a
 * connection of another driver answers NotSupported.
 */
void cold_connection_prove_gate_async (ColdConnection *self, const char *nonce, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
/* Returns: whether the hook is live; %FALSE with @error saying why and what to do */
gboolean cold_connection_prove_gate_finish (ColdConnection *self, GAsyncResult *result, GError **error);

G_END_DECLS
