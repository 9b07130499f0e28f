/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "pacman -Su" would do. pacman takes a package from the first repository that has one of that name, whether it is
 * newer or not; so these are chosen first, and nothing else of the catalogue is shown to the solver.
 */
#include <fnmatch.h>
#include <solv/evr.h>
#include <solv/poolarch.h>

#include "cold-arch-repository.h"
#include "cold-arch-version.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-plan-alternatives.h"
#include "cold-solver.h"

#define GROUP_PREFIX "group:"

typedef struct
{
  GPtrArray *databases; /* (element-type ColdArchDatabase) the first is asked first */
  GPtrArray *repos;     /* (element-type Repo) of each */
  GPtrArray *patterns;  /* (element-type utf8) of names that the guest ignores */
  GHashTable *grouped;  /* (element-type utf8) names of packages in a group that the guest ignores */
  Id *versions;         /* by solvable: the version as it was published */
  Id *installed;        /* by name: the installed solvable, or 0 */
  Id *offered;          /* by name: the solvable of the first repository that has one, or 0 */
  guint n_names;
} Arch;

static void
arch_free (gpointer data)
{
  Arch *arch = data;

  g_ptr_array_unref (arch->databases);
  g_ptr_array_unref (arch->repos);
  g_ptr_array_unref (arch->patterns);
  g_hash_table_unref (arch->grouped);
  g_free (arch->versions);
  g_free (arch->installed);
  g_free (arch->offered);
  g_free (arch);
}

/* --- loading --------------------------------------------------------------------------------------------------------- */

/* "glibc>=2.36", as pacman writes it. */
static Id
parse_dependency (Pool *pool, const char *text)
{
  gsize length = strcspn (text, "<>=");
  const char *p = text + length;
  Id name = pool_strn2id (pool, text, length, 1);
  int flags = 0;

  for (; *p != '\0' && strchr ("<>=", *p) != NULL; p++)
    flags |= *p == '<' ? REL_LT : *p == '>' ? REL_GT : REL_EQ;
  return flags != 0 ? pool_rel2id (pool, name, pool_str2id (pool, p, 1), flags, 1) : name;
}

static Offset
add_dependencies (Repo *repo, JsonObject *package, const char *member)
{
  JsonArray *texts = cold_json_array (package, member);
  Offset offset = 0;

  for (guint i = 0; texts != NULL && i < json_array_get_length (texts); i++)
    {
      const char *text = cold_json_array_string (texts, i);

      if (text != NULL && *text != '\0')
        offset = repo_addid_dep (repo, offset, parse_dependency (repo->pool, text), 0);
    }
  return offset;
}

static gboolean
add_installed (Pool *pool, JsonObject *manifest, GError **error)
{
  Repo *repo = repo_create (pool, "installed");
  JsonArray *packages = cold_json_array (manifest, "installed");

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);
      const char *name = cold_json_string (package, "name");
      const char *evr = cold_json_string (package, "evr");
      const char *arch = cold_json_string (package, "arch");
      Solvable *s;

      if (name == NULL || evr == NULL || arch == NULL)
        continue;
      s = pool_id2solvable (pool, repo_add_solvable (repo));
      s->name = pool_str2id (pool, name, 1);
      s->evr = pool_str2id (pool, evr, 1);
      s->arch = pool_str2id (pool, arch, 1);
      s->requires = add_dependencies (repo, package, "requires");
      s->conflicts = add_dependencies (repo, package, "conflicts");
      s->provides = add_dependencies (repo, package, "provides");
      /* Without it, upgrades look like installations. */
      s->provides = repo_addid_dep (repo, s->provides, pool_rel2id (pool, s->name, s->evr, REL_EQ, 1), 0);
    }
  pool_set_installed (pool, repo);
  if (repo->nsolvables > 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"manifest\" is no manifest of pacman's packages");
  return FALSE;
}

static int
compare_priorities (gconstpointer a, gconstpointer b)
{
  return (*(const ColdSource *const *) a)->priority - (*(const ColdSource *const *) b)->priority;
}

