/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-plan.h"

#include <solv/dataiterator.h>
#include <solv/evr.h>
#include <solv/poolarch.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-rpm-installed.h"
#include "cold-rpm-locks.h"
#include "cold-rpm-modular.h"
#include "cold-rpm-repository.h"
#include "cold-rpm-restrictions.h"
#include "cold-solver.h"
#include "cold-zypp-vendors.h"

/* What dnf.conf(5) has as "installonlypkgs", which a guest's own are added to; zypp.conf's "multiversion" is among them as it
 * is shipped. */
static const char *const beside[] = { "kernel", "kernel-PAE", "installonlypkg(kernel)", "installonlypkg(kernel-module)",
                                      "installonlypkg(vm)", "multiversion(kernel)" };

/* A version that an advisory of kind "security" names. */
typedef struct
{
  Id evr;
  Id arch;
} Fix;

typedef struct
{
  gboolean zypper;
  gboolean vendor_change;    /* that of a package may change */
  gboolean obsoletes;        /* a package may take the place of another one without being asked for */
  gboolean best;             /* nothing is upgraded unless everything can be, to its newest version */
  GStrv multiversion;        /* what the guest's configuration has installed beside older versions */
  gboolean has_multiversion;
  ColdZyppVendors *vendors;  /* (nullable) */
  GHashTable *fixes; /* (element-type Id GArray of Fix) by name */
  ColdRpmModular *modular;
} Rpm;

static void
rpm_free (gpointer data)
{
  Rpm *rpm = data;

  g_clear_pointer (&rpm->fixes, g_hash_table_unref);
  g_clear_pointer (&rpm->modular, cold_rpm_modular_free);
  g_strfreev (rpm->multiversion);
  cold_zypp_vendors_free (rpm->vendors);
  g_free (rpm);
}

static const char *
pool_arch (const char *arch)
{
  if (g_strcmp0 (arch, "i386") == 0)
    return "i686";
  return g_strcmp0 (arch, "arm") == 0 ? "armv7hl" : arch;
}

static void
add_fixes (Rpm *rpm, Repo *repo)
{
  Dataiterator iterator;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      if (!cold_rpm_is_advisory (s) || g_strcmp0 (solvable_lookup_str (s, SOLVABLE_PATCHCATEGORY), "security") != 0)
        continue;
      dataiterator_init (&iterator, repo->pool, repo, p, UPDATE_COLLECTION, NULL, 0);
      while (dataiterator_step (&iterator))
        {
          Fix fix;
          Id name;
          GArray *fixes;

          dataiterator_setpos (&iterator);
          name = pool_lookup_id (repo->pool, SOLVID_POS, UPDATE_COLLECTION_NAME);
          fix.evr = pool_lookup_id (repo->pool, SOLVID_POS, UPDATE_COLLECTION_EVR);
          fix.arch = pool_lookup_id (repo->pool, SOLVID_POS, UPDATE_COLLECTION_ARCH);
          if (name == 0 || fix.evr == 0)
            continue;
          fixes = g_hash_table_lookup (rpm->fixes, GINT_TO_POINTER (name));
          if (fixes == NULL)
            {
              fixes = g_array_new (FALSE, FALSE, sizeof (Fix));
              g_hash_table_insert (rpm->fixes, GINT_TO_POINTER (name), fixes);
            }
          g_array_append_val (fixes, fix);
        }
      dataiterator_free (&iterator);
    }
}

/* Returns: the newest installed package of that name and a fitting architecture, or %NULL */
static Solvable *
find_installed (Pool *pool, const Solvable *like)
{
  Solvable *newest = NULL;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (s->name == like->name && (s->arch == like->arch || s->arch == ARCH_NOARCH || like->arch == ARCH_NOARCH)
        && (newest == NULL || pool_evrcmp (pool, s->evr, newest->evr, EVRCMP_COMPARE) > 0))
      newest = s;
  return newest;
}

/* Whether an upgrade to @s, from @installed if there is one, brings what an advisory of the kind "security" names. */
static gboolean
fixes_security (ColdPlan *plan, const Solvable *s, const Solvable *installed)
{
  const Rpm *rpm = plan->data;
  const ColdSource *source = s->repo->appdata;
  const GArray *fixes = g_hash_table_lookup (rpm->fixes, GINT_TO_POINTER (s->name));

  if (source->security)
    return TRUE;
  for (guint i = 0; fixes != NULL && i < fixes->len; i++)
    {
      const Fix *fix = &g_array_index (fixes, Fix, i);

      if ((fix->arch == 0 || fix->arch == s->arch)
          && pool_evrcmp (plan->pool, fix->evr, s->evr, EVRCMP_COMPARE) <= 0
          && (installed == NULL || pool_evrcmp (plan->pool, fix->evr, installed->evr, EVRCMP_COMPARE) > 0))
        return TRUE;
    }
  return FALSE;
}

