/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-plan.h"

#include <solv/problems.h>
#include <solv/transaction.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan-needs.h"
#include "cold-verb.h"

#define ROUNDS_MAX 16

void
cold_plan_free (ColdPlan *plan)
{
  if (plan == NULL)
    return;
  if (plan->considered.map != NULL)
    map_free (&plan->considered);
  if (plan->free_data != NULL)
    plan->free_data (plan->data);
  g_clear_pointer (&plan->pool, pool_free);
  g_clear_pointer (&plan->sources, g_ptr_array_unref);
  g_clear_pointer (&plan->held, g_hash_table_unref);
  g_clear_pointer (&plan->excluded, g_hash_table_unref);
  g_clear_pointer (&plan->locked, g_hash_table_unref);
  g_clear_pointer (&plan->kept, g_hash_table_unref);
  g_clear_pointer (&plan->problems, json_array_unref);
  g_free (plan);
}

void
cold_plan_add_problem (ColdPlan *plan, const char *format, ...)
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

void
cold_plan_add_names (GHashTable *set, JsonObject *object, const char *member, const char *arch)
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

/* All of one type, for one architecture: what serves a guest. */
static gboolean
check_sources (ColdPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (plan->sources, i);

      if (source->architectures[0] == NULL || (i > 0 && (source->type != plan->type
                                                         || !g_str_equal (source->architectures[0], plan->arch))))
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                       "plan: repository %s has no architecture, or differs in type or architecture from the others", source->id);
          return FALSE;
        }
      plan->type = source->type;
      plan->arch = source->architectures[0];
    }
  if (plan->sources->len == 0)
    g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"repositories\" is missing");
  return plan->sources->len > 0;
}

ColdPlan *
cold_plan_new (JsonObject *request, GError **error)
{
  g_autoptr (ColdPlan) plan = g_new0 (ColdPlan, 1);

  plan->catalogue = cold_verb_catalogue (request);
  plan->problems = json_array_new ();
  plan->held = set_new ();
  plan->excluded = set_new ();
  plan->locked = set_new ();
  plan->kept = g_hash_table_new (NULL, NULL);
  plan->sources = cold_sources_parse (request, error);
  if (plan->sources == NULL || !check_sources (plan, error) || !plan->type->load_catalogue (plan, error))
    return NULL;
  return g_steal_pointer (&plan);
}

gboolean
cold_plan_check_arch (ColdPlan *plan, const char *arch, GError **error)
{
  if (g_strcmp0 (arch, plan->arch) == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's packages are of architecture %s, the repositories' of %s", arch,
               plan->arch);
  return FALSE;
}

static gboolean
load_manifest (ColdPlan *plan, JsonObject *guest, GError **error)
{
  const char *path = cold_json_string (guest, "manifest");
  g_autoptr (JsonObject) manifest = path != NULL ? cold_json_load_file (path, error) : NULL;
  const char *format;

  if (path == NULL)
    g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"manifest\" is missing");
  if (manifest == NULL)
    return FALSE;
  format = cold_json_string (manifest, "format");
  if (cold_repository_type_for_format (format) != plan->type)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "plan: \"manifest\" is no manifest of packages that can be planned with these repositories: its format is \"%s\"",
                   format != NULL ? format : "");
      return FALSE;
    }
  plan->security_only = cold_json_bool (guest, "security-only");
  cold_plan_add_names (plan->excluded, guest, "exclude", NULL);
  if (!plan->type->load_manifest (plan, manifest, error))
    return FALSE;
  plan->pool->considered = &plan->considered;
  return TRUE;
}

static gboolean
is_locked (ColdPlan *plan, const char *name)
{
  return g_hash_table_contains (plan->held, name) || g_hash_table_contains (plan->excluded, name)
         || g_hash_table_contains (plan->locked, name);
}

static Solver *
solve (ColdPlan *plan, int *n_problems)
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
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (g_hash_table_contains (plan->kept, GINT_TO_POINTER (p)))
      queue_push2 (&jobs, SOLVER_INSTALL | SOLVER_SOLVABLE, p);
  solver = solver_create (pool);
  solver_set_flag (solver, SOLVER_FLAG_IGNORE_RECOMMENDED, 1);
  plan->type->prepare (plan, solver, &jobs);
  *n_problems = solver_solve (solver, &jobs);
  queue_free (&jobs);
  return solver;
}

