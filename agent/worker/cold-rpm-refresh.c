/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-mirrors.h"
#include "cold-rpm-index.h"
#include "cold-rpm-modules.h"
#include "cold-rpm-paths.h"
#include "cold-rpm-repomd.h"
#include "cold-rpm-repository.h"
#include "cold-signature.h"
#include "cold-solver.h"
#include "cold-unpack.h"

#define REPOMD_MAX (4 << 20)
#define SIGNATURE_MAX (1 << 20)
#define LIST_MAX (1 << 20)
#define PLACES_TRIED 5

typedef struct
{
  const ColdSource *source;
  const char *scratch;
  ColdDownload *download;
  ColdGeneration generation;
  char *base;    /* the URI that everything is below */
  ColdRepomd *repomd;
  char *name;    /* (nullable): of the generation */
  gint64 count;  /* of packages */
  GStrv others;  /* (nullable): where else it may be */
  GStrv wanted;  /* paths that other repositories' packages require */
  GStrv unmet;   /* (nullable): paths that its own require, and have to be found elsewhere */
} Refresh;

static void
refresh_clear (Refresh *refresh)
{
  cold_generation_clear (&refresh->generation);
  g_clear_pointer (&refresh->repomd, cold_repomd_free);
  g_free (refresh->base);
  g_free (refresh->name);
  g_strfreev (refresh->others);
  g_strfreev (refresh->wanted);
  g_strfreev (refresh->unmet);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Refresh, refresh_clear)

static gboolean
refuse (GError **error, const char *what, const char *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: %s", what, why);
  return FALSE;
}

/* A signature says who wrote a file, not that it is the latest: an old one must not bring old packages back. */
static gboolean
check_replay (Refresh *refresh, GError **error)
{
  JsonObject *old = refresh->generation.old;
  gint64 held = cold_json_int (old, "date");
  const char *revision = cold_json_string (old, "revision");
  guint64 old_number, number;
  gboolean older = refresh->repomd->date < held;

  if (old == NULL || g_strcmp0 (cold_json_string (old, "uri"), refresh->source->uri) != 0)
    return TRUE;
  /* Revisions are free texts, but a number that counts or a time nearly everywhere. */
  if (refresh->repomd->date == held && revision != NULL && refresh->repomd->revision != NULL
      && g_ascii_string_to_unsigned (revision, 10, 0, G_MAXINT64, &old_number, NULL)
      && g_ascii_string_to_unsigned (refresh->repomd->revision, 10, 0, G_MAXINT64, &number, NULL))
    older = number < old_number;
  return !older
         || refuse (error, "repomd.xml",
                    "it is older than the one that the catalogue holds; the mirror went back in time or somebody "
                    "replays an old state");
}

