/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-index.h"

#include <createrepo_c/createrepo_c.h>
#include <errno.h>
#include <solv/dataiterator.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_updateinfoxml.h>
#include <stdio.h>

#include "cold-error.h"

static gboolean
add_file (Repo *repo, const char *path, int (*add) (Repo *repo, FILE *file), const char *what, GError **error)
{
  FILE *file = fopen (path, "re");
  int result;

  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot open %s", path);
  result = add (repo, file);
  fclose (file);
  if (result == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s cannot be read: %s", what, pool_errstr (repo->pool));
  return FALSE;
}

static int
add_rpmmd (Repo *repo, FILE *file)
{
  return repo_add_rpmmd (repo, file, NULL, 0);
}

static int
add_updateinfoxml (Repo *repo, FILE *file)
{
  return repo_add_updateinfoxml (repo, file, 0);
}

gboolean
cold_rpm_index_add_primary (Repo *repo, const char *path, GError **error)
{
  if (!add_file (repo, path, add_rpmmd, "primary.xml", error))
    return FALSE;
  if (repo->nsolvables > 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "primary.xml has no package");
  return FALSE;
}

gboolean
cold_rpm_index_add_updateinfo (Repo *repo, const char *path, GError **error)
{
  return add_file (repo, path, add_updateinfoxml, "updateinfo.xml", error);
}

static void
add_required (Pool *pool, Id dependency, GHashTable *paths)
{
  const char *text;

  while (ISRELDEP (dependency))
    {
      const Reldep *relation = GETRELDEP (pool, dependency);

      /* Both sides of "(a if b)" count; of "a >= 1" the second one is a version. */
      if (relation->flags > 7)
        add_required (pool, relation->evr, paths);
      dependency = relation->name;
    }
  text = pool_id2str (pool, dependency);
  if (*text == '/')
    g_hash_table_add (paths, g_strdup (text));
}

static void
remove_owned (Repo *repo, GHashTable *paths)
{
  Dataiterator iterator;

  dataiterator_init (&iterator, repo->pool, repo, 0, SOLVABLE_FILELIST, NULL, SEARCH_FILES);
  while (dataiterator_step (&iterator))
    g_hash_table_remove (paths, iterator.kv.str);
  dataiterator_free (&iterator);
}

GHashTable *
cold_rpm_index_find_paths (Repo *repo)
{
  GHashTable *paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id *dependency = s->requires != 0 ? repo->idarraydata + s->requires : NULL;

      for (; dependency != NULL && *dependency != 0; dependency++)
        if (*dependency != SOLVABLE_PREREQMARKER)
          add_required (repo->pool, *dependency, paths);
    }
  if (g_hash_table_size (paths) > 0)
    remove_owned (repo, paths);
  return paths;
}

typedef struct
{
  Repo *repo;
  GHashTable *packages; /* (element-type utf8 Id) by SHA-256 */
  GHashTable *paths;
} Owners;

/* cr_XmlParserPkgCb: the package is ours now. */
static int
on_package (cr_Package *package, void *data, GError **error)
{
  const Owners *owners = data;
  Id p = GPOINTER_TO_INT (package->pkgId != NULL ? g_hash_table_lookup (owners->packages, package->pkgId) : NULL);

  for (const GSList *link = p != 0 ? package->files : NULL; link != NULL; link = link->next)
    {
      const cr_PackageFile *file = link->data;
      g_autofree char *path = g_strconcat (file->path != NULL ? file->path : "", file->name, NULL);

      if (g_hash_table_contains (owners->paths, path))
        {
          Solvable *s = pool_id2solvable (owners->repo->pool, p);

          s->provides = repo_addid_dep (owners->repo, s->provides, pool_str2id (owners->repo->pool, path, 1), 0);
        }
    }
  cr_package_free (package);
  return CR_CB_RET_OK;
}

gboolean
cold_rpm_index_add_paths (Repo *repo, const char *path, GHashTable *paths, GError **error)
{
  g_autoptr (GHashTable) packages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Owners owners = { repo, packages, paths };
  g_autoptr (GError) local = NULL;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id type;
      const char *hash = solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type);

      if (hash != NULL)
        g_hash_table_insert (packages, g_strdup (hash), GINT_TO_POINTER (p));
    }
  if (cr_xml_parse_filelists (path, NULL, NULL, on_package, &owners, NULL, NULL, &local) == CRE_OK)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "filelists.xml cannot be read: %s", local->message);
  return FALSE;
}
