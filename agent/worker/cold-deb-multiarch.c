/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-multiarch.h"

#include <string.h>

#define ARCH_LENGTH_MAX 32
#define REL_ANY (REL_LT | REL_EQ | REL_GT)

typedef struct
{
  Pool *pool;
  const char *native;
  GPtrArray *archs;       /* (element-type utf8) foreign ones, and %NULL for the native one */
  Map names;              /* of packages that are considered: what no package is called is provided only */
  Id same, foreign, allowed; /* values of Multi-Arch */
} Relations;

static gboolean
is_arch (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_islower (*p) && !g_ascii_isdigit (*p) && *p != '-')
      return FALSE;
  return *text != '\0' && strlen (text) <= ARCH_LENGTH_MAX;
}

/* Returns: (nullable): %NULL for what counts as of the guest's own architecture, "all" among it */
static const char *
foreign_arch (const Solvable *s, const char *native)
{
  const char *arch = pool_id2str (s->repo->pool, s->arch);

  return s->arch == ARCH_ALL || g_str_equal (arch, native) ? NULL : arch;
}

GStrv
cold_deb_multiarch_accept (Pool *pool, Repo *installed, const char *native)
{
  g_autoptr (GPtrArray) foreign = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) policy = g_string_new (native);
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (installed, p, s)
    {
      const char *arch = foreign_arch (s, native);

      if (arch == NULL || !is_arch (arch) || foreign->len == COLD_DEB_FOREIGN_MAX
          || g_ptr_array_find_with_equal_func (foreign, arch, g_str_equal, NULL))
        continue;
      g_ptr_array_add (foreign, g_strdup (arch));
      /* The first one is preferred, as apt does. */
      g_string_append_printf (policy, ":%s", arch);
    }
  if (foreign->len > 0)
    pool_setarchpolicy (pool, policy->str);
  FOR_REPO_SOLVABLES (installed, p, s)
    if (!pool_installable (pool, s))
      repo_free_solvable (installed, p, 0);
  g_ptr_array_add (foreign, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&foreign), FALSE);
}

/* @arch: (nullable): %NULL for the native one. Returns: 0 when nothing has that name and @create is not set */
static Id
qualify (Pool *pool, Id name, const char *arch, gboolean create)
{
  return arch != NULL ? pool_str2id (pool, pool_tmpjoin (pool, pool_id2str (pool, name), ":", arch), create) : name;
}

void
cold_deb_multiarch_rename (Repo *repo, const char *native)
{
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    s->name = qualify (repo->pool, s->name, foreign_arch (s, native), TRUE);
}

char *
cold_deb_multiarch_get_name (const Solvable *s, const char *native)
{
  const char *name = pool_id2str (s->repo->pool, s->name);
  const char *arch = foreign_arch (s, native);
  gsize length = strlen (name);

  if (arch != NULL && length > strlen (arch) + 1)
    length -= strlen (arch) + 1;
  return g_strndup (name, length);
}

static Id
with_version (Pool *pool, Id name, const Reldep *version)
{
  return version->flags != 0 ? pool_rel2id (pool, name, version->evr, version->flags, TRUE) : name;
}

/* A package of that architecture itself: others that are there for all do not count. @id: of "NAME:ARCHITECTURE" */
static Id
rewrite_qualified (const Relations *self, Id id, const Reldep *version)
{
  Pool *pool = self->pool;
  /* A copy: the pool moves its texts, too. */
  g_autofree char *text = g_strdup (pool_id2str (pool, id));
  char *colon = strchr (text, ':');
  gboolean native = g_str_equal (colon + 1, self->native) || g_str_equal (colon + 1, "native");
  Id arch = pool_str2id (pool, native ? self->native : colon + 1, TRUE);
  Id name = native ? pool_strn2id (pool, text, colon - text, TRUE) : id;
  Id dep = with_version (pool, name, version);
  Id qualified = pool_rel2id (pool, dep, arch, REL_ARCH, TRUE);

  return native ? pool_rel2id (pool, qualified, pool_rel2id (pool, dep, ARCH_ALL, REL_ARCH, TRUE), REL_OR, TRUE) : qualified;
}

/* What @dep of a package of @arch means: without a word about it, a package of the same architecture. */
static Id
rewrite (const Relations *self, Id dep, const char *arch)
{
  Pool *pool = self->pool;
  Reldep version = { 0 };
  Id name = dep;

  if (ISRELDEP (dep))
    {
      /* A copy: the pool may move them. */
      const Reldep rel = *GETRELDEP (pool, dep);

      if (rel.flags == REL_OR)
        return pool_rel2id (pool, rewrite (self, rel.name, arch), rewrite (self, rel.evr, arch), REL_OR, TRUE);
      if (rel.flags <= REL_ANY)
        {
          version = rel;
          name = rel.name;
        }
    }
  if (ISRELDEP (name))
    {
      const Reldep rel = *GETRELDEP (pool, name);

      if (rel.flags != REL_MULTIARCH || rel.evr != ARCH_ANY)
        return dep;
      name = qualify (pool, rel.name, "any", TRUE);
    }
  else if (strchr (pool_id2str (pool, name), ':') != NULL)
    {
      return rewrite_qualified (self, name, &version);
    }
  else if (arch == NULL)
    {
      return dep;
    }
  else
    {
      name = qualify (pool, name, arch, TRUE);
    }
  return with_version (pool, name, &version);
}

