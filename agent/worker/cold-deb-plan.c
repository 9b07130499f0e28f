/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-plan.h"

#include <solv/evr.h>
#include <solv/poolarch.h>

#include "cold-deb-multiarch.h"
#include "cold-deb-preferences.h"
#include "cold-deb-solver.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-plan-alternatives.h"

typedef struct
{
  GPtrArray *indexes;       /* (element-type GPtrArray of ColdDebIndex) one a repository */
  ColdDebPreferences *preferences;
  gboolean phased;          /* the guest takes what is not yet for all */
  GStrv foreign;            /* architectures beside the guest's own of which something is installed */
  Id *installed;            /* by name: the installed solvable, or 0 */
  Id *candidates;           /* by name: the solvable, or 0; never one that is not newer than the installed one */
  Id *first, *next;         /* by name, by solvable: all that are called so, or 0 */
  guint n_names;
} Deb;

static void
deb_free (gpointer data)
{
  Deb *deb = data;

  g_clear_pointer (&deb->indexes, g_ptr_array_unref);
  g_clear_pointer (&deb->preferences, cold_deb_preferences_free);
  g_clear_pointer (&deb->foreign, g_strfreev);
  g_free (deb->installed);
  g_free (deb->candidates);
  g_free (deb->first);
  g_free (deb->next);
  g_free (deb);
}

