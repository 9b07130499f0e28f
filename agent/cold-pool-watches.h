/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folders of active directory pools under inotify. Main context only.
 */
#pragma once

#include "cold-pool.h"

G_BEGIN_DECLS

typedef struct ColdPoolWatches ColdPoolWatches;

/* In the folder of pool @uuid names came or went, or something was written. @over: nothing more has come for a moment */
typedef void (*ColdPoolWatchesFunc) (const char *uuid, gboolean over, gpointer user_data);

ColdPoolWatches *cold_pool_watches_new (ColdPoolWatchesFunc changed, gpointer user_data);
void cold_pool_watches_free (ColdPoolWatches *self);

/**
 * cold_pool_watches_update:
 *
 * To be called whenever libvirt said something of @pool: begins, ends or moves its watch. A folder that cannot be watched is
 * warned of once, and tried again at the next call.
 */
void cold_pool_watches_update (ColdPoolWatches *self, const ColdPool *pool);

G_END_DECLS
