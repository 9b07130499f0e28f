/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-solver.h"

#include <string.h>

#include "cold-apk-version.h"
#include "cold-repository.h"

#define OPERATORS "<>=~"

static Id
relation (Pool *pool, Id name, const char *version, const char *suffix, int flags)
{
  g_autofree char *written = cold_apk_version_written (version);
  g_autofree char *evr = g_strconcat (written, suffix, NULL);

  return pool_rel2id (pool, name, pool_str2id (pool, evr, 1), flags, 1);
}

/* What begins with @version, and with REL_LT or REL_GT what is lower or higher as well. */
static Id
fuzzy_relation (Pool *pool, Id name, const char *version, int flags)
{
  Id from = relation (pool, name, version, COLD_APK_VERSION_FIRST, REL_GT | REL_EQ);
  Id to = relation (pool, name, version, COLD_APK_VERSION_LAST, REL_LT);

  if (flags & REL_LT)
    return to;
  return flags & REL_GT ? from : pool_rel2id (pool, from, to, REL_WITH, 1);
}

Id
cold_apk_solver_dependency (Pool *pool, const char *text, ColdApkDependencyFlags *flags)
{
  ColdApkDependencyFlags found = 0;
  int op = 0;
  gboolean fuzzy = FALSE;
  const char *rest;
  gsize length;
  Id name;

  if (*text == '!')
    {
      found |= COLD_APK_CONFLICT;
      text++;
    }
  length = strcspn (text, "@" OPERATORS);
  rest = text + length;
  if (*rest == '@')
    {
      found |= COLD_APK_PINNED;
      rest += strcspn (rest, OPERATORS);
    }
  for (; *rest != '\0' && strchr (OPERATORS, *rest) != NULL; rest++)
    {
      op |= *rest == '<' ? REL_LT : *rest == '>' ? REL_GT : REL_EQ;
      fuzzy = fuzzy || *rest == '~';
    }
  name = length > 0 ? pool_strn2id (pool, text, length, 1) : 0;
  if (op == (REL_LT | REL_GT))
    found |= COLD_APK_PINNED;
  else if (op == REL_EQ && !fuzzy)
    found |= COLD_APK_EXACT;
  if (flags != NULL)
    *flags = found;
  if (name == 0 || op == 0 || op == (REL_LT | REL_GT))
    return name;
  return fuzzy ? fuzzy_relation (pool, name, rest, op) : relation (pool, name, rest, "", op);
}

char *
cold_apk_solver_name (const char *text)
{
  if (*text == '!')
    text++;
  return g_strndup (text, strcspn (text, "@" OPERATORS));
}

static void
add_depends (Repo *repo, Solvable *s, GStrv depends)
{
  for (guint i = 0; depends[i] != NULL; i++)
    {
      ColdApkDependencyFlags flags;
      Id dependency = cold_apk_solver_dependency (repo->pool, depends[i], &flags);

      if (dependency == 0)
        continue;
      if (flags & COLD_APK_CONFLICT)
        s->conflicts = repo_addid_dep (repo, s->conflicts, dependency, 0);
      else
        s->requires = repo_addid_dep (repo, s->requires, dependency, 0);
    }
}

/* libsolv takes nothing for a conflict with itself. */
static void
add_provides (Repo *repo, Solvable *s, GStrv provides)
{
  Pool *pool = repo->pool;

  s->provides = repo_addid_dep (repo, s->provides, pool_rel2id (pool, s->name, s->evr, REL_EQ, 1), 0);
  s->conflicts = repo_addid_dep (repo, s->conflicts, s->name, 0);
  for (guint i = 0; provides[i] != NULL; i++)
    {
      ColdApkDependencyFlags flags;
      Id dependency = cold_apk_solver_dependency (pool, provides[i], &flags);

      if (dependency == 0 || flags & (COLD_APK_CONFLICT | COLD_APK_PINNED))
        continue;
      s->provides = repo_addid_dep (repo, s->provides, dependency, 0);
      if (ISRELDEP (dependency))
        s->conflicts = repo_addid_dep (repo, s->conflicts, GETRELDEP (pool, dependency)->name, 0);
    }
}

