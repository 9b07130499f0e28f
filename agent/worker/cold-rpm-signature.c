/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-signature.h"

#include <rpm/rpmcli.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmpgp.h>
#include <rpm/rpmts.h>
#include <string.h>

#include "cold-error.h"

#define ARMOR "-----BEGIN PGP"

/* Packages may be signed by a subkey as well. */
static void
add_key (rpmKeyring keyring, const guint8 *packets, gsize length)
{
  rpmPubkey key = rpmPubkeyNew (packets, length);
  int n_subkeys = 0;
  rpmPubkey *subkeys = key != NULL ? rpmGetSubkeys (key, &n_subkeys) : NULL;

  if (key != NULL)
    rpmKeyringAddKey (keyring, key);
  for (int i = 0; i < n_subkeys; i++)
    {
      rpmKeyringAddKey (keyring, subkeys[i]);
      rpmPubkeyFree (subkeys[i]);
    }
  free (subkeys);
  rpmPubkeyFree (key);
}

static void
add_packets (rpmKeyring keyring, const guint8 *packets, gsize length)
{
  while (length > 0)
    {
      size_t one = 0;

      if (pgpPubKeyCertLen (packets, length, &one) != 0 || one == 0 || one > length)
        return;
      add_key (keyring, packets, one);
      packets += one;
      length -= one;
    }
}

/* A file may have several armoured keys, one after the other. */
static void
add_armoured (rpmKeyring keyring, const char *text)
{
  for (const char *next = strstr (text, ARMOR); next != NULL; next = strstr (next + 1, ARMOR))
    {
      const char *end = strstr (next, "-----END PGP");
      const char *line = end != NULL ? strchr (end, '\n') : NULL;
      g_autofree char *block = line != NULL ? g_strndup (next, line + 1 - next) : g_strdup (next);
      uint8_t *packets = NULL;
      size_t length = 0;

      if (pgpParsePkts (block, &packets, &length) == PGPARMOR_PUBKEY)
        add_packets (keyring, packets, length);
      free (packets);
    }
}

static rpmKeyring
read_keyring (const char *path, GError **error)
{
  g_autofree char *data = NULL;
  gsize length = 0;
  rpmKeyring keyring;

  if (!g_file_get_contents (path, &data, &length, error))
    return NULL;
  keyring = rpmKeyringNew ();
  if (g_strstr_len (data, length, ARMOR) != NULL)
    add_armoured (keyring, data);
  else
    add_packets (keyring, (const guint8 *) data, length);
  return keyring;
}

/* librpm would say it on standard output, where the worker's results go. */
static int
swallow (rpmlogRec record, rpmlogCallbackData data)
{
  (void) record;
  (void) data;
  return 0;
}

static gboolean
verify (FD_t file, rpmKeyring keyring)
{
  struct rpmQVKArguments_s arguments = { .qva_flags = VERIFY_ALL };
  rpmts ts = rpmtsCreate ();
  gboolean good;

  /* Settings of this machine must not matter. */
  rpmtsSetVSFlags (ts, RPMVSF_DEFAULT);
  rpmtsSetVfyFlags (ts, RPMVSF_DEFAULT);
  rpmtsSetVfyLevel (ts, RPMSIG_VERIFIABLE_TYPE);
  rpmtsSetKeyring (ts, keyring);
  rpmlogSetCallback (swallow, NULL);
  good = rpmVerifySignatures (&arguments, ts, file, "package") == 0;
  rpmlogSetCallback (NULL, NULL);
  rpmtsFree (ts);
  return good;
}

gboolean
cold_rpm_signature_verify (const char *path, const char *what, const char *keyring, GError **error)
{
  rpmKeyring keys;
  FD_t file;
  gboolean good;

  if (keyring == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: the repository has no keyring", what);
      return FALSE;
    }
  keys = read_keyring (keyring, error);
  if (keys == NULL)
    return FALSE;
  file = Fopen (path, "r.ufdio");
  good = file != NULL && !Ferror (file) && verify (file, keys);
  if (file != NULL)
    Fclose (file);
  rpmKeyringFree (keys);
  if (!good)
    g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                 "%s is refused: its repository's metadata is not signed, and neither is the package by a key of the keyring",
                 what);
  return good;
}
