/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-variables.h"

#include <string.h>

#include "cold-json.h"

/* The first one that is provided is what dnf takes: "distroverpkg" in its source. */
#define RELEASE_PROVIDE "system-release(releasever) = "

#define LENGTH_MAX 4096

static const char *
get_basearch (const char *arch)
{
  static const char *const names[][2] = {
    { "i386", "i386" }, { "i486", "i386" }, { "i586", "i386" }, { "i686", "i386" }, { "armv7l", "armhfp" }, { "arm", "armhfp" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (arch, names[i][0]))
      return names[i][1];
  return arch;
}

/* Returns: (transfer full) */
static char *
find_release (JsonObject *manifest)
{
  JsonArray *installed = cold_json_array (manifest, "installed");
  const char *release = cold_json_string (manifest, "release");
  guint n = installed != NULL ? json_array_get_length (installed) : 0;

  /* For zypper it is the version of the product. */
  if (g_strcmp0 (cold_json_string (manifest, "manager"), "zypper") == 0)
    n = 0;
  for (guint i = 0; i < n; i++)
    {
      JsonArray *provides = cold_json_array (cold_json_array_object (installed, i), "provides");

      for (guint k = 0; provides != NULL && k < json_array_get_length (provides); k++)
        {
          const char *text = cold_json_array_string (provides, k);

          if (text != NULL && g_str_has_prefix (text, RELEASE_PROVIDE))
            return g_strndup (text + strlen (RELEASE_PROVIDE), strcspn (text + strlen (RELEASE_PROVIDE), "-"));
        }
    }
  return g_strdup (release != NULL ? release : "");
}

static void
set (GHashTable *variables, const char *name, const char *value)
{
  g_hash_table_replace (variables, g_strdup (name), g_strdup (value));
}

GHashTable *
cold_rpm_variables_new (JsonObject *manifest)
{
  GHashTable *variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *arch = cold_json_string (manifest, "arch");
  g_autofree char *release = find_release (manifest);
  const char *dot = strchr (release, '.');
  g_autofree char *major = g_strndup (release, dot != NULL ? dot - release : (gssize) strlen (release));

  if (*release != '\0')
    {
      set (variables, "releasever", release);
      set (variables, "releasever_major", major);
      set (variables, "releasever_minor", dot != NULL ? dot + 1 : "");
    }
  if (arch != NULL && *arch != '\0')
    {
      /* libguestfs says i386 of all of them. */
      set (variables, "arch", g_str_equal (arch, "i386") ? "i686" : arch);
      set (variables, "basearch", get_basearch (arch));
    }
  return variables;
}

/* Returns: length of the name that @text begins with */
static gsize
name_length (const char *text)
{
  gsize n = 0;

  while (g_ascii_isalnum (text[n]) || text[n] == '_')
    n++;
  return n;
}

void
cold_rpm_variables_add (GHashTable *variables, const char *name, const char *text)
{
  gsize length = strcspn (text, "\n");
  g_autofree char *line = NULL;

  if (*name == '\0' || name[name_length (name)] != '\0' || length > LENGTH_MAX)
    return;
  line = g_strndup (text, length);
  set (variables, name, g_strstrip (line));
}

/* @rest: after the name in ${name...}, with its operator. Returns: (transfer none) (nullable) */
static const char *
choose (const char *value, const char *rest)
{
  gboolean known = value != NULL && *value != '\0';

  if (*rest == '\0')
    return value;
  if (g_str_has_prefix (rest, ":-"))
    return known ? value : rest + 2;
  if (g_str_has_prefix (rest, ":+"))
    return known ? rest + 2 : "";
  return NULL;
}

/* @text: after the dollar sign; moved to after the variable. Returns: %FALSE when it is not known */
static gboolean
expand_one (GHashTable *variables, const char **text, GString *result)
{
  gboolean braces = **text == '{';
  const char *begin = *text + braces;
  gsize length = name_length (begin);
  const char *end = braces ? strchr (begin, '}') : begin + length;
  g_autofree char *name = g_strndup (begin, length);
  g_autofree char *rest = NULL;
  const char *value;

  if (end == NULL || length == 0)
    return FALSE;
  rest = g_strndup (begin + length, end - (begin + length));
  value = choose (g_hash_table_lookup (variables, name), rest);
  if (value == NULL)
    return FALSE;
  g_string_append (result, value);
  *text = end + braces;
  return TRUE;
}

char *
cold_rpm_variables_expand (GHashTable *variables, const char *text)
{
  g_autoptr (GString) result = g_string_new (NULL);

  while (*text != '\0' && result->len <= LENGTH_MAX)
    if (*text != '$')
      g_string_append_c (result, *text++);
    else if (text++, !expand_one (variables, &text, result))
      return NULL;
  /* A value is not looked at again: one that brings a variable of its own is none. */
  if (result->len > LENGTH_MAX || strchr (result->str, '$') != NULL)
    return NULL;
  return g_strdup (result->str);
}
