/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-streams.h"

#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>
#include <string.h>

#include "cold-json.h"
#include "cold-rpm-modules.h"
#include "cold-solver.h"

typedef struct
{
  gint64 modified;
  const char *stream; /* "" for none */
} Default;

/* --- what there is --------------------------------------------------------------------------------------------------- */

static void
context_free (gpointer data)
{
  ColdRpmContext *context = data;

  g_free (context->name);
  g_variant_unref (context->versions);
  g_free (context);
}

ColdRpmStreams *
cold_rpm_streams_new (void)
{
  ColdRpmStreams *self = g_new0 (ColdRpmStreams, 1);

  self->contexts = g_ptr_array_new_with_free_func (context_free);
  self->defaults = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  self->modules = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  return self;
}

void
cold_rpm_streams_free (ColdRpmStreams *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->contexts);
  g_hash_table_unref (self->defaults);
  g_ptr_array_unref (self->modules);
  g_free (self);
}

/* As libmodulemd merges those of repositories: the one that was modified last; of two that contradict each other none. */
static void
add_default (ColdRpmStreams *self, const char *module, gint64 modified, const char *stream)
{
  Default *known = g_hash_table_lookup (self->defaults, module);

  if (known != NULL && known->modified > modified)
    return;
  if (known != NULL && known->modified == modified)
    {
      if (*known->stream == '\0')
        known->stream = stream;
      else if (*stream != '\0' && !g_str_equal (known->stream, stream))
        known->stream = "";
      return;
    }
  known = g_new0 (Default, 1);
  known->modified = modified;
  known->stream = stream;
  g_hash_table_replace (self->defaults, (gpointer) module, known);
}

void
cold_rpm_streams_add (ColdRpmStreams *self, GVariant *modules)
{
  g_autoptr (GVariantIter) defaults = NULL;
  g_autoptr (GVariantIter) contexts = NULL;
  const char *module, *stream;
  gint64 modified;
  gboolean incomplete;
  ColdRpmContext next = { .repository = self->modules->len };

  g_ptr_array_add (self->modules, g_variant_ref (modules));
  g_variant_get (modules, COLD_RPM_MODULES, &incomplete, &defaults, &contexts);
  self->incomplete = self->incomplete || incomplete;
  while (g_variant_iter_next (defaults, "(&sx&s)", &module, &modified, &stream))
    add_default (self, module, modified, stream);
  while (g_variant_iter_next (contexts, "(&s&s&s&s&sb@a" COLD_RPM_MODULES_VERSION "&s)", &next.module, &next.stream,
                              &next.context, &next.arch, &next.requires, &next.is_static, &next.versions, &next.packages))
    g_ptr_array_add (self->contexts, g_memdup2 (&next, sizeof next));
}

gboolean
cold_rpm_streams_has (const ColdRpmStreams *self, const char *module, const char *stream)
{
  for (guint i = 0; i < self->contexts->len; i++)
    {
      const ColdRpmContext *context = self->contexts->pdata[i];

      if (g_str_equal (context->module, module) && g_str_equal (context->stream, stream))
        return TRUE;
    }
  return FALSE;
}

/* A context that is not static takes the name of a static one of its stream that requires the same, else what it requires for
 * one: addVersion2Modules() of libdnf. */
static void
name_contexts (ColdRpmStreams *self)
{
  g_autoptr (GHashTable) statics = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < self->contexts->len; i++)
      {
        ColdRpmContext *context = self->contexts->pdata[i];
        g_autofree char *key = g_strdup_printf ("%s:%s:%s", context->module, context->stream, context->requires);
        const char *last = context->context;

        if (context->is_static != (pass == 0))
          continue;
        if (context->is_static && !g_hash_table_contains (statics, key))
          g_hash_table_insert (statics, g_steal_pointer (&key), (gpointer) last);
        else if (!context->is_static)
          last = g_hash_table_lookup (statics, key);
        if (last == NULL)
          last = *context->requires != '\0' ? context->requires : "NoRequires";
        g_free (context->name);
        context->name = g_strdup_printf ("%s:%s:%s", context->module, context->stream, last);
      }
}

/* --- for libsolv ----------------------------------------------------------------------------------------------------- */

static Id
make_id (Pool *pool, const char *module, const char *stream)
{
  g_autofree char *text = stream != NULL ? g_strdup_printf ("module(%s:%s)", module, stream) : g_strdup_printf ("module(%s)", module);

  return pool_str2id (pool, text, 1);
}

