/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signatures of apk 2: bare RSA over all that follows them, by keys that have names and nothing else: no owner, no end.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColdApkSignatures ColdApkSignatures;

ColdApkSignatures *cold_apk_signatures_new (void);
void cold_apk_signatures_free (ColdApkSignatures *self);

/* @name: "<algorithm>.<key>"; of algorithms RSA (SHA-1), RSA256 and RSA512 are of use. The key's name is the signer's word, and
 * only told. */
void cold_apk_signatures_add (ColdApkSignatures *self, const char *name, const guint8 *data, gsize length);

/**
 * cold_apk_signatures_verify:
 * @keys: (nullable): path of a file with public keys in PEM; without it nothing is good
 * @what: what messages call @data
 *
 * Returns: %FALSE with @error (Signature) unless one of the signatures over @data is by one of the keys
 */
gboolean cold_apk_signatures_verify (ColdApkSignatures *self, const guint8 *data, gsize length, const char *keys,
                                     const char *what, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdApkSignatures, cold_apk_signatures_free)

G_END_DECLS
