/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures inside rpm packages, checked by librpm, for repositories whose metadata is not signed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_rpm_signature_verify:
 * @path: a package; not trusted
 * @what: what messages call it
 * @keyring: (nullable): binary or armoured keys that may sign; without it nothing is good. As rpm does, a key counts
 *   whether or not it has expired.
 *
 * All of the package has to be covered: its header by a signature, its files by a digest in the header.
 *
 * Returns: %FALSE with @error (Signature, IO)
 */
gboolean cold_rpm_signature_verify (const char *path, const char *what, const char *keyring, GError **error);

G_END_DECLS
