/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan: what "apt-get upgrade --with-new-pkgs" would do, without apt.
 *
 * apt looks at one version of each package only, its candidate: the one of the highest priority. So the candidates are
 * chosen first, by apt's own rules (cold-deb-preferences.h), and nothing else of the catalogue is shown to the solver. Whatever
 * apt would do here that cannot be said to libsolv keeps its package back, with a text in "problems".
 */
#include <solv/bitmap.h>
#include <solv/evr.h>
#include <solv/poolarch.h>
#include <solv/problems.h>
#include <solv/solver.h>
#include <solv/transaction.h>

#include "cold-deb-preferences.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-solver.h"
#include "cold-verb.h"

#define ROUNDS_MAX 16

typedef struct
{
  Pool *pool;
  GPtrArray *repositories;
  GPtrArray *indexes;       /* (element-type GPtrArray of ColdDebIndex) one a repository */
  ColdDebPreferences *preferences;
  GHashTable *held;         /* (element-type utf8) */
  GHashTable *excluded;     /* (element-type utf8) */
  GHashTable *foreign;      /* (element-type utf8) names installed for a foreign architecture too */
  GHashTable *locked;       /* (element-type utf8) kept back because apt's choice is not known */
  gboolean security_only;
  Id *installed;            /* by name: the installed solvable, or 0 */
  Id *candidates;           /* by name: the solvable, or 0; never one that is not newer than the installed one */
  guint n_names;
  Map considered;
  JsonArray *problems;
} Plan;

