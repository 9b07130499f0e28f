/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-catalogue-state.h"

#include "cold-json.h"
#include "cold-names.h"

#define STATE_FILE COLD_STATE_DIR "/catalogue.json"

static void
load (ColdCatalogueState *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) state = cold_json_load_file (STATE_FILE, &error);
  JsonObject *generations = cold_json_object (state, "generations");
  JsonObjectIter iter;
  const char *id;

  if (state == NULL)
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning ("%s; the catalogue is fetched again", error->message);
      return;
    }
  self->counter = cold_json_int (state, "counter");
  self->time = cold_json_int (state, "time");
  if (generations == NULL)
    return;
  json_object_iter_init (&iter, generations);
  while (json_object_iter_next (&iter, &id, NULL))
    {
      g_autofree char *link = g_build_filename (COLD_CATALOGUE_DIR, "repositories", id, "current", NULL);
      const char *name = cold_json_string (generations, id);

      /* The cache may have been cleared. */
      if (name != NULL && g_file_test (link, G_FILE_TEST_IS_SYMLINK))
        g_hash_table_insert (self->generations, g_strdup (id), g_strdup (name));
      else
        self->time = 0;
    }
}

void
cold_catalogue_state_save (const ColdCatalogueState *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) state = json_object_new ();
  JsonObject *generations = json_object_new ();
  GHashTableIter iter;
  gpointer id, name;

  g_hash_table_iter_init (&iter, self->generations);
  while (g_hash_table_iter_next (&iter, &id, &name))
    json_object_set_string_member (generations, id, name);
  json_object_set_int_member (state, "version", 1);
  json_object_set_int_member (state, "counter", self->counter);
  json_object_set_int_member (state, "time", self->time);
  json_object_set_object_member (state, "generations", generations);
  if (!cold_json_save_file (STATE_FILE, state, &error))
    g_warning ("the catalogue's state cannot be kept: %s", error->message);
}

ColdCatalogueState *
cold_catalogue_state_load (void)
{
  ColdCatalogueState *self = g_new0 (ColdCatalogueState, 1);

  self->generations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->errors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  load (self);
  return self;
}

void
cold_catalogue_state_free (ColdCatalogueState *self)
{
  g_hash_table_unref (self->generations);
  g_hash_table_unref (self->errors);
  g_free (self->error);
  g_free (self);
}

static void
set_text (JsonObject *object, const char *member, const char *text)
{
  g_autofree char *valid = cold_text_make_valid (text);

  json_object_set_string_member (object, member, valid);
}

static JsonObject *
describe_repository (const ColdCatalogueState *self, const ColdRepository *repository)
{
  JsonObject *object = json_object_new ();

  set_text (object, "id", repository->id);
  set_text (object, "type", repository->type);
  set_text (object, "uri", repository->uri);
  set_text (object, "distribution", repository->distribution);
  set_text (object, "version", repository->version);
  set_text (object, "arch", repository->arch);
  json_object_set_boolean_member (object, "security", repository->security);
  json_object_set_boolean_member (object, "from-guest", repository->from_guest);
  set_text (object, "generation", g_hash_table_lookup (self->generations, repository->id));
  set_text (object, "error", g_hash_table_lookup (self->errors, repository->id));
  return object;
}

JsonObject *
cold_catalogue_state_describe (const ColdCatalogueState *self, const ColdConfig *config, GPtrArray *from_guests)
{
  JsonObject *object = json_object_new ();
  JsonArray *repositories = json_array_new ();

  for (guint i = 0; i < config->repositories->len; i++)
    json_array_add_object_element (repositories,
                                   describe_repository (self, g_ptr_array_index (config->repositories, i)));
  for (guint i = 0; i < from_guests->len; i++)
    json_array_add_object_element (repositories, describe_repository (self, g_ptr_array_index (from_guests, i)));
  json_object_set_int_member (object, "generation", self->counter);
  json_object_set_int_member (object, "time", self->time);
  set_text (object, "error", self->error);
  json_object_set_array_member (object, "repositories", repositories);
  return object;
}