/* For zypper: any version that is at least the one of an advisory. New dependencies may come. */
static void
hide_other_than_security (ColdPlan *plan)
{
  Pool *pool = plan->pool;

  for (Id p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *s = pool_id2solvable (pool, p);
      const Solvable *installed;

      if (s->repo == NULL || s->repo == pool->installed || !MAPTST (&plan->considered, p))
        continue;
      installed = find_installed (pool, s);
      if (installed != NULL && !fixes_security (plan, s, installed))
        MAPCLR (&plan->considered, p);
    }
}

static void
consider_all (ColdPlan *plan)
{
  Pool *pool = plan->pool;

  map_init (&plan->considered, pool->nsolvables);
  for (Id p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (s->repo == NULL)
        continue;
      if (s->repo == pool->installed
          || (!cold_rpm_is_advisory (s) && !g_hash_table_contains (plan->excluded, pool_id2str (pool, s->name))))
        MAPSET (&plan->considered, p);
    }
}

static gboolean
is_allowed (JsonObject *manifest, const char *member, gboolean otherwise)
{
  return json_object_has_member (manifest, member) ? cold_json_bool (manifest, member) : otherwise;
}

static void
read_configuration (ColdPlan *plan, Rpm *rpm, JsonObject *manifest)
{
  rpm->zypper = g_strcmp0 (cold_json_string (manifest, "manager"), "zypper") == 0;
  rpm->vendor_change = is_allowed (manifest, "allow-vendor-change", !rpm->zypper);
  rpm->obsoletes = is_allowed (manifest, "obsoletes", TRUE);
  rpm->best = is_allowed (manifest, "best", FALSE);
  rpm->vendors = rpm->zypper ? cold_zypp_vendors_new (cold_json_array (manifest, "vendors")) : NULL;
  rpm->multiversion = cold_json_strv (manifest, "multiversion");
  rpm->has_multiversion = cold_json_array (manifest, "multiversion") != NULL;
  cold_zypp_vendors_set (rpm->vendors, plan->pool);
}

/* libsolv as Fedora and Red Hat build it: a package of x86_64 does not stand in the way of its sister of i686. And as libdnf sets
 * it up: what is excluded and installed is there all the same, and what is installed has the priority that repositories have,
 * without which old versions of a package look no worse than its newest. */
static void
be_dnf (Pool *pool)
{
  pool_set_flag (pool, POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1);
  pool_set_flag (pool, POOL_FLAG_WHATPROVIDESWITHDISABLED, 1);
  pool->installed->priority = -COLD_PRIORITY_DEFAULT;
}

gboolean
cold_rpm_plan_load_catalogue (ColdPlan *plan, GError **error)
{
  Rpm *rpm = g_new0 (Rpm, 1);

  plan->data = rpm;
  plan->free_data = rpm_free;
  rpm->fixes = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  rpm->modular = cold_rpm_modular_new ();
  plan->pool = cold_solver_new_pool (DISTTYPE_RPM, pool_arch (plan->arch));
  for (guint i = 0; i < plan->sources->len; i++)
    {
      g_autofree char *modules = NULL;
      Repo *repo = cold_rpm_repository_open (g_ptr_array_index (plan->sources, i), plan->catalogue, plan->pool, &modules, error);

      if (repo == NULL || !cold_rpm_modular_load (rpm->modular, modules, error))
        return FALSE;
      add_fixes (rpm, repo);
    }
  cold_rpm_modular_find (rpm->modular, plan->pool);
  return TRUE;
}

static void
apply_patterns (ColdPlan *plan, const Rpm *rpm, JsonObject *manifest)
{
  g_auto (GStrv) held = cold_json_strv (manifest, "held");
  g_auto (GStrv) excludes = cold_json_strv (manifest, "excludes");
  g_auto (GStrv) includes = cold_json_strv (manifest, "includes");

  cold_rpm_locks_hide_main (plan, includes, excludes);
  cold_rpm_locks_apply (plan, held, rpm->zypper);
}