static Solvable *
add_solvable (Repo *repo, const char *name, const char *evr, const char *arch, const char *module, const char *stream)
{
  Pool *pool = repo->pool;
  Solvable *s = pool_id2solvable (pool, repo_add_solvable (repo));
  Id id = make_id (pool, module, NULL);

  s->name = pool_str2id (pool, name, 1);
  s->evr = pool_str2id (pool, evr, 1);
  s->arch = *arch != '\0' ? pool_str2id (pool, arch, 1) : ARCH_NOARCH;
  solvable_add_deparray (s, SOLVABLE_PROVIDES, id, -1);
  solvable_add_deparray (s, SOLVABLE_PROVIDES, make_id (pool, module, stream), -1);
  /* One stream of a module at a time. */
  solvable_add_deparray (s, SOLVABLE_CONFLICTS, id, 0);
  return s;
}

/* A stream with "-" anywhere in its name is one that it must not be: so it is in libdnf. */
static void
add_requirement (Solvable *s, Pool *pool, const char *module, const char *const *streams)
{
  Id wanted = 0;

  for (guint i = 0; streams[i] != NULL; i++)
    if (strchr (streams[i], '-') != NULL)
      {
        solvable_add_deparray (s, SOLVABLE_CONFLICTS, make_id (pool, module, streams[i] + 1), 0);
      }
    else
      {
        Id id = make_id (pool, module, streams[i]);

        wanted = wanted != 0 ? pool_rel2id (pool, wanted, id, REL_OR, 1) : id;
      }
  solvable_add_deparray (s, SOLVABLE_REQUIRES, wanted != 0 ? wanted : make_id (pool, module, NULL), -1);
}

/* @hidden: gets what is of a disabled module */
static void
add_context (Repo *repo, const ColdRpmContext *context, gboolean disabled, Queue *hidden)
{
  Pool *pool = repo->pool;
  GVariantIter versions;
  GVariant *requires;
  guint64 number;

  g_variant_iter_init (&versions, context->versions);
  while (g_variant_iter_next (&versions, "(t@" COLD_RPM_MODULES_REQUIRES "@as)", &number, &requires, NULL))
    {
      g_autofree char *evr = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
      Solvable *s = add_solvable (repo, context->name, evr, context->arch, context->module, context->stream);
      GVariantIter iter;
      const char *module;
      const char **streams;

      if (disabled)
        queue_push (hidden, pool_solvable2id (pool, s));
      g_variant_iter_init (&iter, requires);
      while (g_variant_iter_next (&iter, "(&s^a&s)", &module, &streams))
        {
          add_requirement (s, pool, module, streams);
          g_free (streams);
        }
      g_variant_unref (requires);
    }
}

/* @platform: "platform:el9". Without one, what requires any cannot be active. */
static void
add_platform (Pool *pool, const char *platform)
{
  g_auto (GStrv) parts = g_strsplit (platform != NULL ? platform : "", ":", 2);
  Repo *repo = repo_create (pool, "platform");

  if (parts[0] != NULL && parts[1] != NULL)
    {
      g_autofree char *name = g_strconcat (platform, ":00000000", NULL);

      add_solvable (repo, name, "0", "noarch", parts[0], parts[1]);
    }
  pool_set_installed (pool, repo);
}

static Pool *
make_pool (ColdRpmStreams *self, const char *platform, GStrv disabled, const char *arch, Map *considered)
{
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, arch);
  Repo *repo = NULL;
  Queue hidden;

  queue_init (&hidden);
  for (guint i = 0; i < self->contexts->len; i++)
    {
      const ColdRpmContext *context = self->contexts->pdata[i];
      const ColdRpmContext *last = i > 0 ? self->contexts->pdata[i - 1] : NULL;

      if (last == NULL || last->repository != context->repository)
        repo = repo_create (pool, "modules");
      add_context (repo, context, g_strv_contains ((const char *const *) disabled, context->module), &hidden);
    }
  add_platform (pool, platform);
  map_init (considered, pool->nsolvables);
  map_setall (considered);
  for (int i = 0; i < hidden.count; i++)
    MAPCLR (considered, hidden.elements[i]);
  queue_free (&hidden);
  pool->considered = considered;
  pool_createwhatprovides (pool);
  return pool;
}

/* --- what is active -------------------------------------------------------------------------------------------------- */

/* @entries: "module:stream" each. Returns: (transfer none) (nullable): the stream of @module in it */
static const char *
find_entry (GStrv entries, const char *module)
{
  gsize length = strlen (module);

  for (guint i = 0; entries[i] != NULL; i++)
    if (strncmp (entries[i], module, length) == 0 && entries[i][length] == ':')
      return entries[i] + length + 1;
  return NULL;
}

