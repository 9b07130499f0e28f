/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-listed-source.h"

#include <string.h>

#define LENGTH_MAX 1024

gboolean
cold_listed_is_word (const char *text)
{
  if (*text == '\0' || strlen (text) > LENGTH_MAX)
    return FALSE;
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return FALSE;
  return TRUE;
}

gboolean
cold_listed_is_uri (const char *text)
{
  return cold_listed_is_word (text) && (g_str_has_prefix (text, "http://") || g_str_has_prefix (text, "https://"));
}

void
cold_listed_source_add (JsonArray *sources, JsonObject *source, const char *const *uris)
{
  JsonArray *mirrors = json_array_new ();
  const char *uri = NULL;

  for (guint i = 0; uris[i] != NULL && json_array_get_length (mirrors) < COLD_LISTED_MIRRORS_MAX; i++)
    {
      if (!cold_listed_is_uri (uris[i]))
        continue;
      if (uri == NULL)
        uri = uris[i];
      else
        json_array_add_string_element (mirrors, uris[i]);
    }
  if (uri == NULL || json_array_get_length (sources) >= COLD_LISTED_SOURCES_MAX)
    {
      json_array_unref (mirrors);
      json_object_unref (source);
      return;
    }
  json_object_set_string_member (source, "uri", uri);
  if (json_array_get_length (mirrors) > 0)
    json_object_set_array_member (source, "mirrors", mirrors);
  else
    json_array_unref (mirrors);
  json_array_add_object_element (sources, source);
}
