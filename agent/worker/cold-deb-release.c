/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-release.h"

#include <fcntl.h>
#include <libsoup/soup.h>
#include <unistd.h>

#include "cold-download.h"
#include "cold-error.h"

#define STATUS_PREFIX "[GNUPG:] "
#define ARMOUR_BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"

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

/* gpgv reads binary keyrings only; keys are published armoured as often. Returns: the path to use. */
static char *
binary_keyring (const char *keyring, const char *scratch, GError **error)
{
  g_autofree char *text = NULL;
  g_autofree guchar *data = NULL;
  g_autofree char *path = NULL;
  const char *body, *end;
  gsize length;

  if (!g_file_get_contents (keyring, &text, &length, error))
    {
      g_prefix_error (error, "the keyring of SignedBy cannot be read: ");
      return NULL;
    }
  if (!g_str_has_prefix (text, ARMOUR_BEGIN))
    return g_strdup (keyring);

  /* Headers end at an empty line; the data at the checksum line, which begins with '='. */
  body = strstr (text, "\n\n");
  if (body == NULL)
    body = strstr (text, "\n\r\n");
  end = body != NULL ? strstr (body, "\n=") : NULL;
  if (end == NULL)
    end = body != NULL ? strstr (body, "\n-----END") : NULL;
  if (end == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the keyring of SignedBy is armoured, but broken");
      return NULL;
    }
  text[end - text] = '\0';
  data = g_base64_decode (body, &length);
  path = g_build_filename (scratch, "keyring.gpg", NULL);
  if (!g_file_set_contents (path, (const char *) data, length, error))
    return NULL;
  return g_steal_pointer (&path);
}

/* What gpgv said on its status descriptor, one word a line. Returns: %NULL when the signature is good, else why not */
static const char *
judge (const char *status, int exit_status)
{
  g_auto (GStrv) lines = g_strsplit (status, "\n", -1);
  gboolean good = FALSE, valid = FALSE, unknown_key = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *word = g_str_has_prefix (lines[i], STATUS_PREFIX) ? lines[i] + strlen (STATUS_PREFIX) : "";

      if (g_str_has_prefix (word, "BADSIG "))
        return "the signature does not match: the file was changed after it was signed";
      if (g_str_has_prefix (word, "NODATA") || g_str_has_prefix (word, "UNEXPECTED") || g_str_has_prefix (word, "FAILURE gpgv-"))
        return "it carries no signature";
      good = good || g_str_has_prefix (word, "GOODSIG ");
      valid = valid || g_str_has_prefix (word, "VALIDSIG ");
      unknown_key = unknown_key || g_str_has_prefix (word, "NO_PUBKEY ");
    }
  /* Distributions sign with several keys, of which a keyring may know only some: gpgv then exits with 2. */
  if (good && valid && (exit_status == 0 || (exit_status == 2 && unknown_key)))
    return NULL;
  if (unknown_key && !good)
    return "it is signed, but by no key of the keyring named by SignedBy";
  return "there is no good signature by a key that is neither expired nor revoked";
}

char *
cold_deb_release_verify (const char *path, const char *keyring, const char *scratch, GError **error)
{
  g_autofree char *keys = NULL;
  g_autofree char *signed_text = g_build_filename (scratch, "Release.signed", NULL);
  g_autofree char *status = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) local = NULL;
  const char *refusal;
  gsize length;

  if (keyring == NULL || *keyring == '\0')
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                           "the repository names no keyring: set SignedBy= in its sources.d entry");
      return NULL;
    }
  keys = binary_keyring (keyring, scratch, &local);
  if (keys == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, local->message);
      return NULL;
    }
  unlink (signed_text);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &local, "gpgv",
                              "--status-fd", "1", "--homedir", scratch, "--keyring", keys, "--output", signed_text,
                              path, NULL);
  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &status, NULL, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "cannot run gpgv (package gpgv): %s", local->message);
      return NULL;
    }
  refusal = judge (status, g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1);
  if (refusal != NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "InRelease is refused: %s", refusal);
      return NULL;
    }
  if (!g_file_get_contents (signed_text, &text, &length, error))
    return NULL;
  unlink (signed_text);
  if (memchr (text, '\0', length) != NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "InRelease is refused: it holds binary data");
      return NULL;
    }
  return g_steal_pointer (&text);
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
cold_deb_release_check_time (const ColdDebRelease *self, gint64 now, GError **error)
{
  g_autoptr (GDateTime) end = NULL;
  g_autofree char *text = NULL;

  if (self->valid_until == 0 || now <= self->valid_until)
    return TRUE;
  end = g_date_time_new_from_unix_utc (self->valid_until);
  text = end != NULL ? g_date_time_format (end, "%F %R UTC") : g_strdup ("long ago");
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "InRelease is refused: it expired at %s; the mirror is no longer updated, or this host's clock is wrong",
               text);
  return FALSE;
}
