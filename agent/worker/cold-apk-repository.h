/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repository of apk 2, such as Alpine's main or community. Its sources.d entry names the folder as /etc/apk/repositories does;
 * below it is a folder for each architecture. The catalogue's generation of it (cold-generation.h) has:
 *
 *   generation.json        and "sha256" of the index as it was published, "newest" (latest build time of a package)
 *   APKINDEX               verified and unpacked
 *   APKINDEX.<version>.solv
 */
#pragma once

#include "cold-bundle.h"

G_BEGIN_DECLS

typedef struct
{
  char *index;
  char *solv; /* may be missing after an update of libsolv */
} ColdApkFiles;

/* Returns: (transfer full): of the current generation; %NULL with @error (NotFound) when nothing was fetched yet */
ColdApkFiles *cold_apk_repository_open (const ColdSource *source, const char *catalogue, GError **error);
void cold_apk_files_free (ColdApkFiles *self);

/* Functions of the type. */
gboolean cold_apk_plan_load_catalogue (ColdPlan *plan, GError **error);
gboolean cold_apk_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error);
void cold_apk_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs);
gboolean cold_apk_plan_is_usable (ColdPlan *plan, Solvable *s);
Id cold_apk_plan_get_candidate (ColdPlan *plan, Id installed);
void cold_apk_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package);
gboolean cold_apk_bundle_fill (ColdBundle *bundle, GError **error);
char *cold_apk_bundle_file_name (JsonObject *package);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdApkFiles, cold_apk_files_free)

G_END_DECLS
