/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.coldpatch1.Pool: one object for each pool that libvirt defines. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

typedef struct _ColdBusPools ColdBusPools;

/* Shows all pools of the inventory. @context: borrowed */
ColdBusPools *cold_bus_pools_new (const ColdBusContext *context);
void cold_bus_pools_free (ColdBusPools *self);
void cold_bus_pools_changed (ColdBusPools *self, const ColdPool *pool);

G_END_DECLS
