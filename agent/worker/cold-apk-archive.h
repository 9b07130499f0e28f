/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a repository of apk 2: gzip members one after the other, which together are one tar archive.
 *
 *   APKINDEX.tar.gz   .SIGN.<algorithm>.<key> in members of their own, each signing all bytes after the last of them; then a
 *                     member with DESCRIPTION and APKINDEX
 *   *.apk             such signatures; the control part, one member with .PKGINFO; the data, one member
 *
 * An index names the SHA-1 of a package's control part (its identity), and .PKGINFO in that the SHA-256 of the data (datahash):
 * with the index everything of a package is signed but the signatures in front of it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The index of all of Alpine's community repository has 2 MiB, and 10 unpacked. */
#define COLD_APK_INDEX_PACKED_MAX (64 << 20)
#define COLD_APK_INDEX_MAX (512 << 20)

/**
 * cold_apk_archive_unpack_index:
 * @path: APKINDEX.tar.gz as it was fetched
 * @keys: (nullable): path of a file with public keys in PEM, as in /etc/apk/keys, one after the other; any of them may have signed
 * @to: gets APKINDEX; replaced when it is there
 *
 * Nothing is unpacked before the signature over it is found to be good.
 *
 * Returns: %FALSE with @error (Signature); @to is gone then
 */
gboolean cold_apk_archive_unpack_index (const char *path, const char *keys, const char *to, GError **error);

/**
 * cold_apk_archive_check_package:
 * @identity: from a signed index
 *
 * Returns: (transfer full): SHA-256 of the whole file, when it is the package of that identity; %NULL with @error (Signature)
 */
char *cold_apk_archive_check_package (const char *path, const char *identity, GError **error);

G_END_DECLS
