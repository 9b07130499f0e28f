/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-sources.h"

#include <string.h>

#include "cold-json.h"
#include "cold-repository.h"
#include "cold-rpm-variables.h"

#define PATTERNS_MAX 256
#define REPOSITORIES_MAX 64

typedef enum
{
  BASEURL,
  PATH,
  MIRRORLIST,
  METALINK,
  ENABLED,
  PRIORITY,
  EXCLUDE,
  INCLUDE,
  MODULE_HOTFIXES,
  N_KEYS,
} Key;

static const struct
{
  const char *name;
  Key key;
} keys[] = {
  { "baseurl", BASEURL },   { "path", PATH },       { "mirrorlist", MIRRORLIST }, { "metalink", METALINK },   { "enabled", ENABLED },
  { "priority", PRIORITY }, { "exclude", EXCLUDE }, { "excludepkgs", EXCLUDE },   { "includepkgs", INCLUDE },
  { "module_hotfixes", MODULE_HOTFIXES },
};

typedef struct
{
  GHashTable *variables;
  gboolean zypper;
  JsonArray *sources;
  JsonArray *repositories;
  GString *values[N_KEYS]; /* of the group that is read */
  char *id;                /* (nullable): its name, when it is a repository */
} Reader;

/* Returns: (transfer full): the words of a list, separated by blanks or commas, with variables expanded; a word with one that
 * is not known is left out, and makes @complete %FALSE */
static GStrv
split_words (Reader *reader, Key key, gboolean *complete)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = g_strsplit_set (reader->values[key]->str, " \t\r\n,", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *word = *words[i] != '\0' ? cold_rpm_variables_expand (reader->variables, words[i]) : NULL;

      if (word != NULL)
        g_strv_builder_add (builder, word);
      else if (*words[i] != '\0')
        *complete = FALSE;
    }
  return g_strv_builder_end (builder);
}