static void
plan_clear (Plan *plan)
{
  if (plan->considered.map != NULL)
    map_free (&plan->considered);
  g_clear_pointer (&plan->pool, pool_free);
  g_clear_pointer (&plan->indexes, g_ptr_array_unref);
  g_clear_pointer (&plan->repositories, g_ptr_array_unref);
  g_clear_pointer (&plan->preferences, cold_deb_preferences_free);
  g_clear_pointer (&plan->held, g_hash_table_unref);
  g_clear_pointer (&plan->excluded, g_hash_table_unref);
  g_clear_pointer (&plan->foreign, g_hash_table_unref);
  g_clear_pointer (&plan->locked, g_hash_table_unref);
  g_free (plan->installed);
  g_free (plan->candidates);
  g_clear_pointer (&plan->problems, json_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Plan, plan_clear)

static void G_GNUC_PRINTF (2, 3)
add_problem (Plan *plan, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *valid = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  valid = cold_text_make_valid (text);
  json_array_add_string_element (plan->problems, valid);
}

/* Adds the strings of an array to a set; of "name:arch" only the name, unless that is another architecture's. */
static void
add_names (GHashTable *set, JsonObject *object, const char *member, const char *arch)
{
  g_auto (GStrv) texts = cold_json_strv (object, member);

  for (guint i = 0; texts[i] != NULL; i++)
    {
      char *colon = strchr (texts[i], ':');

      if (colon != NULL && (arch == NULL || g_str_equal (colon + 1, arch) || g_str_equal (colon + 1, "all")))
        *colon = '\0';
      g_hash_table_add (set, g_strdup (texts[i]));
    }
}

static GHashTable *
set_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static gboolean
load_catalogue (Plan *plan, JsonObject *request, const char *arch, GError **error)
{
  plan->repositories = cold_deb_repositories_parse (request, error);
  if (plan->repositories == NULL)
    return FALSE;
  plan->indexes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < plan->repositories->len; i++)
    {
      GPtrArray *indexes = cold_deb_repository_open (g_ptr_array_index (plan->repositories, i),
                                                     cold_verb_catalogue (request), error);

      if (indexes == NULL)
        return FALSE;
      g_ptr_array_add (plan->indexes, indexes);
      for (guint k = 0; k < indexes->len; k++)
        {
          const ColdDebIndex *index = g_ptr_array_index (indexes, k);

          if (g_str_equal (index->arch, arch) && !cold_solver_add_index (plan->pool, index, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* Names that are installed for another architecture as well: dpkg wants all of them in one version, and only this
 * architecture's are in the catalogue. */
static void
find_foreign (Plan *plan, const char *status, const char *arch)
{
  g_auto (GStrv) stanzas = g_strsplit (status, "\n\n", -1);

  for (guint i = 0; stanzas[i] != NULL; i++)
    {
      g_auto (GStrv) lines = g_strsplit (stanzas[i], "\n", -1);
      const char *name = NULL;
      const char *of = NULL;

      for (guint k = 0; lines[k] != NULL; k++)
        {
          if (g_str_has_prefix (lines[k], "Package: "))
            name = lines[k] + 9;
          if (g_str_has_prefix (lines[k], "Architecture: "))
            of = lines[k] + 14;
        }
      if (name != NULL && of != NULL && !g_str_equal (of, arch) && !g_str_equal (of, "all"))
        g_hash_table_add (plan->foreign, g_strdup (name));
    }
}

static gboolean
load (Plan *plan, JsonObject *request, GError **error)
{
  const char *path = cold_json_string (request, "manifest");
  g_autoptr (JsonObject) manifest = path != NULL ? cold_json_load_file (path, error) : NULL;
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  JsonArray *foreign = cold_json_array (manifest, "foreign");
  const char *arch = cold_json_string (manifest, "native");
  const char *status = cold_json_string (manifest, "status");

  if (path == NULL || (manifest != NULL && (arch == NULL || status == NULL)))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"manifest\" is no manifest of Debian packages");
      return FALSE;
    }
  if (manifest == NULL)
    return FALSE;

  plan->pool = cold_solver_new_pool (arch);
  plan->problems = json_array_new ();
  plan->held = set_new ();
  plan->excluded = set_new ();
  plan->foreign = set_new ();
  plan->locked = set_new ();
  plan->security_only = cold_json_bool (request, "security-only");
  plan->preferences = cold_deb_preferences_new (cold_json_array (manifest, "preferences"));
  if (!cold_solver_add_installed (plan->pool, status, held, error))
    return FALSE;
  for (guint i = 0; i < held->len; i++)
    g_hash_table_add (plan->held, g_strdup (g_ptr_array_index (held, i)));
  add_names (plan->held, manifest, "held", arch);
  add_names (plan->excluded, request, "exclude", NULL);
  if (foreign != NULL && json_array_get_length (foreign) > 0)
    find_foreign (plan, status, arch);
  return load_catalogue (plan, request, arch, error);
}

static const ColdDebIndex *
index_of (const Solvable *s)
{
  return s->repo->appdata;
}

static const char *
source_of (Solvable *s)
{
  const char *source = solvable_lookup_str (s, SOLVABLE_SOURCENAME);

  return source != NULL ? source : pool_id2str (s->repo->pool, s->name);
}

/* @general: of the index; @s: a version of the catalogue */
static int
priority_of (Plan *plan, Solvable *s, int general)
{
  const char *name = pool_id2str (plan->pool, s->name);
  int priority = general;
  gboolean unknown = FALSE;

  if (!cold_deb_preferences_has_specific (plan->preferences))
    return general;
  cold_deb_preferences_get_specific (plan->preferences, name, source_of (s), pool_id2str (plan->pool, s->evr),
                                     index_of (s), &priority, &unknown);
  if (unknown && g_hash_table_add (plan->locked, g_strdup (name)) && plan->installed[s->name] != 0)
    add_problem (plan, "%s is kept back: a pin of the guest names it in a way that coldpatch does not understand", name);
  return priority;
}

/* The installed version's, as far as it does not come from an index that has the same version. */
static int
installed_priority (Plan *plan, Solvable *s)
{
  int priority = COLD_DEB_PRIORITY_INSTALLED;
  gboolean unknown = FALSE;

  if (cold_deb_preferences_has_specific (plan->preferences))
    cold_deb_preferences_get_specific (plan->preferences, pool_id2str (plan->pool, s->name), source_of (s),
                                       pool_id2str (plan->pool, s->evr), NULL, &priority, &unknown);
  return priority;
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

static void
choose_of_repo (Plan *plan, Repo *repo, int *priorities)
{
  Pool *pool = plan->pool;
  const ColdDebIndex *index = repo->appdata;
  int general = cold_deb_preferences_get_general (plan->preferences, index);
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id installed = plan->installed[s->name];
      Id best = plan->candidates[s->name];
      int priority;

      if (!pool_installable (pool, s) || (installed != 0 && plan->security_only && !index->repository->security))
        continue;
      priority = priority_of (plan, s, general);
      if (priority <= 0)
        continue;
      if (installed != 0 && priority < COLD_DEB_PRIORITY_DOWNGRADE
          && pool_evrcmp (pool, s->evr, pool_id2solvable (pool, installed)->evr, EVRCMP_COMPARE) < 0)
        continue;
      if (best == 0 || is_better (pool, s, priority, pool_id2solvable (pool, best), priorities[s->name]))
        {
          plan->candidates[s->name] = p;
          priorities[s->name] = priority;
        }
    }
}

/* Fills plan->candidates as apt's pkgPolicy would. */
static void
choose_candidates (Plan *plan)
{
  Pool *pool = plan->pool;
  g_autofree int *priorities = NULL;
  Solvable *s;
  Repo *repo;
  Id p;
  int i;

  plan->n_names = pool->ss.nstrings;
  plan->installed = g_new0 (Id, plan->n_names);
  plan->candidates = g_new0 (Id, plan->n_names);
  priorities = g_new0 (int, plan->n_names);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      int priority = installed_priority (plan, s);

      plan->installed[s->name] = p;
      if (priority > 0)
        {
          plan->candidates[s->name] = p;
          priorities[s->name] = priority;
        }
    }
  FOR_REPOS (i, repo)
    if (repo != pool->installed)
      choose_of_repo (plan, repo, priorities);
}

/* Of the installed packages, the candidates that cannot be reached here are dropped. */
static void
drop_candidate (Plan *plan, Id installed)
{
  Pool *pool = plan->pool;
  Solvable *s = pool_id2solvable (pool, installed);
  Id candidate = plan->candidates[s->name];
  const char *name = pool_id2str (pool, s->name);
  int compared;

  if (candidate == 0 || candidate == installed)
    {
      plan->candidates[s->name] = 0;
      return;
    }
  compared = pool_evrcmp (pool, pool_id2solvable (pool, candidate)->evr, s->evr, EVRCMP_COMPARE);
  if (compared < 0)
    {
      add_problem (plan, "%s is kept back: a pin of the guest asks for the older version %s", name,
                   pool_id2str (pool, pool_id2solvable (pool, candidate)->evr));
      g_hash_table_add (plan->locked, g_strdup (name));
    }
  if (compared <= 0)
    plan->candidates[s->name] = 0;
  else if (g_hash_table_contains (plan->foreign, name))
    {
      add_problem (plan, "%s is kept back: it is installed for several architectures", name);
      g_hash_table_add (plan->locked, g_strdup (name));
    }
}

static void
consider_candidates (Plan *plan)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  map_init (&plan->considered, pool->nsolvables);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      drop_candidate (plan, p);
      MAPSET (&plan->considered, p);
    }
  for (guint i = 0; i < plan->n_names; i++)
    if (plan->candidates[i] != 0 && !g_hash_table_contains (plan->excluded, pool_id2str (pool, i)))
      MAPSET (&plan->considered, plan->candidates[i]);
  pool->considered = &plan->considered;
}

