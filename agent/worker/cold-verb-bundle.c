/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle: a disk image with the planned packages and what the guest's own package manager needs to see of their
 * repositories, laid out as common/cold-protocol.h says. The latter is known by the type of the packages.
 */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-bundle.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"

#define IMAGE "bundle.iso"

static void
bundle_clear (ColdBundle *bundle)
{
  g_clear_pointer (&bundle->sources, g_ptr_array_unref);
  g_clear_pointer (&bundle->image, cold_bundle_image_free);
  g_clear_pointer (&bundle->cache, cold_package_cache_free);
  g_clear_pointer (&bundle->wanted, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColdBundle, bundle_clear)

gboolean
cold_bundle_wants (ColdBundle *bundle, const char *sha256)
{
  if (!g_hash_table_contains (bundle->wanted, sha256))
    return FALSE;
  g_hash_table_insert (bundle->wanted, g_strdup (sha256), GINT_TO_POINTER (1));
  return TRUE;
}

static gboolean
check_package (JsonObject *package, GError **error)
{
  static const char *const members[] = { "name", "candidate", "arch" };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (!cold_is_safe_path (cold_json_string (package, members[i]))
        || strchr (cold_json_string (package, members[i]), '/') != NULL)
      {
        g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan has a package without a usable %s",
                     members[i]);
        return FALSE;
      }
  if (cold_is_sha256 (cold_json_string (package, "sha256")))
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan has a package without SHA-256");
  return FALSE;
}

/* Adds nothing that is not what the plan names, whatever became of the file since it was fetched. */
static gboolean
add_package (ColdBundle *bundle, JsonObject *package, const char *file, GError **error)
{
  const char *key = cold_json_string (package, "sha256");
  g_autofree char *path = cold_package_cache_path (bundle->cache, key);
  g_autofree char *sha256 = NULL;

  if (bundle->type->check_package == NULL)
    return cold_bundle_image_add_file (bundle->image, file, path, key, error);
  if (!cold_repository_check_key (package, error))
    return FALSE;
  sha256 = bundle->type->check_package (path, cold_json_string (package, "identity"), error);
  return sha256 != NULL && cold_bundle_image_add_file (bundle->image, file, path, sha256, error);
}

static gboolean
add_packages (ColdBundle *bundle, JsonArray *described, GError **error)
{
  guint n = json_array_get_length (bundle->planned);

  for (guint i = 0; i < n; i++)
    {
      JsonObject *package = cold_json_array_object (bundle->planned, i);
      JsonObject *entry;
      const char *sha256;
      g_autofree char *name = NULL;
      g_autofree char *file = NULL;

      if (!check_package (package, error))
        return FALSE;
      sha256 = cold_json_string (package, "sha256");
      name = bundle->type->file_name (package);
      file = g_strconcat (bundle->type->folder, "/", name, NULL);
      cold_verb_progress ("bundling", (double) i / n, name);
      if (!add_package (bundle, package, file, error))
        return FALSE;
      g_hash_table_insert (bundle->wanted, g_strdup (sha256), GINT_TO_POINTER (0));
      entry = json_object_new ();
      json_object_set_string_member (entry, "name", cold_json_string (package, "name"));
      json_object_set_string_member (entry, "version", cold_json_string (package, "candidate"));
      json_object_set_string_member (entry, "arch", cold_json_string (package, "arch"));
      json_object_set_string_member (entry, "file", file);
      json_object_set_string_member (entry, "sha256", sha256);
      json_array_add_object_element (described, entry);
    }
  return TRUE;
}

/* A refresh between plan and bundle can take a planned version away. */
static gboolean
check_complete (ColdBundle *bundle, GError **error)
{
  for (guint i = 0; i < json_array_get_length (bundle->planned); i++)
    {
      JsonObject *package = cold_json_array_object (bundle->planned, i);

      if (g_hash_table_lookup (bundle->wanted, cold_json_string (package, "sha256")) == NULL)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                       "%s %s is no longer in the catalogue: the guest has to be planned again",
                       cold_json_string (package, "name"), cold_json_string (package, "candidate"));
          return FALSE;
        }
    }
  return TRUE;
}

/* Returns: (transfer full): the manager's name, from the manifest that was planned for */
static char *
find_manager (ColdBundle *bundle, JsonObject *request, GError **error)
{
  const char *path = cold_json_string (request, "manifest");
  g_autoptr (JsonObject) manifest = path != NULL ? cold_json_load_file (path, error) : NULL;
  const char *manager;

  if (path == NULL)
    g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "bundle: \"manifest\" is missing");
  if (manifest == NULL)
    return NULL;
  bundle->type = cold_repository_type_for_format (cold_json_string (manifest, "format"));
  if (bundle->type == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                           "bundle: \"manifest\" is of packages that cannot be bundled");
      return NULL;
    }
  manager = cold_json_string (manifest, "manager");
  return g_strdup (manager != NULL ? manager : "apt");
}

static gboolean
fill (ColdBundle *bundle, JsonObject *request, GError **error)
{
  g_autoptr (JsonObject) description = json_object_new ();
  g_autofree char *manager = find_manager (bundle, request, error);
  g_autofree char *text = NULL;
  JsonArray *described = json_array_new ();

  json_object_set_int_member (description, "version", 1);
  json_object_set_array_member (description, "packages", described);
  if (manager == NULL)
    return FALSE;
  json_object_set_string_member (description, "manager", manager);
  bundle->sources = cold_sources_parse (request, error);
  if (bundle->sources == NULL || !add_packages (bundle, described, error) || !bundle->type->bundle (bundle, error)
      || !check_complete (bundle, error))
    return FALSE;
  text = cold_json_to_text (description);
  return cold_bundle_image_add_text (bundle->image, "bundle.json", text, strlen (text), error)
         && cold_bundle_image_finish (bundle->image, error);
}

JsonObject *
cold_verb_bundle (JsonObject *request, GError **error)
{
  g_autofree char *path = g_build_filename (cold_verb_scratch (request), IMAGE, NULL);
  g_auto (ColdBundle) bundle = { NULL };
  JsonObject *result;
  struct stat st;

  bundle.planned = cold_json_array (cold_json_object (request, "plan"), "packages");
  if (bundle.planned == NULL || json_array_get_length (bundle.planned) == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "bundle: the plan has no packages");
      return NULL;
    }
  bundle.catalogue = cold_verb_catalogue (request);
  bundle.scratch = cold_verb_scratch (request);
  bundle.cache = cold_package_cache_new (bundle.catalogue);
  bundle.wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  bundle.image = cold_bundle_image_new (path, error);
  if (bundle.image == NULL)
    return NULL;
  if (!fill (&bundle, request, error) || g_stat (path, &st) < 0)
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "the bundle %s is gone", path);
      g_unlink (path);
      return NULL;
    }
  result = json_object_new ();
  json_object_set_string_member (result, "bundle", IMAGE);
  json_object_set_int_member (result, "bytes", st.st_size);
  return result;
}
