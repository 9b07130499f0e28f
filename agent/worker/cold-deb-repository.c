/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-repository.h"

#include "cold-deb-bundle.h"
#include "cold-deb-plan.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-solver.h"

static void
cold_deb_index_free (ColdDebIndex *index)
{
  g_free (index->suite);
  g_free (index->component);
  g_free (index->arch);
  g_free (index->packages);
  g_free (index->solv);
  g_free (index->inrelease);
  g_free (index->origin);
  g_free (index->label);
  g_free (index->archive);
  g_free (index->codename);
  g_free (index->release);
  g_free (index);
}

static char *
text_of (JsonObject *object, const char *member)
{
  const char *text = cold_json_string (object, member);

  return g_strdup (text != NULL ? text : "");
}

static ColdDebIndex *
index_new (const ColdSource *self, const char *folder, JsonObject *entry, JsonObject *suite)
{
  ColdDebIndex *index = g_new0 (ColdDebIndex, 1);
  const char *packages = cold_json_string (entry, "packages");
  const char *inrelease = cold_json_string (suite, "inrelease");

  index->repository = self;
  index->suite = text_of (suite, "suite");
  index->component = text_of (entry, "component");
  index->arch = text_of (entry, "arch");
  index->packages = g_build_filename (folder, packages != NULL ? packages : "", NULL);
  index->solv = cold_solver_cache_path (index->packages);
  index->inrelease = g_build_filename (folder, inrelease != NULL ? inrelease : "", NULL);
  index->origin = text_of (suite, "origin");
  index->label = text_of (suite, "label");
  index->archive = text_of (suite, "archive");
  index->codename = text_of (suite, "codename");
  index->release = text_of (suite, "release");
  index->not_automatic = cold_json_bool (suite, "not-automatic");
  index->but_automatic_upgrades = cold_json_bool (suite, "but-automatic-upgrades");
  return index;
}

GPtrArray *
cold_deb_repository_open (const ColdSource *self, const char *catalogue, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (JsonObject) generation = cold_generation_open (self, catalogue, &folder, error);
  g_autoptr (GPtrArray) indexes = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_deb_index_free);
  JsonArray *entries, *suites;

  if (generation == NULL)
    return NULL;
  entries = cold_json_array (generation, "indexes");
  suites = cold_json_array (generation, "suites");
  for (guint i = 0; entries != NULL && suites != NULL && i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = cold_json_array_object (entries, i);

      g_ptr_array_add (indexes, index_new (self, folder, entry,
                                           cold_json_array_object (suites, cold_json_int (entry, "suite"))));
    }
  return g_steal_pointer (&indexes);
}

static gboolean
check (const ColdSource *source, GError **error)
{
  if (cold_source_are_names (source->suites, TRUE) && cold_source_are_names (source->components, TRUE)
      && cold_source_are_names (source->architectures, FALSE))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "repository \"%s\": needs suites, components and architectures without \"..\", spaces or a slash at their end",
               source->id);
  return FALSE;
}

const ColdRepositoryType cold_deb_repository = {
  .name = "deb",
  .format = "deb",
  .check = check,
  .refresh = cold_deb_repository_refresh,
  .load_catalogue = cold_deb_plan_load_catalogue,
  .load_manifest = cold_deb_plan_load_manifest,
  .new_for_upgrades = TRUE,
  .prepare = cold_deb_plan_prepare,
  .is_usable = cold_deb_plan_is_usable,
  .get_candidate = cold_deb_plan_get_candidate,
  .get_name = cold_deb_plan_get_name,
  .describe = cold_deb_plan_describe,
  .bundle = cold_deb_bundle_fill,
  .folder = "debs",
  .file_name = cold_deb_bundle_file_name,
};
