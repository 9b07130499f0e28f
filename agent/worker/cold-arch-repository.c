/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-arch-repository.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <solv/repo_arch.h>
#include <stdio.h>

#include "cold-arch-database.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-json.h"
#include "cold-signature.h"
#include "cold-solver.h"
#include "cold-unpack.h"

#define DATABASE_MAX (256 << 20)
#define SIGNATURE_MAX (64 << 10)

typedef struct
{
  GHashTable *held;  /* (element-type utf8 gint64) BUILDDATE by name in the catalogue's database, seconds since the epoch */
  gint64 latest;     /* what BUILDDATE can be */
  gint64 packages;
  GString *groups;
} Summary;

static gboolean
collect_date (ColdPacmanDesc *desc, const char *text, gsize length, gpointer dates, GError **error)
{
  gint64 date = cold_pacman_desc_get_number (desc, "BUILDDATE");

  g_hash_table_replace (dates, g_strdup (cold_pacman_desc_get (desc, "NAME")), g_memdup2 (&date, sizeof date));
  return TRUE;
}

/* A signature says who wrote a file, not that it is the latest: an old one must not bring old packages back. A repository may
 * well lose its newest package; but none of those that stay becomes older. */
static gboolean
check_date (const Summary *summary, ColdPacmanDesc *desc, GError **error)
{
  const char *name = cold_pacman_desc_get (desc, "NAME");
  const gint64 *held = g_hash_table_lookup (summary->held, name);
  gint64 date = cold_pacman_desc_get_number (desc, "BUILDDATE");

  if (date > summary->latest)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                   "the database is refused: %s was built in the future; its builder's or this host's clock is wrong", name);
      return FALSE;
    }
  if (held == NULL || date >= *held)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "the database is refused: %s is older than the one that the catalogue holds; the mirror went back in time or "
               "somebody replays an old state",
               name);
  return FALSE;
}

static gboolean
summarise (ColdPacmanDesc *desc, const char *text, gsize length, gpointer data, GError **error)
{
  Summary *summary = data;
  GPtrArray *groups = cold_pacman_desc_get_all (desc, "GROUPS");

  if (!check_date (summary, desc, error))
    return FALSE;
  summary->packages++;
  for (guint i = 0; groups != NULL && i < groups->len; i++)
    g_string_append_printf (summary->groups, "%s %s\n", (char *) g_ptr_array_index (groups, i),
                            cold_pacman_desc_get (desc, "NAME"));
  return TRUE;
}

gboolean
cold_arch_solver_read (Repo *repo, const char *tar, GError **error)
{
  FILE *file = fopen (tar, "re");
  int result;

  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot open %s", tar);
  result = repo_add_arch_repo (repo, file, 0);
  fclose (file);
  if (result == 0 && repo->nsolvables > 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the repository's database is refused: %s",
               result != 0 ? pool_errstr (repo->pool) : "libsolv finds no package in it");
  return FALSE;
}

static gboolean
make_cache (const char *tar, const char *solv, GError **error)
{
  Pool *pool = cold_solver_new_pool (DISTTYPE_ARCH, "x86_64");
  Repo *repo = repo_create (pool, "index");
  gboolean done = cold_arch_solver_read (repo, tar, error) && cold_solver_write_cache (repo, solv, error);

  pool_free (pool);
  return done;
}

static char *
database_file (const ColdSource *source, const char *folder, const char *suffix)
{
  g_autofree char *name = g_strconcat (source->suites[0], suffix, NULL);

  return g_build_filename (folder, name, NULL);
}

/* Fetches the database, and takes it only with a good signature or where the entry asks for none. */
static gboolean
fetch_database (const ColdSource *source, ColdDownload *download, const char *scratch, const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (source->suites[0], ".db", NULL);
  g_autofree char *signature_name = g_strconcat (name, ".sig", NULL);
  g_autofree char *uri = cold_uri_append (source->uri, name);
  g_autofree char *signature_uri = cold_uri_append (source->uri, signature_name);
  g_autofree char *signature = g_build_filename (scratch, "database.sig", NULL);
  GError *local = NULL;
  gboolean good;

  if (!cold_download_file (download, uri, path, DATABASE_MAX, NULL, error))
    return FALSE;
  if (source->unsigned_database)
    return TRUE;
  if (!cold_download_file (download, signature_uri, signature, SIGNATURE_MAX, NULL, &local))
    {
      if (!g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      g_clear_error (&local);
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                   "%s is refused: it is not signed. Where only packages are, as on Arch Linux, the sources.d entry has to say "
                   "DatabaseSignature=none",
                   name);
      return FALSE;
    }
  good = cold_signature_verify (path, signature, name, source->signed_by, scratch, NULL, error);
  g_unlink (signature);
  return good;
}

