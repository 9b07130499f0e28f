/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files from repositories: http, https (libsoup, proxies from the environment) and file. Nothing that comes from here is
 * trusted: sizes are capped while data arrives, hashes are checked before the call returns.
 *
 * Nor is the way there: a server, a list of mirrors or a guest can name hosts. Addresses of this host and of private networks
 * are connected to only for hosts that the admin named, in the URI of a sources.d entry or literally in AllowHosts=, whatever a
 * name leads to and wherever a redirection goes.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdDownload ColdDownload;

ColdDownload *cold_download_new (void);
void cold_download_free (ColdDownload *self);

/**
 * cold_download_set_allowed:
 * @patterns: (nullable): AllowHosts= (common/cold-hosts.h)
 * @only: whether other hosts are not asked at all, as befits the sources of guests
 */
void cold_download_set_allowed (ColdDownload *self, const char *const *patterns, gboolean only);

/* The admin wrote @uri: whatever address its host has, he means it. */
void cold_download_name_host (ColdDownload *self, const char *uri);

/* How long a server may be silent, or send less than 100 bytes a second, and how long a file may take altogether. Default: a
 * minute and an hour. */
void cold_download_set_patience (ColdDownload *self, guint quiet_seconds, guint file_seconds);

/* @deadline: monotonic time at which all has to be fetched: files that are asked for later fail at once. 0: none */
void cold_download_set_deadline (ColdDownload *self, gint64 deadline);

/**
 * cold_download_file:
 * @uri: http, https or file
 * @path: where to put it; replaced when it is there
 * @size: most bytes to accept; with @sha256 the exact number
 * @sha256: (nullable): what the content must be, in lower case hexadecimal
 *
 * Interrupted transfers are tried again a few times and continue where they ended. A host that was silent or too slow twice is
 * not asked again through @self. Up to eight redirections are followed.
 *
 * Returns: %FALSE with @error NotFound (no such file), Network (everything else that may heal), AccessDenied (a host that may
 *   not be asked), Signature (another size or hash than told), NoSpace; @path is gone then
 */
gboolean cold_download_file (ColdDownload *self, const char *uri, const char *path, guint64 size, const char *sha256,
                             GError **error);

/* Returns: (transfer full): SHA-256 of a file's content in lower case hexadecimal; its size in @size (optional) */
char *cold_file_sha256 (const char *path, guint64 *size, GError **error);

/* Whether @text is 64 lower case hexadecimal digits; such a text is safe as a file name. */
gboolean cold_is_sha256 (const char *text);

/**
 * cold_uri_append:
 * @path: relative, not yet escaped
 *
 * Returns: (transfer full): @uri, one slash, @path with what a URI cannot hold escaped
 */
char *cold_uri_append (const char *uri, const char *path);

/* Whether @path, from a repository's index, stays below the repository: relative, no "..", "." or empty part, printable
 * ASCII only. */
gboolean cold_is_safe_path (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDownload, cold_download_free)

G_END_DECLS
