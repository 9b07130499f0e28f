/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cold-snapshot.h"

G_BEGIN_DECLS

/* A storage pool as the agent knows it. Owned by the inventory. */
typedef struct
{
  char *uri;
  char *uuid;
  char *name;
  char *type;
  char *path;       /* "" when it has none */
  gboolean active;
  gboolean gone;    /* undefined; its volumes are gone with it */
  char *policy;     /* off manual auto inherit */
  guint volume_count;
  char *exported;   /* (nullable) ColdPoolInfo has it; not stored */
} ColdPool;

ColdPool *cold_pool_new (const char *uuid);
void cold_pool_free (ColdPool *pool);
const char *cold_pool_state_to_string (const ColdPool *pool); /* active inactive gone */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPool, cold_pool_free)

G_END_DECLS