static gboolean
load_indexes (ColdPlan *plan, Deb *deb, GError **error)
{
  deb->indexes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < plan->sources->len; i++)
    {
      GPtrArray *indexes = cold_deb_repository_open (g_ptr_array_index (plan->sources, i), plan->catalogue,
                                                     error);

      if (indexes == NULL)
        return FALSE;
      g_ptr_array_add (deb->indexes, indexes);
      for (guint k = 0; k < indexes->len; k++)
        {
          const ColdDebIndex *index = g_ptr_array_index (indexes, k);

          if (g_str_equal (index->arch, plan->arch) && !cold_deb_solver_add_index (plan->pool, index, plan->arch, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* Loads what the guest's own sources have for @arch. */
static gboolean
load_foreign_indexes (ColdPlan *plan, Deb *deb, const char *arch, gboolean *found, GError **error)
{
  for (guint i = 0; i < deb->indexes->len; i++)
    {
      GPtrArray *indexes = g_ptr_array_index (deb->indexes, i);
      const ColdSource *source = g_ptr_array_index (plan->sources, i);

      for (guint k = 0; g_strv_contains ((const char *const *) source->architectures, arch) && k < indexes->len; k++)
        {
          const ColdDebIndex *index = g_ptr_array_index (indexes, k);

          if (!g_str_equal (index->arch, arch))
            continue;
          if (!cold_deb_solver_add_index (plan->pool, index, plan->arch, error))
            return FALSE;
          *found = TRUE;
        }
    }
  return TRUE;
}

/* @known: of the manifest: the foreign architectures that dpkg was told of; apt looks at no others */
static gboolean
load_foreign (ColdPlan *plan, Deb *deb, GStrv known, GError **error)
{
  for (guint i = 0; deb->foreign[i] != NULL; i++)
    {
      const char *arch = deb->foreign[i];
      gboolean is_known = g_strv_contains ((const char *const *) known, arch);
      gboolean found = FALSE;

      if (is_known && !load_foreign_indexes (plan, deb, arch, &found, error))
        return FALSE;
      if (!is_known)
        cold_plan_add_problem (plan,
                               "packages of architecture %s stay as they are, and so does what has to be of the same version: "
                               "dpkg in the guest was never told of that architecture (dpkg --add-architecture)",
                               arch);
      else if (!found)
        cold_plan_add_problem (plan,
                               "packages of architecture %s stay as they are, and so does what has to be of the same version: "
                               "no repository of the catalogue that serves this guest has that architecture",
                               arch);
    }
  return TRUE;
}

static const ColdDebIndex *
index_of (const Solvable *s)
{
  return s->repo->appdata;
}

/* Returns: (transfer full) (element-type ColdDebIndex): all that have this version, %NULL for dpkg's status file */
static GPtrArray *
indexes_of (ColdPlan *plan, Deb *deb, const Solvable *s)
{
  GPtrArray *indexes = g_ptr_array_new ();

  for (Id p = deb->first[s->name]; p != 0; p = deb->next[p])
    {
      const Solvable *other = pool_id2solvable (plan->pool, p);

      if (other->evr == s->evr && other->arch == s->arch)
        g_ptr_array_add (indexes, (gpointer) index_of (other));
    }
  return indexes;
}

static gboolean
are_never_used (Deb *deb, GPtrArray *indexes)
{
  for (guint i = 0; i < indexes->len; i++)
    if (cold_deb_preferences_get_general (deb->preferences, g_ptr_array_index (indexes, i)) != COLD_DEB_PRIORITY_NEVER)
      return FALSE;
  return TRUE;
}

/* @general: of where @s comes from */
static int
priority_of (ColdPlan *plan, Deb *deb, Solvable *s, int general)
{
  g_autofree char *name = NULL;
  g_autoptr (GPtrArray) indexes = NULL;
  const char *arch = s->arch == ARCH_ALL ? plan->arch : pool_id2str (plan->pool, s->arch);
  const char *source = solvable_lookup_str (s, SOLVABLE_SOURCENAME);
  int priority = general;
  gboolean unknown = FALSE;

  if (!cold_deb_preferences_has_specific (deb->preferences))
    return general;
  name = cold_deb_multiarch_get_name (s, plan->arch);
  indexes = indexes_of (plan, deb, s);
  cold_deb_preferences_get_specific (deb->preferences, name, arch, source != NULL ? source : name,
                                     pool_id2str (plan->pool, s->evr), indexes, &priority, &unknown);
  if (unknown && g_hash_table_add (plan->locked, g_strdup (pool_id2str (plan->pool, s->name))) && deb->installed[s->name] != 0)
    cold_plan_add_problem (plan, "%s is kept back: a pin of the guest names it in a way that coldpatch does not understand",
                           pool_id2str (plan->pool, s->name));
  return are_never_used (deb, indexes) ? COLD_DEB_PRIORITY_NEVER : priority;
}

/* Whether apt prefers @s to @other: the higher priority, then the newer version. The same version from a security
 * repository is preferred, so that the plan says what it is. */
static gboolean
is_better (Pool *pool, Solvable *s, int priority, Solvable *other, int other_priority)
{
  int compared;

  if (priority != other_priority)
    return priority > other_priority;
  compared = pool_evrcmp (pool, s->evr, other->evr, EVRCMP_COMPARE);
  if (compared != 0 || other->repo == pool->installed)
    return compared > 0;
  return index_of (s)->repository->security && !index_of (other)->repository->security;
}

static gboolean
is_security (const ColdDebIndex *index)
{
  return index != NULL && (index->repository->security || g_str_has_suffix (index->archive, "-security"));
}

/* Ubuntu gives an update to more and more machines, and to no more when it is bad. Which ones apt draws by their machine-id; the
 * plans of clones are shared, so that all of them wait for the end. As for apt, what is or brings a security update is for all at once,
 * what is newly installed does not wait, and no older version stands in. */
static gboolean
is_for_all (ColdPlan *plan, const Deb *deb, Solvable *s, Solvable *installed)
{
  if (deb->phased || cold_deb_solver_get_phased (s) >= COLD_DEB_PHASED_ALL || is_security (index_of (s)))
    return TRUE;
  for (Id p = deb->first[s->name]; p != 0; p = deb->next[p])
    {
      const Solvable *other = pool_id2solvable (plan->pool, p);

      if (is_security (index_of (other)) && pool_evrcmp (plan->pool, other->evr, s->evr, EVRCMP_COMPARE) < 0
          && pool_evrcmp (plan->pool, other->evr, installed->evr, EVRCMP_COMPARE) > 0)
        return TRUE;
    }
  return FALSE;
}

static void
choose_of_repo (ColdPlan *plan, Deb *deb, Repo *repo, int *priorities)
{
  Pool *pool = plan->pool;
  const ColdDebIndex *index = repo->appdata;
  int general = cold_deb_preferences_get_general (deb->preferences, index);
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id installed = deb->installed[s->name];
      Id best = deb->candidates[s->name];
      int priority;

      if (!pool_installable (pool, s) || (installed != 0 && plan->security_only && !index->repository->security))
        continue;
      priority = priority_of (plan, deb, s, general);
      if (priority <= 0)
        continue;
      if (installed != 0 && priority < COLD_DEB_PRIORITY_DOWNGRADE
          && pool_evrcmp (pool, s->evr, pool_id2solvable (pool, installed)->evr, EVRCMP_COMPARE) < 0)
        continue;
      if (best == 0 || is_better (pool, s, priority, pool_id2solvable (pool, best), priorities[s->name]))
        {
          deb->candidates[s->name] = p;
          priorities[s->name] = priority;
        }
    }
}

static void
list_names (ColdPlan *plan, Deb *deb)
{
  Pool *pool = plan->pool;

  deb->n_names = pool->ss.nstrings;
  deb->first = g_new0 (Id, deb->n_names);
  deb->next = g_new0 (Id, pool->nsolvables);
  for (Id p = pool->nsolvables - 1; p > SYSTEMSOLVABLE; p--)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (s->repo == NULL)
        continue;
      deb->next[p] = deb->first[s->name];
      deb->first[s->name] = p;
    }
}

/* Fills @deb with candidates as apt's pkgPolicy would. */
static void
choose_candidates (ColdPlan *plan, Deb *deb)
{
  Pool *pool = plan->pool;
  int general = cold_deb_preferences_get_general (deb->preferences, NULL);
  g_autofree int *priorities = NULL;
  Solvable *s;
  Repo *repo;
  Id p;
  int i;

  list_names (plan, deb);
  deb->installed = g_new0 (Id, deb->n_names);
  deb->candidates = g_new0 (Id, deb->n_names);
  priorities = g_new0 (int, deb->n_names);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    deb->installed[s->name] = p;
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      int priority = priority_of (plan, deb, s, general);

      if (priority > 0)
        {
          deb->candidates[s->name] = p;
          priorities[s->name] = priority;
        }
    }
  FOR_REPOS (i, repo)
    if (repo != pool->installed)
      choose_of_repo (plan, deb, repo, priorities);
}

/* Of the installed packages, the candidates that cannot be reached here are dropped. */
static void
drop_candidate (ColdPlan *plan, Deb *deb, Id installed)
{
  Pool *pool = plan->pool;
  Solvable *s = pool_id2solvable (pool, installed);
  Id candidate = deb->candidates[s->name];
  const char *name = pool_id2str (pool, s->name);
  int compared;

  if (candidate == 0 || candidate == installed)
    {
      deb->candidates[s->name] = 0;
      return;
    }
  compared = pool_evrcmp (pool, pool_id2solvable (pool, candidate)->evr, s->evr, EVRCMP_COMPARE);
  if (compared < 0)
    {
      cold_plan_add_problem (plan, "%s is kept back: a pin of the guest asks for the older version %s", name,
                   pool_id2str (pool, pool_id2solvable (pool, candidate)->evr));
      g_hash_table_add (plan->locked, g_strdup (name));
    }
  else if (compared > 0 && cold_deb_preferences_get_refused (deb->preferences) != NULL)
    {
      g_hash_table_add (plan->locked, g_strdup (name));
    }
  else if (compared > 0 && !is_for_all (plan, deb, pool_id2solvable (pool, candidate), s))
    {
      cold_plan_add_problem (plan, "%s is kept back: %s is an update that not all machines get yet (phased update)", name,
                             pool_id2str (pool, pool_id2solvable (pool, candidate)->evr));
      g_hash_table_add (plan->locked, g_strdup (name));
    }
  if (compared <= 0)
    deb->candidates[s->name] = 0;
}

/* What is not to be taken must not be seen: libsolv keeps back what could do with it, even where something else would do as well. */
static gboolean
may_take (ColdPlan *plan, Id name)
{
  const char *text = pool_id2str (plan->pool, name);

  return !g_hash_table_contains (plan->excluded, text) && !g_hash_table_contains (plan->held, text)
         && !g_hash_table_contains (plan->locked, text);
}

static void
consider_candidates (ColdPlan *plan, Deb *deb)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  map_init (&plan->considered, pool->nsolvables);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      drop_candidate (plan, deb, p);
      MAPSET (&plan->considered, p);
    }
  for (guint i = 0; i < deb->n_names; i++)
    if (deb->candidates[i] != 0 && may_take (plan, i))
      MAPSET (&plan->considered, deb->candidates[i]);
}