static void
add_solver_problems (ColdPlan *plan, Solver *solver, int n)
{
  for (int i = 1; i <= n; i++)
    {
      Id rule = solver_findproblemrule (solver, i);
      Id from, to, dep;
      SolverRuleinfo type = solver_ruleinfo (solver, rule, &from, &to, &dep);

      cold_plan_add_problem (plan, "nothing can be upgraded: %s", solver_problemruleinfo2str (solver, type, from, to, dep));
    }
}

gboolean
cold_plan_has_only (const char *text, const char *others)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (others, *p) == NULL)
      return FALSE;
  return *text != '\0' && *text != '-' && *text != '.' && strlen (text) <= 200;
}

/* A signed index can still hold what no archive would publish. */
static gboolean
is_usable (ColdPlan *plan, Solvable *s)
{
  Id type = 0;
  const char *sha256 = solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type);
  unsigned long long size = solvable_lookup_num (s, SOLVABLE_DOWNLOADSIZE, 0);

  return type == REPOKEY_TYPE_SHA256 && cold_is_sha256 (sha256) && size > 0 && size < (1ull << 40)
         && cold_is_safe_path (solvable_get_location (s, NULL)) && plan->type->is_usable (plan, s);
}

/* Returns: whether something was taken out of consideration and everything has to be solved again */
static gboolean
withdraw_unusable (ColdPlan *plan, Transaction *transaction)
{
  gboolean withdrawn = FALSE;

  for (int i = 0; i < transaction->steps.count; i++)
    {
      Id p = transaction->steps.elements[i];
      Solvable *s = pool_id2solvable (plan->pool, p);

      if (s->repo == plan->pool->installed || is_usable (plan, s))
        continue;
      cold_plan_add_problem (plan,
                             "%s of repository %s is left out: its entry has no usable name, version, size, path or hash",
                             pool_solvid2str (plan->pool, p), s->repo->name);
      MAPCLR (&plan->considered, p);
      withdrawn = TRUE;
    }
  return withdrawn;
}

/* What is done is by name: an upgrade takes the place of another version, an obsoleting package that of another name. */
static void
describe_replaced (ColdPlan *plan, Transaction *transaction, Id p, JsonObject *object, GHashTable *done)
{
  Pool *pool = plan->pool;
  Id name = pool_id2solvable (pool, p)->name;
  const char *installed = "";
  JsonArray *replaces = json_array_new ();
  Queue replaced;

  queue_init (&replaced);
  transaction_all_obs_pkgs (transaction, p, &replaced);
  for (int i = 0; i < replaced.count; i++)
    {
      Solvable *s = pool_id2solvable (pool, replaced.elements[i]);

      if (s->name == name)
        installed = pool_id2str (pool, s->evr);
      else
        json_array_add_string_element (replaces, pool_id2str (pool, s->name));
      g_hash_table_add (done, GINT_TO_POINTER (s->name));
    }
  queue_free (&replaced);
  g_hash_table_add (done, GINT_TO_POINTER (name));
  json_object_set_string_member (object, "installed", installed);
  if (json_array_get_length (replaces) > 0)
    json_object_set_array_member (object, "replaces", json_array_ref (replaces));
  json_array_unref (replaces);
}

/* Returns: (transfer full) */
static char *
name_of (ColdPlan *plan, Solvable *s)
{
  return plan->type->get_name != NULL ? plan->type->get_name (plan, s) : g_strdup (pool_id2str (plan->pool, s->name));
}

static JsonObject *
describe_package (ColdPlan *plan, Transaction *transaction, Id p, GHashTable *done)
{
  Pool *pool = plan->pool;
  Solvable *s = pool_id2solvable (pool, p);
  JsonObject *object = json_object_new ();
  g_autofree char *name = name_of (plan, s);
  Id type;

  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "arch", pool_id2str (pool, s->arch));
  describe_replaced (plan, transaction, p, object, done);
  json_object_set_string_member (object, "candidate", pool_id2str (pool, s->evr));
  json_object_set_int_member (object, "size", solvable_lookup_num (s, SOLVABLE_DOWNLOADSIZE, 0));
  json_object_set_string_member (object, "sha256", solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type));
  json_object_set_string_member (object, "path", solvable_get_location (s, NULL));
  plan->type->describe (plan, s, object);
  return object;
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer user_data)
{
  ColdPlan *plan = user_data;
  Solvable *x = pool_id2solvable (plan->pool, *(const Id *) a);
  Solvable *y = pool_id2solvable (plan->pool, *(const Id *) b);
  g_autofree char *one = name_of (plan, x);
  g_autofree char *other = name_of (plan, y);
  int order = strcmp (one, other);

  return order != 0 ? order : strcmp (pool_id2str (plan->pool, x->arch), pool_id2str (plan->pool, y->arch));
}

