/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plans that were used last, by what they were made from. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ColdPlanCache ColdPlanCache;

ColdPlanCache *cold_plan_cache_new (void);
void cold_plan_cache_free (ColdPlanCache *self);
/* The plan that is there already stays; of too many the one goes that was asked for least recently. */
void cold_plan_cache_insert (ColdPlanCache *self, const char *key, JsonObject *plan);
/* Returns: (transfer full) (nullable): */
JsonObject *cold_plan_cache_lookup (ColdPlanCache *self, const char *key);

G_END_DECLS