/* Returns: (transfer container) (element-type ColdSource): of this type, in the order in which they are asked */
static GPtrArray *
sort_sources (ColdPlan *plan)
{
  GPtrArray *sources = g_ptr_array_new ();

  for (guint i = 0; i < plan->sources->len; i++)
    if (((const ColdSource *) g_ptr_array_index (plan->sources, i))->type == plan->type)
      g_ptr_array_add (sources, g_ptr_array_index (plan->sources, i));
  /* Stable: those of one priority stay in the order of the entries. */
  g_ptr_array_sort (sources, compare_priorities);
  return sources;
}

static gboolean
load_databases (ColdPlan *plan, Arch *arch, GError **error)
{
  g_autoptr (GPtrArray) sources = sort_sources (plan);

  for (guint i = 0; i < sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (sources, i);
      ColdArchDatabase *database = cold_arch_repository_open (source, plan->catalogue, error);
      Repo *repo;

      if (database == NULL)
        return FALSE;
      g_ptr_array_add (arch->databases, database);
      repo = repo_create (plan->pool, source->id);
      repo->appdata = (void *) source;
      g_ptr_array_add (arch->repos, repo);
      if (!(g_file_test (database->solv, G_FILE_TEST_EXISTS) ? cold_solver_read_cache (repo, database->solv, error)
                                                             : cold_arch_solver_read (repo, database->tar, error)))
        return FALSE;
    }
  return TRUE;
}

/* --- versions -------------------------------------------------------------------------------------------------------- */

static Id
written_for_solver (Pool *pool, GHashTable *known, Id version)
{
  gpointer found = g_hash_table_lookup (known, GINT_TO_POINTER (version));
  g_autofree char *text = NULL;
  Id written;

  if (found != NULL)
    return GPOINTER_TO_INT (found);
  text = cold_arch_version_for_solver (pool_id2str (pool, version));
  written = pool_str2id (pool, text, 1);
  g_hash_table_insert (known, GINT_TO_POINTER (version), GINT_TO_POINTER (written));
  return written;
}

/* A name without a version does for no dependency that asks for one; to libsolv, it does unless it has a comparison, and be it with
 * nothing. */
static void
write_provides (Pool *pool, Solvable *s)
{
  for (Offset i = s->provides; i != 0 && s->repo->idarraydata[i] != 0; i++)
    if (!ISRELDEP (s->repo->idarraydata[i]))
      s->repo->idarraydata[i] = pool_rel2id (pool, s->repo->idarraydata[i], ID_EMPTY, 0, TRUE);
}

/* Of all packages and dependencies (cold-arch-version.h). */
static void
write_versions (Pool *pool, Arch *arch)
{
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);

  arch->versions = g_new0 (Id, pool->nsolvables);
  for (Id p = 1; p < pool->nsolvables; p++)
    {
      Solvable *s = pool_id2solvable (pool, p);

      if (s->repo == NULL)
        continue;
      arch->versions[p] = s->evr;
      s->evr = written_for_solver (pool, known, s->evr);
      write_provides (pool, s);
    }
  for (int i = 1; i < pool->nrels; i++)
    {
      Reldep *rel = pool->rels + i;

      if (rel->flags <= (REL_LT | REL_GT | REL_EQ) && !ISRELDEP (rel->evr))
        rel->evr = written_for_solver (pool, known, rel->evr);
    }
}

/* --- what the guest ignores ------------------------------------------------------------------------------------------ */

static gboolean
matches (GPtrArray *patterns, const char *text)
{
  for (guint i = 0; i < patterns->len; i++)
    if (fnmatch (g_ptr_array_index (patterns, i), text, 0) == 0)
      return TRUE;
  return FALSE;
}

/* Adds the members of groups that match. */
static gboolean
read_groups (Arch *arch, const char *path, GPtrArray *patterns, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *space = strrchr (lines[i], ' ');

      if (space == NULL)
        continue;
      *space = '\0';
      if (matches (patterns, lines[i]))
        g_hash_table_add (arch->grouped, g_strdup (space + 1));
    }
  return TRUE;
}

