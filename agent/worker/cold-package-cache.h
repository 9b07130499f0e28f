/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Package files by the SHA-256 of their content, or by another key of 64 digits where no signed index has that, once for all
 * guests: packages/<first two digits>/<sha256> in the catalogue's folder. A file's modification time is when it was last asked
 * for; the least recently used are evicted.
 */
#pragma once

#include <gio/gio.h>

#include "cold-download.h"

G_BEGIN_DECLS

typedef struct _ColdPackageCache ColdPackageCache;

ColdPackageCache *cold_package_cache_new (const char *catalogue);
void cold_package_cache_free (ColdPackageCache *self);

/* Returns: (transfer full): where the file with that hash is, or would be */
char *cold_package_cache_path (ColdPackageCache *self, const char *sha256);

/* Returns: (transfer full): SHA-256 of the file at @path, when it is what it should be; %NULL with @error (Signature) */
typedef char *(*ColdPackageCheckFunc) (const char *path, const char *identity, GError **error);

/* Whether the file is there, of this size and content; marks it as used now. @check, @identity: (nullable) as for
 * cold_package_cache_fetch_checked(), for a file that is not known by the SHA-256 of its content */
gboolean cold_package_cache_touch (ColdPackageCache *self, const char *key, guint64 size, ColdPackageCheckFunc check,
                                   const char *identity);

/* Fetches and checks it; nothing of another content ever has its name. */
gboolean cold_package_cache_fetch (ColdPackageCache *self, ColdDownload *download, const char *uri, const char *sha256,
                                   guint64 size, GError **error);

/* Likewise for one that is not known by the SHA-256 of its content: @check says whether it is the one of @identity, which @key is
 * made from. */
gboolean cold_package_cache_fetch_checked (ColdPackageCache *self, ColdDownload *download, const char *uri, const char *key,
                                           guint64 size, ColdPackageCheckFunc check, const char *identity, GError **error);

/* Removes files until at most @max bytes are left, but none that was touched or fetched through @self. */
void cold_package_cache_evict (ColdPackageCache *self, guint64 max);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPackageCache, cold_package_cache_free)

G_END_DECLS
