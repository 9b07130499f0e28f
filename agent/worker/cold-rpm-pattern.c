/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-pattern.h"

#include <fnmatch.h>
#include <string.h>

gboolean
cold_rpm_pattern_matches (Pool *pool, const Solvable *s, const char *pattern)
{
  const char *name = pool_id2str (pool, s->name);
  const char *evr = pool_id2str (pool, s->evr);
  const char *arch = pool_id2str (pool, s->arch);
  const char *colon = strchr (evr, ':');
  const char *bare = colon != NULL ? colon + 1 : evr;
  const char *dash = strrchr (bare, '-');
  int version = dash != NULL ? dash - bare : (int) strlen (bare);
  int epoch = colon != NULL ? colon - evr : 1;
  const char *number = colon != NULL ? evr : "0";
  char *forms[] = { g_strdup (name),
                    g_strdup_printf ("%s.%s", name, arch),
                    g_strdup_printf ("%s-%.*s", name, version, bare),
                    g_strdup_printf ("%s-%s", name, bare),
                    g_strdup_printf ("%s-%s.%s", name, bare, arch),
                    g_strdup_printf ("%s-%.*s:%s", name, epoch, number, bare),
                    g_strdup_printf ("%s-%.*s:%s.%s", name, epoch, number, bare, arch),
                    g_strdup_printf ("%.*s:%s-%s.%s", epoch, number, name, bare, arch) };
  gsize length = strlen (pattern);
  gboolean found = FALSE;

  if (length > 2 && pattern[0] == '/' && pattern[length - 1] == '/')
    {
      g_autofree char *expression = g_strndup (pattern + 1, length - 2);

      found = g_regex_match_simple (expression, name, 0, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      found = found || fnmatch (pattern, forms[i], 0) == 0;
      g_free (forms[i]);
    }
  return found;
}

gboolean
cold_rpm_pattern_matches_any (Pool *pool, const Solvable *s, GStrv patterns)
{
  for (guint i = 0; patterns[i] != NULL; i++)
    if (cold_rpm_pattern_matches (pool, s, patterns[i]))
      return TRUE;
  return FALSE;
}
