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

      if (*line != '#')
        add (patterns, line);
    }
}

/* --- zypp's locks ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *names; /* (element-type utf8) as they are written */
  char *match_type; /* (nullable) */
  gboolean other;   /* of kinds that are no packages */
  gboolean package;
} ZyppLock;

/* One that is written "kernel > 5" locks the name: more is kept than zypper would keep, and nothing less. */
static void
add_zypp_lock (ZyppLock *lock, GPtrArray *patterns)
{
  for (guint i = 0; i < lock->names->len && (lock->package || !lock->other); i++)
    {
      const char *name = g_ptr_array_index (lock->names, i);
      const char *type = lock->match_type != NULL ? lock->match_type : "substring";
      g_autofree char *pattern = NULL;

      if (*name == '\0')
        continue;
      if (g_str_equal (type, "regex"))
        pattern = g_strdup_printf ("/%s/", name);
      else if (g_str_equal (type, "substring") || g_str_equal (type, "word"))
        pattern = g_strdup_printf ("*%s*", name);
      else
        pattern = g_strdup (name);
      add (patterns, pattern);
    }
  g_ptr_array_set_size (lock->names, 0);
  g_clear_pointer (&lock->match_type, g_free);
  lock->package = lock->other = FALSE;
}

/* "AttrMatchData solvable:name NAME MODE PREDICATE". Returns: (transfer full) (nullable): the name */
static char *
name_of_complex (const char *value)
{
  g_auto (GStrv) words = g_strsplit (value, " ", 4);

  if (g_strv_length (words) < 3 || !g_str_equal (words[1], "solvable:name"))
    return NULL;
  return g_strdup (words[2]);
}

static void
read_zypp_line (ZyppLock *lock, char *line)
{
  static const char *const names[] = { "solvable_name", "query_string", "global_string" };
  char *value;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if ((value = value_of (line, names[i], ':')) != NULL)
      g_ptr_array_add (lock->names, g_strndup (value, strcspn (value, " \t<>=")));
  if ((value = value_of (line, "complex", ':')) != NULL)
    {
      char *name = name_of_complex (value);

      if (name != NULL)
        g_ptr_array_add (lock->names, name);
    }
  else if ((value = value_of (line, "match_type", ':')) != NULL || (value = value_of (line, "string_type", ':')) != NULL)
    {
      g_free (lock->match_type);
      lock->match_type = g_strdup (value);
    }
  else if ((value = value_of (line, "type", ':')) != NULL || (value = value_of (line, "kind", ':')) != NULL)
    {
      lock->package = lock->package || g_str_equal (value, "package");
      lock->other = TRUE;
    }
}

void
cold_rpm_policy_add_zypp_locks (const char *text, GPtrArray *patterns)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  ZyppLock lock = { names, NULL, FALSE, FALSE };

  for (guint i = 0; lines[i] != NULL; i++)
    if (strchr (lines[i], ':') == NULL && *lines[i] != '#')
      add_zypp_lock (&lock, patterns);
    else if (*lines[i] != '#')
      read_zypp_line (&lock, g_strstrip (lines[i]));
  add_zypp_lock (&lock, patterns);
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
      g_autofree char *pattern = one ? g_strdup_printf ("%s-%s.*", lock->name, lock->value) : g_strconcat ("=", lock->name, NULL);

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

void
cold_rpm_policy_add_includes (const char *text, GPtrArray *patterns)
{
  foreach_main (text, "includepkgs", add_words, patterns);
}

void
cold_rpm_policy_add_installonly (const char *text, GPtrArray *specs)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);

  foreach_main (text, "installonlypkgs", add_words, words);
  for (guint i = 0; i < words->len; i++)
    g_ptr_array_add (specs, g_strconcat ("provides:", g_ptr_array_index (words, i), NULL));
}

void
cold_rpm_policy_add_multiversion (const char *text, GPtrArray *specs)
{
  foreach_main (text, "multiversion", add_words, specs);
}

void
cold_rpm_policy_add_lines (const char *text, GPtrArray *specs)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (*g_strstrip (lines[i]) != '#')
      add (specs, lines[i]);
}

void
cold_rpm_policy_add_vendors (const char *text, GPtrArray *vendors)
{
  g_autofree char *value = cold_rpm_policy_get_main (text, "vendors");
  g_auto (GStrv) words = g_strsplit (value != NULL ? value : "", ",", -1);

  for (guint i = 0; words[i] != NULL; i++)
    add (vendors, g_strstrip (words[i]));
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

void
cold_rpm_policy_read_bool (const char *text, const char *key, gboolean *value)
{
  static const char *const words[][4] = { { "0", "no", "false", "off" }, { "1", "yes", "true", "on" } };
  g_autofree char *word = cold_rpm_policy_get_main (text, key);

  for (guint i = 0; word != NULL && i < 2; i++)
    for (guint k = 0; k < G_N_ELEMENTS (words[i]); k++)
      if (g_ascii_strcasecmp (word, words[i][k]) == 0)
        *value = i == 1;
}
