/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-modular.h"

#include <solv/evr.h>
#include <string.h>

#include "cold-json.h"
#include "cold-rpm-modules.h"
#include "cold-rpm-nevra.h"
#include "cold-rpm-repository.h"
#include "cold-rpm-restrictions.h"

#define NAMES_MAX 10

struct _ColdRpmModular
{
  ColdRpmStreams *streams;
  GPtrArray *packages; /* (element-type GArray of ColdRpmNevra) of each of its contexts */
};

/* What the streams mean for the packages of a pool. */
typedef struct
{
  GHashTable *active;   /* (element-type ColdRpmNevra) borrowed */
  GHashTable *inactive; /* (element-type ColdRpmNevra) borrowed */
  GHashTable *names;    /* (element-type Id) names of packages of active streams */
} Rules;

ColdRpmModular *
cold_rpm_modular_new (void)
{
  ColdRpmModular *self = g_new0 (ColdRpmModular, 1);

  self->streams = cold_rpm_streams_new ();
  self->packages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  return self;
}

void
cold_rpm_modular_free (ColdRpmModular *self)
{
  if (self == NULL)
    return;
  cold_rpm_streams_free (self->streams);
  g_ptr_array_unref (self->packages);
  g_free (self);
}

gboolean
cold_rpm_modular_load (ColdRpmModular *self, const char *path, GError **error)
{
  g_autoptr (GVariant) modules = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  modules = cold_rpm_modules_load (path, error);
  if (modules == NULL)
    return FALSE;
  cold_rpm_streams_add (self->streams, modules);
  return TRUE;
}

/* @line: "name evr arch". Returns: where the next one begins */
static const char *
read_package (Pool *pool, const char *line, GArray *packages)
{
  gsize length = strcspn (line, "\n");
  const char *evr = memchr (line, ' ', length);
  const char *arch = evr != NULL ? memchr (evr + 1, ' ', line + length - evr - 1) : NULL;

  if (arch != NULL)
    {
      ColdRpmNevra nevra = { pool_strn2id (pool, line, evr - line, 0), pool_strn2id (pool, evr + 1, arch - evr - 1, 0),
                      pool_strn2id (pool, arch + 1, line + length - arch - 1, 0) };

      if (nevra.arch == 0)
        nevra.evr = 0;
      /* What no package of the pool is called, none provides. */
      if (nevra.name != 0)
        g_array_append_val (packages, nevra);
    }
  return line + length + (line[length] == '\n');
}

void
cold_rpm_modular_find (ColdRpmModular *self, Pool *pool)
{
  for (guint i = 0; i < self->streams->contexts->len; i++)
    {
      const ColdRpmContext *context = self->streams->contexts->pdata[i];
      GArray *packages = g_array_new (FALSE, FALSE, sizeof (ColdRpmNevra));

      for (const char *line = context->packages; *line != '\0';)
        line = read_package (pool, line, packages);
      g_ptr_array_add (self->packages, packages);
    }
}

/* --- what is kept back ----------------------------------------------------------------------------------------------- */

/* The label of modular packages is in their own headers alone; but this is how all build systems name releases of them. */
static gboolean
is_modular (Pool *pool, const Solvable *s)
{
  return strstr (pool_id2str (pool, s->evr), ".module") != NULL;
}

static gboolean
lock (ColdPlan *plan, const char *name)
{
  return g_hash_table_add (plan->locked, g_strdup (name));
}

/* The reason is the same for all of them, and there can be hundreds. */
static void
keep_all_back (ColdPlan *plan, const char *why)
{
  Pool *pool = plan->pool;
  g_autoptr (GString) names = g_string_new (NULL);
  guint n = 0;

  for (Id p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (s->repo == NULL || !is_modular (pool, s))
        continue;
      if (s->repo != pool->installed)
        MAPCLR (&plan->considered, p);
      else if (lock (plan, pool_id2str (pool, s->name)) && ++n <= NAMES_MAX)
        g_string_append_printf (names, "%s%s", n > 1 ? ", " : "", pool_id2str (pool, s->name));
    }
  if (n > NAMES_MAX)
    g_string_append_printf (names, " and %u more", n - NAMES_MAX);
  if (n > 0)
    cold_plan_add_problem (plan, "what belongs to modules is kept back (%s): %s", names->str, why);
}

