/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pools, volumes and domains: the picture of the world, fed by connections and directory watches, kept in the store.
 * Main context only.
 */
#pragma once

#include "cold-connection.h"
#include "cold-domain.h"
#include "cold-pool.h"
#include "cold-store.h"
#include "cold-volume.h"

G_BEGIN_DECLS

#define COLD_TYPE_INVENTORY (cold_inventory_get_type ())
G_DECLARE_FINAL_TYPE (ColdInventory, cold_inventory, COLD, INVENTORY, GObject)

/*
 * Signals (the pointer is a borrowed ColdPool, ColdVolume or ColdDomain):
 *   pool-changed    (ColdPool *)      also when new, gone
 *   volume-changed  (ColdVolume *)    also when new, gone
 *   domain-changed  (ColdDomain *)    also when new, gone
 *   domain-stopped  (ColdDomain *)    a run has ended; last_stop says how
 *   domain-started  (ColdDomain *)
 *   domain-defined  (ColdDomain *)
 *   synced          ()                a full resync has ended
 *   connection-changed ()             cold_inventory_is_connected() may have changed
 */

/**
 * cold_inventory_new:
 * @store: loaded; everything it holds is in the inventory at once
 * @uris: (array zero-terminated=1)
 * @resync_seconds: period of the full resync
 */
ColdInventory *cold_inventory_new (ColdStore *store, const char *const *uris, guint resync_seconds);
void cold_inventory_start (ColdInventory *self);

gboolean cold_inventory_is_connected (ColdInventory *self);  /* all URIs */
guint64 cold_inventory_get_generation (ColdInventory *self); /* sum over connections; any thread */

/* (transfer container) (element-type ColdConnection): borrowed connections */
GPtrArray *cold_inventory_get_connections (ColdInventory *self);

GHashTable *cold_inventory_get_pools (ColdInventory *self);   /* (element-type utf8 ColdPool) by UUID; borrowed */
GHashTable *cold_inventory_get_volumes (ColdInventory *self); /* (element-type gint64* ColdVolume) by id; borrowed */
GHashTable *cold_inventory_get_domains (ColdInventory *self); /* (element-type utf8 ColdDomain) by UUID; borrowed */

ColdVolume *cold_inventory_lookup_volume (ColdInventory *self, gint64 id);             /* (nullable) */
ColdVolume *cold_inventory_lookup_path (ColdInventory *self, const char *path);        /* (nullable) not gone */
/* @uuid_or_name: of a pool that is not gone. Returns: (nullable) */
ColdVolume *cold_inventory_lookup_name (ColdInventory *self, const char *uuid_or_name, const char *name);
ColdVolume *cold_inventory_lookup_file (ColdInventory *self, const ColdFileId *file);  /* (nullable) not gone */
ColdPool *cold_inventory_lookup_pool (ColdInventory *self, const char *uuid);          /* (nullable) */
ColdDomain *cold_inventory_lookup_domain (ColdInventory *self, const char *uuid_or_name); /* (nullable) */

/**
 * cold_inventory_domains_of:
 *
 * Returns: (transfer container) (element-type ColdDomain): domains with a writable or read-only disk, or a member of a
 *   disk's backing chain, that resolves to the volume's file (device:inode, or rdev)
 */
GPtrArray *cold_inventory_domains_of (ColdInventory *self, const ColdVolume *volume);

/* Returns: (transfer container) (element-type ColdDomain): likewise, domains that are gone and yet have to do with the
 * volume: the last run was saved or migrated and goes on with the disks as they were, or it is just being started again */
GPtrArray *cold_inventory_departed_of (ColdInventory *self, const ColdVolume *volume);

/**
 * cold_inventory_volumes_of:
 *
 * Returns: (transfer container) (element-type ColdVolume): volumes that the domain's disks (device disk, not read-only,
 *   backing chains left out) lead to, in the order of the disks
 */
GPtrArray *cold_inventory_volumes_of (ColdInventory *self, const ColdDomain *domain);

/* Returns: (transfer container) (element-type ColdVolume): those of which cold_inventory_domains_of() has the domain; of a domain
 * that is gone, by the disks that it had */
GPtrArray *cold_inventory_images_of (ColdInventory *self, const ColdDomain *domain);

/* Saves @volume (or pool, domain) to the store and emits the changed signal. To be called after changing its fields. */
void cold_inventory_volume_touch (ColdInventory *self, ColdVolume *volume);
void cold_inventory_pool_touch (ColdInventory *self, ColdPool *pool);
void cold_inventory_domain_touch (ColdInventory *self, ColdDomain *domain);
/* Reads this domain of the connection to @uri once more, soon. */
void cold_inventory_request_domain (ColdInventory *self, const char *uri, const char *uuid);

/**
 * cold_inventory_resync_async:
 * @pool_uuid: (nullable): one pool, refreshed; %NULL: everything, every active pool refreshed
 *
 * Finishes when the inventory shows what was read.
 */
void cold_inventory_resync_async (ColdInventory *self, const char *pool_uuid, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_inventory_resync_finish (ColdInventory *self, GAsyncResult *result, GError **error);

/**
 * cold_inventory_reread_async:
 *
 * Reads every pool and domain of every connection again, within @deadline_ms: step 3 of the exchange. Pools that are
 * folders are refreshed: an image may have been told a moment ago, behind libvirt's back, to build on another one.
 * Fails when a connection is down or does not answer in time.
 */
void cold_inventory_reread_async (ColdInventory *self, guint deadline_ms, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_inventory_reread_finish (ColdInventory *self, GAsyncResult *result, GError **error);

G_END_DECLS