static gboolean
find_ignored (Arch *arch, JsonObject *manifest, GError **error)
{
  g_auto (GStrv) held = cold_json_strv (manifest, "held");
  g_autoptr (GPtrArray) groups = g_ptr_array_new ();

  for (guint i = 0; held[i] != NULL; i++)
    if (g_str_has_prefix (held[i], GROUP_PREFIX))
      g_ptr_array_add (groups, held[i] + strlen (GROUP_PREFIX));
    else
      g_ptr_array_add (arch->patterns, g_strdup (held[i]));
  for (guint i = 0; groups->len > 0 && i < arch->databases->len; i++)
    if (!read_groups (arch, ((ColdArchDatabase *) g_ptr_array_index (arch->databases, i))->groups, groups, error))
      return FALSE;
  return TRUE;
}

static gboolean
is_ignored (Arch *arch, const char *name)
{
  return matches (arch->patterns, name) || g_hash_table_contains (arch->grouped, name);
}

/* --- what may be taken ----------------------------------------------------------------------------------------------- */

/* @unused: names of databases that the guest does not upgrade from (Usage=) */
static gboolean
is_unused (const Repo *repo, GStrv unused)
{
  const ColdSource *source = repo->appdata;

  return g_strv_contains ((const char *const *) unused, source->suites[0]);
}

static void
find_offered (Pool *pool, Arch *arch, GStrv unused)
{
  Solvable *s;
  Id p;

  arch->n_names = pool->ss.nstrings;
  arch->installed = g_new0 (Id, arch->n_names);
  arch->offered = g_new0 (Id, arch->n_names);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    arch->installed[s->name] = p;
  for (guint i = 0; i < arch->repos->len; i++)
    {
      Repo *repo = g_ptr_array_index (arch->repos, i);

      if (is_unused (repo, unused))
        continue;
      FOR_REPO_SOLVABLES (repo, p, s)
        if (arch->offered[s->name] == 0 && pool_installable (pool, s))
          arch->offered[s->name] = p;
    }
}

static guint
order_of (Arch *arch, Id p, Pool *pool)
{
  guint order = G_MAXUINT;

  g_ptr_array_find (arch->repos, pool_id2solvable (pool, p)->repo, &order);
  return order;
}

/* A package replaces another only where pacman, asking one repository after the other, comes to it before it comes to a
 * package of the other's own name; in one repository, it looks for what replaces first. */
static void
trim_replaces (Pool *pool, Arch *arch, Id p)
{
  Solvable *s = pool_id2solvable (pool, p);
  Offset kept = 0;
  Queue names;

  if (s->obsoletes == 0)
    return;
  queue_init (&names);
  for (Id *dep = s->repo->idarraydata + s->obsoletes; *dep != 0; dep++)
    queue_push (&names, *dep);
  for (int i = 0; i < names.count; i++)
    {
      Id dep = names.elements[i];
      Id name = ISRELDEP (dep) ? GETRELDEP (pool, dep)->name : dep;
      Id own = !ISRELDEP (name) && (guint) name < arch->n_names ? arch->offered[name] : 0;

      if (own == 0 || order_of (arch, p, pool) <= order_of (arch, own, pool))
        kept = repo_addid_dep (s->repo, kept, dep, 0);
    }
  queue_free (&names);
  s->obsoletes = kept;
}

static gboolean
is_newer (Pool *pool, Id p, Id installed)
{
  return pool_evrcmp (pool, pool_id2solvable (pool, p)->evr, pool_id2solvable (pool, installed)->evr, EVRCMP_COMPARE) > 0;
}

/* Whether the solver may see @p as the new version of @installed. */
static gboolean
may_upgrade (ColdPlan *plan, Id p, Id installed)
{
  const ColdSource *source = pool_id2solvable (plan->pool, p)->repo->appdata;

  return is_newer (plan->pool, p, installed) && (!plan->security_only || source->security);
}

/* Of an installed name pacman takes what the first repository has, and nothing else; of others, the first that will do. */
static gboolean
may_take (ColdPlan *plan, Arch *arch, Id p)
{
  Pool *pool = plan->pool;
  Id name = pool_id2solvable (pool, p)->name;
  const char *text = pool_id2str (pool, name);

  if (g_hash_table_contains (plan->excluded, text) || !pool_installable (pool, pool_id2solvable (pool, p)))
    return FALSE;
  if (arch->installed[name] == 0)
    return !is_ignored (arch, text);
  return p == arch->offered[name] && may_upgrade (plan, p, arch->installed[name]);
}