/* @label: "module:stream:version:context". Returns: (transfer full) (nullable): "module:stream" */
static char *
stream_of_label (const char *label)
{
  g_auto (GStrv) parts = g_strsplit (label, ":", 3);

  return g_strv_length (parts) >= 2 ? g_strdup_printf ("%s:%s", parts[0], parts[1]) : NULL;
}

/* Returns: (transfer full) (element-type utf8): "module:stream" of those that are enabled and that the catalogue knows nothing of */
static GHashTable *
find_unknown (const ColdRpmStreams *streams, GStrv enabled)
{
  GHashTable *unknown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; enabled[i] != NULL; i++)
    {
      const char *colon = strchr (enabled[i], ':');
      g_autofree char *module = colon != NULL ? g_strndup (enabled[i], colon - enabled[i]) : NULL;

      if (colon != NULL && colon[1] != '\0' && !cold_rpm_streams_has (streams, module, colon + 1))
        g_hash_table_add (unknown, g_strdup (enabled[i]));
    }
  return unknown;
}

/* dnf would go by what it saved of the stream in the guest, and so take nothing that is called as one of its packages. */
static void
keep_unknown_back (ColdRpmModular *self, ColdPlan *plan, JsonObject *manifest, GStrv enabled)
{
  g_autoptr (GHashTable) unknown = find_unknown (self->streams, enabled);
  JsonArray *installed = cold_json_array (manifest, "installed");

  for (guint i = 0; g_hash_table_size (unknown) > 0 && i < json_array_get_length (installed); i++)
    {
      JsonObject *package = cold_json_array_object (installed, i);
      const char *name = cold_json_string (package, "name");
      const char *label = cold_json_string (package, "module");
      g_autofree char *stream = label != NULL ? stream_of_label (label) : NULL;

      if (stream != NULL && g_hash_table_contains (unknown, stream) && lock (plan, name))
        cold_plan_add_problem (plan, "%s is kept back: it belongs to the module stream %s, of which no repository of the "
                               "catalogue has metadata",
                               name, stream);
    }
}

/* --- what is seen ---------------------------------------------------------------------------------------------------- */

static void
rules_clear (Rules *rules)
{
  g_clear_pointer (&rules->active, g_hash_table_unref);
  g_clear_pointer (&rules->inactive, g_hash_table_unref);
  g_clear_pointer (&rules->names, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rules, rules_clear)

/* The packages that left a module: as its latest version has it, whichever repository that is in. Returns: (transfer full) */
static GStrv
find_left (const ColdRpmStreams *streams, const ColdRpmContext *of)
{
  GStrv left = g_new0 (char *, 1);
  guint64 latest = 0;

  for (guint i = 0; i < streams->contexts->len; i++)
    {
      const ColdRpmContext *context = streams->contexts->pdata[i];
      GVariantIter iter;
      GVariant *texts;
      guint64 number;

      if (!g_str_equal (context->name, of->name) || !g_str_equal (context->arch, of->arch))
        continue;
      g_variant_iter_init (&iter, context->versions);
      while (g_variant_iter_next (&iter, "(t@" COLD_RPM_MODULES_REQUIRES "@as)", &number, NULL, &texts))
        {
          if (number >= latest)
            {
              g_strfreev (left);
              left = g_variant_dup_strv (texts, NULL);
              latest = number;
            }
          g_variant_unref (texts);
        }
    }
  return left;
}

static void
add_context (Rules *rules, const ColdRpmStreams *streams, Pool *pool, const ColdRpmContext *context, GArray *packages)
{
  g_auto (GStrv) left = context->active ? find_left (streams, context) : NULL;
  GHashTable *nevras = context->active ? rules->active : rules->inactive;

  for (guint i = 0; i < packages->len; i++)
    {
      ColdRpmNevra *nevra = &g_array_index (packages, ColdRpmNevra, i);

      if (context->active && !g_strv_contains ((const char *const *) left, pool_id2str (pool, nevra->name)))
        g_hash_table_add (rules->names, GINT_TO_POINTER (nevra->name));
      if (nevra->evr != 0)
        g_hash_table_add (nevras, nevra);
    }
}

static void
make_rules (Rules *rules, ColdRpmModular *self, Pool *pool)
{
  rules->active = g_hash_table_new (cold_rpm_nevra_hash, cold_rpm_nevra_equal);
  rules->inactive = g_hash_table_new (cold_rpm_nevra_hash, cold_rpm_nevra_equal);
  rules->names = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < self->packages->len; i++)
    add_context (rules, self->streams, pool, self->streams->contexts->pdata[i], self->packages->pdata[i]);
}

