/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-locks.h"

#include <fnmatch.h>
#include <solv/evr.h>
#include <string.h>

#include "cold-rpm-pattern.h"
#include "cold-rpm-repository.h"

/* --- all of them ----------------------------------------------------------------------------------------------------- */

static gboolean
is_seen (ColdPlan *plan, Id p)
{
  const Solvable *s = pool_id2solvable (plan->pool, p);

  return s->repo != NULL && MAPTST (&plan->considered, p) && !cold_rpm_is_advisory (s);
}

static gboolean
is_installed (ColdPlan *plan, Id p)
{
  return pool_id2solvable (plan->pool, p)->repo == plan->pool->installed;
}

static const char *
name_of (ColdPlan *plan, Id p)
{
  return pool_id2str (plan->pool, pool_id2solvable (plan->pool, p)->name);
}

static void
hold (ColdPlan *plan, Id p)
{
  g_hash_table_add (plan->held, g_strdup (name_of (plan, p)));
}

void
cold_rpm_locks_hide_main (ColdPlan *plan, GStrv includes, GStrv excludes)
{
  Pool *pool = plan->pool;

  for (Id p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (is_seen (plan, p) && ((includes[0] != NULL && !cold_rpm_pattern_matches_any (pool, s, includes)) || cold_rpm_pattern_matches_any (pool, s, excludes)))
        MAPCLR (&plan->considered, p);
    }
}

/* --- zypper ---------------------------------------------------------------------------------------------------------- */

static void
apply_zypp (ColdPlan *plan, GStrv held)
{
  for (Id p = 1; p < plan->pool->nsolvables; p++)
    {
      if (!is_seen (plan, p) || !cold_rpm_pattern_matches_any (plan->pool, pool_id2solvable (plan->pool, p), held))
        continue;
      if (is_installed (plan, p))
        hold (plan, p);
    }
  /* What is locked and not installed is not to be installed. */
  for (Id p = 1; p < plan->pool->nsolvables; p++)
    if (is_seen (plan, p) && !is_installed (plan, p) && !g_hash_table_contains (plan->held, name_of (plan, p))
        && cold_rpm_pattern_matches_any (plan->pool, pool_id2solvable (plan->pool, p), held))
      MAPCLR (&plan->considered, p);
}

/* --- versionlock of dnf ---------------------------------------------------------------------------------------------- */

/* A pattern as one of the forms that it can be read as. All but the name can be %NULL, which any value matches. */
typedef struct
{
  char *name;
  char *epoch;
  char *version;
  char *release;
  char *arch;
} Parts;

typedef struct
{
  ColdPlan *plan;
  GPtrArray *names; /* (element-type utf8): of which other versions than the locked ones are not seen */
  Map locked;
} Lock;

static void
parts_clear (Parts *parts)
{
  g_free (parts->name);
  g_free (parts->epoch);
  g_free (parts->version);
  g_free (parts->release);
  g_free (parts->arch);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, parts_clear)

/* Cuts what is behind the last @separator off @text. Returns: (transfer full) (nullable): it, when neither part is empty */
static char *
cut (char *text, char separator)
{
  char *last = strrchr (text, separator);
  char *tail;

  if (last == NULL || last == text || last[1] == '\0')
    return NULL;
  tail = g_strdup (last + 1);
  *last = '\0';
  return tail;
}

static void
move_epoch (Parts *parts)
{
  const char *colon = strchr (parts->version, ':');
  char *version;

  if (colon == NULL)
    return;
  version = g_strdup (colon + 1);
  parts->epoch = g_strndup (parts->version, colon - parts->version);
  g_free (parts->version);
  parts->version = version;
}

/* "=name" of dnf 5: whatever version is installed. */
static void
take_installed (Lock *lock, const char *name)
{
  Pool *pool = lock->plan->pool;
  Solvable *s;
  Id p;

  g_ptr_array_add (lock->names, g_strdup (name));
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (g_str_equal (name_of (lock->plan, p), name))
      MAPSET (&lock->locked, p);
}

/* In the order in which dnf's plugin tries them. */
static const struct
{
  gboolean arch;
  gboolean release;
  gboolean version;
} forms[] = { { TRUE, TRUE, TRUE }, { FALSE, TRUE, TRUE }, { FALSE, FALSE, TRUE }, { TRUE, FALSE, FALSE },
              { FALSE, FALSE, FALSE } };

/* Returns: whether @pattern can be read as that form */
static gboolean
split (const char *pattern, guint form, Parts *parts)
{
  const char *colon = strchr (pattern, ':');

  /* yum's way has the epoch in front. */
  if (colon != NULL && colon > pattern && strspn (pattern, "0123456789") == (gsize) (colon - pattern))
    {
      parts->epoch = g_strndup (pattern, colon - pattern);
      pattern = colon + 1;
    }
  parts->name = g_strdup (pattern);
  if ((forms[form].arch && (parts->arch = cut (parts->name, '.')) == NULL)
      || (forms[form].release && (parts->release = cut (parts->name, '-')) == NULL)
      || (forms[form].version && (parts->version = cut (parts->name, '-')) == NULL))
    return FALSE;
  if (parts->version != NULL)
    move_epoch (parts);
  return parts->arch == NULL || strpbrk (parts->arch, "-:") == NULL;
}

