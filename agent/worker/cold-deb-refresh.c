/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "cold-deb-fetch.h"
#include "cold-deb-release.h"
#include "cold-deb-repository.h"
#include "cold-deb-solver.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-solver.h"

#define INRELEASE_MAX (16 << 20)

typedef struct
{
  const ColdSource *repository;
  const char *scratch;
  ColdDownload *download;
  ColdGeneration generation;
  GPtrArray *releases; /* (element-type ColdDebRelease) one a suite */
  GHashTable *missing; /* (element-type utf8) indexes of foreign architectures that could not be fetched */
  char *problem;       /* (nullable) what was wrong with one of them */
} Refresh;

static void
refresh_clear (Refresh *refresh)
{
  cold_generation_clear (&refresh->generation);
  g_clear_pointer (&refresh->releases, g_ptr_array_unref);
  g_clear_pointer (&refresh->missing, g_hash_table_unref);
  g_free (refresh->problem);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Refresh, refresh_clear)

/* What the generation in use says of a suite, when it came from the same place. */
static JsonObject *
held_suite (Refresh *refresh, const char *name)
{
  JsonArray *suites = cold_json_array (refresh->generation.old, "suites");

  if (suites == NULL || g_strcmp0 (cold_json_string (refresh->generation.old, "uri"), refresh->repository->uri) != 0)
    return NULL;
  for (guint i = 0; i < json_array_get_length (suites); i++)
    if (g_strcmp0 (cold_json_string (cold_json_array_object (suites, i), "suite"), name) == 0)
      return cold_json_array_object (suites, i);
  return NULL;
}

static char *
suite_uri (const ColdSource *repository, const char *suite)
{
  g_autofree char *path = g_strconcat ("dists/", suite, NULL);

  return cold_uri_append (repository->uri, path);
}

/* A signature says who wrote a file, not that it is the latest: an old one must not bring old packages back. */
static gboolean
check_replay (Refresh *refresh, const char *suite, const ColdDebRelease *release, GError **error)
{
  gint64 held = cold_json_int (held_suite (refresh, suite), "date");

  if (release->date >= held)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "InRelease of %s is refused: it is older than the one that the catalogue holds; the mirror went back in "
               "time or somebody replays an old state",
               suite);
  return FALSE;
}

/* What would be planned is another release, or somebody else's: as for apt, only an admin can want that. Suite may change
 * ("stable" becomes "oldstable"), and so do versions. */
static gboolean
check_same (Refresh *refresh, const char *suite, const ColdDebRelease *release, GError **error)
{
  JsonObject *held = held_suite (refresh, suite);
  const struct
  {
    const char *field;
    const char *member;
    const char *now;
  } fields[] = { { "Origin", "origin", release->origin },
                 { "Label", "label", release->label },
                 { "Codename", "codename", release->codename } };

  for (guint i = 0; held != NULL && i < G_N_ELEMENTS (fields); i++)
    {
      const char *before = cold_json_string (held, fields[i].member);

      if (before == NULL || g_str_equal (before, fields[i].now))
        continue;
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                   "InRelease of %s is refused: its %s was \"%s\" and is \"%s\" now. If that is meant, remove the folder "
                   "repositories/%s of the catalogue's cache, and refresh the catalogue",
                   suite, fields[i].field, before, fields[i].now, refresh->repository->id);
      return FALSE;
    }
  return TRUE;
}

static JsonObject *
suite_to_json (const char *suite, const char *file, const ColdDebRelease *release)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "suite", suite);
  json_object_set_string_member (object, "inrelease", file);
  json_object_set_int_member (object, "date", release->date);
  json_object_set_string_member (object, "origin", release->origin);
  json_object_set_string_member (object, "label", release->label);
  json_object_set_string_member (object, "archive", release->suite);
  json_object_set_string_member (object, "codename", release->codename);
  json_object_set_string_member (object, "release", release->version);
  json_object_set_boolean_member (object, "not-automatic", release->not_automatic);
  json_object_set_boolean_member (object, "but-automatic-upgrades", release->but_automatic_upgrades);
  return object;
}

static gboolean
fetch_suite (Refresh *refresh, guint i, JsonArray *suites, GChecksum *name, GError **error)
{
  const char *suite = refresh->repository->suites[i];
  g_autofree char *folder_uri = suite_uri (refresh->repository, suite);
  g_autofree char *uri = cold_uri_append (folder_uri, "InRelease");
  g_autofree char *file = g_strdup_printf ("%u.InRelease", i);
  g_autofree char *path = g_build_filename (refresh->generation.next, file, NULL);
  g_autofree char *sha256 = NULL;
  g_autofree char *text = NULL;
  ColdDebRelease *release;

  if (!cold_download_file (refresh->download, uri, path, INRELEASE_MAX, NULL, error))
    return FALSE;
  text = cold_deb_release_verify (path, refresh->repository->signed_by, refresh->scratch, error);
  release = text != NULL ? cold_deb_release_parse (text, error) : NULL;
  if (release == NULL)
    {
      g_prefix_error (error, "%s: ", suite);
      return FALSE;
    }
  g_ptr_array_add (refresh->releases, release);
  if (!cold_deb_release_check_suite (release, suite, error)
      || !cold_deb_release_check_time (release, g_get_real_time () / G_USEC_PER_SEC, error)
      || !check_replay (refresh, suite, release, error) || !check_same (refresh, suite, release, error))
    {
      g_prefix_error (error, "%s: ", suite);
      return FALSE;
    }
  sha256 = cold_file_sha256 (path, NULL, error);
  if (sha256 == NULL)
    return FALSE;
  json_array_add_object_element (suites, suite_to_json (suite, file, release));
  g_checksum_update (name, (const guchar *) suite, strlen (suite) + 1);
  g_checksum_update (name, (const guchar *) sha256, strlen (sha256) + 1);
  return TRUE;
}