/* The name in @dep, and in @version its version, 0 for none; 0 for what names architectures itself. */
static Id
name_of (Pool *pool, Id dep, Reldep *version)
{
  *version = (Reldep) { 0 };
  if (ISRELDEP (dep))
    {
      *version = *GETRELDEP (pool, dep);
      dep = version->flags <= REL_ANY ? version->name : 0;
    }
  return dep != 0 && !ISRELDEP (dep) && strchr (pool_id2str (pool, dep), ':') == NULL ? dep : 0;
}

/* Multi-Arch: foreign is there for all architectures; allowed for those that ask for any. */
static void
relate_provides (const Relations *self, Solvable *s, const char *arch)
{
  Pool *pool = self->pool;
  Id multiarch = solvable_lookup_id (s, SOLVABLE_MULTIARCH);
  Queue before, after;

  if (s->provides == 0 || (arch == NULL && multiarch != self->foreign && multiarch != self->allowed))
    return;
  queue_init (&before);
  queue_init (&after);
  solvable_lookup_deparray (s, SOLVABLE_PROVIDES, &before, 0);
  for (int i = 0; i < before.count; i++)
    {
      Reldep version;
      Id name = name_of (pool, before.elements[i], &version);

      queue_push (&after, rewrite (self, before.elements[i], arch));
      if (name != 0 && multiarch == self->allowed)
        queue_push (&after, with_version (pool, qualify (pool, name, "any", TRUE), &version));
      for (guint k = 0; name != 0 && multiarch == self->foreign && k < self->archs->len; k++)
        if (self->archs->pdata[k] != arch)
          queue_push (&after, with_version (pool, qualify (pool, name, self->archs->pdata[k], TRUE), &version));
    }
  solvable_set_deparray (s, SOLVABLE_PROVIDES, &after, 0);
  queue_free (&before);
  queue_free (&after);
}

static void
relate_requires (const Relations *self, Solvable *s, const char *arch)
{
  if (s->requires == 0)
    return;
  for (Id *dep = s->repo->idarraydata + s->requires; *dep != 0; dep++)
    if (*dep != SOLVABLE_PREREQMARKER)
      *dep = rewrite (self, *dep, arch);
}

static gboolean
provides (const Solvable *s, Id name)
{
  const Id *id = s->provides != 0 ? s->repo->idarraydata + s->provides : NULL;

  for (; id != NULL && *id != 0; id++)
    {
      Id dep = *id;

      while (ISRELDEP (dep))
        dep = GETRELDEP (s->repo->pool, dep)->name;
      if (dep == name)
        return TRUE;
    }
  return FALSE;
}

/* The packages of one name are one for apt: what they conflict with is somebody else's, also when their likes of other
 * architectures provide it. */
static void
add_conflict (const Relations *self, const Solvable *s, Id dep, const char *arch, const char *other, Id sibling,
              Queue *conflicts)
{
  Pool *pool = self->pool;
  Reldep version;
  Id name = name_of (pool, dep, &version);
  Id conflict = name != 0 ? qualify (pool, name, other, FALSE) : 0;

  if (conflict == 0 || qualify (pool, name, arch, FALSE) == s->name)
    return;
  conflict = with_version (pool, conflict, &version);
  if (sibling != 0 && provides (s, qualify (pool, name, arch, FALSE)))
    conflict = pool_rel2id (pool, conflict, sibling, REL_WITHOUT, TRUE);
  queue_push (conflicts, conflict);
}

/* Packages of one name are there together only with Multi-Arch: same, and in one version. */
static void
add_sibling (const Relations *self, Solvable *s, Id sibling, Queue *conflicts)
{
  gboolean same = solvable_lookup_id (s, SOLVABLE_MULTIARCH) == self->same;

  queue_push (conflicts, pool_rel2id (self->pool, sibling, s->evr, same ? REL_LT | REL_GT : REL_ANY, TRUE));
}

/* Returns: the name of the package that is called like @s, whose dpkg name is @own, and is of the architecture @other; 0: none */
static Id
find_sibling (const Relations *self, Id own, const char *other)
{
  Id sibling = own != 0 ? qualify (self->pool, own, other, FALSE) : 0;

  return sibling < self->names.size << 3 && MAPTST (&self->names, sibling) ? sibling : 0;
}