static gboolean
is_locked (Plan *plan, const char *name)
{
  return g_hash_table_contains (plan->held, name) || g_hash_table_contains (plan->excluded, name)
         || g_hash_table_contains (plan->locked, name);
}

static Solver *
solve (Plan *plan, int *n_problems)
{
  Pool *pool = plan->pool;
  Solver *solver;
  Solvable *s;
  Queue jobs;
  Id p;

  pool_createwhatprovides (pool);
  queue_init (&jobs);
  queue_push2 (&jobs, SOLVER_UPDATE | SOLVER_SOLVABLE_ALL, 0);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (is_locked (plan, pool_id2str (pool, s->name)))
      queue_push2 (&jobs, SOLVER_LOCK | SOLVER_SOLVABLE, p);
  solver = solver_create (pool);
  solver_set_flag (solver, SOLVER_FLAG_IGNORE_RECOMMENDED, 1);
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_ARCHCHANGE, 1); /* between "all" and the guest's */
  solver_set_flag (solver, SOLVER_FLAG_NO_INFARCHCHECK, 1);
  solver_set_flag (solver, SOLVER_FLAG_NO_UPDATEPROVIDE, 1);
  *n_problems = solver_solve (solver, &jobs);
  queue_free (&jobs);
  return solver;
}

static void
add_solver_problems (Plan *plan, Solver *solver, int n)
{
  for (int i = 1; i <= n; i++)
    {
      Id rule = solver_findproblemrule (solver, i);
      Id from, to, dep;
      SolverRuleinfo type = solver_ruleinfo (solver, rule, &from, &to, &dep);

      add_problem (plan, "nothing can be upgraded: %s", solver_problemruleinfo2str (solver, type, from, to, dep));
    }
}

