/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides what is done when: inspections of what changed, plans after a new catalogue, upgrades by policy or by demand,
 * rollbacks; one job a guest, as many at once as the host carries.
 */
#pragma once

#include "cold-appliance.h"
#include "cold-catalogue.h"
#include "cold-claim-watch.h"
#include "cold-demands.h"
#include "cold-inhibitors.h"
#include "cold-inventory.h"
#include "cold-job.h"

G_BEGIN_DECLS

#define COLD_TYPE_SCHEDULER (cold_scheduler_get_type ())
G_DECLARE_FINAL_TYPE (ColdScheduler, cold_scheduler, COLD, SCHEDULER, GObject)

/*
 * Signals:
 *   job-added        (ColdJob *)
 *   job-removed      (ColdJob *)    a while after it finished
 *   upgrade-started  (ColdVolume *, ColdJob *)
 *   upgrade-finished (ColdVolume *, ColdJob *)
 *   changed          ()             policy, pause, gate, pending count
 */

/* Everything is borrowed and outlives the scheduler. */
ColdScheduler *cold_scheduler_new (ColdConfig *config, ColdStore *store, ColdInventory *inventory,
                                   ColdCatalogue *catalogue, ColdAppliance *appliance, ColdClaimWatch *claims);
/* Recovers what a crash left behind, then follows the inventory. */
void cold_scheduler_start (ColdScheduler *self);
/* Cancels every job; @callback when none is left. Never waits for a copy. */
void cold_scheduler_stop_async (ColdScheduler *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean cold_scheduler_stop_finish (ColdScheduler *self, GAsyncResult *result, GError **error);

GPtrArray *cold_scheduler_get_jobs (ColdScheduler *self); /* (element-type ColdJob) borrowed; finished ones for a while */
ColdJob *cold_scheduler_lookup_job (ColdScheduler *self, guint number); /* (nullable) */

const char *cold_scheduler_get_policy (ColdScheduler *self); /* of the host */
gboolean cold_scheduler_set_policy (ColdScheduler *self, const char *policy, GError **error);

/* (transfer none): whoever asks for something to be done asks here. */
ColdDemands *cold_scheduler_get_demands (ColdScheduler *self);
/* (transfer none): while one is active nothing is started by policy; running jobs go on. */
ColdInhibitors *cold_scheduler_get_inhibitors (ColdScheduler *self);

guint cold_scheduler_get_pending_count (ColdScheduler *self); /* volumes with something pending */
guint cold_scheduler_get_job_count (ColdScheduler *self);     /* queued or running */

G_END_DECLS
