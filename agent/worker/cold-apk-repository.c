/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-repository.h"

#include <glib/gstdio.h>

#include "cold-apk-archive.h"
#include "cold-apk-index.h"
#include "cold-apk-solver.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-solver.h"

#define INDEX "APKINDEX"
#define INDEX_FILE INDEX ".tar.gz"
#define OTHER_INDEX_FILE "Packages.adb" /* that of apk 3 alone */

typedef struct
{
  gint64 newest; /* seconds since the epoch */
  gint64 packages;
} Summary;

static gboolean
summarise (const ColdApkPackage *package, const char *text, gsize length, gpointer data, GError **error)
{
  Summary *summary = data;

  summary->packages++;
  summary->newest = MAX (summary->newest, package->built);
  return TRUE;
}

static gboolean
read_summary (const char *path, Summary *summary, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GError) local = NULL;

  if (file == NULL)
    return FALSE;
  if (cold_apk_index_read (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), summarise, summary, &local)
      && summary->packages > 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the repository's index is refused: %s",
               local != NULL ? local->message : "there is no package in it");
  return FALSE;
}

/* A signature says who wrote a file, not that it is the latest: an old one must not bring old packages back. An index has no date,
 * but each package the time when it was built. */
static gboolean
check_replay (const ColdGeneration *generation, const ColdSource *source, const Summary *summary, GError **error)
{
  if (generation->old == NULL || g_strcmp0 (cold_json_string (generation->old, "uri"), source->uri) != 0
      || summary->newest >= cold_json_int (generation->old, "newest"))
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                       INDEX_FILE " is refused: it is older than the one that the catalogue holds, by when the newest package was "
                                  "built; the mirror went back in time or somebody replays an old state");
  return FALSE;
}

static gboolean
make_cache (const ColdSource *source, const char *index, const char *solv, GError **error)
{
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, "noarch");
  Repo *repo = repo_create (pool, "index");
  gboolean done = cold_apk_solver_read (repo, index, source->architectures[0], error)
                  && cold_solver_write_cache (repo, solv, error);

  pool_free (pool);
  return done;
}

static gboolean
build (ColdGeneration *generation, const ColdSource *source, const char *packed, const char *sha256, const char *name,
       gint64 *packages, GError **error)
{
  g_autofree char *index = g_build_filename (generation->next, INDEX, NULL);
  g_autofree char *solv = cold_solver_cache_path (index);
  g_autoptr (JsonObject) description = json_object_new ();
  Summary summary = { 0, 0 };

  if (!cold_apk_archive_unpack_index (packed, source->signed_by, index, error) || !read_summary (index, &summary, error)
      || !check_replay (generation, source, &summary, error) || !make_cache (source, index, solv, error))
    return FALSE;
  json_object_set_string_member (description, "uri", source->uri);
  json_object_set_string_member (description, "sha256", sha256);
  json_object_set_int_member (description, "newest", summary.newest);
  json_object_set_int_member (description, "packages", summary.packages);
  *packages = summary.packages;
  return cold_generation_commit (generation, name, description, error);
}