static gboolean
has_only (const char *text, const char *others)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (others, *p) == NULL)
      return FALSE;
  return *text != '\0' && *text != '-' && *text != '.' && strlen (text) <= 200;
}

/* A signed index can still hold what no archive would publish. */
static gboolean
is_usable (Plan *plan, Solvable *s)
{
  Id type = 0;
  const char *sha256 = solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type);
  unsigned long long size = solvable_lookup_num (s, SOLVABLE_DOWNLOADSIZE, 0);

  return type == REPOKEY_TYPE_SHA256 && cold_is_sha256 (sha256) && size > 0 && size < (1ull << 40)
         && cold_is_safe_path (solvable_get_location (s, NULL)) && has_only (pool_id2str (plan->pool, s->name), "+.-")
         && has_only (pool_id2str (plan->pool, s->evr), "+.-:~");
}

/* Returns: whether something was taken out of consideration and everything has to be solved again */
static gboolean
withdraw_unusable (Plan *plan, Transaction *transaction)
{
  gboolean withdrawn = FALSE;

  for (int i = 0; i < transaction->steps.count; i++)
    {
      Id p = transaction->steps.elements[i];
      Solvable *s = pool_id2solvable (plan->pool, p);

      if (s->repo == plan->pool->installed || is_usable (plan, s))
        continue;
      add_problem (plan, "%s of repository %s is left out: its entry has no usable name, version, size, path or hash",
                   pool_solvid2str (plan->pool, p), index_of (s)->repository->id);
      MAPCLR (&plan->considered, p);
      withdrawn = TRUE;
    }
  return withdrawn;
}

static char *
describe_origin (const ColdDebIndex *index)
{
  const char *who = *index->origin != '\0' ? index->origin : index->label;
  const char *what = *index->codename != '\0' ? index->codename : index->archive;

  return g_strdup_printf ("%s:%s", *who != '\0' ? who : index->repository->id, *what != '\0' ? what : index->suite);
}

static JsonObject *
describe_package (Plan *plan, Solvable *s)
{
  Pool *pool = plan->pool;
  const ColdDebIndex *index = index_of (s);
  g_autofree char *origin = describe_origin (index);
  JsonObject *object = json_object_new ();
  Id installed = plan->installed[s->name];
  Id type;

  json_object_set_string_member (object, "name", pool_id2str (pool, s->name));
  json_object_set_string_member (object, "arch", pool_id2str (pool, s->arch));
  json_object_set_string_member (object, "installed",
                                 installed != 0 ? pool_id2str (pool, pool_id2solvable (pool, installed)->evr) : "");
  json_object_set_string_member (object, "candidate", pool_id2str (pool, s->evr));
  json_object_set_string_member (object, "origin", origin);
  json_object_set_string_member (object, "repository", index->repository->id);
  json_object_set_boolean_member (object, "security", index->repository->security);
  json_object_set_int_member (object, "size", solvable_lookup_num (s, SOLVABLE_DOWNLOADSIZE, 0));
  json_object_set_string_member (object, "sha256", solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type));
  json_object_set_string_member (object, "path", solvable_get_location (s, NULL));
  return object;
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer pool)
{
  const Id x = *(const Id *) a;
  const Id y = *(const Id *) b;

  return strcmp (pool_id2str (pool, pool_id2solvable (pool, x)->name),
                 pool_id2str (pool, pool_id2solvable (pool, y)->name));
}

