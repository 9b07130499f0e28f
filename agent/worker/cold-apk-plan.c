/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "apk upgrade" would do, but for removals: of each name the highest version that any repository has, as far as /etc/apk/world
 * allows it, with what is newly needed and what install_if wants. apk also takes away what nothing needs any more; that stays.
 */
#include <solv/evr.h>
#include <string.h>

#include "cold-apk-repository.h"
#include "cold-apk-solver.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-solver.h"

typedef struct
{
  GStrv world;
  Id *installed; /* by name: the installed solvable, or 0 */
  Id *newest;    /* by name: the newest solvable that may be taken, or 0 */
  guint n_names;
} Apk;

static void
apk_free (gpointer data)
{
  Apk *apk = data;

  g_strfreev (apk->world);
  g_free (apk->installed);
  g_free (apk->newest);
  g_free (apk);
}

/* --- loading --------------------------------------------------------------------------------------------------------- */

static gboolean
add_installed_package (Repo *repo, Repodata *data, JsonObject *object)
{
  g_auto (GStrv) requires = cold_json_strv (object, "requires");
  g_auto (GStrv) provides = cold_json_strv (object, "provides");
  char *none[] = { NULL };
  const ColdApkPackage package = {
    .name = (char *) cold_json_string (object, "name"),
    .version = (char *) cold_json_string (object, "evr"),
    .arch = (char *) cold_json_string (object, "arch"),
    .identity = (char *) "",
    .depends = requires,
    .provides = provides,
    .install_if = none,
  };

  if (package.name == NULL || package.version == NULL || package.arch == NULL)
    return FALSE;
  cold_apk_solver_add (repo, data, &package, NULL);
  return TRUE;
}

static gboolean
add_installed (Pool *pool, JsonObject *manifest, GError **error)
{
  Repo *repo = repo_create (pool, "installed");
  Repodata *data = repo_add_repodata (repo, 0);
  JsonArray *packages = cold_json_array (manifest, "installed");
  gboolean any = FALSE;

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    any = add_installed_package (repo, data, cold_json_array_object (packages, i)) || any;
  repodata_internalize (data);
  pool_set_installed (pool, repo);
  if (any)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"manifest\" is no manifest of apk's packages");
  return FALSE;
}

static gboolean
load_repository (ColdPlan *plan, const ColdSource *source, GError **error)
{
  g_autoptr (ColdApkFiles) files = cold_apk_repository_open (source, plan->catalogue, error);
  Repo *repo;

  if (files == NULL)
    return FALSE;
  repo = repo_create (plan->pool, source->id);
  repo->appdata = (void *) source;
  if (!(g_file_test (files->solv, G_FILE_TEST_EXISTS)
            ? cold_solver_read_cache (repo, files->solv, error)
            : cold_apk_solver_read (repo, files->index, source->architectures[0], error)))
    return FALSE;
  cold_apk_solver_add_install_if (repo);
  return TRUE;
}

gboolean
cold_apk_plan_load_catalogue (ColdPlan *plan, GError **error)
{
  plan->data = g_new0 (Apk, 1);
  plan->free_data = apk_free;
  plan->pool = cold_solver_new_pool (DISTTYPE_RPM, "noarch");
  for (guint i = 0; i < plan->sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (plan->sources, i);

      if (source->type == plan->type && !load_repository (plan, source, error))
        return FALSE;
    }
  return TRUE;
}

/* --- what may be taken ----------------------------------------------------------------------------------------------- */

static int
compare (Pool *pool, Id a, Id b)
{
  return pool_evrcmp (pool, pool_id2solvable (pool, a)->evr, pool_id2solvable (pool, b)->evr, EVRCMP_COMPARE);
}

/* What has one version only, or a repository of its own, is left alone: with a repository that has a tag, only the guest's apk
 * knows what comes from there. */
static void
find_held (ColdPlan *plan, Apk *apk)
{
  Pool *pool = plan->pool;

  for (guint i = 0; apk->world[i] != NULL; i++)
    {
      ColdApkDependencyFlags flags;
      g_autofree char *name = cold_apk_solver_name (apk->world[i]);

      cold_apk_solver_dependency (pool, apk->world[i], &flags);
      if (!(flags & COLD_APK_CONFLICT) && flags & (COLD_APK_PINNED | COLD_APK_EXACT))
        g_hash_table_add (plan->held, g_steal_pointer (&name));
    }
}

static gboolean
is_for_arch (Pool *pool, Id p, const char *machine)
{
  const char *arch = cold_apk_solver_text (pool, p, COLD_APK_ARCH);

  return arch == NULL || g_str_equal (arch, "noarch") || g_str_equal (arch, machine);
}

static gboolean
may_take (ColdPlan *plan, Apk *apk, Id p, const char *machine)
{
  Pool *pool = plan->pool;
  Solvable *s = pool_id2solvable (pool, p);
  const ColdSource *source = s->repo->appdata;
  Id installed = apk->installed[s->name];

  if (g_hash_table_contains (plan->excluded, pool_id2str (pool, s->name)) || !is_for_arch (pool, p, machine))
    return FALSE;
  return installed == 0 || (compare (pool, p, installed) > 0 && (!plan->security_only || source->security));
}

