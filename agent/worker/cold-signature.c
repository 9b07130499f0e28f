/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-signature.h"

#include <gio/gio.h>
#include <unistd.h>

#include "cold-error.h"

#define STATUS_PREFIX "[GNUPG:] "
#define ARMOUR_BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"

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

const char *
cold_signature_judge (const char *status, int exit_status)
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

/* Returns: (transfer full): what gpgv said on its status descriptor; %NULL with @error (Worker) */
static char *
run_gpgv (const char *path, const char *signature, const char *keys, const char *scratch, const char *output,
          int *exit_status, GError **error)
{
  const char *const words[]
      = { "gpgv", "--status-fd", "1", "--homedir", scratch, "--keyring", keys, signature == NULL ? "--output" : signature,
          signature == NULL ? output : path, signature == NULL ? path : NULL, NULL };
  g_autoptr (GError) local = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (words, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &local);
  char *status = NULL;

  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &status, NULL, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "cannot run gpgv (package gpgv): %s", local->message);
      return NULL;
    }
  *exit_status = g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1;
  return status;
}

static char *
read_text (const char *path, const char *what, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  if (memchr (text, '\0', length) == NULL)
    return g_steal_pointer (&text);
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: it holds binary data", what);
  return NULL;
}

gboolean
cold_signature_verify (const char *path, const char *signature, const char *what, const char *keyring,
                       const char *scratch, char **text, GError **error)
{
  g_autofree char *keys = NULL;
  g_autofree char *output = g_build_filename (scratch, "signed.text", NULL);
  g_autofree char *status = NULL;
  g_autofree char *content = NULL;
  g_autoptr (GError) local = NULL;
  const char *refusal;
  int exit_status = -1;

  if (keyring == NULL || *keyring == '\0')
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                           "the repository names no keyring: set SignedBy= in its sources.d entry");
      return FALSE;
    }
  keys = binary_keyring (keyring, scratch, &local);
  if (keys == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, local->message);
      return FALSE;
    }
  unlink (output);
  status = run_gpgv (path, signature, keys, scratch, output, &exit_status, error);
  if (status == NULL)
    return FALSE;
  refusal = cold_signature_judge (status, exit_status);
  if (refusal != NULL)
    {
      unlink (output);
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: %s", what, refusal);
      return FALSE;
    }
  content = text != NULL ? read_text (signature == NULL ? output : path, what, error) : NULL;
  unlink (output);
  if (text == NULL)
    return TRUE;
  *text = g_steal_pointer (&content);
  return *text != NULL;
}