static void
set_text (Repodata *data, Id p, const char *key, const char *text)
{
  if (*text != '\0')
    repodata_set_str (data, p, pool_str2id (data->repo->pool, key, 1), text);
}

Id
cold_apk_solver_add (Repo *repo, Repodata *data, const ColdApkPackage *package, const char *location)
{
  Pool *pool = repo->pool;
  Id p = repo_add_solvable (repo);
  Solvable *s = pool_id2solvable (pool, p);
  g_autofree char *evr = cold_apk_version_written (package->version);
  g_autofree char *install_if = g_strjoinv (" ", package->install_if);

  s->name = pool_str2id (pool, package->name, 1);
  s->evr = pool_str2id (pool, evr, 1);
  s->arch = ARCH_NOARCH;
  add_depends (repo, s, package->depends);
  add_provides (repo, s, package->provides);
  set_text (data, p, COLD_APK_VERSION, package->version);
  set_text (data, p, COLD_APK_ARCH, package->arch);
  set_text (data, p, COLD_APK_IDENTITY, package->identity);
  set_text (data, p, COLD_APK_INSTALL_IF, install_if);
  if (location != NULL)
    {
      g_autofree char *key = cold_repository_key (package->identity, package->size);

      repodata_set_location (data, p, 0, NULL, location);
      repodata_set_num (data, p, SOLVABLE_DOWNLOADSIZE, package->size);
      repodata_set_checksum (data, p, SOLVABLE_CHECKSUM, REPOKEY_TYPE_SHA256, key);
    }
  return p;
}

/* One that asks for something not to be there is none that libsolv can be told. */
static Id
all_of (Pool *pool, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  Id all = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      ColdApkDependencyFlags flags;
      Id dependency = cold_apk_solver_dependency (pool, words[i], &flags);

      if (dependency == 0 || flags & COLD_APK_CONFLICT)
        return 0;
      all = all == 0 ? dependency : pool_rel2id (pool, all, dependency, REL_AND, 1);
    }
  return all;
}

void
cold_apk_solver_add_install_if (Repo *repo)
{
  Pool *pool = repo->pool;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      const char *text = cold_apk_solver_text (pool, p, COLD_APK_INSTALL_IF);
      Id dependency = text != NULL ? all_of (pool, text) : 0;

      if (dependency != 0)
        s->supplements = repo_addid_dep (repo, s->supplements, dependency, 0);
    }
}

const char *
cold_apk_solver_text (Pool *pool, Id solvable, const char *key)
{
  Id id = pool_str2id (pool, key, 0);

  return id != 0 ? solvable_lookup_str (pool_id2solvable (pool, solvable), id) : NULL;
}

typedef struct
{
  Repo *repo;
  Repodata *data;
  const char *arch;
} Reading;

static gboolean
add (const ColdApkPackage *package, const char *text, gsize length, gpointer user_data, GError **error)
{
  Reading *reading = user_data;
  /* apk looks for a package in the folder of the package's own architecture. */
  const char *arch = *package->arch != '\0' ? package->arch : reading->arch;
  g_autofree char *location = g_strdup_printf ("%s/%s-%s.apk", arch, package->name, package->version);

  if (!package->foreign)
    cold_apk_solver_add (reading->repo, reading->data, package, location);
  return TRUE;
}

gboolean
cold_apk_solver_read (Repo *repo, const char *path, const char *arch, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  Reading reading = { repo, NULL, arch };
  gboolean done;

  if (file == NULL)
    return FALSE;
  reading.data = repo_add_repodata (repo, 0);
  done = cold_apk_index_read (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), add, &reading, error);
  repodata_internalize (reading.data);
  return done;
}
