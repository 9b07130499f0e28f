/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-signature.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "cold-error.h"
#include "cold-json.h"

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"
#define BITS_MIN 2048
#define KEYS_MAX 64

typedef struct
{
  const char *prefix; /* of the name of a signature */
  GChecksumType hash;
  gnutls_sign_algorithm_t algorithm;
} Algorithm;

/* Alpine itself signs with SHA-1, of which collisions can be made, by who signs; nobody can make a second text for a signature
 * that is there. */
static const Algorithm algorithms[] = {
  { "RSA.", G_CHECKSUM_SHA1, GNUTLS_SIGN_RSA_SHA1 },
  { "RSA256.", G_CHECKSUM_SHA256, GNUTLS_SIGN_RSA_SHA256 },
  { "RSA512.", G_CHECKSUM_SHA512, GNUTLS_SIGN_RSA_SHA512 },
};

typedef struct
{
  const Algorithm *algorithm;
  GBytes *bytes;
} Signature;

struct _ColdApkSignatures
{
  GArray *signatures; /* (element-type Signature) */
  GString *keys;      /* names of the keys, for messages */
};

static void
signature_clear (gpointer data)
{
  g_bytes_unref (((Signature *) data)->bytes);
}

ColdApkSignatures *
cold_apk_signatures_new (void)
{
  ColdApkSignatures *self = g_new0 (ColdApkSignatures, 1);

  self->signatures = g_array_new (FALSE, FALSE, sizeof (Signature));
  g_array_set_clear_func (self->signatures, signature_clear);
  self->keys = g_string_new (NULL);
  return self;
}

void
cold_apk_signatures_free (ColdApkSignatures *self)
{
  g_array_unref (self->signatures);
  g_string_free (self->keys, TRUE);
  g_free (self);
}

void
cold_apk_signatures_add (ColdApkSignatures *self, const char *name, const guint8 *data, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms) && self->signatures->len < KEYS_MAX; i++)
    if (g_str_has_prefix (name, algorithms[i].prefix))
      {
        const Signature signature = { &algorithms[i], g_bytes_new (data, length) };
        g_autofree char *valid = cold_text_make_valid (name + strlen (algorithms[i].prefix));

        g_string_append_printf (self->keys, "%s%s", self->keys->len > 0 ? ", " : "", valid);
        g_array_append_val (self->signatures, signature);
      }
}

static gboolean
is_good (const Signature *signature, gnutls_pubkey_t key, const guint8 *data, gsize length)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (signature->algorithm->hash);
  guint8 digest[64];
  gsize size = sizeof digest;
  gnutls_datum_t hash, bytes;
  gsize signed_length;

  g_checksum_update (checksum, data, length);
  g_checksum_get_digest (checksum, digest, &size);
  hash = (gnutls_datum_t){ digest, size };
  bytes.data = (guint8 *) g_bytes_get_data (signature->bytes, &signed_length);
  bytes.size = signed_length;
  return gnutls_pubkey_verify_hash2 (key, signature->algorithm->algorithm, GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1, &hash, &bytes)
         >= 0;
}

static gboolean
any_is_good (ColdApkSignatures *self, gnutls_pubkey_t key, const guint8 *data, gsize length)
{
  for (guint i = 0; i < self->signatures->len; i++)
    if (is_good (&g_array_index (self->signatures, Signature, i), key, data, length))
      return TRUE;
  return FALSE;
}

/* @pem: begins with a key. Returns: whether it is an RSA key of a length that counts, which then signed it */
static gboolean
signed_by_first (ColdApkSignatures *self, const char *pem, const guint8 *data, gsize length, guint *usable)
{
  const gnutls_datum_t text = { (guint8 *) pem, strlen (pem) };
  gnutls_pubkey_t key;
  gboolean good = FALSE;
  guint bits = 0;

  if (gnutls_pubkey_init (&key) < 0)
    return FALSE;
  if (gnutls_pubkey_import (key, &text, GNUTLS_X509_FMT_PEM) >= 0
      && gnutls_pubkey_get_pk_algorithm (key, &bits) == GNUTLS_PK_RSA && bits >= BITS_MIN)
    {
      (*usable)++;
      good = any_is_good (self, key, data, length);
    }
  gnutls_pubkey_deinit (key);
  return good;
}

gboolean
cold_apk_signatures_verify (ColdApkSignatures *self, const guint8 *data, gsize length, const char *keys, const char *what,
                            GError **error)
{
  g_autofree char *pem = NULL;
  g_autoptr (GError) local = NULL;
  guint usable = 0, n = 0;

  if (self->signatures->len == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: it is not signed by RSA", what);
      return FALSE;
    }
  if (keys == NULL || !g_file_get_contents (keys, &pem, NULL, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the repository's keys cannot be read, set SignedBy=: %s",
                   local != NULL ? local->message : "it is not set");
      return FALSE;
    }
  for (const char *key = strstr (pem, PEM_BEGIN); key != NULL && n < KEYS_MAX; key = strstr (key + 1, PEM_BEGIN), n++)
    if (signed_by_first (self, key, data, length, &usable))
      return TRUE;
  if (usable == 0)
    g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                 "the file of SignedBy= has no public RSA key of at least %d bits in PEM, as those in /etc/apk/keys", BITS_MIN);
  else
    g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                 "%s is refused: it was changed after it was signed, or is signed by no key of SignedBy= (its own word: %s)", what,
                 self->keys->str);
  return FALSE;
}
