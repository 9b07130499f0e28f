/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-dpkg-status.h"

#include <string.h>

#include "cold-error.h"

static void
package_free (ColdDpkgPackage *self)
{
  g_free (self->name);
  g_free (self->version);
  g_free (self->arch);
  g_free (self->source);
  g_free (self->state);
  g_free (self->stanza);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDpkgPackage, package_free)

/* The value of @line when its field is @name: field names are case-insensitive. */
static const char *
value_of (const char *line, const char *name)
{
  gsize length = strlen (name);

  if (g_ascii_strncasecmp (line, name, length) != 0 || line[length] != ':')
    return NULL;
  for (line += length + 1; *line == ' ' || *line == '\t'; line++)
    ;
  return line;
}

static gboolean
is_kept (const char *line)
{
  static const char *const fields[] = { "Package", "Status", "Architecture", "Multi-Arch", "Version", "Source",
                                        "Essential", "Protected", "Provides", "Pre-Depends", "Depends", "Breaks",
                                        "Conflicts", "Replaces" };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (value_of (line, fields[i]) != NULL)
      return TRUE;
  return FALSE;
}

static void
take (char **field, const char *value)
{
  if (value != NULL && *field == NULL)
    *field = g_strstrip (g_strdup (value));
}

static void
read_state (ColdDpkgPackage *package)
{
  g_auto (GStrv) words = g_strsplit (package->state, " ", -1);

  if (g_strv_length (words) != 3)
    {
      package->broken = TRUE;
      return;
    }
  package->held = g_str_equal (words[0], "hold");
  package->broken = !g_str_equal (words[1], "ok")
                    || (!g_str_equal (words[2], "installed") && !g_str_equal (words[2], "config-files")
                        && !g_str_equal (words[2], "not-installed"));
}

static gboolean
is_there (const ColdDpkgPackage *package)
{
  return package->broken || g_str_has_suffix (package->state, " installed");
}

/* Returns: %NULL with @error for what is no stanza */
static ColdDpkgPackage *
parse_stanza (char *text, GError **error)
{
  g_autoptr (ColdDpkgPackage) package = g_new0 (ColdDpkgPackage, 1);
  g_autoptr (GString) kept = g_string_new (NULL);
  gboolean keep = FALSE;
  char *next = NULL;

  for (char *line = text; line != NULL; line = next)
    {
      next = strchr (line, '\n');
      if (next != NULL)
        *next++ = '\0';
      if (*line != ' ' && *line != '\t')
        {
          keep = is_kept (line);
          take (&package->name, value_of (line, "Package"));
          take (&package->state, value_of (line, "Status"));
          take (&package->arch, value_of (line, "Architecture"));
          take (&package->version, value_of (line, "Version"));
          take (&package->source, value_of (line, "Source"));
        }
      if (keep)
        g_string_append_printf (kept, "%s\n", line);
    }
  if (package->name == NULL || *package->name == '\0' || package->state == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST,
                   "the guest's /var/lib/dpkg/status is damaged: a paragraph has no Package or no Status");
      return NULL;
    }
  read_state (package);
  if (is_there (package) && (package->version == NULL || package->arch == NULL))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST,
                   "the guest's /var/lib/dpkg/status is damaged: %s has no version or no architecture", package->name);
      return NULL;
    }
  if (package->source == NULL)
    package->source = g_strdup (package->name);
  *strchrnul (package->source, ' ') = '\0';
  package->stanza = g_utf8_make_valid (kept->str, kept->len);
  return g_steal_pointer (&package);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const ColdDpkgPackage *one = *(const ColdDpkgPackage *const *) a;
  const ColdDpkgPackage *other = *(const ColdDpkgPackage *const *) b;
  int names = strcmp (one->name, other->name);

  return names != 0 ? names : g_strcmp0 (one->arch, other->arch);
}

GPtrArray *
cold_dpkg_status_parse (const char *text, GError **error)
{
  g_autoptr (GPtrArray) packages = g_ptr_array_new_with_free_func ((GDestroyNotify) package_free);
  g_auto (GStrv) stanzas = g_strsplit (text, "\n\n", -1);

  for (guint i = 0; stanzas[i] != NULL; i++)
    {
      ColdDpkgPackage *package;
      char *stanza = stanzas[i];

      while (*stanza == '\n')
        stanza++;
      if (*stanza == '\0')
        continue;
      package = parse_stanza (stanza, error);
      if (package == NULL)
        return NULL;
      if (is_there (package))
        g_ptr_array_add (packages, package);
      else
        package_free (package);
    }
  g_ptr_array_sort (packages, compare);
  return g_steal_pointer (&packages);
}