/* A conflict that names no architecture is one with packages of any. */
static void
relate_conflicts (const Relations *self, Solvable *s, const char *arch)
{
  Pool *pool = self->pool;
  g_autofree char *name = arch != NULL ? cold_deb_multiarch_get_name (s, self->native) : NULL;
  Id own = arch != NULL ? pool_str2id (pool, name, FALSE) : s->name;
  Queue before, after;

  queue_init (&before);
  queue_init (&after);
  if (s->conflicts != 0)
    solvable_lookup_deparray (s, SOLVABLE_CONFLICTS, &before, 0);
  for (int i = 0; i < before.count; i++)
    queue_push (&after, rewrite (self, before.elements[i], arch));
  for (guint k = 0; k < self->archs->len; k++)
    {
      const char *other = self->archs->pdata[k];
      Id sibling = other != arch ? find_sibling (self, own, other) : 0;

      for (int i = 0; other != arch && i < before.count; i++)
        add_conflict (self, s, before.elements[i], arch, other, sibling, &after);
      if (sibling != 0)
        add_sibling (self, s, sibling, &after);
    }
  if (after.count > 0)
    solvable_set_deparray (s, SOLVABLE_CONFLICTS, &after, 0);
  queue_free (&before);
  queue_free (&after);
}

/* Returns: (nullable): an element of the list, so that architectures can be compared as pointers */
static const char *
arch_of (const Relations *self, const Solvable *s)
{
  const char *arch = foreign_arch (s, self->native);

  for (guint i = 0; arch != NULL && i < self->archs->len; i++)
    if (g_strcmp0 (self->archs->pdata[i], arch) == 0)
      return self->archs->pdata[i];
  return NULL;
}

/* Adds to @reached and @todo all that may be meant by @dep. Of which architecture is not asked yet. */
static void
reach (Pool *pool, Id dep, Map *reached, Queue *todo)
{
  const char *text, *colon;
  Id p, pp;

  if (ISRELDEP (dep))
    {
      const Reldep rel = *GETRELDEP (pool, dep);

      reach (pool, rel.name, reached, todo);
      if (rel.flags == REL_OR)
        reach (pool, rel.evr, reached, todo);
      return;
    }
  text = pool_id2str (pool, dep);
  colon = strchr (text, ':');
  if (colon != NULL)
    {
      g_autofree char *name = g_strndup (text, colon - text);

      dep = pool_str2id (pool, name, FALSE);
    }
  FOR_PROVIDES (p, pp, dep)
    if (!MAPTST (reached, p))
      {
        MAPSET (reached, p);
        queue_push (todo, p);
      }
}

/* Takes out of @considered what nothing that is installed, or its new version, can ever ask for. That is nearly all of an archive, and
 * it would be most of the work. */
static void
consider_reached (Pool *pool, Map *considered)
{
  Map reached, names;
  Queue todo;
  Solvable *s;
  Id p;

  map_init (&reached, pool->nsolvables);
  map_init (&names, pool->ss.nstrings);
  queue_init (&todo);
  FOR_REPO_SOLVABLES (pool->installed, p, s)
    MAPSET (&names, s->name);
  FOR_POOL_SOLVABLES (p)
    if (MAPTST (considered, p) && MAPTST (&names, pool_id2solvable (pool, p)->name))
      {
        MAPSET (&reached, p);
        queue_push (&todo, p);
      }
  pool->considered = considered;
  pool_createwhatprovides (pool);
  while (todo.count > 0)
    {
      s = pool_id2solvable (pool, queue_pop (&todo));
      for (const Id *dep = s->requires != 0 ? s->repo->idarraydata + s->requires : NULL; dep != NULL && *dep != 0; dep++)
        if (*dep != SOLVABLE_PREREQMARKER)
          reach (pool, *dep, &reached, &todo);
    }
  map_and (considered, &reached);
  pool_freewhatprovides (pool);
  map_free (&reached);
  map_free (&names);
  queue_free (&todo);
}

void
cold_deb_multiarch_relate (Pool *pool, const char *native, GStrv foreign, Map *considered)
{
  g_autoptr (GPtrArray) archs = g_ptr_array_new ();
  Relations self = { .pool = pool, .native = native, .archs = archs };
  /* Names must be there before somebody can conflict with them. */
  void (*const passes[]) (const Relations *, Solvable *, const char *)
      = { relate_provides, relate_requires, relate_conflicts };
  Id p;

  consider_reached (pool, considered);
  g_ptr_array_add (archs, NULL);
  for (guint i = 0; foreign[i] != NULL; i++)
    g_ptr_array_add (archs, foreign[i]);
  self.same = pool_str2id (pool, "same", TRUE);
  self.foreign = pool_str2id (pool, "foreign", TRUE);
  self.allowed = pool_str2id (pool, "allowed", TRUE);
  map_init (&self.names, pool->ss.nstrings);
  FOR_POOL_SOLVABLES (p)
    if (MAPTST (considered, p))
      MAPSET (&self.names, pool_id2solvable (pool, p)->name);
  for (guint i = 0; i < G_N_ELEMENTS (passes); i++)
    FOR_POOL_SOLVABLES (p)
      if (MAPTST (considered, p))
        passes[i](&self, pool_id2solvable (pool, p), arch_of (&self, pool_id2solvable (pool, p)));
  map_free (&self.names);
}
