/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-policy.h"

#include <string.h>

#include "cold-json.h"

static void
add (GPtrArray *patterns, const char *pattern)
{
  if (*pattern != '\0')
    g_ptr_array_add (patterns, cold_text_make_valid (pattern));
}

/* "key SEPARATOR value": Returns: the value, when @line has that key */
static char *
value_of (char *line, const char *key, char separator)
{
  gsize length = strlen (key);

  if (!g_str_has_prefix (line, key))
    return NULL;
  line = g_strchug (line + length);
  return *line == separator ? g_strstrip (line + 1) : NULL;
}

void
cold_rpm_policy_add_versionlock (const char *text, GPtrArray *patterns)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strstrip (lines[i]);

      if (*line != '#' && *line != '!')
        add (patterns, line);
    }
}

void
cold_rpm_policy_add_zypp_locks (const char *text, GPtrArray *patterns)
{
  g_auto (GStrv) stanzas = g_strsplit (text, "\n\n", -1);

  for (guint i = 0; stanzas[i] != NULL; i++)
    {
      g_auto (GStrv) lines = g_strsplit (stanzas[i], "\n", -1);
      const char *name = NULL;
      gboolean package = TRUE;

      for (guint j = 0; lines[j] != NULL; j++)
        {
          char *value;

          if ((value = value_of (lines[j], "solvable_name", ':')) != NULL)
            name = value;
          else if ((value = value_of (lines[j], "type", ':')) != NULL)
            package = g_str_equal (value, "package");
        }
      if (name != NULL && package)
        add (patterns, name);
    }
}

/* --- toml ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  char *name;
  char *key;
  char *comparator;
  char *value;
} Lock;

static void
set_text (char **field, const char *quoted)
{
  g_free (*field);
  *field = g_strdup (*quoted == '"' || *quoted == '\'' ? quoted + 1 : quoted);
  if (strpbrk (*field, "\"'") != NULL)
    *strpbrk (*field, "\"'") = '\0';
}

static void
end_lock (Lock *lock, GPtrArray *patterns)
{
  if (lock->name != NULL)
    {
      gboolean one = g_strcmp0 (lock->key, "evr") == 0 && g_strcmp0 (lock->comparator, "=") == 0 && lock->value != NULL;
      g_autofree char *pattern = one ? g_strdup_printf ("%s-%s.*", lock->name, lock->value) : g_strdup (lock->name);

      add (patterns, pattern);
    }
  g_free (lock->name);
  g_free (lock->key);
  g_free (lock->comparator);
  g_free (lock->value);
  memset (lock, 0, sizeof *lock);
}

void
cold_rpm_policy_add_versionlock_toml (const char *text, GPtrArray *patterns)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  Lock lock = { NULL, NULL, NULL, NULL };

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = g_strstrip (lines[i]);
      char *value;

      if (g_str_equal (line, "[[packages]]"))
        end_lock (&lock, patterns);
      else if ((value = value_of (line, "name", '=')) != NULL)
        set_text (&lock.name, value);
      else if ((value = value_of (line, "key", '=')) != NULL)
        set_text (&lock.key, value);
      else if ((value = value_of (line, "comparator", '=')) != NULL)
        set_text (&lock.comparator, value);
      else if ((value = value_of (line, "value", '=')) != NULL)
        set_text (&lock.value, value);
    }
  end_lock (&lock, patterns);
}

/* --- [main] ---------------------------------------------------------------------------------------------------------- */

/* Calls @func for each value of the key in [main]; a line that begins with a space goes on with the one before. */
static void
foreach_main (const char *text, const char *key, void (*func) (const char *value, gpointer data), gpointer data)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean in_main = FALSE, in_value = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = lines[i];
      char *value;

      if (*line == '#' || *line == ';')
        continue;
      if (*line == '[')
        {
          in_main = g_str_has_prefix (line, "[main]");
          in_value = FALSE;
        }
      else if (in_value && g_ascii_isspace (*line))
        {
          func (g_strstrip (line), data);
        }
      else if (in_main)
        {
          value = value_of (line, key, '=');
          in_value = value != NULL;
          if (in_value)
            func (value, data);
        }
    }
}

static void
add_words (const char *value, gpointer patterns)
{
  g_auto (GStrv) words = g_strsplit_set (value, ", \t", -1);

  for (guint i = 0; words[i] != NULL; i++)
    add (patterns, words[i]);
}

void
cold_rpm_policy_add_excludes (const char *text, GPtrArray *patterns)
{
  foreach_main (text, "exclude", add_words, patterns);
  foreach_main (text, "excludepkgs", add_words, patterns);
}

static void
keep_last (const char *value, gpointer data)
{
  char **last = data;

  g_free (*last);
  *last = g_strdup (value);
}

char *
cold_rpm_policy_get_main (const char *text, const char *key)
{
  char *last = NULL;

  foreach_main (text, key, keep_last, &last);
  return last;
}