static char *
name_generation (const ColdSource *source, const char *sha256)
{
  g_autofree char *all = g_strdup_printf ("apk\n%s\n%s\n%s\n", source->uri, source->architectures[0], sha256);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

/* After an update of libsolv its caches have another name. */
static gboolean
make_missing_cache (const ColdSource *source, const char *catalogue, GError **error)
{
  g_autoptr (ColdApkFiles) files = cold_apk_repository_open (source, catalogue, error);

  return files != NULL
         && (g_file_test (files->solv, G_FILE_TEST_EXISTS) || make_cache (source, files->index, files->solv, error));
}

/* @path: where what is fetched is put */
static gboolean
has_other_index (const ColdSource *source, ColdDownload *download, const char *path)
{
  g_autofree char *name = g_strconcat (source->architectures[0], "/" OTHER_INDEX_FILE, NULL);
  g_autofree char *uri = cold_uri_append (source->uri, name);

  return cold_download_file (download, uri, path, COLD_APK_INDEX_PACKED_MAX, NULL, NULL);
}

/* Returns: (transfer full): SHA-256 of what was fetched; %NULL with @error */
static char *
fetch_index (const ColdSource *source, ColdDownload *download, const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (source->architectures[0], "/" INDEX_FILE, NULL);
  g_autofree char *uri = cold_uri_append (source->uri, name);
  g_autoptr (GError) local = NULL;

  if (cold_download_file (download, uri, path, COLD_APK_INDEX_PACKED_MAX, NULL, &local))
    return cold_file_sha256 (path, NULL, error);
  if (g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND) && has_other_index (source, download, path))
    g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED,
                 "%s is not there, only " OTHER_INDEX_FILE " is: an index of apk 3 alone cannot be read. Name a repository that has both, "
                 "as Alpine's do",
                 uri);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

static JsonObject *
refresh (const ColdSource *source, const char *catalogue, const char *scratch, ColdDownload *download, GError **error)
{
  g_auto (ColdGeneration) generation = { NULL };
  g_autofree char *packed = g_build_filename (scratch, INDEX_FILE, NULL);
  g_autofree char *sha256 = NULL;
  g_autofree char *name = NULL;
  gint64 packages = 0;
  gboolean done;

  if (!cold_generation_begin (&generation, source, catalogue, error))
    return NULL;
  sha256 = fetch_index (source, download, packed, error);
  if (sha256 == NULL)
    {
      g_unlink (packed);
      cold_generation_abandon (&generation);
      return NULL;
    }
  name = name_generation (source, sha256);
  if (g_strcmp0 (name, generation.held) == 0)
    {
      g_unlink (packed);
      cold_generation_abandon (&generation);
      if (!make_missing_cache (source, catalogue, error))
        return NULL;
      return cold_generation_answer (FALSE, name, cold_json_int (generation.old, "packages"));
    }
  done = build (&generation, source, packed, sha256, name, &packages, error);
  g_unlink (packed);
  if (done)
    return cold_generation_answer (TRUE, name, packages);
  cold_generation_abandon (&generation);
  return NULL;
}

ColdApkFiles *
cold_apk_repository_open (const ColdSource *source, const char *catalogue, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (JsonObject) description = cold_generation_open (source, catalogue, &folder, error);
  ColdApkFiles *self;

  if (description == NULL)
    return NULL;
  self = g_new0 (ColdApkFiles, 1);
  self->index = g_build_filename (folder, INDEX, NULL);
  self->solv = cold_solver_cache_path (self->index);
  return self;
}

void
cold_apk_files_free (ColdApkFiles *self)
{
  g_free (self->index);
  g_free (self->solv);
  g_free (self);
}

static gboolean
check (const ColdSource *source, GError **error)
{
  if (cold_source_are_names (source->architectures, FALSE) && source->architectures[1] == NULL && source->suites[0] == NULL
      && source->components[0] == NULL && source->list == NULL && !source->unsigned_database)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "repository \"%s\": needs Uri= with the folder that those of the architectures are in, as in /etc/apk/repositories, "
               "and neither Suites= nor Components=; its index has to be signed",
               source->id);
  return FALSE;
}

const ColdRepositoryType cold_apk_repository = {
  .name = "apk",
  .format = "apk",
  .check = check,
  .refresh = refresh,
  .load_catalogue = cold_apk_plan_load_catalogue,
  .load_manifest = cold_apk_plan_load_manifest,
  .prepare = cold_apk_plan_prepare,
  .is_usable = cold_apk_plan_is_usable,
  .get_candidate = cold_apk_plan_get_candidate,
  .describe = cold_apk_plan_describe,
  .bundle = cold_apk_bundle_fill,
  .folder = "apks",
  .file_name = cold_apk_bundle_file_name,
  .check_package = cold_apk_archive_check_package,
};
