/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch: metadata of repositories, and package files by their hash.
 */
#include <glib/gstdio.h>

#include "cold-download.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-package-cache.h"
#include "cold-protocol.h"
#include "cold-repository.h"
#include "cold-verb.h"

/* Less than the hour that the agent gives the verb: what was done by then is answered. */
#define ALL_SECONDS (50 * 60)
#define REPOSITORY_SECONDS (10 * 60)

/* Repositories that guests name have a way out of their own: only to the hosts that the admin allows, and no connection is
 * shared. */
typedef struct
{
  ColdDownload *ours;
  ColdDownload *guests;
} Downloads;

static void
downloads_init (Downloads *downloads, JsonObject *request)
{
  g_auto (GStrv) allowed = cold_json_strv (request, "allow-hosts");

  downloads->ours = cold_download_new ();
  cold_download_set_allowed (downloads->ours, (const char *const *) allowed, FALSE);
  downloads->guests = cold_download_new ();
  cold_download_set_allowed (downloads->guests, (const char *const *) allowed, TRUE);
}

static void
downloads_clear (Downloads *downloads)
{
  cold_download_free (downloads->ours);
  cold_download_free (downloads->guests);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Downloads, downloads_clear)

static void
downloads_set_deadline (Downloads *downloads, gint64 deadline)
{
  cold_download_set_deadline (downloads->ours, deadline);
  cold_download_set_deadline (downloads->guests, deadline);
}

static ColdDownload *
downloads_for (const Downloads *downloads, const ColdSource *repository)
{
  if (repository->from_guest)
    return downloads->guests;
  cold_download_name_host (downloads->ours, repository->uri);
  return downloads->ours;
}