static gboolean
check_signature (Refresh *refresh, const char *path, GError **error)
{
  g_autofree char *signature = g_build_filename (refresh->generation.next, "repomd.xml.asc", NULL);
  g_autofree char *uri = cold_uri_append (refresh->base, "repodata/repomd.xml.asc");
  g_autoptr (GError) local = NULL;

  if (cold_download_file (refresh->download, uri, signature, SIGNATURE_MAX, NULL, &local))
    return cold_signature_verify (path, signature, "repomd.xml", refresh->source->signed_by, refresh->scratch, NULL, error);
  if (g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
    return refuse (error, "repomd.xml",
                   "there is no signature, repomd.xml.asc, beside it. Where only packages are signed, as on Fedora, the "
                   "sources.d entry has to say DatabaseSignature=none");
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Returns: (transfer full): %NULL with @error */
static ColdRepomd *
read_repomd (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!cold_rpm_index_check (path, "repomd.xml", error) || !g_file_get_contents (path, &text, NULL, error))
    return NULL;
  return cold_repomd_parse (text, error);
}

/* @hashes: (nullable): what repomd.xml may be */
static gboolean
fetch_repomd (Refresh *refresh, GHashTable *hashes, GError **error)
{
  const char *next = refresh->generation.next;
  g_autofree char *path = g_build_filename (next, "repomd.xml", NULL);
  g_autofree char *uri = cold_uri_append (refresh->base, "repodata/repomd.xml");
  g_autofree char *sha256 = NULL;

  if (!cold_download_file (refresh->download, uri, path, REPOMD_MAX, NULL, error)
      || (sha256 = cold_file_sha256 (path, NULL, error)) == NULL)
    return FALSE;
  if (hashes != NULL && !g_hash_table_contains (hashes, sha256))
    return refuse (error, uri, "the metalink knows another one");
  if (!refresh->source->unsigned_database && !check_signature (refresh, path, error))
    return FALSE;
  g_clear_pointer (&refresh->repomd, cold_repomd_free);
  refresh->repomd = read_repomd (path, error);
  if (refresh->repomd == NULL)
    return FALSE;
  /* What claims to be newer than anything would make everything after it a replay. */
  if (refresh->repomd->date > g_get_real_time () / G_USEC_PER_SEC + COLD_DATE_SLACK)
    return refuse (error, "repomd.xml", "it was made in the future; the mirror's or this host's clock is wrong");
  return check_replay (refresh, error);
}

/* Fetches and unpacks one of the files. Returns: (transfer full): its path; %NULL with @error */
static char *
fetch_record (Refresh *refresh, const char *type, GError **error)
{
  const ColdRepomdFile *record = cold_repomd_find (refresh->repomd, type);
  g_autofree char *compressed = g_build_filename (refresh->scratch, "metadata.compressed", NULL);
  g_autofree char *name = g_strconcat (type, ".xml", NULL);
  g_autofree char *path = g_build_filename (refresh->scratch, name, NULL);
  g_autofree char *uri = NULL;
  gboolean open_known, done;

  if (record == NULL || record->elsewhere || !cold_is_safe_path (record->path) || record->sha256 == NULL || record->size <= 0
      || record->size > (gint64) COLD_INDEX_MAX)
    {
      refuse (error, type, "repomd.xml does not name it with a path below the repository, a SHA-256 and a size that it "
                           "can have");
      return NULL;
    }
  uri = cold_uri_append (refresh->base, record->path);
  open_known = record->open_size > 0 && record->open_sha256 != NULL;
  done = cold_download_file (refresh->download, uri, compressed, record->size, record->sha256, error)
         && cold_unpack (compressed, path, open_known ? (guint64) record->open_size : 0,
                         open_known ? record->open_sha256 : NULL, error);
  unlink (compressed);
  if (done)
    return g_steal_pointer (&path);
  g_prefix_error (error, "%s: ", type);
  return NULL;
}

static gboolean
add_record (Refresh *refresh, Repo *repo, const char *type,
            gboolean (*add) (Repo *repo, const char *path, GError **error), GError **error)
{
  g_autofree char *path = fetch_record (refresh, type, error);
  gboolean added = path != NULL && add (repo, path, error);

  if (path != NULL)
    unlink (path);
  return added;
}

/* Most packages require no path that primary.xml does not have; filelists.xml is ten times as large. */
static gboolean
add_paths (Refresh *refresh, Repo *repo, GError **error)
{
  g_autoptr (GHashTable) paths = cold_rpm_index_find_paths (repo, (const char *const *) refresh->wanted);
  g_autofree char *path = NULL;
  gboolean added;

  if (g_hash_table_size (paths) == 0 || cold_repomd_find (refresh->repomd, "filelists") == NULL)
    return TRUE;
  path = fetch_record (refresh, "filelists", error);
  added = path != NULL && cold_rpm_index_add_paths (repo, path, paths, error);
  if (path != NULL)
    unlink (path);
  return added;
}

static gboolean
has_modules (Refresh *refresh)
{
  return cold_repomd_find (refresh->repomd, "modules") != NULL;
}

static gboolean
make_modules (Refresh *refresh, GError **error)
{
  g_autofree char *file = g_build_filename (refresh->generation.next, COLD_RPM_MODULES_FILE, NULL);
  g_autofree char *yaml = NULL;
  gboolean made;

  if (!has_modules (refresh))
    return TRUE;
  yaml = fetch_record (refresh, "modules", error);
  if (yaml == NULL)
    return FALSE;
  made = cold_rpm_modules_make (yaml, file, error);
  unlink (yaml);
  return made;
}

static gboolean
make_index (Refresh *refresh, GError **error)
{
  g_autofree char *index = g_build_filename (refresh->generation.next, "index", NULL);
  g_autofree char *cache = cold_solver_cache_path (index);
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, "noarch");
  Repo *repo = repo_create (pool, refresh->source->id);
  gboolean done = add_record (refresh, repo, "primary", cold_rpm_index_add_primary, error);

  refresh->count = repo->nsolvables;
  done = done && add_paths (refresh, repo, error);
  if (done)
    {
      g_strfreev (refresh->unmet);
      refresh->unmet = cold_rpm_paths_unmet (repo);
    }
  done = done
         && (cold_repomd_find (refresh->repomd, "updateinfo") == NULL
             || add_record (refresh, repo, "updateinfo", cold_rpm_index_add_updateinfo, error))
         && cold_solver_write_cache (repo, cache, error);
  pool_free (pool);
  return done && make_modules (refresh, error);
}

