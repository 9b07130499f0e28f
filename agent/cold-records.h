/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that was ever seen: pools, volumes and domains, as the store held them and libvirt changed them since. Plain
 * tables of the inventory, which tells of every change; nothing is ever taken out. Main context only.
 */
#pragma once

#include "cold-store.h"
#include "cold-volume-index.h"

G_BEGIN_DECLS

typedef struct
{
  GHashTable *pools;   /* (element-type utf8 ColdPool): by UUID */
  GHashTable *domains; /* (element-type utf8 ColdDomain): by UUID */
  ColdVolumeIndex *volumes;
  GHashTable *marks;   /* (element-type utf8 guint64*): by domain UUID: generation when its last event was heard */
} ColdRecords;

ColdRecords *cold_records_new (void);
void cold_records_free (ColdRecords *self);

/* Fills the empty tables from @store; every pool is inactive until libvirt says otherwise. */
void cold_records_load (ColdRecords *self, ColdStore *store);

/* Returns: (transfer none): the domain, a new one if it was never seen */
ColdDomain *cold_records_ensure_domain (ColdRecords *self, const char *uuid);

/* An event of the domain was heard, which raised its connection's generation to @generation. */
void cold_records_mark_event (ColdRecords *self, const char *uuid, guint64 generation);

/**
 * cold_records_is_outdated:
 *
 * Whether @snapshot was begun before the domain's last event. A guest that shuts down sends "shutdown" and, moments later,
 * "stopped": the read that the first asked for still sees it running, and must not undo what the second has told. Every
 * event asks for a read of its own, which is newer.
 */
gboolean cold_records_is_outdated (ColdRecords *self, const ColdSnapshot *snapshot, const char *uuid);

/**
 * cold_records_collect_known:
 * @pool_uuid: (nullable): %NULL: every pool
 *
 * What is known of volumes: a read does not describe again what is the same.
 *
 * Returns: (transfer full) (element-type utf8 ColdKnownVolume): by path
 */
GHashTable *cold_records_collect_known (ColdRecords *self, const char *pool_uuid);

/* Whether what is known of the domain's disks, which was read with the domain, is other than what pools show by now. */
gboolean cold_records_is_out_of_step (ColdRecords *self, const ColdDomain *domain);

/* See the functions of the same names in cold-inventory.h. */
ColdVolume *cold_records_lookup_name (ColdRecords *self, const char *uuid_or_name, const char *name);
ColdDomain *cold_records_lookup_domain (ColdRecords *self, const char *uuid_or_name);
GPtrArray *cold_records_domains_of (ColdRecords *self, const ColdVolume *volume);
GPtrArray *cold_records_departed_of (ColdRecords *self, const ColdVolume *volume);
GPtrArray *cold_records_volumes_of (ColdRecords *self, const ColdDomain *domain);
GPtrArray *cold_records_images_of (ColdRecords *self, const ColdDomain *domain);

G_END_DECLS