/* The streams that are to be active; jobs come in pairs. A default stream is one where nothing was enabled. */
static void
add_jobs (ColdRpmStreams *self, Pool *pool, GStrv enabled, GStrv disabled, Queue *jobs)
{
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < self->contexts->len; i++)
    {
      const ColdRpmContext *context = self->contexts->pdata[i];
      const char *chosen = find_entry (enabled, context->module);
      const Default *fallback = g_hash_table_lookup (self->defaults, context->module);
      Id id = make_id (pool, context->module, context->stream);
      Id how = SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES;

      if (g_strv_contains ((const char *const *) disabled, context->module))
        continue;
      if (chosen == NULL && fallback != NULL)
        {
          chosen = fallback->stream;
          how |= SOLVER_WEAK;
        }
      if (chosen != NULL && g_str_equal (chosen, context->stream) && g_hash_table_add (done, GINT_TO_POINTER (id)))
        queue_push2 (jobs, how, id);
    }
}

static void
mark_active (ColdRpmStreams *self, Solver *solver)
{
  Pool *pool = solver->pool;
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  Queue decisions;

  queue_init (&decisions);
  solver_get_decisionqueue (solver, &decisions);
  for (int i = 0; i < decisions.count; i++)
    if (decisions.elements[i] > SYSTEMSOLVABLE)
      {
        const Solvable *s = pool_id2solvable (pool, decisions.elements[i]);

        if (s->repo != NULL && s->repo != pool->installed)
          g_hash_table_add (names, (gpointer) pool_id2str (pool, s->name));
      }
  queue_free (&decisions);
  for (guint i = 0; i < self->contexts->len; i++)
    {
      ColdRpmContext *context = self->contexts->pdata[i];

      context->active = g_hash_table_contains (names, context->name);
    }
}

static char *
describe_problem (Solver *solver)
{
  Id from, to, dep;
  SolverRuleinfo type = solver_ruleinfo (solver, solver_findproblemrule (solver, 1), &from, &to, &dep);

  return cold_text_make_valid (solver_problemruleinfo2str (solver, type, from, to, dep));
}

/* @without, @with: flags of jobs. Returns: whether it was possible */
static gboolean
solve (ColdRpmStreams *self, Pool *pool, const Queue *jobs, Id without, Id with, char **problem)
{
  Solver *solver = solver_create (pool);
  Queue own;
  gboolean solved;

  queue_init_clone (&own, jobs);
  for (int i = 0; i < own.count; i += 2)
    own.elements[i] = (own.elements[i] & ~without) | with;
  solver_set_flag (solver, SOLVER_FLAG_ALLOW_VENDORCHANGE, 1);
  solver_set_flag (solver, SOLVER_FLAG_KEEP_ORPHANS, 1);
  solver_set_flag (solver, SOLVER_FLAG_BEST_OBEY_POLICY, 1);
  solver_set_flag (solver, SOLVER_FLAG_YUM_OBSOLETES, 1);
  solver_set_flag (solver, SOLVER_FLAG_URPM_REORDER, 1);
  solved = solver_solve (solver, &own) == 0;
  if (solved)
    mark_active (self, solver);
  else if (*problem == NULL)
    *problem = describe_problem (solver);
  solver_free (solver);
  queue_free (&own);
  return solved;
}

gboolean
cold_rpm_streams_activate (ColdRpmStreams *self, JsonObject *state, const char *arch, char **problem)
{
  g_auto (GStrv) enabled = cold_json_strv (state, "enabled");
  g_auto (GStrv) disabled = cold_json_strv (state, "disabled");
  Pool *pool;
  Map considered;
  Queue jobs;
  gboolean solved;

  *problem = NULL;
  name_contexts (self);
  for (guint i = 0; i < self->contexts->len; i++)
    ((ColdRpmContext *) self->contexts->pdata[i])->active = FALSE;
  pool = make_pool (self, cold_json_string (state, "platform"), disabled, arch, &considered);
  queue_init (&jobs);
  add_jobs (self, pool, enabled, disabled, &jobs);
  solved = jobs.count == 0 || solve (self, pool, &jobs, SOLVER_WEAK, SOLVER_FORCEBEST, problem)
           || solve (self, pool, &jobs, 0, SOLVER_FORCEBEST, problem) || solve (self, pool, &jobs, 0, 0, problem);
  queue_free (&jobs);
  pool_free (pool);
  map_free (&considered);
  return solved;
}