/* Returns: (transfer full): name of the generation; %NULL with @error */
static char *
make_name (Refresh *refresh, GStrv wanted, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *path = g_build_filename (refresh->generation.next, "repomd.xml", NULL);
  g_autofree char *sha256 = cold_file_sha256 (path, NULL, error);

  if (sha256 == NULL)
    return NULL;
  g_checksum_update (checksum, (const guchar *) refresh->source->uri, strlen (refresh->source->uri) + 1);
  /* Package files are fetched from where it was. */
  if (refresh->source->list != NULL)
    g_checksum_update (checksum, (const guchar *) refresh->base, strlen (refresh->base) + 1);
  g_checksum_update (checksum, (const guchar *) sha256, strlen (sha256));
  for (guint i = 0; wanted[i] != NULL; i++)
    g_checksum_update (checksum, (const guchar *) wanted[i], strlen (wanted[i]) + 1);
  return g_strdup (g_checksum_get_string (checksum));
}

/* After an update of libsolv its caches have another name; what they were made of is gone. Modules were not always kept. */
static gboolean
has_index (Refresh *refresh)
{
  g_autofree char *index = g_build_filename (refresh->generation.home, refresh->generation.held, "index", NULL);
  g_autofree char *cache = cold_solver_cache_path (index);
  g_autofree char *modules = g_build_filename (refresh->generation.home, refresh->generation.held, COLD_RPM_MODULES_FILE, NULL);

  return g_file_test (cache, G_FILE_TEST_EXISTS) && (!has_modules (refresh) || g_file_test (modules, G_FILE_TEST_EXISTS));
}

static gboolean
is_held (Refresh *refresh)
{
  return g_strcmp0 (refresh->name, refresh->generation.held) == 0 && has_index (refresh);
}

/* What is held may know of more paths than are wanted now: it is not made anew for that. */
static gboolean
find_name (Refresh *refresh, GError **error)
{
  g_auto (GStrv) held = cold_json_strv (refresh->generation.old, "wanted");

  g_free (refresh->name);
  refresh->name = make_name (refresh, held, error);
  if (refresh->name == NULL
      || (is_held (refresh) && cold_rpm_paths_are_in ((const char *const *) refresh->wanted, refresh->generation.old)))
    return refresh->name != NULL;
  g_free (refresh->name);
  refresh->name = make_name (refresh, refresh->wanted, error);
  return refresh->name != NULL;
}

/* Everything from one place, unless it is what the catalogue has. @hashes: as for fetch_repomd() */
static gboolean
fetch_all (Refresh *refresh, GHashTable *hashes, GError **error)
{
  if (!fetch_repomd (refresh, hashes, error))
    return FALSE;
  return find_name (refresh, error) && (is_held (refresh) || make_index (refresh, error));
}

/* Returns: (transfer full): the places that the list names; %NULL with @error */
static ColdMirrors *
fetch_list (Refresh *refresh, GError **error)
{
  const ColdSource *source = refresh->source;
  g_autofree char *path = g_build_filename (refresh->scratch, "mirrors", NULL);
  g_autofree char *text = NULL;
  ColdMirrors *mirrors = NULL;

  if (cold_download_file (refresh->download, source->uri, path, LIST_MAX, NULL, error)
      && g_file_get_contents (path, &text, NULL, error))
    mirrors = g_str_equal (source->list, "metalink") ? cold_mirrors_parse_metalink (text, error)
                                                     : cold_mirrors_parse_list (text, error);
  unlink (path);
  if (mirrors == NULL)
    g_prefix_error (error, "%s: ", source->uri);
  return mirrors;
}