static void
consider_repo (ColdPlan *plan, Arch *arch, Repo *repo)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      if (!may_take (plan, arch, p))
        continue;
      MAPSET (&plan->considered, p);
      trim_replaces (pool, arch, p);
    }
}

static void
consider (ColdPlan *plan, Arch *arch, GStrv unused)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  map_init (&plan->considered, pool->nsolvables);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      const char *name = pool_id2str (pool, s->name);

      MAPSET (&plan->considered, p);
      if (is_ignored (arch, name))
        g_hash_table_add (plan->held, g_strdup (name));
    }
  for (guint i = 0; i < arch->repos->len; i++)
    if (!is_unused (g_ptr_array_index (arch->repos, i), unused))
      consider_repo (plan, arch, g_ptr_array_index (arch->repos, i));
  for (guint i = 1; i < arch->n_names; i++)
    if (arch->offered[i] != 0 && !MAPTST (&plan->considered, arch->offered[i]))
      arch->offered[i] = 0;
}

gboolean
cold_arch_plan_load_catalogue (ColdPlan *plan, GError **error)
{
  Arch *arch = g_new0 (Arch, 1);

  plan->data = arch;
  plan->free_data = arch_free;
  arch->databases = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_arch_database_free);
  arch->repos = g_ptr_array_new ();
  arch->patterns = g_ptr_array_new_with_free_func (g_free);
  arch->grouped = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  plan->pool = cold_solver_new_pool (DISTTYPE_ARCH, plan->arch);
  return load_databases (plan, arch, error);
}

gboolean
cold_arch_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error)
{
  g_auto (GStrv) unused = cold_json_strv (manifest, "unused");
  Arch *arch = plan->data;

  if (!cold_plan_check_arch (plan, cold_json_string (manifest, "arch"), error) || !add_installed (plan->pool, manifest, error)
      || !find_ignored (arch, manifest, error))
    return FALSE;
  write_versions (plan->pool, arch);
  find_offered (plan->pool, arch, unused);
  consider (plan, arch, unused);
  return TRUE;
}

/* --- the rest of the type -------------------------------------------------------------------------------------------- */

void
cold_arch_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs)
{
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_ARCHCHANGE, 1); /* between "any" and the guest's */
  solver_set_flag (solver, SOLVER_FLAG_NO_INFARCHCHECK, 1);
  solver_set_flag (solver, SOLVER_FLAG_NO_UPDATEPROVIDE, 1);
  cold_plan_alternatives_favour (plan, jobs);
}

gboolean
cold_arch_plan_is_usable (ColdPlan *plan, Solvable *s)
{
  const Arch *arch = plan->data;
  const char *file = solvable_get_location (s, NULL);

  return cold_plan_has_only (pool_id2str (plan->pool, s->name), "@._+-")
         && cold_plan_has_only (pool_id2str (plan->pool, arch->versions[s - plan->pool->solvables]), "@._+-:~^")
         && strchr (file, '/') == NULL && strstr (file, ".pkg.tar") != NULL;
}

Id
cold_arch_plan_get_candidate (ColdPlan *plan, Id installed)
{
  const Arch *arch = plan->data;

  return arch->offered[pool_id2solvable (plan->pool, installed)->name];
}

void
cold_arch_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package)
{
  const Arch *arch = plan->data;
  const ColdSource *source = s->repo->appdata;
  Id installed = arch->installed[s->name];
  g_autofree char *origin = g_strdup_printf ("%s:%s", source->id, source->suites[0]);

  /* As they were published, in place of what the solver was told. */
  json_object_set_string_member (package, "candidate",
                                 pool_id2str (plan->pool, arch->versions[s - plan->pool->solvables]));
  if (installed != 0)
    json_object_set_string_member (package, "installed", pool_id2str (plan->pool, arch->versions[installed]));
  json_object_set_string_member (package, "origin", origin);
  json_object_set_string_member (package, "repository", source->id);
  json_object_set_boolean_member (package, "security", source->security);
}
