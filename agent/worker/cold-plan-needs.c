/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-plan-needs.h"

/* A namespace of libsolv (pool->nscallback). */
#define OF_INSTALLED_NAMES "coldpatch:of-installed-names"

typedef struct
{
  Pool *pool;
  Map names;     /* of what is installed now */
  Map result;    /* what will be installed */
  Map justified; /* what of it is no new package, or is needed by another one of these that is no installed one */
} Needs;

static void
find_names (Pool *pool, Map *names)
{
  Solvable *s;
  Id p;

  map_init (names, pool->ss.nstrings);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    MAPSET (names, s->name);
}

static gboolean
is_installed (const Pool *pool, Id p)
{
  return pool_id2solvable (pool, p)->repo == pool->installed;
}

/* Returns: (transfer none): Ids that end with 0 */
static Id *
requires_of (const Solvable *s)
{
  static Id none[] = { 0 };

  return s->requires != 0 ? s->repo->idarraydata + s->requires : none;
}

static gboolean
is_met_by (const Needs *self, Id dep, const Map *map)
{
  Pool *pool = self->pool;
  Id p, pp;

  FOR_PROVIDES (p, pp, dep)
    if (p == SYSTEMSOLVABLE || (MAPTST (&self->result, p) && MAPTST (map, p)))
      return TRUE;
  return FALSE;
}

/* Of what meets @dep of a package that is upgraded or new itself; what is new is there for its sake unless something else does. */
static void
justify (Needs *self, Id dep, Queue *todo)
{
  Pool *pool = self->pool;
  Id p, pp;

  if (is_met_by (self, dep, &self->justified))
    return;
  FOR_PROVIDES (p, pp, dep)
    if (MAPTST (&self->result, p) && !MAPTST (&self->justified, p))
      {
        MAPSET (&self->justified, p);
        queue_push (todo, p);
      }
}

static void
find_justified (Needs *self, const Queue *result)
{
  Queue todo;

  queue_init (&todo);
  for (int i = 0; i < result->count; i++)
    {
      Id p = result->elements[i];

      if (!MAPTST (&self->names, pool_id2solvable (self->pool, p)->name))
        continue;
      MAPSET (&self->justified, p);
      if (!is_installed (self->pool, p))
        queue_push (&todo, p);
    }
  while (todo.count > 0)
    for (const Id *dep = requires_of (pool_id2solvable (self->pool, queue_pop (&todo))); *dep != 0; dep++)
      if (*dep != SOLVABLE_PREREQMARKER)
        justify (self, *dep, &todo);
  queue_free (&todo);
}

/* For dependencies of that namespace. */
static Id
provide (Pool *pool, void *data, Id namespace, Id dep)
{
  Map names;
  Queue found;
  Id p, pp, offset = 0;

  if (namespace != pool_str2id (pool, OF_INSTALLED_NAMES, FALSE))
    return 0;
  find_names (pool, &names);
  queue_init (&found);
  FOR_PROVIDES (p, pp, dep)
    if (p == SYSTEMSOLVABLE || MAPTST (&names, pool_id2solvable (pool, p)->name))
      queue_push (&found, p);
  if (found.count > 0)
    offset = pool_queuetowhatprovides (pool, &found);
  queue_free (&found);
  map_free (&names);
  return offset;
}

/* Returns: whether a need of @s, which stays, is met by nothing but new packages that nobody else needs */
static gboolean
restrict_one (Needs *self, Solvable *s, Id namespace)
{
  gboolean found = FALSE;

  for (Id *dep = requires_of (s); *dep != 0; dep++)
    if (*dep != SOLVABLE_PREREQMARKER && !is_met_by (self, *dep, &self->justified)
        && is_met_by (self, *dep, &self->result))
      {
        *dep = pool_rel2id (self->pool, namespace, *dep, REL_NAMESPACE, TRUE);
        found = TRUE;
      }
  return found;
}

gboolean
cold_plan_needs_restrict (ColdPlan *plan, Transaction *transaction)
{
  Pool *pool = plan->pool;
  Id namespace = pool_str2id (pool, OF_INSTALLED_NAMES, TRUE);
  Needs self = { pool };
  gboolean found = FALSE;
  Queue result;

  queue_init (&result);
  transaction_installedresult (transaction, &result);
  find_names (pool, &self.names);
  map_init (&self.result, pool->nsolvables);
  map_init (&self.justified, pool->nsolvables);
  for (int i = 0; i < result.count; i++)
    MAPSET (&self.result, result.elements[i]);
  find_justified (&self, &result);
  for (int i = 0; i < result.count; i++)
    if (is_installed (pool, result.elements[i]))
      found |= restrict_one (&self, pool_id2solvable (pool, result.elements[i]), namespace);
  pool->nscallback = provide;
  map_free (&self.names);
  map_free (&self.result);
  map_free (&self.justified);
  queue_free (&result);
  return found;
}
