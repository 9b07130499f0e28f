/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-json.h"

#define NEXT_FOLDER "next"

/* A generation is a flat folder. */
static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      unlink (file);
    }
  rmdir (path);
}

gboolean
cold_generation_begin (ColdGeneration *self, const ColdSource *source, const char *catalogue, GError **error)
{
  g_autofree char *link = NULL;

  self->home = g_build_filename (catalogue, "repositories", source->id, NULL);
  self->next = g_build_filename (self->home, NEXT_FOLDER, NULL);
  remove_folder (self->next);
  if (g_mkdir_with_parents (self->next, 0755) < 0)
    return cold_error_set_errno (error, errno, "cannot create %s", self->next);

  link = g_build_filename (self->home, "current", NULL);
  self->held = g_file_read_link (link, NULL);
  if (self->held != NULL && cold_is_sha256 (self->held))
    {
      g_autofree char *description = g_build_filename (self->home, self->held, "generation.json", NULL);

      self->old = cold_json_load_file (description, NULL);
    }
  if (self->old == NULL)
    g_clear_pointer (&self->held, g_free);
  return TRUE;
}

gboolean
cold_generation_link (ColdGeneration *self, const char *file, const char *path)
{
  g_autofree char *old = NULL;

  if (self->held == NULL || !cold_is_safe_path (file) || strchr (file, '/') != NULL)
    return FALSE;
  old = g_build_filename (self->home, self->held, file, NULL);
  return link (old, path) == 0;
}

/* Not syncfs(): the file system may be in the middle of writing the copy of a large image. */
static gboolean
sync_folder (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (!cold_fd_sync_path (file, error))
        return FALSE;
    }
  return dir != NULL && cold_fd_sync_path (path, error);
}

/* Workers may be reading a generation of that name, whose caches were of another version of libsolv: they find one or the other. */
static gboolean
put_in_place (ColdGeneration *self, const char *folder, GError **error)
{
  if (renameat2 (AT_FDCWD, self->next, AT_FDCWD, folder, RENAME_EXCHANGE) == 0)
    {
      remove_folder (self->next);
      return TRUE;
    }
  /* There is none, or the file system does not exchange folders. */
  if (errno != ENOENT)
    remove_folder (folder);
  return rename (self->next, folder) == 0 || cold_error_set_errno (error, errno, "cannot rename %s", self->next);
}

/* Everything is on disk before the link leads to it. */
static gboolean
switch_to (ColdGeneration *self, const char *name, GError **error)
{
  g_autofree char *folder = g_build_filename (self->home, name, NULL);
  g_autofree char *current = g_build_filename (self->home, "current", NULL);
  g_autofree char *fresh = g_build_filename (self->home, "current.new", NULL);

  if (!sync_folder (self->next, error) || !put_in_place (self, folder, error))
    return FALSE;
  unlink (fresh);
  if (symlink (name, fresh) < 0 || rename (fresh, current) < 0)
    return cold_error_set_errno (error, errno, "cannot switch %s", current);
  return TRUE;
}

static void
remove_others (ColdGeneration *self, const char *name)
{
  g_autoptr (GDir) dir = g_dir_open (self->home, 0, NULL);
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (cold_is_sha256 (entry) && !g_str_equal (entry, name) && g_strcmp0 (entry, self->held) != 0)
      {
        g_autofree char *folder = g_build_filename (self->home, entry, NULL);

        remove_folder (folder);
      }
}

gboolean
cold_generation_commit (ColdGeneration *self, const char *name, JsonObject *description, GError **error)
{
  g_autofree char *path = g_build_filename (self->next, "generation.json", NULL);

  json_object_set_int_member (description, "version", 1);
  json_object_set_string_member (description, "generation", name);
  if (!cold_json_save_file (path, description, error) || !switch_to (self, name, error))
    return FALSE;
  remove_others (self, name);
  return TRUE;
}

void
cold_generation_abandon (ColdGeneration *self)
{
  remove_folder (self->next);
}

void
cold_generation_clear (ColdGeneration *self)
{
  g_free (self->home);
  g_free (self->next);
  g_free (self->held);
  g_clear_pointer (&self->old, json_object_unref);
}

JsonObject *
cold_generation_answer (gboolean changed, const char *name, gint64 packages)
{
  JsonObject *result = json_object_new ();

  json_object_set_boolean_member (result, "changed", changed);
  json_object_set_string_member (result, "generation", name);
  json_object_set_int_member (result, "packages", packages);
  return result;
}

JsonObject *
cold_generation_open (const ColdSource *source, const char *catalogue, char **folder, GError **error)
{
  g_autofree char *home = g_build_filename (catalogue, "repositories", source->id, NULL);
  g_autofree char *link = g_build_filename (home, "current", NULL);
  g_autofree char *target = g_file_read_link (link, NULL);
  g_autofree char *description = NULL;

  *folder = NULL;
  if (target == NULL || !cold_is_sha256 (target))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                   "nothing was fetched yet from repository %s: refresh the catalogue", source->id);
      return NULL;
    }
  *folder = g_build_filename (home, target, NULL);
  description = g_build_filename (*folder, "generation.json", NULL);
  return cold_json_load_file (description, error);
}

GStrv
cold_generation_places (const ColdSource *source, const char *catalogue, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (JsonObject) description = NULL;
  g_autoptr (GStrvBuilder) places = g_strv_builder_new ();
  g_auto (GStrv) others = NULL;
  const char *base;

  if (source->list == NULL)
    {
      g_strv_builder_add (places, source->uri);
      return g_strv_builder_end (places);
    }
  description = cold_generation_open (source, catalogue, &folder, error);
  if (description == NULL)
    return NULL;
  base = cold_json_string (description, "base");
  if (base == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                   "repository %s was fetched when it had no list of places: refresh the catalogue", source->id);
      return NULL;
    }
  others = cold_json_strv (description, "places");
  g_strv_builder_add (places, base);
  g_strv_builder_addv (places, (const char **) others);
  return g_strv_builder_end (places);
}
