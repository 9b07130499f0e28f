/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch: metadata of repositories, and package files by their hash.
 */
#include "cold-deb-repository.h"
#include "cold-download.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-package-cache.h"
#include "cold-protocol.h"
#include "cold-verb.h"

static JsonObject *
refresh_one (JsonObject *request, JsonObject *entry, ColdDownload *download)
{
  const char *id = cold_json_string (entry, "id");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdDebRepository) repository = cold_deb_repository_parse (entry, &error);
  JsonObject *answer = NULL;

  if (repository != NULL)
    answer = cold_deb_repository_refresh (repository, cold_verb_catalogue (request), cold_verb_scratch (request),
                                          download, &error);
  if (answer == NULL)
    {
      ColdError code = error->domain == COLD_ERROR ? (ColdError) error->code : COLD_ERROR_FAILED;
      g_autofree char *message = cold_text_make_valid (error->message);

      answer = json_object_new ();
      json_object_set_string_member (answer, "error", message);
      json_object_set_string_member (answer, "code", cold_error_nick (code));
    }
  json_object_set_string_member (answer, "id", id != NULL ? id : "");
  json_object_set_boolean_member (answer, "ok", error == NULL);
  return answer;
}

/* One repository that fails does not keep the others from being fetched. */
static JsonObject *
fetch_metadata (JsonObject *request, GError **error)
{
  g_autoptr (ColdDownload) download = cold_download_new ();
  JsonArray *entries = cold_json_array (request, "repositories");
  guint n = entries != NULL ? json_array_get_length (entries) : 0;
  JsonObject *result = json_object_new ();
  JsonArray *answers = json_array_new ();

  for (guint i = 0; i < n; i++)
    {
      JsonObject *entry = cold_json_array_object (entries, i);
      const char *id = cold_json_string (entry, "id");

      cold_verb_progress ("fetching", (double) i / n, id != NULL ? id : "");
      json_array_add_object_element (answers, refresh_one (request, entry, download));
    }
  json_object_set_array_member (result, "repositories", answers);
  return result;
}

static const ColdDebRepository *
find_repository (GPtrArray *repositories, const char *id)
{
  for (guint i = 0; i < repositories->len; i++)
    if (g_strcmp0 (((ColdDebRepository *) g_ptr_array_index (repositories, i))->id, id) == 0)
      return g_ptr_array_index (repositories, i);
  return NULL;
}

/* Returns: %FALSE with @error; otherwise adds to @fetched or @cached, and to @bytes */
static gboolean
fetch_package (ColdDownload *download, ColdPackageCache *cache, GPtrArray *repositories, JsonObject *file,
               gint64 counts[3], GError **error)
{
  const char *sha256 = cold_json_string (file, "sha256");
  const char *path = cold_json_string (file, "path");
  const char *id = cold_json_string (file, "repository");
  const ColdDebRepository *repository = find_repository (repositories, id);
  gint64 size = cold_json_int (file, "size");
  g_autofree char *uri = NULL;

  if (!cold_is_sha256 (sha256) || !cold_is_safe_path (path) || size <= 0 || repository == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan names a package file that cannot be: %s",
                   path != NULL ? path : "(no path)");
      return FALSE;
    }
  if (cold_package_cache_touch (cache, sha256, size))
    {
      counts[1]++;
      return TRUE;
    }
  uri = cold_uri_append (repository->uri, path);
  if (!cold_package_cache_fetch (cache, download, uri, sha256, size, error))
    return FALSE;
  counts[0]++;
  counts[2] += size;
  return TRUE;
}

static JsonObject *
fetch_packages (JsonObject *request, GError **error)
{
  g_autoptr (ColdDownload) download = cold_download_new ();
  g_autoptr (GPtrArray) repositories = cold_deb_repositories_parse (request, error);
  g_autoptr (ColdPackageCache) cache = NULL;
  JsonArray *files = cold_json_array (request, "files");
  guint n = files != NULL ? json_array_get_length (files) : 0;
  gint64 counts[3] = { 0, 0, 0 };
  JsonObject *result;

  if (repositories == NULL)
    return NULL;
  cache = cold_package_cache_new (cold_verb_catalogue (request));
  for (guint i = 0; i < n; i++)
    {
      JsonObject *file = cold_json_array_object (files, i);
      const char *path = cold_json_string (file, "path");

      cold_verb_progress ("fetching", (double) i / n, path != NULL ? path : "");
      if (!fetch_package (download, cache, repositories, file, counts, error))
        return NULL;
    }
  /* After the fetch, and never what it was asked for: a plan larger than the limit is still carried out. */
  if (cold_json_int (request, "cache-max") > 0)
    cold_package_cache_evict (cache, cold_json_int (request, "cache-max"));
  result = json_object_new ();
  json_object_set_int_member (result, "fetched", counts[0]);
  json_object_set_int_member (result, "cached", counts[1]);
  json_object_set_int_member (result, "bytes", counts[2]);
  return result;
}

JsonObject *
cold_verb_fetch (JsonObject *request, GError **error)
{
  const char *what = cold_json_string (request, "what");

  if (g_strcmp0 (what, "metadata") == 0)
    return fetch_metadata (request, error);
  if (g_strcmp0 (what, "packages") == 0)
    return fetch_packages (request, error);
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "fetch: \"what\" is metadata or packages");
  return NULL;
}