/* Hard links what the generation in use already has of an index. */
static gboolean
reuse_index (Refresh *refresh, const char *sha256, const char *packages, const char *solv, gint64 *count)
{
  JsonArray *indexes = cold_json_array (refresh->generation.old, "indexes");

  for (guint i = 0; indexes != NULL && i < json_array_get_length (indexes); i++)
    {
      JsonObject *index = cold_json_array_object (indexes, i);
      const char *file = cold_json_string (index, "packages");
      g_autofree char *old_solv = NULL;

      if (g_strcmp0 (cold_json_string (index, "sha256"), sha256) != 0 || file == NULL)
        continue;
      old_solv = cold_solver_cache_path (file);
      *count = cold_json_int (index, "count");
      if (cold_generation_link (&refresh->generation, file, packages)
          && cold_generation_link (&refresh->generation, old_solv, solv))
        return TRUE;
      unlink (packages);
    }
  return FALSE;
}

static gboolean
fetch_index (Refresh *refresh, guint suite, const char *component, const char *arch, JsonArray *indexes,
             gint64 *total, GError **error)
{
  const ColdDebRelease *release = g_ptr_array_index (refresh->releases, suite);
  const char *sha256 = cold_deb_fetch_index_hash (release, component, arch);
  g_autofree char *flat = g_strdelimit (g_strdup (component), "/", '_');
  g_autofree char *file = g_strdup_printf ("%u.%s.%s.Packages", suite, flat, arch);
  g_autofree char *packages = g_build_filename (refresh->generation.next, file, NULL);
  g_autofree char *solv = cold_solver_cache_path (packages);
  g_autofree char *uri = suite_uri (refresh->repository, refresh->repository->suites[suite]);
  JsonObject *index;
  gint64 count = 0;

  if (sha256 == NULL || !reuse_index (refresh, sha256, packages, solv, &count))
    {
      guint made = 0;

      if (!cold_deb_fetch_index (refresh->download, release, uri, component, arch, packages, refresh->scratch, error)
          || !cold_deb_solver_make_cache (packages, solv, &made, error))
        return FALSE;
      count = made;
    }
  index = json_object_new ();
  json_object_set_int_member (index, "suite", suite);
  json_object_set_string_member (index, "component", component);
  json_object_set_string_member (index, "arch", arch);
  json_object_set_string_member (index, "packages", file);
  json_object_set_string_member (index, "sha256", sha256);
  json_object_set_int_member (index, "count", count);
  json_array_add_object_element (indexes, index);
  *total += count;
  return TRUE;
}

/* A component may well be empty in one of several suites (updates of a fresh release), but not in all. */
static gboolean
fetch_component (Refresh *refresh, const char *component, const char *arch, JsonArray *indexes, gint64 *total,
                 GError **error)
{
  gint64 count = 0;

  for (guint i = 0; i < refresh->releases->len; i++)
    if (!fetch_index (refresh, i, component, arch, indexes, &count, error))
      return FALSE;
  if (count == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG,
                   "component %s has no package for %s: check Suites and Components in its sources.d entry", component,
                   arch);
      return FALSE;
    }
  *total += count;
  return TRUE;
}

/* After an update of libsolv its caches have another name. */
static gboolean
make_missing_caches (Refresh *refresh, const char *catalogue, GError **error)
{
  g_autoptr (GPtrArray) indexes = cold_deb_repository_open (refresh->repository, catalogue, error);

  for (guint i = 0; indexes != NULL && i < indexes->len; i++)
    {
      const ColdDebIndex *index = g_ptr_array_index (indexes, i);
      guint count;

      if (!g_file_test (index->solv, G_FILE_TEST_EXISTS)
          && !cold_deb_solver_make_cache (index->packages, index->solv, &count, error))
        return FALSE;
    }
  return indexes != NULL;
}

static char *
index_key (guint suite, const char *component, const char *arch)
{
  return g_strdup_printf ("%u %s %s", suite, component, arch);
}