/* Sorted by name; taken as planned from plan->candidates. */
static JsonArray *
describe_packages (Plan *plan, Transaction *transaction, gint64 *download)
{
  g_autoptr (GArray) chosen = g_array_new (FALSE, FALSE, sizeof (Id));
  JsonArray *packages = json_array_new ();

  for (int i = 0; transaction != NULL && i < transaction->steps.count; i++)
    if (pool_id2solvable (plan->pool, transaction->steps.elements[i])->repo != plan->pool->installed)
      g_array_append_val (chosen, transaction->steps.elements[i]);
  g_array_sort_with_data (chosen, compare_names, plan->pool);
  for (guint i = 0; i < chosen->len; i++)
    {
      Solvable *s = pool_id2solvable (plan->pool, g_array_index (chosen, Id, i));
      JsonObject *package = describe_package (plan, s);

      *download += cold_json_int (package, "size");
      json_array_add_object_element (packages, package);
      plan->candidates[s->name] = 0;
    }
  return packages;
}

/* What has a candidate that was not planned. */
static void
describe_rest (Plan *plan, JsonArray *held, JsonArray *kept_back)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      const char *name = pool_id2str (pool, s->name);

      if (g_hash_table_contains (plan->excluded, name))
        continue;
      if (g_hash_table_contains (plan->held, name))
        {
          if (plan->candidates[s->name] != 0)
            json_array_add_string_element (held, name);
        }
      else if (plan->candidates[s->name] != 0 || g_hash_table_contains (plan->locked, name))
        {
          json_array_add_string_element (kept_back, name);
        }
    }
}

static JsonObject *
describe (Plan *plan, Transaction *transaction)
{
  JsonObject *result = json_object_new ();
  JsonArray *held = json_array_new ();
  JsonArray *kept_back = json_array_new ();
  gint64 download = 0;

  json_object_set_array_member (result, "packages", describe_packages (plan, transaction, &download));
  json_object_set_int_member (result, "download-size", download);
  describe_rest (plan, held, kept_back);
  json_object_set_array_member (result, "held", held);
  json_object_set_array_member (result, "kept-back", kept_back);
  json_object_set_array_member (result, "problems", json_array_ref (plan->problems));
  return result;
}

/* The solver was told to remove nothing; a plan that does all the same must not leave this process. */
static gboolean
removes_something (Plan *plan, Transaction *transaction)
{
  for (int i = 0; i < transaction->steps.count; i++)
    {
      Id p = transaction->steps.elements[i];

      if (pool_id2solvable (plan->pool, p)->repo == plan->pool->installed
          && transaction_type (transaction, p, SOLVER_TRANSACTION_SHOW_ALL) == SOLVER_TRANSACTION_ERASE)
        return TRUE;
    }
  return FALSE;
}

JsonObject *
cold_verb_plan (JsonObject *request, GError **error)
{
  g_auto (Plan) plan = { NULL };

  if (!load (&plan, request, error))
    return NULL;
  choose_candidates (&plan);
  consider_candidates (&plan);
  for (guint round = 0; round < ROUNDS_MAX; round++)
    {
      int n_problems;
      Solver *solver = solve (&plan, &n_problems);
      Transaction *transaction = n_problems == 0 ? solver_create_transaction (solver) : NULL;
      gboolean again = transaction != NULL && withdraw_unusable (&plan, transaction);
      gboolean removes = transaction != NULL && removes_something (&plan, transaction);
      JsonObject *result = NULL;

      if (!again && !removes)
        {
          add_solver_problems (&plan, solver, n_problems);
          result = describe (&plan, transaction);
        }
      if (transaction != NULL)
        transaction_free (transaction);
      solver_free (solver);
      if (result != NULL)
        return result;
      if (removes && !again)
        break;
    }
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_FAILED, "no plan without removals was found for this guest");
  return NULL;
}