/* Sorted by name and architecture. @done: (element-type Id): gets the names that are upgraded or replaced */
static JsonArray *
describe_packages (ColdPlan *plan, Transaction *transaction, GHashTable *done, gint64 *download)
{
  g_autoptr (GArray) chosen = g_array_new (FALSE, FALSE, sizeof (Id));
  JsonArray *packages = json_array_new ();

  for (int i = 0; transaction != NULL && i < transaction->steps.count; i++)
    if (pool_id2solvable (plan->pool, transaction->steps.elements[i])->repo != plan->pool->installed)
      g_array_append_val (chosen, transaction->steps.elements[i]);
  g_array_sort_with_data (chosen, compare_names, plan);
  for (guint i = 0; i < chosen->len; i++)
    {
      JsonObject *package = describe_package (plan, transaction, g_array_index (chosen, Id, i), done);

      *download += cold_json_int (package, "size");
      json_array_add_object_element (packages, package);
    }
  return packages;
}

/* What has a candidate that was not planned; each name once, though several versions of it can be installed. */
static void
describe_rest (ColdPlan *plan, GHashTable *done, JsonArray *held, JsonArray *kept_back)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, s)
    {
      const char *name = pool_id2str (pool, s->name);
      gboolean has_candidate;

      if (g_hash_table_contains (plan->excluded, name) || g_hash_table_contains (done, GINT_TO_POINTER (s->name)))
        continue;
      has_candidate = plan->type->get_candidate (plan, p) != 0;
      if (g_hash_table_contains (plan->held, name) && has_candidate)
        json_array_add_string_element (held, name);
      else if (!g_hash_table_contains (plan->held, name)
               && (has_candidate || g_hash_table_contains (plan->locked, name)))
        json_array_add_string_element (kept_back, name);
      else
        continue;
      g_hash_table_add (done, GINT_TO_POINTER (s->name));
    }
}

static JsonObject *
describe (ColdPlan *plan, Transaction *transaction)
{
  JsonObject *result = json_object_new ();
  JsonArray *held = json_array_new ();
  JsonArray *kept_back = json_array_new ();
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);
  gint64 download = 0;

  json_object_set_array_member (result, "packages", describe_packages (plan, transaction, done, &download));
  json_object_set_int_member (result, "download-size", download);
  describe_rest (plan, done, held, kept_back);
  json_object_set_array_member (result, "held", held);
  json_object_set_array_member (result, "kept-back", kept_back);
  json_object_set_array_member (result, "problems", json_array_ref (plan->problems));
  return result;
}

/* The solver was told to remove nothing, and does so all the same with one of two versions that should not be installed beside
 * each other. A plan that does must not leave this process: what would go is required to stay. Returns: whether something would
 * be removed */
static gboolean
keep_removed (ColdPlan *plan, Transaction *transaction, gboolean *again)
{
  gboolean removes = FALSE;

  for (int i = 0; i < transaction->steps.count; i++)
    {
      Id p = transaction->steps.elements[i];

      if (pool_id2solvable (plan->pool, p)->repo != plan->pool->installed
          || transaction_type (transaction, p, SOLVER_TRANSACTION_SHOW_ALL | SOLVER_TRANSACTION_SHOW_OBSOLETES)
                 != SOLVER_TRANSACTION_ERASE)
        continue;
      removes = TRUE;
      if (!g_hash_table_add (plan->kept, GINT_TO_POINTER (p)))
        continue;
      *again = TRUE;
      cold_plan_add_problem (plan, "%s stays, which the guest's package manager would remove: what does not go together with it "
                             "is kept back",
                             pool_solvid2str (plan->pool, p));
    }
  return removes;
}

JsonObject *
cold_plan_make (ColdPlan *plan, JsonObject *guest, GError **error)
{
  if (!load_manifest (plan, guest, error))
    return NULL;
  for (guint round = 0; round < ROUNDS_MAX; round++)
    {
      int n_problems;
      Solver *solver = solve (plan, &n_problems);
      Transaction *transaction = n_problems == 0 ? solver_create_transaction (solver) : NULL;
      gboolean again = transaction != NULL && withdraw_unusable (plan, transaction);
      gboolean removes = transaction != NULL && keep_removed (plan, transaction, &again);
      JsonObject *result = NULL;

      if (transaction != NULL && !again && !removes && plan->type->new_for_upgrades)
        again = cold_plan_needs_restrict (plan, transaction);
      if (!again && !removes)
        {
          add_solver_problems (plan, solver, n_problems);
          result = describe (plan, transaction);
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
