/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures of repositories, checked by gpgv. Neither file nor signature is trusted; the keyring is the admin's.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_signature_verify:
 * @path: a text that holds its signature (clear-signed), or with @signature any file
 * @signature: (nullable): its detached signature, armoured or not
 * @what: what messages call it
 * @keyring: (nullable): binary or armoured keys that may sign; without it nothing is good
 * @scratch: folder for temporary files
 * @text: (out) (transfer full) (optional): the signed text, and nothing that stands around it
 *
 * Returns: %FALSE with @error (Signature)
 */
gboolean cold_signature_verify (const char *path, const char *signature, const char *what, const char *keyring,
                                const char *scratch, char **text, GError **error);

/* @status: what gpgv said on its status descriptor, one word a line. Returns: (transfer none) (nullable): %NULL when the signature is
 * good, else why not */
const char *cold_signature_judge (const char *status, int exit_status);

G_END_DECLS
