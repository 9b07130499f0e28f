/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-config.h"

#include <string.h>

static void
add_source (JsonArray *sources, const char *uri)
{
  const char *const uris[] = { uri, NULL };

  cold_listed_source_add (sources, json_object_new (), uris);
}

/* "[v2] [@tag] URI [component]...". Without type, one that ends as an index is no folder but that index: neither is fetched. */
static void
add_line (JsonArray *sources, GStrv words)
{
  gboolean typed = words[0] != NULL && g_str_equal (words[0], "v2");
  guint n = typed ? 1 : 0;

  if (words[n] == NULL || (!typed && (g_str_has_suffix (words[n], ".adb") || g_str_has_suffix (words[n], ".tar.gz"))))
    return;
  if (words[n + 1] == NULL)
    {
      add_source (sources, words[n]);
      return;
    }
  for (guint i = n + 1; words[i] != NULL; i++)
    {
      g_autofree char *uri = g_strconcat (words[n], g_str_has_suffix (words[n], "/") ? "" : "/", words[i], NULL);

      add_source (sources, uri);
    }
}

void
cold_apk_config_add_sources (const char *text, JsonArray *sources)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = NULL;

      if (strchr (lines[i], '$') != NULL)
        continue;
      words = g_regex_split_simple ("[ \t\r]+", g_strstrip (lines[i]), 0, 0);
      if (*lines[i] != '#')
        add_line (sources, words);
    }
}
