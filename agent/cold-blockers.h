/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a volume may not be upgraded now (design section 5): the table of codes, and what can be said from the inventory alone.
 */
#pragma once

#include "cold-backing.h"

G_BEGIN_DECLS

/* So many failed upgrades in a row, and the volume is quarantined until an admin asks for an upgrade. */
#define COLD_FAILURES_MAX 3

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
  const ColdBacking *backing; /* cold_backing_find() */
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

G_END_DECLS
