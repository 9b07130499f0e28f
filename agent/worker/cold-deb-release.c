/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-release.h"

#include <libsoup/soup.h>

#include "cold-download.h"
#include "cold-error.h"
#include "cold-generation.h"
#include "cold-signature.h"

static void
cold_deb_file_free (ColdDebFile *file)
{
  g_free (file->sha256);
  g_free (file);
}

void
cold_deb_release_free (ColdDebRelease *self)
{
  if (self == NULL)
    return;
  g_free (self->origin);
  g_free (self->label);
  g_free (self->suite);
  g_free (self->codename);
  g_free (self->version);
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_free (self);
}

char *
cold_deb_release_verify (const char *path, const char *keyring, const char *scratch, GError **error)
{
  char *text = NULL;

  return cold_signature_verify (path, NULL, "InRelease", keyring, scratch, &text, error) ? text : NULL;
}

static gboolean
parse_time (const char *value, gint64 *seconds)
{
  g_autoptr (GDateTime) time = NULL;
  /* libsoup reads RFC 1123 dates, where the zone is GMT; Release files mostly say UTC. */
  g_autoptr (GString) text = g_string_new (value);

  if (g_str_has_suffix (value, " UTC"))
    g_string_overwrite (text, text->len - 3, "GMT");
  time = soup_date_time_new_from_http_string (text->str);
  if (time == NULL)
    return FALSE;
  *seconds = g_date_time_to_unix (time);
  return *seconds > 0;
}

static gboolean
add_file (ColdDebRelease *self, const char *line)
{
  g_auto (GStrv) raw = g_strsplit_set (line, " \t", -1);
  const char *words[3];
  guint n = 0;
  guint64 size;
  ColdDebFile *file;

  for (guint i = 0; raw[i] != NULL; i++)
    if (*raw[i] != '\0')
      {
        if (n == G_N_ELEMENTS (words))
          return FALSE;
        words[n++] = raw[i];
      }
  if (n != G_N_ELEMENTS (words) || !cold_is_sha256 (words[0]) || !cold_is_safe_path (words[2])
      || !g_ascii_string_to_unsigned (words[1], 10, 0, G_MAXINT64, &size, NULL))
    return FALSE;
  file = g_new0 (ColdDebFile, 1);
  file->size = size;
  file->sha256 = g_strdup (words[0]);
  g_hash_table_replace (self->files, g_strdup (words[2]), file);
  return TRUE;
}

static void
set_field (ColdDebRelease *self, const char *name, const char *value)
{
  const struct
  {
    const char *name;
    char **where;
  } texts[] = { { "Origin", &self->origin }, { "Label", &self->label }, { "Suite", &self->suite },
                { "Codename", &self->codename }, { "Version", &self->version } };
  const struct
  {
    const char *name;
    gboolean *where;
  } flags[] = { { "NotAutomatic", &self->not_automatic }, { "ButAutomaticUpgrades", &self->but_automatic_upgrades },
                { "Acquire-By-Hash", &self->by_hash } };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_ascii_strcasecmp (name, texts[i].name) == 0)
      {
        g_free (*texts[i].where);
        *texts[i].where = g_utf8_make_valid (value, -1);
      }
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    if (g_ascii_strcasecmp (name, flags[i].name) == 0)
      *flags[i].where = g_ascii_strcasecmp (value, "yes") == 0;
}

static gboolean
refuse (GError **error, const char *why, const char *what)
{
  g_autofree char *valid = g_utf8_make_valid (what, -1);

  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the Release file is not usable: %s%s", why, valid);
  return FALSE;
}

static gboolean
parse_line (ColdDebRelease *self, char *line, gboolean *in_hashes, GError **error)
{
  char *colon;
  char *value;

  if (*line == ' ' || *line == '\t')
    {
      if (*in_hashes && *g_strstrip (line) != '\0' && !add_file (self, line))
        return refuse (error, "bad line in its SHA256 list: ", line);
      return TRUE;
    }
  *in_hashes = FALSE;
  if (*line == '\0')
    return TRUE;
  colon = strchr (line, ':');
  if (colon == NULL)
    return refuse (error, "no field: ", line);
  *colon = '\0';
  value = g_strstrip (colon + 1);
  *in_hashes = g_ascii_strcasecmp (line, "SHA256") == 0;
  if (g_ascii_strcasecmp (line, "Date") == 0 && !parse_time (value, &self->date))
    return refuse (error, "Date is no date: ", value);
  if (g_ascii_strcasecmp (line, "Valid-Until") == 0 && !parse_time (value, &self->valid_until))
    return refuse (error, "Valid-Until is no date: ", value);
  set_field (self, line, value);
  return TRUE;
}

ColdDebRelease *
cold_deb_release_parse (const char *text, GError **error)
{
  g_autoptr (ColdDebRelease) self = g_new0 (ColdDebRelease, 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean in_hashes = FALSE;

  self->origin = g_strdup ("");
  self->label = g_strdup ("");
  self->suite = g_strdup ("");
  self->codename = g_strdup ("");
  self->version = g_strdup ("");
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) cold_deb_file_free);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!parse_line (self, g_strchomp (lines[i]), &in_hashes, error))
      return NULL;
  if (self->date == 0)
    {
      refuse (error, "it has no Date", "");
      return NULL;
    }
  if (g_hash_table_size (self->files) == 0)
    {
      refuse (error, "it lists no SHA256 hashes", "");
      return NULL;
    }
  return g_steal_pointer (&self);
}

gboolean
cold_deb_release_check_suite (const ColdDebRelease *self, const char *wanted, GError **error)
{
  const char *slash = strrchr (wanted, '/');
  g_autofree char *name = g_strndup (wanted, slash != NULL ? (gsize) (slash - wanted) : strlen (wanted));
  gsize length = strlen (self->codename);
  /* Ubuntu's pockets have the codename of the release: jammy-proposed is not jammy. */
  gboolean pocket = length > 0 && strncmp (self->suite, self->codename, length) == 0 && self->suite[length] == '-';

  if (*self->suite == '\0' && *self->codename == '\0')
    return TRUE;
  if (g_str_equal (self->suite, name) || (g_str_equal (self->codename, name) && !pocket))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "InRelease is refused: it is that of another suite (Suite \"%s\", Codename \"%s\"); the mirror serves something "
               "else under this name, or Suites= of the sources.d entry has to say one of these",
               self->suite, self->codename);
  return FALSE;
}

gboolean
cold_deb_release_check_time (const ColdDebRelease *self, gint64 now, GError **error)
{
  g_autoptr (GDateTime) end = NULL;
  g_autofree char *text = NULL;

  /* What claims to be newer than anything would make everything after it a replay. */
  if (self->date > now + COLD_DATE_SLACK)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                           "InRelease is refused: its Date lies in the future; the mirror's or this host's clock is wrong");
      return FALSE;
    }
  if (self->valid_until == 0 || now <= self->valid_until)
    return TRUE;
  end = g_date_time_new_from_unix_utc (self->valid_until);
  text = end != NULL ? g_date_time_format (end, "%F %R UTC") : g_strdup ("long ago");
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "InRelease is refused: it expired at %s; the mirror is no longer updated, or this host's clock is wrong",
               text);
  return FALSE;
}