/* Whether the repository can do without an index that failed so: the fault is the repository's, or on the way to it. */
static gboolean
is_theirs (const GError *error)
{
  return g_error_matches (error, COLD_ERROR, COLD_ERROR_NOT_FOUND) || g_error_matches (error, COLD_ERROR, COLD_ERROR_NETWORK)
         || g_error_matches (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
}

/* What guests have installed beside their own architecture is fetched where it is: many releases have no such index, and many
 * mirrors carry less than the Release says. That is for the plan to tell, and must not keep all others from their updates. */
static gboolean
fetch_foreign (Refresh *refresh, const char *component, const char *arch, JsonArray *indexes, gint64 *total, GError **error)
{
  for (guint i = 0; i < refresh->releases->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (cold_deb_fetch_index_hash (g_ptr_array_index (refresh->releases, i), component, arch) == NULL
          || fetch_index (refresh, i, component, arch, indexes, total, &local))
        continue;
      if (!is_theirs (local))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_hash_table_add (refresh->missing, index_key (i, component, arch));
      if (refresh->problem == NULL && !g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
        refresh->problem = cold_text_make_valid (local->message);
    }
  return TRUE;
}

static gboolean
fetch_indexes (Refresh *refresh, JsonArray *indexes, gint64 *total, GError **error)
{
  const ColdSource *repository = refresh->repository;

  for (guint c = 0; repository->components[c] != NULL; c++)
    {
      const char *component = repository->components[c];

      if (!fetch_component (refresh, component, repository->architectures[0], indexes, total, error))
        return FALSE;
      for (guint a = 1; repository->architectures[a] != NULL; a++)
        if (!fetch_foreign (refresh, component, repository->architectures[a], indexes, total, error))
          return FALSE;
    }
  return TRUE;
}

/* The wanted indexes belong to the name: another component in the configuration is another generation, and so is one that lacks an
 * index which could not be fetched: the next refresh tries again. @suites: of the InRelease files. Returns: (transfer full) */
static char *
make_name (Refresh *refresh, const GChecksum *suites)
{
  const ColdSource *repository = refresh->repository;
  g_autoptr (GChecksum) name = g_checksum_copy (suites);

  g_checksum_update (name, (const guchar *) repository->uri, strlen (repository->uri) + 1);
  for (guint i = 0; i < refresh->releases->len; i++)
    for (guint c = 0; repository->components[c] != NULL; c++)
      for (guint a = 0; repository->architectures[a] != NULL; a++)
        {
          g_autofree char *key = index_key (i, repository->components[c], repository->architectures[a]);
          const char *sha256 = g_hash_table_contains (refresh->missing, key)
                                   ? NULL
                                   : cold_deb_fetch_index_hash (g_ptr_array_index (refresh->releases, i),
                                                                repository->components[c], repository->architectures[a]);
          g_autofree char *line = g_strdup_printf ("%s %s %s\n", repository->components[c],
                                                   repository->architectures[a], sha256 != NULL ? sha256 : "");

          g_checksum_update (name, (const guchar *) line, -1);
        }
  return g_strdup (g_checksum_get_string (name));
}

/* What the catalogue has is all that there is. */
static JsonObject *
answer_unchanged (Refresh *refresh, const char *catalogue, GError **error)
{
  cold_generation_abandon (&refresh->generation);
  if (!make_missing_caches (refresh, catalogue, error))
    return NULL;
  return cold_generation_answer (FALSE, refresh->generation.held, cold_json_int (refresh->generation.old, "packages"));
}

JsonObject *
cold_deb_repository_refresh (const ColdSource *self, const char *catalogue, const char *scratch, ColdDownload *download,
                             GError **error)
{
  g_auto (Refresh) refresh = { .repository = self, .scratch = scratch, .download = download };
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (JsonObject) description = json_object_new ();
  JsonArray *suites = json_array_new ();
  JsonArray *indexes = json_array_new ();
  g_autofree char *name = NULL;
  JsonObject *answer;
  gint64 total = 0;

  json_object_set_string_member (description, "uri", self->uri);
  json_object_set_array_member (description, "suites", suites);
  json_object_set_array_member (description, "indexes", indexes);
  refresh.releases = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_deb_release_free);
  refresh.missing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!cold_generation_begin (&refresh.generation, self, catalogue, error))
    return NULL;
  for (guint i = 0; self->suites[i] != NULL; i++)
    if (!fetch_suite (&refresh, i, suites, checksum, error))
      goto failed;
  name = make_name (&refresh, checksum);
  if (g_strcmp0 (name, refresh.generation.held) == 0)
    return answer_unchanged (&refresh, catalogue, error);

  if (!fetch_indexes (&refresh, indexes, &total, error))
    goto failed;
  g_free (name);
  name = make_name (&refresh, checksum);
  json_object_set_int_member (description, "packages", total);
  if (g_strcmp0 (name, refresh.generation.held) == 0)
    answer = answer_unchanged (&refresh, catalogue, error);
  else if (cold_generation_commit (&refresh.generation, name, description, error))
    answer = cold_generation_answer (TRUE, name, total);
  else
    goto failed;
  if (answer != NULL && refresh.problem != NULL)
    json_object_set_string_member (answer, "error", refresh.problem);
  return answer;

failed:
  cold_generation_abandon (&refresh.generation);
  return NULL;
}
