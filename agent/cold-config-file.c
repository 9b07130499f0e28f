/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-config-file.h"

#include <string.h>
#include <sys/stat.h>

#include "cold-error.h"

void
cold_config_file_clear (ColdConfigFile *file)
{
  g_free (file->text);
  g_clear_pointer (&file->keys, g_key_file_unref);
}

/* GKeyFile keeps no line numbers. @key: (nullable): the line of the group itself, as for a key that is missing */
static guint
find_line (const char *text, const char *group, const char *key)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *header = g_strdup_printf ("[%s]", group);
  gboolean inside = FALSE;
  guint found = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_strstrip (lines[i]);
      if (lines[i][0] == '[')
        {
          inside = g_str_equal (lines[i], header);
          if (inside && found == 0)
            found = i + 1;
        }
      else if (inside && key != NULL && g_str_has_prefix (lines[i], key)
               && strchr (" \t=", lines[i][strlen (key)]) != NULL)
        found = i + 1; /* the last one counts */
    }
  return found;
}

gboolean
cold_config_complain (const ColdConfigFile *file, const char *group, const char *key, GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "%s:%u: %s", file->path, find_line (file->text, group, key), what);
  return FALSE;
}

/* @known: (element-type utf8 guint): takes @name with its line. Returns: the line that has it already; 0: none */
static guint
note_line (GHashTable *known, const char *name, guint line)
{
  guint before = GPOINTER_TO_UINT (g_hash_table_lookup (known, name));

  if (before == 0)
    g_hash_table_insert (known, g_strdup (name), GUINT_TO_POINTER (line));
  return before;
}

/* GKeyFile takes the last of what is said twice, and makes one group of two: a repository that was copied, and not renamed, would
 * take the place of the first one. */
static gboolean
check_doubles (const ColdConfigFile *file, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (file->text, "\n", -1);
  g_autoptr (GHashTable) groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = g_strstrip (lines[i]);
      gboolean is_group = *line == '[';
      char *end = is_group ? strrchr (line, ']') : strchr (line, '=');
      guint before;

      if (*line == '#' || end == NULL)
        continue;
      end[is_group] = '\0';
      if (is_group)
        g_hash_table_remove_all (keys);
      before = note_line (is_group ? groups : keys, g_strchomp (line), i + 1);
      if (before == 0)
        continue;
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "%s:%u: %s stands on line %u already: keep one of them", file->path, i + 1,
                   line, before);
      return FALSE;
    }
  return TRUE;
}

gboolean
cold_config_file_load (ColdConfigFile *file, const char *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  struct stat st;
  gsize length;

  file->path = path;
  /* Reading a pipe would not end. */
  if (stat (path, &st) == 0 && !S_ISREG (st.st_mode))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "cannot read the configuration: %s is no regular file", path);
      return FALSE;
    }
  if (!g_file_get_contents (path, &file->text, &length, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "cannot read the configuration: %s", local->message);
      return FALSE;
    }
  file->keys = g_key_file_new ();
  if (!g_key_file_load_from_data (file->keys, file->text, length, G_KEY_FILE_KEEP_TRANSLATIONS, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "%s: %s", path, local->message);
      return FALSE;
    }
  return check_doubles (file, error);
}

char *
cold_config_get_value (const ColdConfigFile *file, const char *group, const char *key)
{
  char *value = g_key_file_get_value (file->keys, group, key, NULL);

  return value != NULL ? g_strstrip (value) : NULL;
}

gboolean
cold_config_parse_word (const ColdConfigFile *file, const char *group, const char *key, const char *const *allowed, char **word,
                        GError **error)
{
  g_autofree char *value = cold_config_get_value (file, group, key);
  g_autofree char *list = NULL;

  if (!g_strv_contains (allowed, value))
    {
      list = g_strjoinv (", ", (GStrv)allowed);
      return cold_config_complain (file, group, key, error, "%s=%s: use one of %s", key, value, list);
    }
  g_free (*word);
  *word = g_steal_pointer (&value);
  return TRUE;
}

gboolean
cold_config_parse_number (const ColdConfigFile *file, const char *group, const char *key, guint64 min,
                          guint64 max, guint64 *number, GError **error)
{
  g_autofree char *value = cold_config_get_value (file, group, key);

  if (!g_ascii_string_to_unsigned (value, 10, min, max, number, NULL))
    return cold_config_complain (file, group, key, error,
                                 "%s=%s: use a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                                 key, value, min, max);
  return TRUE;
}

GStrv
cold_config_parse_list (const ColdConfigFile *file, const char *group, const char *key)
{
  g_autofree char *value = cold_config_get_value (file, group, key);
  g_auto (GStrv) parts = g_strsplit_set (value != NULL ? value : "", " \t,;", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add (builder, parts[i]);
  return g_strv_builder_end (builder);
}

gboolean
cold_config_check_keys (const ColdConfigFile *file, const char *group, const char *const *allowed,
                        GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file->keys, group, NULL, NULL);

  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!g_strv_contains (allowed, keys[i]))
      {
        g_autofree char *list = g_strjoinv (", ", (GStrv)allowed);

        return cold_config_complain (file, group, keys[i], error, "unknown key %s in [%s]: allowed are %s",
                                     keys[i], group, list);
      }
  return TRUE;
}
