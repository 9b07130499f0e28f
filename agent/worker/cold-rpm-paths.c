/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-paths.h"

#include <stdlib.h>
#include <string.h>

#include "cold-generation.h"
#include "cold-json.h"
#include "cold-rpm-index.h"

/* A repository that requires more than that is none of an honest archive, and what it wants is not worth others' work. */
#define PATHS_MAX 10000

static int
compare (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* @set: (element-type utf8). Returns: (transfer full) */
static GStrv
sort (GHashTable *set)
{
  guint n;
  g_autofree const char **paths = (const char **) g_hash_table_get_keys_as_array (set, &n);

  qsort (paths, n, sizeof *paths, compare);
  if (n > PATHS_MAX)
    paths[PATHS_MAX] = NULL;
  return g_strdupv ((GStrv) paths);
}

static JsonObject *
load (const ColdSource *source, const char *catalogue)
{
  g_autofree char *folder = NULL;

  return cold_generation_open (source, catalogue, &folder, NULL);
}

GStrv
cold_rpm_paths_wanted (const ColdSource *self, const char *catalogue)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; self->beside != NULL && i < self->beside->len; i++)
    {
      const ColdSource *other = g_ptr_array_index (self->beside, i);
      g_autoptr (JsonObject) generation = NULL;
      g_auto (GStrv) unmet = NULL;

      if (other == NULL || other == self || other->type != self->type || g_strcmp0 (other->architectures[0], self->architectures[0]) != 0)
        continue;
      generation = load (other, catalogue);
      unmet = cold_json_strv (generation, "unmet");
      for (guint k = 0; unmet[k] != NULL; k++)
        g_hash_table_add (paths, g_strdup (unmet[k]));
    }
  return sort (paths);
}

gboolean
cold_rpm_paths_are_in (const char *const *paths, JsonObject *generation)
{
  g_auto (GStrv) held = cold_json_strv (generation, "wanted");
  g_autoptr (GHashTable) set = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; held[i] != NULL; i++)
    g_hash_table_add (set, held[i]);
  for (guint i = 0; paths[i] != NULL; i++)
    if (!g_hash_table_contains (set, paths[i]))
      return FALSE;
  return TRUE;
}

GStrv
cold_rpm_paths_unmet (Repo *repo)
{
  g_autoptr (GHashTable) paths = cold_rpm_index_find_paths (repo, NULL);
  GHashTableIter iter;
  gpointer path;

  g_hash_table_iter_init (&iter, paths);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    if (cold_rpm_index_is_primary (path))
      g_hash_table_iter_remove (&iter);
  return sort (paths);
}

gboolean
cold_rpm_paths_is_behind (const ColdSource *self, const char *catalogue)
{
  g_autoptr (JsonObject) generation = load (self, catalogue);
  g_auto (GStrv) wanted = cold_rpm_paths_wanted (self, catalogue);

  return generation != NULL && !cold_rpm_paths_are_in ((const char *const *) wanted, generation);
}