gboolean
cold_rpm_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error)
{
  const char *arch = cold_json_string (manifest, "arch");
  JsonArray *installed = cold_json_array (manifest, "installed");
  Pool *pool = plan->pool;
  Rpm *rpm = plan->data;

  if (arch == NULL || installed == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                           "plan: \"manifest\" is no manifest of rpm packages");
      return FALSE;
    }
  if (!cold_plan_check_arch (plan, arch, error))
    return FALSE;
  read_configuration (plan, rpm, manifest);
  if (!cold_rpm_installed_add (pool, installed, error))
    return FALSE;
  if (!rpm->zypper)
    be_dnf (pool);
  cold_rpm_installed_add_paths (pool);
  pool_addfileprovides (pool);
  consider_all (plan);
  cold_rpm_restrictions_apply (plan, cold_json_array (manifest, "repositories"));
  apply_patterns (plan, rpm, manifest);
  cold_rpm_modular_apply (rpm->modular, plan, manifest, pool_arch (plan->arch));
  if (plan->security_only && rpm->zypper)
    hide_other_than_security (plan);
  return TRUE;
}

static void
install_beside (Pool *pool, Queue *jobs, const char *spec)
{
  static const char provides[] = "provides:";

  if (g_str_has_prefix (spec, provides))
    queue_push2 (jobs, SOLVER_MULTIVERSION | SOLVER_SOLVABLE_PROVIDES, pool_str2id (pool, spec + strlen (provides), 1));
  else
    queue_push2 (jobs, SOLVER_MULTIVERSION | SOLVER_SOLVABLE_NAME, pool_str2id (pool, spec, 1));
}

static gboolean
obsoletes_installed (Pool *pool, const Solvable *s)
{
  const Id *dependency = s->obsoletes != 0 ? s->repo->idarraydata + s->obsoletes : NULL;
  Solvable *other;
  Id p;

  for (; dependency != NULL && *dependency != 0; dependency++)
    FOR_REPO_SOLVABLES (pool->installed, p, other)
      if (other->name != s->name && pool_match_nevr (pool, other, *dependency))
        return TRUE;
  return FALSE;
}

static gboolean
has_newer_installed (Pool *pool, const Solvable *s)
{
  const Solvable *other;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, other)
    if (other->name == s->name && other->arch == s->arch && pool_evrcmp (pool, other->evr, s->evr, EVRCMP_COMPARE) > 0)
      return TRUE;
  return FALSE;
}

/* What a repository of less priority has is not looked at, whatever it fixes. */
static gboolean
has_preferred (ColdPlan *plan, const Solvable *s)
{
  Pool *pool = plan->pool;
  Id p, pp;

  FOR_PROVIDES (p, pp, s->name)
    {
      const Solvable *other = pool_id2solvable (pool, p);

      if (other->name == s->name && other->arch == s->arch && other->repo != pool->installed && MAPTST (&plan->considered, p)
          && other->repo->priority > s->repo->priority)
        return TRUE;
    }
  return FALSE;
}

/* As "dnf upgrade --security" has it: any version that is at least the one of an advisory, if that one is newer than what is
 * installed. What such an upgrade requires is upgraded too. */
static gboolean
is_security_target (ColdPlan *plan, const Solvable *s)
{
  Pool *pool = plan->pool;
  const Solvable *installed;

  if (s->repo == pool->installed)
    return FALSE;
  installed = find_installed (pool, s);
  return (installed != NULL ? pool_evrcmp (pool, s->evr, installed->evr, EVRCMP_COMPARE) > 0 : obsoletes_installed (pool, s))
         && fixes_security (plan, s, installed) && !has_preferred (plan, s);
}

/* For dnf everything that it sees is a target, what is installed too, which is more than "update all" does. "obsoletes=0", of
 * which newer ones take no notice, is followed: the targets are newer versions of what is installed, and what those require may
 * still take another's place. */
static gboolean
is_target (ColdPlan *plan, const Solvable *s)
{
  const Rpm *rpm = plan->data;
  const Solvable *installed;

  if (plan->security_only)
    return is_security_target (plan, s);
  if (rpm->obsoletes)
    return TRUE;
  if (s->repo == plan->pool->installed)
    return FALSE;
  installed = find_installed (plan->pool, s);
  return installed != NULL && pool_evrcmp (plan->pool, s->evr, installed->evr, EVRCMP_COMPARE) > 0;
}

/* What is installed is a target of its own, lest another build of it takes its place: where only some names are to be upgraded, the
 * newest one of those. */
