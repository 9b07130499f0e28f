/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-repository.h"

#include "cold-error.h"
#include "cold-json.h"


static const ColdRepositoryType *const types[] = {
  &cold_apk_repository,
  &cold_arch_repository,
  &cold_deb_repository,
  &cold_rpm_repository,
};

static gboolean
is_name (const char *text, gboolean slashes)
{
  if (!cold_is_safe_path (text) || *text == '.' || *text == '-')
    return FALSE;
  return slashes || strchr (text, '/') == NULL;
}

gboolean
cold_source_are_names (GStrv texts, gboolean slashes)
{
  for (guint i = 0; texts[i] != NULL; i++)
    if (!is_name (texts[i], slashes))
      return FALSE;
  return texts[0] != NULL;
}

static const ColdRepositoryType *
find_type (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i]->name, name) == 0)
      return types[i];
  return NULL;
}

const ColdRepositoryType *
cold_repository_type_for_format (const char *format)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i]->format, format) == 0)
      return types[i];
  return NULL;
}

char *
cold_repository_key (const char *identity, guint64 size)
{
  g_autofree char *all = g_strdup_printf ("%s\n%" G_GUINT64_FORMAT "\n", identity, size);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

gboolean
cold_repository_check_key (JsonObject *package, GError **error)
{
  const char *identity = cold_json_string (package, "identity");
  g_autofree char *key = cold_repository_key (identity != NULL ? identity : "", cold_json_int (package, "size"));

  if (identity != NULL && g_strcmp0 (key, cold_json_string (package, "sha256")) == 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                       "the plan names a package file by something that its identity does not make");
  return FALSE;
}

ColdSource *
cold_source_parse (JsonObject *object, GError **error)
{
  g_autoptr (ColdSource) self = g_new0 (ColdSource, 1);
  const char *type = cold_json_string (object, "type");

  self->type = find_type (type);
  self->id = g_strdup (cold_json_string (object, "id"));
  self->uri = g_strdup (cold_json_string (object, "uri"));
  self->suites = cold_json_strv (object, "suites");
  self->components = cold_json_strv (object, "components");
  self->architectures = cold_json_strv (object, "architectures");
  self->signed_by = g_strdup (cold_json_string (object, "signed-by"));
  self->security = cold_json_bool (object, "security");
  self->unsigned_database = cold_json_bool (object, "unsigned-database");
  self->from_guest = cold_json_bool (object, "from-guest");
  self->module_hotfixes = cold_json_bool (object, "module-hotfixes");
  self->list = g_strdup (cold_json_string (object, "list"));
  self->excludes = cold_json_strv (object, "excludes");
  self->includes = cold_json_strv (object, "includes");
  self->priority = CLAMP (cold_json_int (object, "priority"), 0, 1000000);
  if (self->priority == 0)
    self->priority = COLD_PRIORITY_DEFAULT;
  if (self->type == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "repository %s: type \"%s\" is not supported",
                   self->id != NULL ? self->id : "", type != NULL ? type : "");
      return NULL;
    }
  if (!is_name (self->id, FALSE) || self->uri == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "repository \"%s\": needs a name without slashes, and a URI", self->id != NULL ? self->id : "");
      return NULL;
    }
  if (!self->type->check (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
cold_source_free (ColdSource *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->uri);
  g_strfreev (self->suites);
  g_strfreev (self->components);
  g_strfreev (self->architectures);
  g_free (self->signed_by);
  g_free (self->list);
  g_strfreev (self->excludes);
  g_strfreev (self->includes);
  g_free (self);
}

GPtrArray *
cold_sources_parse (JsonObject *request, GError **error)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_source_free);
  JsonArray *array = cold_json_array (request, "repositories");

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      ColdSource *source = cold_source_parse (cold_json_array_object (array, i), error);

      if (source == NULL)
        return NULL;
      g_ptr_array_add (sources, source);
    }
  return g_steal_pointer (&sources);
}

const ColdSource *
cold_sources_find (GPtrArray *sources, const char *id)
{
  for (guint i = 0; i < sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (sources, i);

      if (g_strcmp0 (source->id, id) == 0)
        return source;
    }
  return NULL;
}
