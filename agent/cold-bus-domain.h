/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.coldpatch1.Domain: one object for each domain that libvirt knows. */
#pragma once

#include "cold-bus-volumes.h"

G_BEGIN_DECLS

typedef struct _ColdBusDomains ColdBusDomains;

/* Shows all domains of the inventory. @context: borrowed; @volumes: borrowed, told who changes hands */
ColdBusDomains *cold_bus_domains_new (const ColdBusContext *context, ColdBusVolumes *volumes);
void cold_bus_domains_free (ColdBusDomains *self);
void cold_bus_domains_changed (ColdBusDomains *self, const ColdDomain *domain);
/* Volumes came or went: disks may lead to others than before. */
void cold_bus_domains_relink (ColdBusDomains *self);

/* Returns: (transfer full) (element-type gint64*): ids of volumes that disks and backing chains lead to */
GHashTable *cold_bus_domain_find_used (ColdInventory *inventory, const ColdDomain *domain);

G_END_DECLS