/* As dnf reads truth values; what is none makes the repository one that dnf refuses. */
static gboolean
is_true (Reader *reader, Key key)
{
  static const char *const yes[] = { "1", "yes", "true", "on" };
  const char *value = g_strstrip (reader->values[key]->str);

  for (guint i = 0; i < G_N_ELEMENTS (yes); i++)
    if (g_ascii_strcasecmp (value, yes[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_enabled (Reader *reader)
{
  return reader->values[ENABLED]->len == 0 || *g_strstrip (reader->values[ENABLED]->str) == '\0' || is_true (reader, ENABLED);
}

/* Returns: %FALSE when they are not usable, and with them the repository */
static gboolean
add_patterns (Reader *reader, Key key, JsonObject *source, const char *member)
{
  gboolean complete = TRUE;
  g_auto (GStrv) words = split_words (reader, key, &complete);
  guint n = g_strv_length (words);

  for (guint i = 0; i < n; i++)
    complete = complete && cold_listed_is_word (words[i]);
  complete = complete && n <= PATTERNS_MAX;
  if (n > 0 && complete)
    cold_json_set_strv (source, member, (const char *const *) words);
  return complete;
}

/* zypp's path= is below each of the places. */
static void
append_path (Reader *reader, GStrv uris)
{
  g_autofree char *path = cold_rpm_variables_expand (reader->variables, g_strstrip (reader->values[PATH]->str));

  while (path != NULL && *path == '/')
    memmove (path, path + 1, strlen (path));
  if (path == NULL || *path == '\0')
    return;
  for (guint i = 0; uris[i] != NULL; i++)
    {
      char *full = g_strconcat (uris[i], g_str_has_suffix (uris[i], "/") ? "" : "/", path, NULL);

      g_free (uris[i]);
      uris[i] = full;
    }
}

/* The places of the group that was read. @list: gets (transfer none) (nullable) the kind of document they are in */
static GStrv
find_uris (Reader *reader, const char **list)
{
  gboolean complete;
  GStrv uris = split_words (reader, BASEURL, &complete);

  *list = NULL;
  if (uris[0] != NULL)
    {
      append_path (reader, uris);
      return uris;
    }
  g_strfreev (uris);
  if (reader->values[METALINK]->len > 0)
    {
      *list = "metalink";
      return split_words (reader, METALINK, &complete);
    }
  /* As yum and dnf have it: a mirrorlist that is called so is one. */
  *list = strstr (reader->values[MIRRORLIST]->str, "metalink") != NULL ? "metalink" : "mirrorlist";
  return split_words (reader, MIRRORLIST, &complete);
}

/* Every place of the group that was read, whoever could fetch from it. */
static void
add_places (Reader *reader, JsonObject *repository)
{
  static const Key kinds[] = { BASEURL, METALINK, MIRRORLIST };
  JsonArray *array = json_array_new ();
  gboolean complete;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_auto (GStrv) uris = split_words (reader, kinds[i], &complete);

      if (kinds[i] == BASEURL)
        append_path (reader, uris);
      for (guint k = 0; uris[k] != NULL && json_array_get_length (array) < 2 * COLD_LISTED_MIRRORS_MAX; k++)
        if (cold_listed_is_word (uris[k]))
          json_array_add_string_element (array, uris[k]);
    }
  json_object_set_array_member (repository, "uris", array);
}

static void
add_repository (Reader *reader, gint64 priority)
{
  JsonObject *repository = json_object_new ();

  json_object_set_string_member (repository, "id", cold_listed_is_word (reader->id) ? reader->id : "");
  add_places (reader, repository);
  if (priority > 0)
    json_object_set_int_member (repository, "priority", MIN (priority, G_MAXINT));
  if (is_true (reader, MODULE_HOTFIXES))
    json_object_set_boolean_member (repository, "module-hotfixes", TRUE);
  /* Which packages are left out is not known: all of them are. */
  if (!add_patterns (reader, EXCLUDE, repository, "excludes") || !add_patterns (reader, INCLUDE, repository, "includes"))
    {
      const char *const all[] = { "*", NULL };

      json_object_remove_member (repository, "includes");
      cold_json_set_strv (repository, "excludes", all);
    }
  json_array_add_object_element (reader->repositories, repository);
}

static void
end_group (Reader *reader)
{
  const char *list = NULL;
  g_auto (GStrv) uris = find_uris (reader, &list);
  JsonObject *source = json_object_new ();
  gint64 priority = g_ascii_strtoll (reader->values[PRIORITY]->str, NULL, 10);

  if (list != NULL)
    json_object_set_string_member (source, "list", list);
  if (priority > 0 && priority != COLD_PRIORITY_DEFAULT)
    json_object_set_int_member (source, "priority", MIN (priority, G_MAXINT));
  if (reader->id != NULL && is_enabled (reader) && json_array_get_length (reader->repositories) < REPOSITORIES_MAX)
    add_repository (reader, priority);
  if (reader->id != NULL && is_enabled (reader) && add_patterns (reader, EXCLUDE, source, "excludes")
      && add_patterns (reader, INCLUDE, source, "includes"))
    cold_listed_source_add (reader->sources, source, (const char *const *) uris);
  else
    json_object_unref (source);
  for (guint i = 0; i < N_KEYS; i++)
    g_string_truncate (reader->values[i], 0);
  g_clear_pointer (&reader->id, g_free);
}

/* @line: that begins a group. Returns: (transfer full) (nullable): its name, when it is a repository */
static char *
group_name (const char *line)
{
  const char *end = strchr (line, ']');

  return end != NULL && !g_str_has_prefix (line, "[main]") ? g_strndup (line + 1, end - line - 1) : NULL;
}

/* zypper passes over what only dnf knows. */
static gboolean
is_known (const Reader *reader, Key key)
{
  return !reader->zypper || (key != EXCLUDE && key != INCLUDE && key != MODULE_HOTFIXES);
}

/* Returns: the key that @line sets, and moves @line to its value; %N_KEYS for one of no interest */
static Key
key_of (const Reader *reader, const char **line)
{
  const char *equals = strchr (*line, '=');
  g_autofree char *name = equals != NULL ? g_strndup (*line, equals - *line) : NULL;

  if (name == NULL)
    return N_KEYS;
  g_strchomp (name);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (name, keys[i].name) && is_known (reader, keys[i].key))
      {
        *line = equals + 1;
        return keys[i].key;
      }
  return N_KEYS;
}

void
cold_rpm_sources_parse (const char *text, GHashTable *variables, gboolean zypper, JsonArray *sources, JsonArray *repositories)
{
  Reader reader = { variables, zypper, sources, repositories, { NULL }, NULL };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  Key last = N_KEYS;

  for (guint i = 0; i < N_KEYS; i++)
    reader.values[i] = g_string_new (NULL);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = lines[i];

      if (*line == '#' || *line == ';')
        continue;
      if (*line == '[')
        {
          end_group (&reader);
          reader.id = group_name (line);
          last = N_KEYS;
          continue;
        }
      /* One that begins with a blank goes on with the line before. */
      if (!g_ascii_isspace (*line))
        {
          last = key_of (&reader, &line);
          /* Of what is set twice the last one counts. */
          if (last != N_KEYS)
            g_string_truncate (reader.values[last], 0);
        }
      if (last != N_KEYS)
        g_string_append_printf (reader.values[last], "%s\n", line);
    }
  end_group (&reader);
  for (guint i = 0; i < N_KEYS; i++)
    g_string_free (reader.values[i], TRUE);
}