/* A name leaves out its packages of all architectures. */
static void
exclude_foreign (ColdPlan *plan)
{
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (plan->pool->installed, p, s)
    {
      g_autofree char *name = cold_deb_multiarch_get_name (s, plan->arch);

      if (g_hash_table_contains (plan->excluded, name))
        g_hash_table_add (plan->excluded, g_strdup (pool_id2str (plan->pool, s->name)));
    }
}

gboolean
cold_deb_plan_load_catalogue (ColdPlan *plan, GError **error)
{
  Deb *deb = g_new0 (Deb, 1);

  plan->data = deb;
  plan->free_data = deb_free;
  plan->pool = cold_deb_solver_new_pool (plan->arch);
  return load_indexes (plan, deb, error);
}

gboolean
cold_deb_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) known = cold_json_strv (manifest, "foreign");
  const char *arch = cold_json_string (manifest, "native");
  const char *status = cold_json_string (manifest, "status");
  Deb *deb = plan->data;

  if (arch == NULL || status == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"manifest\" is no manifest of Debian packages");
      return FALSE;
    }
  if (!cold_plan_check_arch (plan, arch, error))
    return FALSE;
  deb->phased = cold_json_bool (manifest, "phased");
  deb->preferences = cold_deb_preferences_new (cold_json_array (manifest, "preferences"), arch,
                                               cold_json_string (manifest, "default-release"));
  if (cold_deb_preferences_get_refused (deb->preferences) != NULL)
    cold_plan_add_problem (plan, "nothing is upgraded: apt in the guest refuses its preferences (/etc/apt/preferences, preferences.d): %s",
                           cold_deb_preferences_get_refused (deb->preferences));
  if (!cold_deb_solver_add_installed (plan->pool, status, arch, held, &deb->foreign, error)
      || !load_foreign (plan, deb, known, error))
    return FALSE;
  for (guint i = 0; i < held->len; i++)
    g_hash_table_add (plan->held, g_strdup (g_ptr_array_index (held, i)));
  cold_plan_add_names (plan->held, manifest, "held", arch);
  exclude_foreign (plan);
  choose_candidates (plan, deb);
  consider_candidates (plan, deb);
  if (deb->foreign[0] != NULL)
    cold_deb_multiarch_relate (plan->pool, arch, deb->foreign, &plan->considered);
  return TRUE;
}

