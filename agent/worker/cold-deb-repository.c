/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-repository.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-deb-fetch.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-solver.h"

static gboolean
is_name (const char *text, gboolean slashes)
{
  if (!cold_is_safe_path (text) || *text == '.' || *text == '-')
    return FALSE;
  return slashes || strchr (text, '/') == NULL;
}

static gboolean
are_names (GStrv texts, gboolean slashes)
{
  for (guint i = 0; texts[i] != NULL; i++)
    if (!is_name (texts[i], slashes))
      return FALSE;
  return texts[0] != NULL;
}

ColdDebRepository *
cold_deb_repository_parse (JsonObject *object, GError **error)
{
  g_autoptr (ColdDebRepository) self = g_new0 (ColdDebRepository, 1);
  const char *type = cold_json_string (object, "type");

  self->id = g_strdup (cold_json_string (object, "id"));
  self->uri = g_strdup (cold_json_string (object, "uri"));
  self->suites = cold_json_strv (object, "suites");
  self->components = cold_json_strv (object, "components");
  self->architectures = cold_json_strv (object, "architectures");
  self->signed_by = g_strdup (cold_json_string (object, "signed-by"));
  self->security = cold_json_bool (object, "security");
  if (g_strcmp0 (type, "deb") != 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "repository %s: type \"%s\" is not supported yet; deb is",
                   self->id, type != NULL ? type : "");
      return NULL;
    }
  if (!is_name (self->id, FALSE) || self->uri == NULL || !are_names (self->suites, TRUE)
      || !are_names (self->components, TRUE) || !are_names (self->architectures, FALSE))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "repository \"%s\": needs a name without slashes, a URI, and suites, components and architectures "
                   "without \"..\", spaces or a slash at their end",
                   self->id != NULL ? self->id : "");
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
cold_deb_repository_free (ColdDebRepository *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->uri);
  g_strfreev (self->suites);
  g_strfreev (self->components);
  g_strfreev (self->architectures);
  g_free (self->signed_by);
  g_free (self);
}

GPtrArray *
cold_deb_repositories_parse (JsonObject *request, GError **error)
{
  g_autoptr (GPtrArray) repositories = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_deb_repository_free);
  JsonArray *array = cold_json_array (request, "repositories");

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      ColdDebRepository *repository = cold_deb_repository_parse (cold_json_array_object (array, i), error);

      if (repository == NULL)
        return NULL;
      g_ptr_array_add (repositories, repository);
    }
  return g_steal_pointer (&repositories);
}

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
index_new (const ColdDebRepository *self, const char *folder, JsonObject *entry, JsonObject *suite)
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
cold_deb_repository_open (const ColdDebRepository *self, const char *catalogue, GError **error)
{
  g_autofree char *home = g_build_filename (catalogue, "repositories", self->id, NULL);
  g_autofree char *link = g_build_filename (home, "current", NULL);
  g_autofree char *target = g_file_read_link (link, NULL);
  g_autofree char *folder = NULL;
  g_autofree char *description = NULL;
  g_autoptr (JsonObject) generation = NULL;
  g_autoptr (GPtrArray) indexes = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_deb_index_free);
  JsonArray *entries, *suites;

  if (target == NULL || !cold_is_sha256 (target))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                   "nothing was fetched yet from repository %s: refresh the catalogue", self->id);
      return NULL;
    }
  folder = g_build_filename (home, target, NULL);
  description = g_build_filename (folder, "generation.json", NULL);
  generation = cold_json_load_file (description, error);
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
