/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The upgrade catalogue: what has been published, and the package files fetched from it. The work is done by workers
 * (fetch, plan, bundle); this is their one customer: it knows generations, and serialises fetches.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-bundle-store.h"
#include "cold-config.h"
#include "cold-volume.h"

G_BEGIN_DECLS

#define COLD_TYPE_CATALOGUE (cold_catalogue_get_type ())
G_DECLARE_FINAL_TYPE (ColdCatalogue, cold_catalogue, COLD, CATALOGUE, GObject)

/* Signals: changed (): a refresh brought a new generation. refreshed (): a refresh ended, whatever it brought. */

/* @config: borrowed, outlives the catalogue. What earlier runs fetched is there at once. */
ColdCatalogue *cold_catalogue_new (ColdConfig *config);

guint64 cold_catalogue_get_generation (ColdCatalogue *self); /* 0: nothing was ever fetched; raised by each change */
gint64 cold_catalogue_get_time (ColdCatalogue *self);        /* of the last good refresh, microseconds since the epoch */

/* Returns: (transfer full): generation, time, error and repositories: cold_catalogue_state_describe() */
JsonObject *cold_catalogue_describe (ColdCatalogue *self);

/* Whether a repository that is in the catalogue serves that guest, one of sources.d or one of its own; otherwise the blocker is
 * no-catalogue. */
gboolean cold_catalogue_serves (ColdCatalogue *self, const ColdFacts *facts);

/* Whether an own repository of that guest, which the admin lets it have, was never asked for, or a repository never for an architecture
 * of which the guest has something beside its own: a refresh is due. */
gboolean cold_catalogue_lacks (ColdCatalogue *self, const ColdFacts *facts);

/* Fetches the metadata of all repositories, and of those that @guests (element-type ColdFacts) name and may have. A repository
 * that fails keeps its last good generation; the error names each of sources.d that failed, after the others were done. */
void cold_catalogue_refresh_async (ColdCatalogue *self, GPtrArray *guests, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_catalogue_refresh_finish (ColdCatalogue *self, GAsyncResult *result, GError **error);

/* Plan for a guest; answered from the cache for a (manifest, generation, options) that was solved before. */
void cold_catalogue_plan_async (ColdCatalogue *self, const ColdFacts *facts, gboolean security_only,
                                const char *const *exclude, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
JsonObject *cold_catalogue_plan_finish (ColdCatalogue *self, GAsyncResult *result, GError **error); /* (transfer full) */

/* Fetches the plan's package files that are not in the store by hash yet. */
void cold_catalogue_fetch_async (ColdCatalogue *self, const ColdFacts *facts, JsonObject *plan,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_catalogue_fetch_finish (ColdCatalogue *self, GAsyncResult *result, GError **error);

/* Makes the bundle of a plan, unless it is there: clones share it. Returns: (transfer full): in use until it is released */
void cold_catalogue_bundle_async (ColdCatalogue *self, const ColdFacts *facts, JsonObject *plan, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
ColdStoredBundle *cold_catalogue_bundle_finish (ColdCatalogue *self, GAsyncResult *result, GError **error);

G_END_DECLS
