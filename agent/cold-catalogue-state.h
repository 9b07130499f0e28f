/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the catalogue has fetched, and how the last refresh went. Kept in one small file, catalogue.json in
 * COLD_STATE_DIR; errors are not: a refresh follows each start.
 *   {"version":1,"counter":n,"time":microseconds,"generations":{"<repository>":"<sha256>"}}
 * The counter outlives the cache: plans in the store are compared with it.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-config.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 counter;
  gint64 time;              /* of the last good refresh, microseconds since the epoch */
  GHashTable *generations;  /* (element-type utf8 utf8) by repository */
  GHashTable *errors;       /* (element-type utf8 utf8) by repository: what the last refresh said of it */
  char *error;              /* (nullable) of the last refresh as a whole */
} ColdCatalogueState;

/* Empty when there is no file; generations whose files are gone are left out. */
ColdCatalogueState *cold_catalogue_state_load (void);
void cold_catalogue_state_save (const ColdCatalogueState *self);
void cold_catalogue_state_free (ColdCatalogueState *self);

/**
 * cold_catalogue_state_describe:
 * @from_guests: (element-type ColdRepository)
 *
 * Returns: (transfer full): {"generation":n,"time":microseconds,"error":s,"repositories":[{"id","type","uri",
 *   "distribution","version","arch","security":b,"from-guest":b,"generation":s,"error":s}]};
 *   strings are "" for none
 */
JsonObject *cold_catalogue_state_describe (const ColdCatalogueState *self, const ColdConfig *config, GPtrArray *from_guests);

G_END_DECLS
