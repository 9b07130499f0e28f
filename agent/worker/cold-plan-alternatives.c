/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-plan-alternatives.h"

#include <string.h>

/* Of packages that need each other in turn; what is further away is not looked at. */
#define DEPTH_MAX 64

typedef struct
{
  Pool *pool;
  Map names;  /* of what is installed */
  Map taken;  /* upgrades, and what is taken for their sake */
  Map failed; /* what needs something that nothing provides */
  Map others; /* what would do as well */
  Queue first; /* of taken, the most wanted first */
  Queue rest;  /* of others, likewise */
} Alternatives;

static gboolean take (Alternatives *self, Id p, guint depth);

/* Of "NAME" or "NAME:ARCHITECTURE" (cold-deb-multiarch.h). */
static gsize
base_length (const char *name)
{
  return strcspn (name, ":");
}

static gboolean
is_called (const Pool *pool, Id p, Id dep)
{
  const char *name = pool_id2str (pool, pool_id2solvable (pool, p)->name);
  const char *wanted;
  gsize length = base_length (name);

  while (ISRELDEP (dep))
    dep = GETRELDEP (pool, dep)->name;
  wanted = pool_id2str (pool, dep);
  return base_length (wanted) == length && strncmp (name, wanted, length) == 0;
}

static gboolean
is_foreign (const Pool *pool, Id p)
{
  return strchr (pool_id2str (pool, pool_id2solvable (pool, p)->name), ':') != NULL;
}

static gboolean
is_met (const Alternatives *self, Id dep)
{
  Pool *pool = self->pool;
  Id p, pp;

  FOR_PROVIDES (p, pp, dep)
    if (p == SYSTEMSOLVABLE || MAPTST (&self->taken, p) || MAPTST (&self->names, pool_id2solvable (pool, p)->name))
      return TRUE;
  return FALSE;
}

/* Alternatives as they are written; of each, what is called like it before what provides it, and the guest's own architecture before
 * others; then as the repositories have them. */
static void
list_in_order (Pool *pool, Id dep, Queue *list)
{
  Id p, pp;

  if (ISRELDEP (dep) && GETRELDEP (pool, dep)->flags == REL_OR)
    {
      const Reldep rel = *GETRELDEP (pool, dep);

      list_in_order (pool, rel.name, list);
      list_in_order (pool, rel.evr, list);
      return;
    }
  for (int round = 0; round < 4; round++)
    FOR_PROVIDES (p, pp, dep)
      if (is_called (pool, p, dep) == (round < 2) && is_foreign (pool, p) == round % 2)
        queue_push (list, p);
}

/* Returns: whether @dep can be met, as far as it is known */
static gboolean
meet (Alternatives *self, Id dep, guint depth)
{
  gboolean met = is_met (self, dep);
  Queue list;

  if (met)
    return TRUE;
  queue_init (&list);
  list_in_order (self->pool, dep, &list);
  for (int i = 0; i < list.count; i++)
    {
      Id p = list.elements[i];

      met = met || take (self, p, depth + 1);
      if (MAPTST (&self->others, p))
        continue;
      MAPSET (&self->others, p);
      queue_push (&self->rest, p);
    }
  queue_free (&list);
  return met;
}

static gboolean
meet_all (Alternatives *self, Id p, guint depth)
{
  const Solvable *s = pool_id2solvable (self->pool, p);
  gboolean met = TRUE;

  for (Offset i = s->requires; i != 0 && s->repo->idarraydata[i] != 0; i++)
    if (s->repo->idarraydata[i] != SOLVABLE_PREREQMARKER)
      met = meet (self, s->repo->idarraydata[i], depth) && met;
  return met;
}

static gboolean
take (Alternatives *self, Id p, guint depth)
{
  if (MAPTST (&self->taken, p))
    return TRUE;
  if (MAPTST (&self->failed, p) || depth > DEPTH_MAX)
    return FALSE;
  MAPSET (&self->taken, p);
  if (!meet_all (self, p, depth))
    {
      MAPCLR (&self->taken, p);
      MAPSET (&self->failed, p);
      return FALSE;
    }
  queue_push (&self->first, p);
  return TRUE;
}

static void
push_jobs (const Queue *list, Queue *jobs)
{
  for (int i = list->count - 1; i >= 0; i--)
    queue_push2 (jobs, SOLVER_FAVOR | SOLVER_SOLVABLE, list->elements[i]);
}

void
cold_plan_alternatives_favour (ColdPlan *plan, Queue *jobs)
{
  Pool *pool = plan->pool;
  Alternatives self = { pool };
  Solvable *s;
  Id p;

  map_init (&self.names, pool->ss.nstrings);
  map_init (&self.taken, pool->nsolvables);
  map_init (&self.failed, pool->nsolvables);
  map_init (&self.others, pool->nsolvables);
  queue_init (&self.first);
  queue_init (&self.rest);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    MAPSET (&self.names, s->name);
  FOR_POOL_SOLVABLES (p)
    {
      s = pool_id2solvable (pool, p);
      if (s->repo != pool->installed && MAPTST (pool->considered, p) && MAPTST (&self.names, s->name))
        meet_all (&self, p, 0);
    }
  /* The last job counts most. */
  push_jobs (&self.rest, jobs);
  push_jobs (&self.first, jobs);
  map_free (&self.names);
  map_free (&self.taken);
  map_free (&self.failed);
  map_free (&self.others);
  queue_free (&self.first);
  queue_free (&self.rest);
}
