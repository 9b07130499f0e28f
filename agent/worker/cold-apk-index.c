/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-index.h"

#include <string.h>

#include "cold-error.h"
#include "cold-json.h"

/* All of Alpine has some 30,000; one with many files has megabytes of lines in the database. */
#define PACKAGES_MAX 500000
#define LENGTH_MAX (64 << 20)

static gboolean
has_only (const char *text, const char *others)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (others, *p) == NULL)
      return FALSE;
  return g_ascii_isalnum (*text) && strlen (text) <= 200;
}

static void
clear (ColdApkPackage *package)
{
  g_free (package->name);
  g_free (package->version);
  g_free (package->arch);
  g_free (package->identity);
  g_free (package->origin);
  g_free (package->tag);
  g_strfreev (package->depends);
  g_strfreev (package->provides);
  g_strfreev (package->install_if);
  memset (package, 0, sizeof *package);
}

/* Of fields that are there twice the last one counts. */
static void
set_text (char **field, const char *value)
{
  g_free (*field);
  *field = cold_text_make_valid (value);
}

static void
set_words (GStrv *field, const char *value)
{
  g_autofree char *valid = cold_text_make_valid (value);
  g_auto (GStrv) parts = g_strsplit (valid, " ", -1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add (words, parts[i]);
  g_strfreev (*field);
  *field = g_strv_builder_end (words);
}

static guint64
number (const char *value)
{
  guint64 parsed;

  return g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &parsed, NULL) ? parsed : 0;
}

static void
set_field (ColdApkPackage *package, char field, const char *value)
{
  switch (field)
    {
    case 'P':
      set_text (&package->name, value);
      break;
    case 'V':
      set_text (&package->version, value);
      break;
    case 'A':
      set_text (&package->arch, value);
      break;
    case 'C':
      set_text (&package->identity, value);
      break;
    case 'o':
      set_text (&package->origin, value);
      break;
    case 's':
      set_text (&package->tag, value);
      break;
    case 'S':
      package->size = number (value);
      break;
    case 't':
      package->built = (gint64) number (value);
      break;
    case 'k':
      package->priority = number (value);
      break;
    case 'D':
      set_words (&package->depends, value);
      break;
    case 'p':
      set_words (&package->provides, value);
      break;
    case 'i':
      set_words (&package->install_if, value);
      break;
    case 'f':
      package->broken = package->broken || strpbrk (value, "fsx") != NULL;
      break;
    default:
      /* Of the small letters every one may be passed over; of the others those of texts for people, and of files. */
      package->foreign = package->foreign || (!g_ascii_islower (field) && strchr ("TULIFMRZ", field) == NULL);
    }
}

static void
fill_up (ColdApkPackage *package)
{
  char **const texts[] = { &package->arch, &package->identity, &package->origin, &package->tag };
  GStrv *const words[] = { &package->depends, &package->provides, &package->install_if };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (*texts[i] == NULL)
      *texts[i] = g_strdup ("");
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (*words[i] == NULL)
      *words[i] = g_new0 (char *, 1);
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "a list of apk's packages %s", why);
  return FALSE;
}

static gboolean
hand_over (ColdApkPackage *package, const char *text, gsize length, ColdApkIndexFunc func, gpointer data, GError **error)
{
  if (package->name == NULL || !has_only (package->name, "._+-") || package->version == NULL
      || !has_only (package->version, "._~-"))
    return refuse (error, "has one without a usable name and version");
  fill_up (package);
  return func (package, text, length, data, error);
}

/* Lines of files, which are most of a database, are not even copied. */
static gboolean
is_of_file (const char *line)
{
  return strchr ("FMRZa", *line) != NULL;
}

/* Returns: where the package that begins at @start ends, after its last line */
static const char *
read_package (ColdApkPackage *package, const char *start, const char *end, GError **error)
{
  const char *line = start;

  while (line < end && *line != '\n')
    {
      const char *newline = memchr (line, '\n', end - line);
      gsize size = (newline != NULL ? newline : end) - line;

      if (size < 2 || line[1] != ':' || memchr (line, '\0', size) != NULL || line + size - start > LENGTH_MAX)
        {
          refuse (error, "has a line that is no field, or too many lines of one package");
          return NULL;
        }
      if (!is_of_file (line))
        {
          g_autofree char *value = g_strndup (line + 2, size - 2);

          set_field (package, *line, value);
        }
      line = newline != NULL ? newline + 1 : end;
    }
  return line;
}

gboolean
cold_apk_index_read (const char *text, gsize length, ColdApkIndexFunc func, gpointer data, GError **error)
{
  const char *end = length > 0 ? text + length : text;
  guint n = 0;

  for (const char *start = text; start < end;)
    {
      ColdApkPackage package = { NULL };
      const char *next;
      gboolean done;

      if (*start == '\n')
        {
          start++;
          continue;
        }
      if (++n > PACKAGES_MAX)
        return refuse (error, "has more of them than is usable");
      next = read_package (&package, start, end, error);
      done = next != NULL && hand_over (&package, start, next - start, func, data, error);
      clear (&package);
      if (!done)
        return FALSE;
      start = next;
    }
  return TRUE;
}
