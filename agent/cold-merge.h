/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot of libvirt on its way into the inventory, one thing a step: 10,000 volumes must not hold up the main loop.
 * What has changed is saved and told by the inventory's touch functions. Main context only.
 */
#pragma once

#include "cold-inventory.h"
#include "cold-pool-watches.h"
#include "cold-records.h"

G_BEGIN_DECLS

/* Where merges end; all borrowed. */
typedef struct
{
  ColdInventory *inventory;
  ColdStore *store;
  ColdRecords *records;
  ColdPoolWatches *watches;
} ColdMergeTarget;

typedef struct
{
  ColdSnapshot *snapshot;
  gboolean all_pools;   /* pools of the connection that are not in it are gone */
  gboolean all_domains; /* likewise */
  char *pool_uuid;      /* (nullable): what was asked for: gone when it is not in it */
  char *domain_uuid;    /* (nullable): likewise */
  GTask *task;          /* (nullable): for the caller, who returns it once everything is in */

  /*< private >*/
  guint pool, volume, domain;
  GHashTable *seen;     /* (nullable) (element-type ColdVolume): of the pool that is being put in */
  GPtrArray *missing;   /* (element-type ColdVolume): to be marked gone, one a step */
  GHashTable *concerned; /* (element-type ColdDomain): whose disks are others than when they were read: to be read again */
  gboolean files_changed; /* a volume has come, gone, or is another file */
  gboolean ended;       /* what was asked for and is not in the snapshot is in missing */
} ColdMerge;

/* @snapshot: (transfer full). The fields from all_pools to task are for the caller to set. */
ColdMerge *cold_merge_new (ColdSnapshot *snapshot);
void cold_merge_free (ColdMerge *merge);

/**
 * cold_merge_step:
 *
 * Puts one thing in. Merges of one inventory are carried out whole, one after the other.
 *
 * Returns: whether there is more
 */
gboolean cold_merge_step (ColdMerge *merge, const ColdMergeTarget *target);

G_END_DECLS