/* @answer: (transfer full) (nullable) */
static JsonObject *
complete (JsonObject *answer, const char *id, const GError *error)
{
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

/* One refresh of the verb. */
typedef struct
{
  JsonObject *request;
  Downloads downloads;
  GPtrArray *sources; /* (element-type ColdSource) in the order of the request; %NULL for one that is none */
  gint64 end;
} Refreshing;

static JsonObject *
refresh_one (Refreshing *self, guint i)
{
  const ColdSource *source = g_ptr_array_index (self->sources, i);
  g_autoptr (GError) error = NULL;
  JsonObject *answer;

  cold_verb_progress ("fetching", (double) i / self->sources->len, source->id);
  downloads_set_deadline (&self->downloads,
                          MIN (self->end, g_get_monotonic_time () + REPOSITORY_SECONDS * (gint64) G_USEC_PER_SEC));
  answer = source->type->refresh (source, cold_verb_catalogue (self->request), cold_verb_scratch (self->request),
                                  downloads_for (&self->downloads, source), &error);
  return complete (answer, source->id, error);
}

/* Returns: (transfer full): of the one that cannot be refreshed; %NULL when it was parsed, which then is the last of the sources */
static JsonObject *
parse_one (Refreshing *self, JsonObject *entry)
{
  g_autoptr (GError) error = NULL;
  ColdSource *source = cold_source_parse (entry, &error);

  g_ptr_array_add (self->sources, source);
  if (source == NULL)
    return complete (NULL, cold_json_string (entry, "id"), error);
  source->beside = self->sources;
  return NULL;
}

/* When that fails, what was fetched first is in the catalogue, and the next refresh tries again. */
static void
refresh_again (Refreshing *self, guint i, GPtrArray *answers)
{
  const ColdSource *source = g_ptr_array_index (self->sources, i);
  g_autoptr (JsonObject) answer = NULL;

  if (source == NULL || source->type->is_behind == NULL
      || !source->type->is_behind (source, cold_verb_catalogue (self->request)))
    return;
  answer = refresh_one (self, i);
  if (!cold_json_bool (answer, "ok"))
    return;
  json_object_unref (answers->pdata[i]);
  answers->pdata[i] = g_steal_pointer (&answer);
}

static gboolean
is_asked_for (JsonArray *entries, const char *id)
{
  for (guint i = 0; entries != NULL && i < json_array_get_length (entries); i++)
    if (g_strcmp0 (cold_json_string (cold_json_array_object (entries, i), "id"), id) == 0)
      return TRUE;
  return FALSE;
}

/* Only we write there: nobody makes a link of a folder meanwhile. */
static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

/* Guests come and go, and change what they name; the admin's repositories stay when he takes them out for a while. */
static void
forget_guests (JsonObject *request, JsonArray *entries)
{
  g_autofree char *folder = g_build_filename (cold_verb_catalogue (request), "repositories", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *id;

  while (dir != NULL && (id = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (id, COLD_GUEST_REPOSITORY_PREFIX) && !is_asked_for (entries, id))
      {
        g_autofree char *path = g_build_filename (folder, id, NULL);

        remove_tree (path);
      }
}

/* One repository that fails, or is slow, does not keep the others from being fetched. */
static JsonObject *
fetch_metadata (JsonObject *request, GError **error)
{
  JsonArray *entries = cold_json_array (request, "repositories");
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_source_free);
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  Refreshing self = { .request = request,
                      .sources = sources,
                      .end = g_get_monotonic_time () + ALL_SECONDS * (gint64) G_USEC_PER_SEC };
  JsonObject *result = json_object_new ();
  JsonArray *array = json_array_new ();

  downloads_init (&self.downloads, request);
  forget_guests (request, entries);
  for (guint i = 0; entries != NULL && i < json_array_get_length (entries); i++)
    g_ptr_array_add (answers, parse_one (&self, cold_json_array_object (entries, i)));
  for (guint i = 0; i < answers->len; i++)
    if (answers->pdata[i] == NULL)
      answers->pdata[i] = refresh_one (&self, i);
  for (guint i = 0; i < answers->len; i++)
    refresh_again (&self, i, answers);
  downloads_clear (&self.downloads);
  for (guint i = 0; i < answers->len; i++)
    json_array_add_object_element (array, json_object_ref (g_ptr_array_index (answers, i)));
  json_object_set_array_member (result, "repositories", array);
  return result;
}

static gboolean
fetch_file (ColdDownload *download, ColdPackageCache *cache, const ColdSource *repository, const char *uri, JsonObject *file,
            GError **error)
{
  const char *sha256 = cold_json_string (file, "sha256");
  gint64 size = cold_json_int (file, "size");

  if (repository->type->check_package == NULL)
    return cold_package_cache_fetch (cache, download, uri, sha256, size, error);
  return cold_package_cache_fetch_checked (cache, download, uri, sha256, size, repository->type->check_package,
                                           cold_json_string (file, "identity"), error);
}

/* From the first place that has it. Returns: %FALSE with @error, that of the first one */
static gboolean
fetch_from_places (ColdDownload *download, ColdPackageCache *cache, const ColdSource *repository, GStrv places, JsonObject *file,
                   GError **error)
{
  g_autoptr (GError) first = NULL;

  for (guint i = 0; places[i] != NULL; i++)
    {
      g_autofree char *uri = cold_uri_append (places[i], cold_json_string (file, "path"));

      if (fetch_file (download, cache, repository, uri, file, first == NULL ? &first : NULL))
        return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

/* Returns: %FALSE with @error; otherwise adds to @fetched or @cached, and to @bytes */
static gboolean
fetch_package (const Downloads *downloads, const char *catalogue, ColdPackageCache *cache, GPtrArray *repositories,
               JsonObject *file, gint64 counts[3], GError **error)
{
  const char *sha256 = cold_json_string (file, "sha256");
  const char *path = cold_json_string (file, "path");
  const char *id = cold_json_string (file, "repository");
  const ColdSource *repository = cold_sources_find (repositories, id);
  gint64 size = cold_json_int (file, "size");
  g_auto (GStrv) places = NULL;

  if (!cold_is_sha256 (sha256) || !cold_is_safe_path (path) || size <= 0 || repository == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan names a package file that cannot be: %s",
                   path != NULL ? path : "(no path)");
      return FALSE;
    }
  if (repository->type->check_package != NULL && !cold_repository_check_key (file, error))
    return FALSE;
  if (cold_package_cache_touch (cache, sha256, size, repository->type->check_package, cold_json_string (file, "identity")))
    {
      counts[1]++;
      return TRUE;
    }
  places = cold_generation_places (repository, catalogue, error);
  if (places == NULL
      || !fetch_from_places (downloads_for (downloads, repository), cache, repository, places, file, error))
    return FALSE;
  counts[0]++;
  counts[2] += size;
  return TRUE;
}

static JsonObject *
fetch_packages (JsonObject *request, GError **error)
{
  g_auto (Downloads) downloads;
  g_autoptr (GPtrArray) repositories = cold_sources_parse (request, error);
  g_autoptr (ColdPackageCache) cache = NULL;
  JsonArray *files = cold_json_array (request, "files");
  guint n = files != NULL ? json_array_get_length (files) : 0;
  gint64 counts[3] = { 0, 0, 0 };
  JsonObject *result;

  downloads_init (&downloads, request);
  if (repositories == NULL)
    return NULL;
  downloads_set_deadline (&downloads, g_get_monotonic_time () + ALL_SECONDS * (gint64) G_USEC_PER_SEC);
  cache = cold_package_cache_new (cold_verb_catalogue (request));
  for (guint i = 0; i < n; i++)
    {
      JsonObject *file = cold_json_array_object (files, i);
      const char *path = cold_json_string (file, "path");

      cold_verb_progress ("fetching", (double) i / n, path != NULL ? path : "");
      if (!fetch_package (&downloads, cold_verb_catalogue (request), cache, repositories, file, counts, error))
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