/* Of one version in two repositories libsolv takes the first that fits, as apk does: that of the repository which comes first. */
static void
consider_repository (ColdPlan *plan, Apk *apk, Repo *repo, const char *machine)
{
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      if (!may_take (plan, apk, p, machine))
        continue;
      MAPSET (&plan->considered, p);
      if (apk->newest[s->name] == 0 || compare (plan->pool, p, apk->newest[s->name]) > 0)
        apk->newest[s->name] = p;
    }
}

static void
consider (ColdPlan *plan, Apk *apk, const char *machine)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Repo *repo;
  Id p;
  int i;

  map_init (&plan->considered, pool->nsolvables);
  apk->n_names = pool->ss.nstrings;
  apk->installed = g_new0 (Id, apk->n_names);
  apk->newest = g_new0 (Id, apk->n_names);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      MAPSET (&plan->considered, p);
      apk->installed[s->name] = p;
    }
  FOR_REPOS (i, repo)
    if (repo != pool->installed)
      consider_repository (plan, apk, repo, machine);
}

gboolean
cold_apk_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error)
{
  Apk *apk = plan->data;

  if (!cold_plan_check_arch (plan, cold_json_string (manifest, "apk-arch"), error))
    return FALSE;
  apk->world = cold_json_strv (manifest, "world");
  cold_plan_add_names (plan->held, manifest, "held", NULL);
  if (!add_installed (plan->pool, manifest, error))
    return FALSE;
  find_held (plan, apk);
  consider (plan, apk, plan->arch);
  return TRUE;
}

/* --- the rest of the type -------------------------------------------------------------------------------------------- */

static gboolean
is_provided (Pool *pool, Id dependency)
{
  Id p, pp;

  FOR_PROVIDES (p, pp, dependency)
    if (pool_id2solvable (pool, p)->repo == pool->installed)
      return TRUE;
  return FALSE;
}

/* What world asks for has to be, and what it bans must not come: if it is there already, it stays as it is. */
static void
add_world (Pool *pool, Apk *apk, Queue *jobs)
{
  for (guint i = 0; apk->world[i] != NULL; i++)
    {
      ColdApkDependencyFlags flags;
      Id dependency = cold_apk_solver_dependency (pool, apk->world[i], &flags);

      if (dependency == 0)
        continue;
      if (!(flags & COLD_APK_CONFLICT))
        queue_push2 (jobs, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES, dependency);
      else if (!is_provided (pool, dependency))
        queue_push2 (jobs, SOLVER_ERASE | SOLVER_SOLVABLE_PROVIDES, dependency);
    }
}

void
cold_apk_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs)
{
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
  solver_set_flag (solver, SOLVER_FLAG_NO_INFARCHCHECK, 1);
  solver_set_flag (solver, SOLVER_FLAG_NO_UPDATEPROVIDE, 1);
  /* install_if: also of what was there before. */
  solver_set_flag (solver, SOLVER_FLAG_IGNORE_RECOMMENDED, 0);
  solver_set_flag (solver, SOLVER_FLAG_ADD_ALREADY_RECOMMENDED, 1);
  add_world (plan->pool, plan->data, jobs);
}

gboolean
cold_apk_plan_is_usable (ColdPlan *plan, Solvable *s)
{
  Id p = s - plan->pool->solvables;
  const char *identity = cold_apk_solver_text (plan->pool, p, COLD_APK_IDENTITY);
  const char *version = cold_apk_solver_text (plan->pool, p, COLD_APK_VERSION);

  /* "Q1" and 20 bytes in base64 */
  return cold_plan_has_only (pool_id2str (plan->pool, s->name), "._+-") && version != NULL
         && cold_plan_has_only (version, "._~-") && identity != NULL && strlen (identity) == 30
         && g_str_has_prefix (identity, "Q1");
}

Id
cold_apk_plan_get_candidate (ColdPlan *plan, Id installed)
{
  const Apk *apk = plan->data;

  return apk->newest[pool_id2solvable (plan->pool, installed)->name];
}

void
cold_apk_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package)
{
  const Apk *apk = plan->data;
  const ColdSource *source = s->repo->appdata;
  Id p = s - plan->pool->solvables;
  Id installed = apk->installed[s->name];
  const char *arch = cold_apk_solver_text (plan->pool, p, COLD_APK_ARCH);

  /* As they were published, in place of what the solver was told. */
  json_object_set_string_member (package, "arch", arch != NULL ? arch : "noarch");
  json_object_set_string_member (package, "candidate", cold_apk_solver_text (plan->pool, p, COLD_APK_VERSION));
  if (installed != 0)
    json_object_set_string_member (package, "installed", cold_apk_solver_text (plan->pool, installed, COLD_APK_VERSION));
  json_object_set_string_member (package, "identity", cold_apk_solver_text (plan->pool, p, COLD_APK_IDENTITY));
  json_object_set_string_member (package, "origin", source->id);
  json_object_set_string_member (package, "repository", source->id);
  json_object_set_boolean_member (package, "security", source->security);
}