static gboolean
is_like (const char *pattern, const char *text)
{
  return pattern == NULL || fnmatch (pattern, text, 0) == 0;
}

static gboolean
fits (Pool *pool, const Solvable *s, const Parts *parts)
{
  const char *evr = pool_id2str (pool, s->evr);
  const char *colon = strchr (evr, ':');
  const char *bare = colon != NULL ? colon + 1 : evr;
  const char *dash = strrchr (bare, '-');
  g_autofree char *version = g_strndup (bare, dash != NULL ? dash - bare : (gssize) strlen (bare));

  return is_like (parts->name, pool_id2str (pool, s->name)) && is_like (parts->arch, pool_id2str (pool, s->arch))
         && is_like (parts->version, version) && is_like (parts->release, dash != NULL ? dash + 1 : "")
         && (parts->epoch == NULL || strtoul (parts->epoch, NULL, 10) == (colon != NULL ? strtoul (evr, NULL, 10) : 0));
}

/* Calls @take for all that the first form of @pattern matches which matches anything. @names: (nullable): gets the names that it
 * has in the forms that were tried */
static void
take_pattern (Lock *lock, const char *pattern, GPtrArray *names, void (*take) (Lock *lock, Id p))
{
  gboolean found = FALSE;

  for (guint form = 0; form < G_N_ELEMENTS (forms) && !found; form++)
    {
      g_auto (Parts) parts = { NULL };

      if (!split (pattern, form, &parts))
        continue;
      if (names != NULL)
        g_ptr_array_add (names, g_strdup (parts.name));
      for (Id p = 1; p < lock->plan->pool->nsolvables; p++)
        if (is_seen (lock->plan, p) && fits (lock->plan->pool, pool_id2solvable (lock->plan->pool, p), &parts))
          {
            take (lock, p);
            found = TRUE;
          }
    }
}

static void
hide_available (Lock *lock, Id p)
{
  if (!is_installed (lock->plan, p))
    MAPCLR (&lock->plan->considered, p);
}

static void
mark (Lock *lock, Id p)
{
  MAPSET (&lock->locked, p);
}

static gboolean
has_locked_name (const Lock *lock, Id p)
{
  for (guint i = 0; i < lock->names->len; i++)
    if (fnmatch (g_ptr_array_index (lock->names, i), name_of (lock->plan, p), 0) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
obsoletes_locked (const Lock *lock, const Solvable *s)
{
  Pool *pool = lock->plan->pool;
  const Id *dependency = s->obsoletes != 0 ? s->repo->idarraydata + s->obsoletes : NULL;

  for (; dependency != NULL && *dependency != 0; dependency++)
    for (Id p = 1; p < pool->nsolvables; p++)
      if (MAPTST (&lock->locked, p) && pool_match_nevr (pool, pool_id2solvable (pool, p), *dependency))
        return TRUE;
  return FALSE;
}

/* Whether another version can take the place of @installed, or comes beside it. */
static gboolean
has_newer (ColdPlan *plan, const Solvable *installed)
{
  Pool *pool = plan->pool;

  for (Id p = 1; p < pool->nsolvables; p++)
    {
      const Solvable *s = pool_id2solvable (pool, p);

      if (is_seen (plan, p) && !is_installed (plan, p) && s->name == installed->name
          && pool_evrcmp (pool, s->evr, installed->evr, EVRCMP_COMPARE) > 0)
        return TRUE;
    }
  return FALSE;
}

static void
apply_versionlock (ColdPlan *plan, GStrv held)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  Lock lock = { .plan = plan, .names = names };
  Pool *pool = plan->pool;
  Solvable *s;
  Id p;

  map_init (&lock.locked, pool->nsolvables);
  for (guint i = 0; held[i] != NULL; i++)
    if (held[i][0] == '=')
      take_installed (&lock, held[i] + 1);
    else if (held[i][0] != '!')
      take_pattern (&lock, held[i], names, mark);
  for (guint i = 0; held[i] != NULL; i++)
    if (held[i][0] == '!')
      take_pattern (&lock, held[i] + 1, NULL, hide_available);
  for (p = 1; p < pool->nsolvables; p++)
    if (is_seen (plan, p) && !is_installed (plan, p) && !MAPTST (&lock.locked, p)
        && (has_locked_name (&lock, p) || obsoletes_locked (&lock, pool_id2solvable (pool, p))))
      MAPCLR (&plan->considered, p);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    if (MAPTST (&lock.locked, p) && !has_newer (plan, s))
      hold (plan, p);
  map_free (&lock.locked);
}

void
cold_rpm_locks_apply (ColdPlan *plan, GStrv held, gboolean zypper)
{
  if (held[0] == NULL)
    return;
  if (zypper)
    apply_zypp (plan, held);
  else
    apply_versionlock (plan, held);
}
