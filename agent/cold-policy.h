/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies: off, manual, auto, and inherit where there is something to inherit from. The nearest wins: volume, domain,
 * pool, host (design section 9).
 */
#pragma once

#include "cold-inventory.h"

G_BEGIN_DECLS

/* @may_inherit: %FALSE for the host, which has nothing above it. Sets InvalidArgument naming what is allowed. */
gboolean cold_policy_check (const char *policy, gboolean may_inherit, GError **error);

/* @policy: off manual auto inherit. Sets InvalidArgument as cold_policy_check() does; otherwise whoever listens to the inventory
 * is told. */
gboolean cold_policy_set_volume (ColdInventory *inventory, ColdVolume *volume, const char *policy, GError **error);
gboolean cold_policy_set_pool (ColdInventory *inventory, ColdPool *pool, const char *policy, GError **error);
gboolean cold_policy_set_domain (ColdInventory *inventory, ColdDomain *domain, const char *policy, GError **error);

/**
 * cold_policy_effective:
 *
 * auto reaches a volume that no domain uses only when it is set on that volume or its pool, never from the host.
 *
 * Returns: off, manual or auto
 */
const char *cold_policy_effective (ColdInventory *inventory, const ColdVolume *volume, const char *host_policy);

G_END_DECLS
