/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-solver.h"

#include <errno.h>
#include <solv/repo_solv.h>
#include <solv/repo_write.h>
#include <solv/solvversion.h>
#include <stdio.h>
#include <unistd.h>

#include "cold-error.h"

/* Raise it when what is kept in a cache changes. */
#define CACHE_VERSION "4"

char *
cold_solver_cache_path (const char *index)
{
  gsize length = strlen (index) - (g_str_has_suffix (index, ".Packages") ? strlen (".Packages") : 0);

  return g_strdup_printf ("%.*s.%s-%s.solv", (int) length, index, solv_version, CACHE_VERSION);
}

char *
cold_solver_find_cache (const char *index)
{
  g_autofree char *path = cold_solver_cache_path (index);
  g_autofree char *folder = g_path_get_dirname (index);
  g_autofree char *name = g_path_get_basename (index);
  g_autofree char *pattern = g_strconcat (name, ".*.solv", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *entry;

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (g_pattern_match_simple (pattern, entry))
      return g_build_filename (folder, entry, NULL);
  return NULL;
}

Pool *
cold_solver_new_pool (int type, const char *arch)
{
  Pool *pool = pool_create ();

  /* Before the architecture: that of noarch packages depends on it. */
  pool_setdisttype (pool, type);
  pool_setarch (pool, arch);
  return pool;
}

/* Half of a cache would be texts for people. Of several packages that will do, dnf and zypper take what others recommend, though
 * they were told not to install it for that. */
static int
keep_key (Repo *repo, Repokey *key, void *data)
{
  static const Id texts[] = { SOLVABLE_SUMMARY, SOLVABLE_DESCRIPTION, SOLVABLE_URL, SOLVABLE_PACKAGER, SOLVABLE_GROUP,
                              SOLVABLE_INSTALLSIZE, SOLVABLE_PKGID, SOLVABLE_LICENSE, UPDATE_MESSAGE, UPDATE_REFERENCE, 0 };
  static const Id weak[] = { SOLVABLE_RECOMMENDS, SOLVABLE_SUGGESTS, SOLVABLE_ENHANCES, SOLVABLE_SUPPLEMENTS, 0 };

  for (guint i = 0; texts[i] != 0; i++)
    if (key->name == texts[i])
      return KEY_STORAGE_DROPPED;
  for (guint i = 0; weak[i] != 0 && repo->pool->disttype != DISTTYPE_RPM; i++)
    if (key->name == weak[i])
      return KEY_STORAGE_DROPPED;
  return repo_write_stdkeyfilter (repo, key, data);
}

gboolean
cold_solver_write_cache (Repo *repo, const char *path, GError **error)
{
  g_autofree char *fresh = g_strconcat (path, ".new", NULL);
  FILE *file = fopen (fresh, "we");
  gboolean done = file != NULL && repo_write_filtered (repo, file, keep_key, NULL, NULL) == 0;

  if (file != NULL && fclose (file) != 0)
    done = FALSE;
  if (!done || rename (fresh, path) < 0)
    done = cold_error_set_errno (error, errno, "cannot write %s", path);
  if (!done)
    unlink (fresh);
  return done;
}

gboolean
cold_solver_read_cache (Repo *repo, const char *path, GError **error)
{
  FILE *file = fopen (path, "re");
  int result;

  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot open %s", path);
  result = repo_add_solv (repo, file, 0);
  fclose (file);
  if (result == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "the catalogue's cache %s cannot be read: %s", path,
               pool_errstr (repo->pool));
  return FALSE;
}
