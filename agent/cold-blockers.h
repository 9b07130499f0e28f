/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a volume may not be upgraded now (design section 5): the table of codes, and what can be said from the inventory alone.
 */
#pragma once

#include "cold-inventory.h"

G_BEGIN_DECLS

typedef struct
{
  const char *code;
  const char *reason; /* one sentence */
  const char *remedy; /* one sentence: what the admin can do */
} ColdBlockerText;

/* Returns: (not nullable): for an unknown code a text that says so */
const ColdBlockerText *cold_blocker_text (const char *code);
const ColdBlockerText *cold_blocker_texts (guint *n);

/* What the inventory cannot know. */
typedef struct
{
  gboolean gate_live;
  const char *gate_problem;   /* (nullable) */
  const char *host_policy;    /* off manual auto */
  gboolean (*serves) (const ColdFacts *facts, gpointer user_data); /* the catalogue's word */
  gpointer user_data;
} ColdBlockerContext;

/**
 * cold_blockers_find:
 *
 * All reasons that are known from libvirt, the store and the claims, without touching the image. The first one is the
 * weightiest. Nearest policy wins.
 *
 * Returns: (transfer full) (element-type ColdBlocker): empty when the volume may be upgraded
 */
GPtrArray *cold_blockers_find (ColdInventory *inventory, ColdVolume *volume, const ColdBlockerContext *context);

/**
 * cold_blockers_find_on_disk:
 *
 * Reasons that only the file itself knows: several-names, untrusted-directory, open-elsewhere, unsupported-storage,
 * no-space. Blocking but short; for a thread.
 *
 * @path: the volume's path
 * Returns: (transfer full) (element-type ColdBlocker)
 */
GPtrArray *cold_blockers_find_on_disk (const char *path, guint64 space_needed);

/* off manual auto: nearest of volume, domain, pool, host. auto reaches a volume without domain only when set on it or its pool. */
const char *cold_policy_effective (ColdInventory *inventory, const ColdVolume *volume, const char *host_policy);

G_END_DECLS
