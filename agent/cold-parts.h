/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's long-lived parts, which whoever carries out a job needs. All are borrowed from main() and outlive every job.
 */
#pragma once

#include "cold-appliance.h"
#include "cold-blockers.h"
#include "cold-catalogue.h"
#include "cold-claim-watch.h"
#include "cold-config.h"
#include "cold-gate-proof.h"
#include "cold-inventory.h"
#include "cold-journal.h"
#include "cold-room.h"
#include "cold-store.h"

G_BEGIN_DECLS

typedef struct
{
  ColdConfig *config;
  ColdStore *store;
  ColdInventory *inventory;
  ColdCatalogue *catalogue;
  ColdAppliance *appliance;
  ColdClaimWatch *claims;
  ColdGateProof *gate;
  ColdRoom *room;
  ColdHeaders *headers;
  char *policy; /* of the host: off manual auto */
} ColdParts;

/**
 * cold_parts_find_blockers:
 *
 * Everything that is known now against upgrading the guest that @volume belongs to.
 *
 * Returns: (transfer full) (element-type ColdBlocker)
 */
GPtrArray *cold_parts_find_blockers (const ColdParts *parts, ColdVolume *volume);

/* The same as a Blocked error whose message begins with the first one's code. %TRUE when there is none. */
gboolean cold_parts_check_blockers (const ColdParts *parts, ColdVolume *volume, GError **error);
/**
 * cold_parts_check_rollback:
 * @journal: of the exchange that is to be undone, or of the one that undoes it
 *
 * The same for going back to the old images: only blockers that say who uses the images, or where they are, stand against it. Every
 * volume that would be exchanged counts, with the guest that it belongs to by now.
 */
gboolean cold_parts_check_rollback (const ColdParts *parts, const ColdJournal *journal, GError **error);

G_END_DECLS
