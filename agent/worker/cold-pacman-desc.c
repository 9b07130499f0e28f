/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pacman-desc.h"

#include <string.h>

#include "cold-error.h"
#include "cold-json.h"

struct _ColdPacmanDesc
{
  GHashTable *fields; /* (element-type utf8 GPtrArray) */
};

void
cold_pacman_desc_free (ColdPacmanDesc *self)
{
  g_hash_table_unref (self->fields);
  g_free (self);
}

/* PKGBUILD(5): names do not begin with a hyphen or a dot. */
static gboolean
is_name (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("@._+-", *p) == NULL)
      return FALSE;
  return *text != '\0' && *text != '-' && *text != '.' && strlen (text) <= 200;
}

/* [epoch:]version-release */
static gboolean
is_version (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p) || strchr ("/\"'`\\$<>=", *p) != NULL)
      return FALSE;
  return *text != '\0' && *text != '-' && strlen (text) <= 200;
}

static GPtrArray *
add_field (ColdPacmanDesc *self, const char *line, gsize length)
{
  g_autofree char *name = g_strndup (line + 1, length - 2);
  GPtrArray *values = g_hash_table_lookup (self->fields, name);

  if (values == NULL)
    {
      values = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->fields, g_steal_pointer (&name), values);
    }
  return values;
}

ColdPacmanDesc *
cold_pacman_desc_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (ColdPacmanDesc) self = g_new0 (ColdPacmanDesc, 1);
  const char *end = length > 0 ? text + length : text; /* an empty file may have no text at all */
  GPtrArray *values = NULL;
  const char *name, *version;

  self->fields = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  for (const char *line = text; line < end;)
    {
      const char *newline = memchr (line, '\n', end - line);
      gsize size = (newline != NULL ? newline : end) - line;

      if (size == 0)
        values = NULL;
      else if (values != NULL)
        {
          g_autofree char *value = g_strndup (line, size);

          g_ptr_array_add (values, cold_text_make_valid (value));
        }
      else if (size > 2 && *line == '%' && line[size - 1] == '%')
        values = add_field (self, line, size);
      line += size + 1;
    }
  name = cold_pacman_desc_get (self, "NAME");
  version = cold_pacman_desc_get (self, "VERSION");
  if (name != NULL && is_name (name) && version != NULL && is_version (version))
    return g_steal_pointer (&self);
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the description of a package has no usable %s",
               name != NULL && is_name (name) ? "version" : "name");
  return NULL;
}

GPtrArray *
cold_pacman_desc_get_all (ColdPacmanDesc *self, const char *field)
{
  return g_hash_table_lookup (self->fields, field);
}

const char *
cold_pacman_desc_get (ColdPacmanDesc *self, const char *field)
{
  GPtrArray *values = g_hash_table_lookup (self->fields, field);

  return values != NULL && values->len > 0 ? g_ptr_array_index (values, 0) : NULL;
}

gint64
cold_pacman_desc_get_number (ColdPacmanDesc *self, const char *field)
{
  const char *value = cold_pacman_desc_get (self, field);
  guint64 number;

  return value != NULL && g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &number, NULL) ? (gint64) number : -1;
}