/* Whether @s provides one of the names, in whatever version: its own is among what it provides. */
static gboolean
provides_any (Pool *pool, const Solvable *s, GHashTable *names)
{
  const Id *dependency = s->provides != 0 ? s->repo->idarraydata + s->provides : NULL;

  for (; dependency != NULL && *dependency != 0; dependency++)
    {
      Id name = *dependency;

      while (ISRELDEP (name))
        name = GETRELDEP (pool, name)->name;
      if (g_hash_table_contains (names, GINT_TO_POINTER (name)))
        return TRUE;
    }
  return g_hash_table_contains (names, GINT_TO_POINTER (s->name));
}

static gboolean
is_upgrade (Pool *pool, const Solvable *s)
{
  const Solvable *other;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, other)
    if (other->name == s->name && pool_evrcmp (pool, s->evr, other->evr, EVRCMP_COMPARE) > 0)
      return TRUE;
  return FALSE;
}

/* Whether the repository's packages are taken whatever is active. */
static gboolean
has_hotfixes (const Repo *repo, JsonArray *repositories)
{
  const ColdSource *source = repo->appdata;

  return source->module_hotfixes
         || cold_json_bool (cold_rpm_restrictions_find (repositories, source), "module-hotfixes");
}

static void
restrict_repository (ColdPlan *plan, Repo *repo, const Rules *rules)
{
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    {
      const ColdRpmNevra nevra = { s->name, s->evr, s->arch };

      if (!MAPTST (&plan->considered, p) || g_hash_table_contains (rules->active, &nevra))
        continue;
      if (g_hash_table_contains (rules->inactive, &nevra)
          || (g_hash_table_size (rules->names) > 0 && provides_any (pool, s, rules->names)))
        {
          MAPCLR (&plan->considered, p);
          continue;
        }
      if (!is_modular (pool, s))
        continue;
      MAPCLR (&plan->considered, p);
      if (is_upgrade (pool, s) && lock (plan, pool_id2str (pool, s->name)))
        cold_plan_add_problem (plan, "%s is kept back: repository %s has a package of a module for it, and no metadata that "
                               "says which",
                               pool_id2str (pool, s->name), repo->name);
    }
}

void
cold_rpm_modular_apply (ColdRpmModular *self, ColdPlan *plan, JsonObject *manifest, const char *arch)
{
  JsonObject *state = cold_json_object (manifest, "modules");
  const char *unknown = state != NULL ? cold_json_string (state, "unknown") : NULL;
  JsonArray *repositories = cold_json_array (manifest, "repositories");
  g_auto (GStrv) enabled = state != NULL ? cold_json_strv (state, "enabled") : NULL;
  g_autofree char *problem = NULL;
  g_auto (Rules) rules = { NULL };
  Pool *pool = plan->pool;
  Repo *repo;
  Id id;

  if (state == NULL || unknown != NULL || self->streams->incomplete)
    {
      if (state == NULL)
        unknown = "which streams are enabled is not known";
      keep_all_back (plan, unknown != NULL ? unknown : "not all of a repository's modules.yaml can be read");
      return;
    }
  if (!cold_rpm_streams_activate (self->streams, state, arch, &problem))
    {
      g_autofree char *why = g_strdup_printf ("the enabled streams do not go together: %s", problem);

      keep_all_back (plan, why);
      return;
    }
  if (problem != NULL)
    cold_plan_add_problem (plan, "not all streams of modules are active as they are enabled, or are by default: %s", problem);
  make_rules (&rules, self, pool);
  FOR_REPOS (id, repo)
    if (repo != pool->installed && !has_hotfixes (repo, repositories))
      restrict_repository (plan, repo, &rules);
  keep_unknown_back (self, plan, manifest, enabled);
}
