/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bundles that were made, for all who need the same: clones are upgraded one after another, or side by side, from one. Only guests
 * with the same manifest share one: its maker reads that, which is a guest's word, and must not be able to harm others by it.
 * Nobody but root may write to a bundle that is in the store.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-worker-process.h"

G_BEGIN_DECLS

#define COLD_BUNDLE_KEEP_SECONDS 300 /* after its last user: the next clone is copied first */

typedef struct _ColdBundleStore ColdBundleStore;
typedef struct _ColdStoredBundle ColdStoredBundle;

ColdBundleStore *cold_bundle_store_new (void);
/* Bundles in use stay until they are released. */
void cold_bundle_store_free (ColdBundleStore *self);

/**
 * cold_bundle_store_ask:
 * @key: of all that the bundle is made of
 * @task: taken over when %TRUE is returned, and answered as by cold_bundle_store_make()
 *
 * Returns: whether somebody made that bundle, or makes it now
 */
gboolean cold_bundle_store_ask (ColdBundleStore *self, const char *key, GTask *task);

/**
 * cold_bundle_store_make:
 * @key: that nobody has made
 * @worker: of the verb bundle, with a scratch folder of its own
 * @task: (transfer full): returns a ColdStoredBundle in use, or with the worker's error; at once when it is cancelled. The worker
 *   goes on as long as somebody waits for it.
 */
void cold_bundle_store_make (ColdBundleStore *self, const char *key, ColdWorkerProcess *worker, JsonObject *request,
                             GTask *task);

/* On the host, as long as the bundle is in use. */
const char *cold_stored_bundle_get_path (const ColdStoredBundle *bundle);

void cold_stored_bundle_release (ColdStoredBundle *bundle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdStoredBundle, cold_stored_bundle_release)

G_END_DECLS
