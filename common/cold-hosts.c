/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-hosts.h"

char *
cold_hosts_text (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  gboolean https = g_strcmp0 (g_uri_get_scheme (uri), "https") == 0;
  int port = g_uri_get_port (uri);
  g_autofree char *lower = NULL;
  gsize length;

  if (host == NULL || *host == '\0')
    return NULL;
  lower = g_ascii_strdown (host, -1);
  length = strlen (lower);
  /* The root of all names may be written out. */
  if (length > 1 && lower[length - 1] == '.')
    lower[length - 1] = '\0';
  if (port <= 0 || port == (https ? 443 : 80))
    return g_steal_pointer (&lower);
  return g_strdup_printf (strchr (lower, ':') != NULL ? "[%s]:%d" : "%s:%d", lower, port);
}

static gboolean
match (const char *const *patterns, GUri *uri, gboolean literally)
{
  g_autofree char *text = cold_hosts_text (uri);

  for (guint i = 0; text != NULL && patterns != NULL && patterns[i] != NULL; i++)
    {
      g_autofree char *pattern = g_ascii_strdown (patterns[i], -1);

      if (literally ? g_str_equal (pattern, text) : g_pattern_match_simple (pattern, text))
        return TRUE;
    }
  return FALSE;
}

gboolean
cold_hosts_match (const char *const *patterns, GUri *uri)
{
  return match (patterns, uri, FALSE);
}

gboolean
cold_hosts_name (const char *const *patterns, GUri *uri)
{
  return match (patterns, uri, TRUE);
}
