/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pacman-config.h"

#include <string.h>

#include "cold-error.h"
#include "cold-json.h"

/* As in pacman itself. */
#define DEPTH_MAX 10
#define HELD_MAX 10000

/* Called for each line "key = value". */
typedef gboolean (*SetFunc) (gpointer data, const char *section, const char *key, const char *value, GError **error);

typedef struct
{
  const ColdPacmanFiles *files;
  SetFunc set;
  gpointer data;
  char *section; /* that the line is in */
  guint read;    /* files so far: they may include each other */
} Config;

static gboolean read_file (Config *config, const char *path, guint depth, GError **error);

static gboolean
include (Config *config, const char *pattern, guint depth, GError **error)
{
  g_auto (GStrv) paths = config->files->glob (config->files->data, pattern);

  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    if (!read_file (config, paths[i], depth + 1, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_line (Config *config, char *line, guint depth, GError **error)
{
  char *equals;

  g_strstrip (line);
  if (*line == '[' && g_str_has_suffix (line, "]"))
    {
      g_free (config->section);
      config->section = g_strndup (line + 1, strlen (line) - 2);
      return TRUE;
    }
  equals = strchr (line, '=');
  if (*line == '#' || equals == NULL)
    return TRUE;
  *equals = '\0';
  g_strchomp (line);
  g_strchug (equals + 1);
  if (g_str_equal (line, "Include"))
    return include (config, equals + 1, depth, error);
  return config->set (config->data, config->section, line, equals + 1, error);
}

static gboolean
read_file (Config *config, const char *path, guint depth, GError **error)
{
  GError *local = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (depth > DEPTH_MAX || config->read++ > HELD_MAX)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s in the guest includes files without end", path);
      return FALSE;
    }
  text = config->files->read (config->files->data, path, &local);
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!read_line (config, lines[i], depth, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_all (const ColdPacmanFiles *files, const char *path, SetFunc set, gpointer data, GError **error)
{
  Config config = { files, set, data, g_strdup (""), 0 };
  gboolean done = read_file (&config, path, 0, error);

  g_free (config.section);
  return done;
}

/* --- what is left alone ---------------------------------------------------------------------------------------------- */

static gboolean
add_held (GPtrArray *held, const char *prefix, const char *value, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (value, " \t", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *valid = cold_text_make_valid (words[i]);

      if (*valid != '\0')
        g_ptr_array_add (held, g_strconcat (prefix, valid, NULL));
    }
  if (held->len <= HELD_MAX)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's pacman.conf ignores more packages than is usable");
  return FALSE;
}

static gboolean
set_held (gpointer held, const char *section, const char *key, const char *value, GError **error)
{
  if (!g_str_equal (section, "options"))
    return TRUE;
  if (g_str_equal (key, "IgnorePkg"))
    return add_held (held, "", value, error);
  if (g_str_equal (key, "IgnoreGroup"))
    return add_held (held, "group:", value, error);
  return TRUE;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GStrv
cold_pacman_config_held (const ColdPacmanFiles *files, const char *path, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);

  if (!read_all (files, path, set_held, held, error))
    return NULL;
  g_ptr_array_sort (held, compare_texts);
  for (guint i = 1; i < held->len;)
    if (g_str_equal (g_ptr_array_index (held, i), g_ptr_array_index (held, i - 1)))
      g_ptr_array_remove_index (held, i);
    else
      i++;
  g_ptr_array_add (held, NULL);
  return (GStrv) g_ptr_array_steal (held, NULL);
}

/* --- where packages come from ---------------------------------------------------------------------------------------- */

typedef struct
{
  char *name;
  GStrvBuilder *servers;
  gboolean upgrades; /* Usage= lets pacman upgrade from it */
} Section;

typedef struct
{
  GPtrArray *sections; /* (element-type Section), in their order */
  const char *arch;
} Sections;

static void
section_free (gpointer data)
{
  Section *section = data;

  g_free (section->name);
  g_strv_builder_unref (section->servers);
  g_free (section);
}

/* Of two sections with one name, the second goes on with the first. Returns: (nullable): there is no more room */
static Section *
find_section (GPtrArray *sections, const char *name)
{
  Section *section;

  for (guint i = 0; i < sections->len; i++)
    {
      section = g_ptr_array_index (sections, i);
      if (g_str_equal (section->name, name))
        return section;
    }
  if (sections->len >= COLD_LISTED_SOURCES_MAX)
    return NULL;
  section = g_new0 (Section, 1);
  section->name = g_strdup (name);
  section->servers = g_strv_builder_new ();
  section->upgrades = TRUE;
  g_ptr_array_add (sections, section);
  return section;
}

static gboolean
allows_upgrades (const char *usage)
{
  g_auto (GStrv) words = g_strsplit_set (usage, " \t", -1);

  return g_strv_contains ((const char *const *) words, "All") || g_strv_contains ((const char *const *) words, "Upgrade");
}

static void
add_server (Section *section, const char *arch, const char *value)
{
  g_autoptr (GString) server = g_string_new (value);

  g_string_replace (server, "$repo", section->name, 0);
  g_string_replace (server, "$arch", arch, 0);
  if (cold_listed_is_uri (server->str) && strchr (server->str, '$') == NULL)
    g_strv_builder_add (section->servers, server->str);
}

static gboolean
set_source (gpointer data, const char *name, const char *key, const char *value, GError **error)
{
  const Sections *sections = data;
  Section *section = g_str_equal (name, "options") || !cold_listed_is_word (name) ? NULL : find_section (sections->sections, name);

  if (section == NULL)
    return TRUE;
  if (g_str_equal (key, "Server"))
    add_server (section, sections->arch, value);
  else if (g_str_equal (key, "Usage"))
    section->upgrades = allows_upgrades (value);
  return TRUE;
}

gboolean
cold_pacman_config_sources (const ColdPacmanFiles *files, const char *path, const char *arch, JsonArray *sources,
                            JsonArray *unused, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (section_free);
  Sections sections = { found, arch };

  if (!read_all (files, path, set_source, &sections, error))
    return FALSE;
  for (guint i = 0; i < found->len; i++)
    {
      const Section *section = g_ptr_array_index (found, i);
      g_auto (GStrv) servers = g_strv_builder_end (section->servers);
      JsonObject *source = json_object_new ();

      json_object_set_string_member (source, "suite", section->name);
      if (section->upgrades)
        cold_listed_source_add (sources, source, (const char *const *) servers);
      else
        {
          json_object_unref (source);
          json_array_add_string_element (unused, section->name);
        }
    }
  return TRUE;
}
