/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apt-config.h"

#include <string.h>

#define DEPTH_MAX 32
#define VALUES_MAX 10000

typedef struct
{
  GHashTable *config;
  const char *at;
  GPtrArray *scopes; /* (element-type utf8) names of the blocks that are open, each with all before it */
} Reader;

GHashTable *
cold_apt_config_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

const char *
cold_apt_config_get (GHashTable *config, const char *name)
{
  return g_hash_table_lookup (config, name);
}

gboolean
cold_apt_config_get_bool (GHashTable *config, const char *name)
{
  static const char *const yes[] = { "1", "yes", "true", "with", "on", "enable" };
  const char *value = cold_apt_config_get (config, name);

  for (guint i = 0; value != NULL && i < G_N_ELEMENTS (yes); i++)
    if (g_ascii_strcasecmp (value, yes[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
skip_to (Reader *reader, const char *end)
{
  const char *found = strstr (reader->at, end);

  reader->at = found != NULL ? found + strlen (end) : reader->at + strlen (reader->at);
}

/* Blanks and comments; "#clear" and "#include" are none. */
static void
skip (Reader *reader)
{
  while (*reader->at != '\0')
    if (g_ascii_isspace (*reader->at))
      reader->at++;
    else if (g_str_has_prefix (reader->at, "//")
             || (*reader->at == '#' && !g_str_has_prefix (reader->at, "#clear") && !g_str_has_prefix (reader->at, "#include")))
      skip_to (reader, "\n");
    else if (g_str_has_prefix (reader->at, "/*"))
      skip_to (reader, "*/");
    else
      return;
}

/* Returns: (transfer full) (nullable): the word or quoted text that comes next; %NULL for none */
static char *
read_word (Reader *reader, gboolean *quoted)
{
  const char *begin;

  skip (reader);
  begin = reader->at;
  *quoted = *begin == '"';
  if (*quoted)
    {
      const char *end = strchr (begin + 1, '"');
      gsize length = end != NULL ? (gsize) (end - begin - 1) : strlen (begin + 1);

      reader->at = begin + 1 + length + (end != NULL);
      return g_strndup (begin + 1, length);
    }
  while (*reader->at != '\0' && !g_ascii_isspace (*reader->at) && strchr ("{};\"", *reader->at) == NULL)
    reader->at++;
  return reader->at > begin ? g_strndup (begin, reader->at - begin) : NULL;
}

static char *
full_name (Reader *reader, const char *name)
{
  const char *scope = reader->scopes->len > 0 ? g_ptr_array_index (reader->scopes, reader->scopes->len - 1) : "";
  g_autofree char *full = g_strconcat (scope, *scope != '\0' ? "::" : "", name, NULL);

  return g_ascii_strdown (full, -1);
}

static gboolean
is_below (gpointer key, gpointer value, gpointer name)
{
  gsize length = strlen (name);

  return strncmp (key, name, length) == 0 && (((char *) key)[length] == '\0' || strncmp ((char *) key + length, "::", 2) == 0);
}

static void
set (Reader *reader, const char *name, const char *value)
{
  if (g_str_equal (name, "#clear"))
    {
      g_autofree char *cleared = g_ascii_strdown (value, -1);

      g_hash_table_foreach_remove (reader->config, is_below, cleared);
    }
  else if (*name != '#' && g_hash_table_size (reader->config) < VALUES_MAX)
    {
      g_hash_table_replace (reader->config, full_name (reader, name), g_strdup (value));
    }
}

/* One "name value;", or the beginning or the end of a block. */
static void
read_item (Reader *reader)
{
  gboolean quoted, value_quoted;
  g_autofree char *name = read_word (reader, &quoted);
  g_autofree char *value = NULL;

  if (name != NULL && !quoted)
    value = read_word (reader, &value_quoted);
  if (value != NULL)
    set (reader, name, value);
  skip (reader);
  if (*reader->at == '{')
    {
      g_ptr_array_add (reader->scopes, full_name (reader, name != NULL ? name : ""));
      reader->at++;
    }
  else if (*reader->at == '}')
    {
      if (reader->scopes->len > 0)
        g_ptr_array_set_size (reader->scopes, reader->scopes->len - 1);
      reader->at++;
    }
  else if (*reader->at == ';')
    {
      reader->at++;
    }
}

void
cold_apt_config_add (GHashTable *config, const char *text)
{
  g_autoptr (GPtrArray) scopes = g_ptr_array_new_with_free_func (g_free);
  Reader reader = { config, text, scopes };

  for (skip (&reader); *reader.at != '\0' && scopes->len < DEPTH_MAX; skip (&reader))
    {
      const char *before = reader.at;

      read_item (&reader);
      if (reader.at == before)
        return;
    }
}
