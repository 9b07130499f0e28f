/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-repository.h"

#include <json-glib/json-glib.h>

#include "cold-error.h"
#include "cold-generation.h"
#include "cold-rpm-bundle.h"
#include "cold-rpm-modules.h"
#include "cold-rpm-paths.h"
#include "cold-rpm-plan.h"
#include "cold-solver.h"

gboolean
cold_rpm_is_advisory (const Solvable *s)
{
  return g_str_has_prefix (pool_id2str (s->repo->pool, s->name), "patch:");
}

Repo *
cold_rpm_repository_open (const ColdSource *self, const char *catalogue, Pool *pool, char **modules, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (JsonObject) generation = cold_generation_open (self, catalogue, &folder, error);
  g_autofree char *index = folder != NULL ? g_build_filename (folder, "index", NULL) : NULL;
  g_autofree char *cache = index != NULL ? cold_solver_find_cache (index) : NULL;
  Repo *repo;

  *modules = NULL;
  if (generation == NULL)
    return NULL;
  if (cache == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "the catalogue's cache of repository %s is missing: refresh the catalogue",
                   self->id);
      return NULL;
    }
  repo = repo_create (pool, self->id);
  repo->appdata = (void *) self;
  repo->priority = -self->priority;
  *modules = g_build_filename (folder, COLD_RPM_MODULES_FILE, NULL);
  return cold_solver_read_cache (repo, cache, error) ? repo : NULL;
}

static gboolean
check (const ColdSource *source, GError **error)
{
  if (source->suites[0] == NULL && source->components[0] == NULL
      && (source->list == NULL || g_str_equal (source->list, "mirrorlist") || g_str_equal (source->list, "metalink")))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "repository \"%s\": one of type rpm-md has neither suites nor components: its URI is the folder of repodata, or of a mirrorlist or metalink",
               source->id);
  return FALSE;
}

const ColdRepositoryType cold_rpm_repository = {
  .name = "rpm-md",
  .format = "rpm",
  .check = check,
  .refresh = cold_rpm_repository_refresh,
  .is_behind = cold_rpm_paths_is_behind,
  .load_catalogue = cold_rpm_plan_load_catalogue,
  .load_manifest = cold_rpm_plan_load_manifest,
  .prepare = cold_rpm_plan_prepare,
  .is_usable = cold_rpm_plan_is_usable,
  .get_candidate = cold_rpm_plan_get_candidate,
  .describe = cold_rpm_plan_describe,
  .bundle = cold_rpm_bundle_fill,
  .folder = "rpms",
  .file_name = cold_rpm_bundle_file_name,
};
