/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-installed.h"

#include <solv/dataiterator.h>
#include <solv/pool_parserpmrichdep.h>
#include <solv/repo.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-rpm-nevra.h"

/* @text: "name", "name >= evr" or a boolean dependency in brackets. Returns: 0 when it is none, or means rpm itself */
static Id
parse_dependency (Pool *pool, const char *text)
{
  static const struct
  {
    const char *sign;
    int flags;
  } signs[] = { { "<", REL_LT },          { "<=", REL_LT | REL_EQ }, { "=", REL_EQ },
                { ">=", REL_GT | REL_EQ }, { ">", REL_GT } };
  g_auto (GStrv) words = NULL;

  if (g_str_has_prefix (text, "rpmlib("))
    return 0;
  if (*text == '(')
    return pool_parserpmrichdep (pool, text);
  words = g_strsplit (text, " ", -1);
  if (g_strv_length (words) == 1)
    return *text != '\0' ? pool_str2id (pool, text, 1) : 0;
  if (g_strv_length (words) != 3)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    if (g_str_equal (words[1], signs[i].sign))
      return pool_rel2id (pool, pool_str2id (pool, words[0], 1), pool_str2id (pool, words[2], 1), signs[i].flags, 1);
  return 0;
}

static Offset
add_dependencies (Repo *repo, JsonObject *package, const char *member)
{
  g_auto (GStrv) texts = cold_json_strv (package, member);
  Offset list = 0;

  for (guint i = 0; texts[i] != NULL; i++)
    {
      Id dependency = parse_dependency (repo->pool, texts[i]);

      if (dependency != 0)
        list = repo_addid_dep (repo, list, dependency, 0);
    }
  return list;
}

static gboolean
add_package (Repo *repo, JsonObject *package)
{
  Pool *pool = repo->pool;
  const char *name = cold_json_string (package, "name");
  const char *evr = cold_json_string (package, "evr");
  const char *arch = cold_json_string (package, "arch");
  const char *vendor = cold_json_string (package, "vendor");
  Solvable *s;

  if (name == NULL || evr == NULL || *name == '\0' || *evr == '\0')
    return FALSE;
  /* Keys are kept as packages, but nobody upgrades them. */
  if (g_str_equal (name, "gpg-pubkey"))
    return TRUE;
  /* "0:" is how some print that there is no epoch, which libsolv tells from one. */
  if (g_str_has_prefix (evr, "0:"))
    evr += 2;
  s = pool_id2solvable (pool, repo_add_solvable (repo));
  s->name = pool_str2id (pool, name, 1);
  s->evr = pool_str2id (pool, evr, 1);
  s->arch = arch != NULL && *arch != '\0' && *arch != '(' ? pool_str2id (pool, arch, 1) : ARCH_NOARCH;
  if (vendor != NULL && *vendor != '\0')
    s->vendor = pool_str2id (pool, vendor, 1);
  s->provides = add_dependencies (repo, package, "provides");
  s->provides = repo_addid_dep (repo, s->provides, pool_rel2id (pool, s->name, s->evr, REL_EQ, 1), 0);
  s->requires = add_dependencies (repo, package, "requires");
  s->conflicts = add_dependencies (repo, package, "conflicts");
  s->obsoletes = add_dependencies (repo, package, "obsoletes");
  s->recommends = add_dependencies (repo, package, "recommends");
  s->suggests = add_dependencies (repo, package, "suggests");
  return TRUE;
}

/* --- paths ----------------------------------------------------------------------------------------------------------- */

/* Those of primary.xml are a list of files, those of filelists.xml that somebody requires are among the provides. */
static void
copy_paths (Pool *pool, Id from, Solvable *to)
{
  const Solvable *s = pool_id2solvable (pool, from);
  Dataiterator iterator;

  for (const Id *id = s->provides != 0 ? s->repo->idarraydata + s->provides : NULL; id != NULL && *id != 0; id++)
    if (!ISRELDEP (*id) && *pool_id2str (pool, *id) == '/')
      to->provides = repo_addid_dep (to->repo, to->provides, *id, 0);
  dataiterator_init (&iterator, pool, s->repo, from, SOLVABLE_FILELIST, NULL, SEARCH_FILES);
  while (dataiterator_step (&iterator))
    to->provides = repo_addid_dep (to->repo, to->provides, pool_str2id (pool, iterator.kv.str, 1), 0);
  dataiterator_free (&iterator);
}

void
cold_rpm_installed_add_paths (Pool *pool)
{
  g_autoptr (GHashTable) builds = g_hash_table_new_full (cold_rpm_nevra_hash, cold_rpm_nevra_equal, g_free, NULL);
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      const ColdRpmNevra build = { s->name, s->evr, s->arch };

      g_hash_table_insert (builds, g_memdup2 (&build, sizeof build), GINT_TO_POINTER (p));
    }
  for (p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *other = pool_id2solvable (pool, p);
      const ColdRpmNevra build = { other->name, other->evr, other->arch };
      Id installed = GPOINTER_TO_INT (g_hash_table_lookup (builds, &build));

      if (other->repo != NULL && other->repo != pool->installed && installed != 0)
        copy_paths (pool, p, pool_id2solvable (pool, installed));
    }
}

gboolean
cold_rpm_installed_add (Pool *pool, JsonArray *installed, GError **error)
{
  Repo *repo = repo_create (pool, "installed");
  gboolean usable = TRUE;

  for (guint i = 0; usable && i < json_array_get_length (installed); i++)
    {
      JsonObject *package = cold_json_array_object (installed, i);

      usable = package != NULL && add_package (repo, package);
    }
  pool_set_installed (pool, repo);
  if (usable && repo->nsolvables > 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the manifest's package list is not usable: %s",
               usable ? "no package is installed" : "a package has no name or no version");
  return FALSE;
}