/* The place that the catalogue came from last time stays the first one: another one is another generation. */
static void
prefer_held (Refresh *refresh, GPtrArray *uris)
{
  const char *held = cold_json_string (refresh->generation.old, "base");
  guint i;

  if (held != NULL && g_ptr_array_find_with_equal_func (uris, held, g_str_equal, &i))
    g_ptr_array_insert (uris, 0, g_ptr_array_steal_index (uris, i));
}

/* Those that come after the one that was taken. */
static void
note_others (Refresh *refresh, GPtrArray *uris, guint taken)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = taken + 1; i < uris->len && i <= taken + PLACES_TRIED; i++)
    g_strv_builder_add (builder, g_ptr_array_index (uris, i));
  refresh->others = g_strv_builder_end (builder);
}

/* Goes on with the next place when one is down, behind the times or broken. Those that may not be asked cost nothing. */
static gboolean
fetch_from_list (Refresh *refresh, GError **error)
{
  g_autoptr (ColdMirrors) mirrors = fetch_list (refresh, error);
  g_autoptr (GError) first = NULL;
  guint tried = 0;

  if (mirrors == NULL)
    return FALSE;
  prefer_held (refresh, mirrors->uris);
  for (guint i = 0; i < mirrors->uris->len && tried < PLACES_TRIED; i++)
    {
      g_autoptr (GError) local = NULL;
      gboolean denied;

      g_free (refresh->base);
      refresh->base = g_strdup (g_ptr_array_index (mirrors->uris, i));
      if (fetch_all (refresh, mirrors->hashes, &local))
        {
          note_others (refresh, mirrors->uris, i);
          return TRUE;
        }
      denied = g_error_matches (local, COLD_ERROR, COLD_ERROR_ACCESS_DENIED);
      tried += !denied;
      if (first == NULL || (!denied && g_error_matches (first, COLD_ERROR, COLD_ERROR_ACCESS_DENIED)))
        {
          g_clear_error (&first);
          first = g_steal_pointer (&local);
        }
    }
  g_propagate_prefixed_error (error, g_steal_pointer (&first), "no place that %s names can be used: ", refresh->source->uri);
  return FALSE;
}

static gboolean
fetch_somewhere (Refresh *refresh, GError **error)
{
  if (refresh->source->list != NULL)
    return fetch_from_list (refresh, error);
  refresh->base = g_strdup (refresh->source->uri);
  return fetch_all (refresh, NULL, error);
}

JsonObject *
cold_rpm_repository_refresh (const ColdSource *self, const char *catalogue, const char *scratch, ColdDownload *download,
                             GError **error)
{
  g_auto (Refresh) refresh = { .source = self, .scratch = scratch, .download = download };
  g_autoptr (JsonObject) description = json_object_new ();

  if (!cold_generation_begin (&refresh.generation, self, catalogue, error))
    return NULL;
  refresh.wanted = cold_rpm_paths_wanted (self, catalogue);
  if (!fetch_somewhere (&refresh, error))
    goto failed;
  if (is_held (&refresh))
    {
      cold_generation_abandon (&refresh.generation);
      return cold_generation_answer (FALSE, refresh.name, cold_json_int (refresh.generation.old, "packages"));
    }
  json_object_set_string_member (description, "uri", self->uri);
  json_object_set_string_member (description, "base", refresh.base);
  if (refresh.others != NULL)
    cold_json_set_strv (description, "places", (const char *const *) refresh.others);
  json_object_set_string_member (description, "revision", refresh.repomd->revision != NULL ? refresh.repomd->revision : "");
  json_object_set_int_member (description, "date", refresh.repomd->date);
  json_object_set_int_member (description, "packages", refresh.count);
  if (refresh.wanted[0] != NULL)
    cold_json_set_strv (description, "wanted", (const char *const *) refresh.wanted);
  if (refresh.unmet[0] != NULL)
    cold_json_set_strv (description, "unmet", (const char *const *) refresh.unmet);
  if (!cold_generation_commit (&refresh.generation, refresh.name, description, error))
    goto failed;
  return cold_generation_answer (TRUE, refresh.name, refresh.count);

failed:
  cold_generation_abandon (&refresh.generation);
  return NULL;
}