void
cold_deb_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs)
{
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_ARCHCHANGE, 1); /* between "all" and the guest's */
  solver_set_flag (solver, SOLVER_FLAG_NO_INFARCHCHECK, 1);
  solver_set_flag (solver, SOLVER_FLAG_NO_UPDATEPROVIDE, 1);
  cold_plan_alternatives_favour (plan, jobs);
}

gboolean
cold_deb_plan_is_usable (ColdPlan *plan, Solvable *s)
{
  g_autofree char *name = cold_deb_multiarch_get_name (s, plan->arch);

  return cold_plan_has_only (name, "+.-")
         && cold_plan_has_only (pool_id2str (plan->pool, s->evr), "+.-:~");
}

Id
cold_deb_plan_get_candidate (ColdPlan *plan, Id installed)
{
  const Deb *deb = plan->data;

  return deb->candidates[pool_id2solvable (plan->pool, installed)->name];
}

char *
cold_deb_plan_get_name (ColdPlan *plan, Solvable *s)
{
  return cold_deb_multiarch_get_name (s, plan->arch);
}

static char *
describe_origin (const ColdDebIndex *index)
{
  const char *who = *index->origin != '\0' ? index->origin : index->label;
  const char *what = *index->codename != '\0' ? index->codename : index->archive;

  return g_strdup_printf ("%s:%s", *who != '\0' ? who : index->repository->id, *what != '\0' ? what : index->suite);
}

void
cold_deb_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package)
{
  const ColdDebIndex *index = index_of (s);
  g_autofree char *origin = describe_origin (index);

  json_object_set_string_member (package, "origin", origin);
  json_object_set_string_member (package, "repository", index->repository->id);
  json_object_set_boolean_member (package, "security", index->repository->security);
}
