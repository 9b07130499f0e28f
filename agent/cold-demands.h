/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be asked for, by an administrator or by policy, and the job that does it, unless somebody works on that guest already
 * or something speaks against it. The one place that starts jobs. Main context only.
 */
#pragma once

#include "cold-job-queue.h"
#include "cold-retries.h"

G_BEGIN_DECLS

typedef struct ColdDemands ColdDemands;

/* All borrowed. */
ColdDemands *cold_demands_new (const ColdParts *parts, ColdJobQueue *queue, ColdRetries *retries);
void cold_demands_free (ColdDemands *demands);

/*
 * All return a borrowed job, or %NULL with Busy, Blocked (the message begins with the code), InvalidArgument (unknown
 * option), NotSupported, NotFound.
 */
ColdJob *cold_demands_inspect (ColdDemands *demands, ColdVolume *volume, GError **error);
ColdJob *cold_demands_upgrade (ColdDemands *demands, ColdVolume *volume, GVariant *options, GError **error);
ColdJob *cold_demands_rollback (ColdDemands *demands, ColdVolume *volume, GVariant *options, GError **error);
ColdJob *cold_demands_refresh_catalogue (ColdDemands *demands, GError **error);
/* (transfer container) (element-type ColdJob): every volume that is pending and has no blocker */
GPtrArray *cold_demands_upgrade_all (ColdDemands *demands, GVariant *options, GError **error);
/* Deletes the rollback image. */
void cold_demands_drop_rollback_async (ColdDemands *demands, ColdVolume *volume, GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean cold_demands_drop_rollback_finish (GAsyncResult *result, GError **error);

G_END_DECLS
