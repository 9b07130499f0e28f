/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apt-sources.h"

#include <string.h>

#define WORDS_MAX 64 /* URIs, suites or components of one entry */

static gboolean
is_word (const char *text)
{
  /* $(ARCH) stands for what the catalogue does not know here. */
  return cold_listed_is_word (text) && strstr (text, "$(") == NULL;
}

static GStrv
split_words (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = g_strsplit_set (text != NULL ? text : "", " \t\r\n", -1);
  guint n = 0;

  for (guint i = 0; words[i] != NULL && n < WORDS_MAX; i++)
    if (*words[i] != '\0')
      {
        g_strv_builder_add (builder, words[i]);
        n++;
      }
  return g_strv_builder_end (builder);
}

static JsonArray *
make_array (const char *const *words)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; words[i] != NULL; i++)
    if (is_word (words[i]))
      json_array_add_string_element (array, words[i]);
  return array;
}

/* @architectures: (nullable): the only ones */
static void
add (JsonArray *sources, const char *uri, const char *suite, const char *const *components, GStrv architectures)
{
  const char *const uris[] = { uri, NULL };
  JsonObject *source;
  JsonArray *array;

  /* A suite that ends in a slash is a folder, without components. */
  if (!is_word (uri) || !is_word (suite) || g_str_has_suffix (suite, "/"))
    return;
  array = make_array (components);
  if (json_array_get_length (array) == 0)
    {
      json_array_unref (array);
      return;
    }
  source = json_object_new ();
  json_object_set_string_member (source, "suite", suite);
  json_object_set_array_member (source, "components", array);
  if (architectures != NULL)
    json_object_set_array_member (source, "architectures", make_array ((const char *const *) architectures));
  cold_listed_source_add (sources, source, uris);
}

/* @architectures: (nullable): separated by commas or blanks. Returns: (transfer full) (nullable): %NULL: all */
static GStrv
split_architectures (const char *architectures)
{
  g_autofree char *blanks = architectures != NULL ? g_strdelimit (g_strdup (architectures), ",", ' ') : NULL;

  return blanks != NULL ? split_words (blanks) : NULL;
}

static gboolean
is_for (GStrv architectures, const char *native)
{
  return architectures == NULL || g_strv_contains ((const char *const *) architectures, native);
}

/* Returns: the text after the options, "[ arch=amd64 signed-by=... ]"; @arch: (nullable): gets the architectures */
static char *
skip_options (char *text, char **arch)
{
  char *end;

  while (*text == ' ' || *text == '\t')
    text++;
  if (*text != '[')
    return text;
  end = strchr (text, ']');
  if (end == NULL)
    return NULL;
  *end = '\0';
  {
    g_auto (GStrv) options = split_words (text + 1);

    for (guint i = 0; options[i] != NULL; i++)
      if (g_str_has_prefix (options[i], "arch="))
        {
          g_free (*arch);
          *arch = g_strdup (options[i] + 5);
        }
  }
  return end + 1;
}

static void
parse_line (char *line, const char *native, JsonArray *sources)
{
  g_autofree char *arch = NULL;
  g_auto (GStrv) words = NULL;
  g_auto (GStrv) architectures = NULL;
  char *comment = strchr (line, '#');
  char *rest;

  if (comment != NULL)
    *comment = '\0';
  g_strstrip (line);
  if (!g_str_has_prefix (line, "deb") || !g_ascii_isspace (line[3]))
    return;
  rest = skip_options (line + 4, &arch);
  architectures = split_architectures (arch);
  if (rest == NULL || !is_for (architectures, native))
    return;
  words = split_words (rest);
  if (g_strv_length (words) > 2)
    add (sources, words[0], words[1], (const char *const *) words + 2, architectures);
}

void
cold_apt_sources_parse_list (const char *text, const char *native, JsonArray *sources)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    parse_line (lines[i], native, sources);
}

typedef enum
{
  TYPES,
  URIS,
  SUITES,
  COMPONENTS,
  ENABLED,
  ARCHITECTURES,
  N_FIELDS,
} Field;

static const char *const field_names[N_FIELDS] = { "Types", "URIs", "Suites", "Components", "Enabled", "Architectures" };

static void
add_stanza (GString **fields, const char *native, JsonArray *sources)
{
  g_auto (GStrv) types = split_words (fields[TYPES]->str);
  g_auto (GStrv) uris = split_words (fields[URIS]->str);
  g_auto (GStrv) suites = split_words (fields[SUITES]->str);
  g_auto (GStrv) components = split_words (fields[COMPONENTS]->str);
  g_auto (GStrv) architectures = fields[ARCHITECTURES]->len > 0 ? split_architectures (fields[ARCHITECTURES]->str) : NULL;
  const char *enabled = g_strstrip (fields[ENABLED]->str);

  /* As apt reads truth values. */
  if (g_ascii_strcasecmp (enabled, "no") == 0 || g_ascii_strcasecmp (enabled, "false") == 0
      || g_ascii_strcasecmp (enabled, "without") == 0 || g_ascii_strcasecmp (enabled, "off") == 0
      || g_ascii_strcasecmp (enabled, "disable") == 0 || g_str_equal (enabled, "0"))
    return;
  if (!g_strv_contains ((const char *const *) types, "deb")
      || !is_for (architectures, native))
    return;
  for (guint i = 0; uris[i] != NULL; i++)
    for (guint k = 0; suites[k] != NULL; k++)
      add (sources, uris[i], suites[k], (const char *const *) components, architectures);
}

/* Returns: the field that @line begins, its value in @value; %N_FIELDS for one of no interest */
static Field
field_of (const char *line, const char **value)
{
  for (Field i = 0; i < N_FIELDS; i++)
    {
      gsize length = strlen (field_names[i]);

      if (g_ascii_strncasecmp (line, field_names[i], length) == 0 && line[length] == ':')
        {
          *value = line + length + 1;
          return i;
        }
    }
  return N_FIELDS;
}

void
cold_apt_sources_parse_deb822 (const char *text, const char *native, JsonArray *sources)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *fields[N_FIELDS];
  Field last = N_FIELDS;

  for (guint i = 0; i < N_FIELDS; i++)
    fields[i] = g_string_new (NULL);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *value = lines[i];

      if (lines[i][0] == '#')
        continue;
      if (*g_strchomp (lines[i]) == '\0')
        {
          add_stanza (fields, native, sources);
          for (guint k = 0; k < N_FIELDS; k++)
            g_string_truncate (fields[k], 0);
          last = N_FIELDS;
          continue;
        }
      if (!g_ascii_isspace (lines[i][0]))
        last = field_of (lines[i], &value);
      if (last != N_FIELDS)
        g_string_append_printf (fields[last], "%s\n", value);
    }
  add_stanza (fields, native, sources);
  for (guint i = 0; i < N_FIELDS; i++)
    g_string_free (fields[i], TRUE);
}