static void
add_targets (ColdPlan *plan, Queue *targets)
{
  g_autoptr (GHashTable) names = g_hash_table_new (NULL, NULL);
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  for (p = 1; p < pool->nsolvables; p++)
    {
      s = pool_id2solvable (pool, p);
      if (s->repo == NULL || !MAPTST (&plan->considered, p) || !is_target (plan, s))
        continue;
      g_hash_table_add (names, GINT_TO_POINTER (s->name));
      queue_push (targets, p);
    }
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (plan->security_only && g_hash_table_contains (names, GINT_TO_POINTER (s->name)) && MAPTST (&plan->considered, p)
        && !has_newer_installed (pool, s))
      queue_push (targets, p);
}

/* With "best" everything that has a target gets to the newest one, or nothing is upgraded. */
static void
target (ColdPlan *plan, Queue *jobs)
{
  const Rpm *rpm = plan->data;
  Queue targets;

  queue_init (&targets);
  add_targets (plan, &targets);
  for (int i = 0; i < jobs->count; i += 2)
    if (jobs->elements[i] == (SOLVER_UPDATE | SOLVER_SOLVABLE_ALL))
      {
        jobs->elements[i] = SOLVER_UPDATE | SOLVER_TARGETED | SOLVER_SOLVABLE_ONE_OF | SOLVER_SETARCH | SOLVER_SETEVR
                            | (rpm->best ? SOLVER_FORCEBEST : 0);
        jobs->elements[i + 1] = pool_queuetowhatprovides (plan->pool, &targets);
      }
  queue_free (&targets);
}

void
cold_rpm_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs)
{
  const Rpm *rpm = plan->data;

  for (guint i = 0; i < G_N_ELEMENTS (beside) && !(rpm->zypper && rpm->has_multiversion); i++)
    queue_push2 (jobs, SOLVER_MULTIVERSION | SOLVER_SOLVABLE_PROVIDES, pool_str2id (plan->pool, beside[i], 1));
  for (guint i = 0; rpm->multiversion[i] != NULL; i++)
    install_beside (plan->pool, jobs, rpm->multiversion[i]);
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, rpm->vendor_change);
  if (rpm->zypper)
    return;
  solver_set_flag (solver, SOLVER_FLAG_YUM_OBSOLETES, 1);
  solver_set_flag (solver, SOLVER_FLAG_KEEP_ORPHANS, 1);
  solver_set_flag (solver, SOLVER_FLAG_BEST_OBEY_POLICY, 1);
  target (plan, jobs);
}

gboolean
cold_rpm_plan_is_usable (ColdPlan *plan, Solvable *s)
{
  return cold_plan_has_only (pool_id2str (plan->pool, s->name), "+._-")
         && cold_plan_has_only (pool_id2str (plan->pool, s->evr), "+._-:~^")
         && cold_plan_has_only (pool_id2str (plan->pool, s->arch), "_")
         && solvable_lookup_str (s, SOLVABLE_MEDIABASE) == NULL;
}

Id
cold_rpm_plan_get_candidate (ColdPlan *plan, Id installed)
{
  Pool *pool = plan->pool;
  const Rpm *rpm = plan->data;
  const Solvable *newest = find_installed (pool, pool_id2solvable (pool, installed));
  gboolean held = g_hash_table_contains (plan->held, pool_id2str (pool, newest->name));
  int priority = G_MININT;
  Id best = 0;
  Id p, pp;

  /* Of what is excluded nobody is told that it is kept back. */
  if (!MAPTST (&plan->considered, installed))
    return 0;
  FOR_PROVIDES (p, pp, newest->name)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (s->name != newest->name || s->repo == pool->installed || s->repo->priority < priority
          || (!held && !pool_installable (pool, (Solvable *) s))
          || (plan->security_only && !rpm->zypper && !is_security_target (plan, s))
          || (s->arch != newest->arch && s->arch != ARCH_NOARCH && newest->arch != ARCH_NOARCH))
        continue;
      /* What a repository of less priority has is not looked at, however new it is. */
      if (s->repo->priority > priority)
        best = 0;
      priority = s->repo->priority;
      if (pool_evrcmp (pool, s->evr, best != 0 ? pool_id2solvable (pool, best)->evr : newest->evr, EVRCMP_COMPARE) > 0)
        best = p;
    }
  return best;
}

void
cold_rpm_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package)
{
  const ColdSource *source = s->repo->appdata;

  json_object_set_string_member (package, "origin", source->id);
  json_object_set_string_member (package, "repository", source->id);
  json_object_set_boolean_member (package, "security",
                                  fixes_security (plan, s, find_installed (plan->pool, s)));
}
