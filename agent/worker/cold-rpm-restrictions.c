/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-restrictions.h"

#include <solv/evr.h>
#include <string.h>

#include "cold-json.h"
#include "cold-rpm-pattern.h"
#include "cold-rpm-repository.h"

/* --- the same repository --------------------------------------------------------------------------------------------- */

/* Without the scheme and slashes at the end. @length: gets how many of its characters count */
static const char *
place_of (const char *uri, gsize *length)
{
  const char *colon = strstr (uri, "://");
  const char *place = colon != NULL ? colon + 3 : uri;

  *length = strlen (place);
  while (*length > 0 && place[*length - 1] == '/')
    (*length)--;
  return place;
}

static gboolean
is_same_place (const char *a, const char *b)
{
  gsize a_length, b_length;
  const char *a_place = place_of (a, &a_length);
  const char *b_place = place_of (b, &b_length);

  return a_length == b_length && strncmp (a_place, b_place, a_length) == 0;
}

static gboolean
is_same (const ColdSource *source, JsonObject *repository)
{
  g_auto (GStrv) uris = cold_json_strv (repository, "uris");

  for (guint i = 0; uris[i] != NULL; i++)
    if (is_same_place (source->uri, uris[i]))
      return TRUE;
  return g_strcmp0 (source->id, cold_json_string (repository, "id")) == 0;
}

JsonObject *
cold_rpm_restrictions_find (JsonArray *repositories, const ColdSource *source)
{
  for (guint i = 0; repositories != NULL && i < json_array_get_length (repositories); i++)
    if (is_same (source, cold_json_array_object (repositories, i)))
      return cold_json_array_object (repositories, i);
  return NULL;
}

static gboolean
is_in_catalogue (ColdPlan *plan, JsonObject *repository)
{
  for (guint i = 0; i < plan->sources->len; i++)
    if (is_same (g_ptr_array_index (plan->sources, i), repository))
      return TRUE;
  return FALSE;
}

/* --- what is taken --------------------------------------------------------------------------------------------------- */

static gboolean
is_upgrade (Pool *pool, const Solvable *s)
{
  gboolean installed = FALSE;
  Solvable *other;
  Id p;

  FOR_REPO_SOLVABLES (pool->installed, p, other)
    if (other->name == s->name)
      {
        if (pool_evrcmp (pool, s->evr, other->evr, EVRCMP_COMPARE) <= 0)
          return FALSE;
        installed = TRUE;
      }
  return installed;
}

/* @lock: whether a package that is not taken, and would be an upgrade, is kept back. Returns: whether one was */
static gboolean
restrict_to (ColdPlan *plan, Repo *repo, GStrv includes, GStrv excludes, gboolean lock)
{
  Pool *pool = plan->pool;
  gboolean locked = FALSE;
  Solvable *s;
  Id p;

  if (includes[0] == NULL && excludes[0] == NULL)
    return FALSE;
  FOR_REPO_SOLVABLES (repo, p, s)
    {
      gboolean listed = includes[0] == NULL || cold_rpm_pattern_matches_any (pool, s, includes);

      if (!MAPTST (&plan->considered, p) || (listed && !cold_rpm_pattern_matches_any (pool, s, excludes)))
        continue;
      MAPCLR (&plan->considered, p);
      if (lock && !listed && is_upgrade (pool, s))
        locked = g_hash_table_add (plan->locked, g_strdup (pool_id2str (pool, s->name))) || locked;
    }
  return locked;
}

static void
apply_known (ColdPlan *plan, Repo *repo, JsonObject *repository)
{
  g_auto (GStrv) includes = cold_json_strv (repository, "includes");
  g_auto (GStrv) excludes = cold_json_strv (repository, "excludes");
  gint64 priority = cold_json_int (repository, "priority");

  if (priority > 0)
    repo->priority = -(int) MIN (priority, G_MAXINT);
  restrict_to (plan, repo, includes, excludes, FALSE);
}

/* Returns: (transfer full): the patterns of all repositories that the catalogue does not seem to have. @names: gets their names */
static GStrv
collect (ColdPlan *plan, JsonArray *repositories, const char *member, GString *names)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; repositories != NULL && i < json_array_get_length (repositories); i++)
    {
      JsonObject *repository = cold_json_array_object (repositories, i);
      g_auto (GStrv) patterns = cold_json_strv (repository, member);
      const char *id = cold_json_string (repository, "id");

      if (patterns[0] == NULL || is_in_catalogue (plan, repository))
        continue;
      g_strv_builder_addv (builder, (const char **) patterns);
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", id != NULL ? id : "");
    }
  return g_strv_builder_end (builder);
}

void
cold_rpm_restrictions_apply (ColdPlan *plan, JsonArray *repositories)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GString) unused = g_string_new (NULL);
  g_auto (GStrv) includes = collect (plan, repositories, "includes", names);
  g_auto (GStrv) excludes = collect (plan, repositories, "excludes", unused);
  gboolean locked = FALSE;
  Pool *pool = plan->pool;
  Repo *repo;
  Id id;

  FOR_REPOS (id, repo)
    {
      const ColdSource *source = repo->appdata;
      JsonObject *repository;

      if (repo == pool->installed)
        continue;
      /* What the request says of it, which for a guest's own repository is what the manifest says. */
      repo->priority = -source->priority;
      restrict_to (plan, repo, source->includes, source->excludes, FALSE);
      repository = cold_rpm_restrictions_find (repositories, source);
      if (repository != NULL)
        apply_known (plan, repo, repository);
      else
        locked = restrict_to (plan, repo, includes, excludes, TRUE) || locked;
    }
  if (locked)
    cold_plan_add_problem (plan,
                           "packages are kept back: the guest takes only some from its repository %s (includepkgs), and which "
                           "repository of the catalogue that is is not known. Give the one in sources.d the same name or URI",
                           names->str);
}