/* Returns: (transfer full): what the generation in use has, when it came from the same place */
static GHashTable *
read_held_dates (const ColdGeneration *generation, const ColdSource *source)
{
  GHashTable *dates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *folder = NULL;
  g_autofree char *tar = NULL;

  if (generation->old == NULL || g_strcmp0 (cold_json_string (generation->old, "uri"), source->uri) != 0)
    return dates;
  folder = g_build_filename (generation->home, generation->held, NULL);
  tar = database_file (source, folder, ".tar");
  cold_arch_database_read (tar, collect_date, dates, NULL);
  return dates;
}

static gboolean
build (ColdGeneration *generation, const ColdSource *source, const char *packed, const char *sha256, const char *name,
       gint64 *packages, GError **error)
{
  g_autofree char *tar = database_file (source, generation->next, ".tar");
  g_autofree char *groups = database_file (source, generation->next, ".groups");
  g_autofree char *solv = cold_solver_cache_path (tar);
  g_autoptr (GString) listed = g_string_new (NULL);
  g_autoptr (JsonObject) description = json_object_new ();
  g_autoptr (GHashTable) held = read_held_dates (generation, source);
  Summary summary = { held, g_get_real_time () / G_USEC_PER_SEC + COLD_DATE_SLACK, 0, listed };

  if (!cold_unpack (packed, tar, 0, NULL, error) || !cold_arch_database_read (tar, summarise, &summary, error)
      || !make_cache (tar, solv, error)
      || !g_file_set_contents (groups, listed->str, listed->len, error))
    return FALSE;
  json_object_set_string_member (description, "uri", source->uri);
  json_object_set_string_member (description, "suite", source->suites[0]);
  json_object_set_string_member (description, "sha256", sha256);
  json_object_set_int_member (description, "packages", summary.packages);
  *packages = summary.packages;
  return cold_generation_commit (generation, name, description, error);
}

static char *
name_generation (const ColdSource *source, const char *sha256)
{
  g_autofree char *all = g_strdup_printf ("arch\n%s\n%s\n%s\n%d\n", source->uri, source->suites[0], sha256,
                                          source->unsigned_database);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

/* After an update of libsolv its caches have another name. */
static gboolean
make_missing_cache (const ColdSource *source, const char *catalogue, GError **error)
{
  g_autoptr (ColdArchDatabase) database = cold_arch_repository_open (source, catalogue, error);

  return database != NULL
         && (g_file_test (database->solv, G_FILE_TEST_EXISTS) || make_cache (database->tar, database->solv, error));
}

static JsonObject *
refresh (const ColdSource *source, const char *catalogue, const char *scratch, ColdDownload *download, GError **error)
{
  g_auto (ColdGeneration) generation = { NULL };
  g_autofree char *packed = g_build_filename (scratch, "database", NULL);
  g_autofree char *sha256 = NULL;
  g_autofree char *name = NULL;
  gint64 packages = 0;
  gboolean done;

  if (!cold_generation_begin (&generation, source, catalogue, error))
    return NULL;
  if (!fetch_database (source, download, scratch, packed, error)
      || (sha256 = cold_file_sha256 (packed, NULL, error)) == NULL)
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

ColdArchDatabase *
cold_arch_repository_open (const ColdSource *source, const char *catalogue, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (JsonObject) description = cold_generation_open (source, catalogue, &folder, error);
  ColdArchDatabase *self;

  if (description == NULL)
    return NULL;
  self = g_new0 (ColdArchDatabase, 1);
  self->source = source;
  self->tar = database_file (source, folder, ".tar");
  self->solv = cold_solver_cache_path (self->tar);
  self->groups = database_file (source, folder, ".groups");
  return self;
}

void
cold_arch_database_free (ColdArchDatabase *self)
{
  g_free (self->tar);
  g_free (self->solv);
  g_free (self->groups);
  g_free (self);
}

static gboolean
check (const ColdSource *source, GError **error)
{
  if (cold_source_are_names (source->suites, FALSE) && source->suites[1] == NULL && strchr (source->uri, '$') == NULL)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
               "repository \"%s\": needs Suites= with the name of one database, e.g. core, and Uri= with the folder that it is in, "
               "$repo and $arch written out",
               source->id);
  return FALSE;
}

const ColdRepositoryType cold_arch_repository = {
  .name = "arch",
  .format = "pacman",
  .check = check,
  .refresh = refresh,
  .load_catalogue = cold_arch_plan_load_catalogue,
  .load_manifest = cold_arch_plan_load_manifest,
  .new_for_upgrades = TRUE,
  .prepare = cold_arch_plan_prepare,
  .is_usable = cold_arch_plan_is_usable,
  .get_candidate = cold_arch_plan_get_candidate,
  .describe = cold_arch_plan_describe,
  .bundle = cold_arch_bundle_fill,
  .folder = "pkgs",
  .file_name = cold_arch_bundle_file_name,
};
