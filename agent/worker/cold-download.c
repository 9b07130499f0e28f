/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-download.h"

#include <errno.h>
#include <fcntl.h>
#include <libsoup/soup.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-address.h"
#include "cold-error.h"
#include "cold-hosts.h"
#include "cold-names.h"
#include "cold-patience.h"

#define QUIET_SECONDS 60       /* in which something has to come */
#define FILE_SECONDS (60 * 60) /* for one file, all attempts together */
#define ATTEMPTS 4
#define SILENT_ATTEMPTS 2      /* of a server that says nothing: then it is not asked again */
#define REDIRECTS_MAX 8
#define CHUNK (128 * 1024)

struct _ColdDownload
{
  SoupSession *session;
  GStrv allowed;      /* (nullable) */
  gboolean only_allowed;
  GPtrArray *named;   /* (element-type utf8) hosts of URIs that the admin wrote */
  guint quiet_seconds;
  guint file_seconds;
  gint64 deadline;    /* monotonic, of all files; 0: none */
  GHashTable *silent; /* (element-type utf8 guint) hosts: how often they were waited for in vain */
  gboolean hopeless;  /* the last attempt asked one that is given up */
};

/* One request, of which there are several when an attempt is redirected. */
typedef struct
{
  GCancellable *cancellable;
  gboolean any_address;   /* the host was named: its address may be a private one */
  char *private_address;  /* (nullable): where its name led, though it must not */
} Request;

static void
request_clear (Request *request)
{
  g_clear_object (&request->cancellable);
  g_free (request->private_address);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Request, request_clear)

/* GLib's own default resolver needs a desktop; a service has http_proxy and its kin in its environment, or nothing. */
static GProxyResolver *
proxies_from_environment (void)
{
  static const char *const schemes[] = { "http", "https" };
  const char *none = g_getenv ("no_proxy");
  g_auto (GStrv) ignored = g_strsplit_set (none != NULL ? none : "", ", ", -1);
  GProxyResolver *resolver = g_simple_proxy_resolver_new (NULL, ignored);

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      g_autofree char *variable = g_strconcat (schemes[i], "_proxy", NULL);
      const char *proxy = g_getenv (variable);

      if (proxy != NULL && *proxy != '\0')
        g_simple_proxy_resolver_set_uri_proxy (G_SIMPLE_PROXY_RESOLVER (resolver), schemes[i], proxy);
    }
  return resolver;
}

ColdDownload *
cold_download_new (void)
{
  ColdDownload *self = g_new0 (ColdDownload, 1);
  g_autoptr (GProxyResolver) proxies = proxies_from_environment ();

  self->session = soup_session_new_with_options ("user-agent", "coldpatch/" COLD_VERSION, "proxy-resolver", proxies, NULL);
  /* Sizes and hashes are those of the files: some servers say of a file.gz that gzip is its encoding. */
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  self->named = g_ptr_array_new_with_free_func (g_free);
  self->quiet_seconds = QUIET_SECONDS;
  self->file_seconds = FILE_SECONDS;
  self->silent = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
cold_download_free (ColdDownload *self)
{
  if (self == NULL)
    return;
  g_object_unref (self->session);
  g_strfreev (self->allowed);
  g_ptr_array_unref (self->named);
  g_hash_table_unref (self->silent);
  g_free (self);
}

void
cold_download_set_allowed (ColdDownload *self, const char *const *patterns, gboolean only)
{
  g_strfreev (self->allowed);
  self->allowed = g_strdupv ((GStrv) patterns);
  self->only_allowed = only;
}

void
cold_download_name_host (ColdDownload *self, const char *uri)
{
  g_autoptr (GUri) parsed = g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL);
  char *host = parsed != NULL ? cold_hosts_text (parsed) : NULL;

  if (host != NULL)
    g_ptr_array_add (self->named, host);
}

void
cold_download_set_patience (ColdDownload *self, guint quiet_seconds, guint file_seconds)
{
  self->quiet_seconds = quiet_seconds;
  self->file_seconds = file_seconds;
}

void
cold_download_set_deadline (ColdDownload *self, gint64 deadline)
{
  self->deadline = deadline;
}

static gboolean
write_all (int fd, const char *data, gsize length, GError **error)
{
  while (length > 0)
    {
      gssize n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return cold_error_set_errno (error, errno, "cannot write a downloaded file");
      data += n;
      length -= n;
    }
  return TRUE;
}

static gboolean
set_too_long (GError **error, const char *uri, guint64 size)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is longer than the %" G_GUINT64_FORMAT " bytes it may have",
               uri, size);
  return FALSE;
}

/* What a cancelled transfer ended with is not what @local says. */
static gboolean
set_network_error (GError **error, const char *uri, ColdPatience *patience, const GError *local)
{
  const char *end = patience != NULL ? cold_patience_get_end (patience) : NULL;

  g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: %s", uri, end != NULL ? end : local->message);
  return FALSE;
}

/* Appends @stream to @fd. @cancellable, @patience: (nullable) */
static gboolean
drain (GInputStream *stream, int fd, const char *uri, guint64 size, GCancellable *cancellable, ColdPatience *patience,
       GError **error)
{
  g_autofree char *buffer = g_malloc (CHUNK);
  guint64 total = lseek (fd, 0, SEEK_CUR);

  for (;;)
    {
      g_autoptr (GError) local = NULL;
      gssize n = g_input_stream_read (stream, buffer, CHUNK, cancellable, &local);

      if (n < 0)
        return set_network_error (error, uri, patience, local);
      if (n == 0)
        return TRUE;
      total += n;
      if (total > size)
        return set_too_long (error, uri, size);
      if (!write_all (fd, buffer, n, error))
        return FALSE;
      if (patience != NULL)
        cold_patience_feed (patience, n);
    }
}

static gboolean
deny (GError **error, GUri *uri, const char *why)
{
  g_autofree char *host = cold_hosts_text (uri);

  g_set_error (error, COLD_ERROR, COLD_ERROR_ACCESS_DENIED, "%s is not asked: %s", host != NULL ? host : "a server",
               why);
  return FALSE;
}

#define NAME_IT "; if that is meant, name the host, without * and ?, in AllowHosts= of coldpatch.conf"

static gboolean
is_named (ColdDownload *self, GUri *uri)
{
  g_autofree char *host = cold_hosts_text (uri);

  for (guint i = 0; i < self->named->len; i++)
    if (g_strcmp0 (g_ptr_array_index (self->named, i), host) == 0)
      return TRUE;
  return cold_hosts_name ((const char *const *) self->allowed, uri);
}

/* Whether the host may be asked at all; what its name leads to is seen when a connection is made. */
static gboolean
check_host (ColdDownload *self, GUri *uri, Request *request, GError **error)
{
  const char *host = g_uri_get_host (uri);
  g_autoptr (GInetAddress) address = NULL;

  if (g_strcmp0 (g_uri_get_scheme (uri), "http") != 0 && g_strcmp0 (g_uri_get_scheme (uri), "https") != 0)
    return deny (error, uri, "it is neither http nor https");
  if (host == NULL || *host == '\0')
    return deny (error, uri, "it names no host");
  request->any_address = is_named (self, uri);
  if (self->only_allowed && !request->any_address && !cold_hosts_match ((const char *const *) self->allowed, uri))
    return deny (error, uri, "a guest names it, and AllowHosts= of coldpatch.conf does not");
  address = cold_address_parse (host);
  /* Through a proxy no connection is made to it from here. */
  if (address != NULL && !request->any_address && !cold_address_is_public (address))
    return deny (error, uri, "it is an address of this host or of a private network" NAME_IT);
  return TRUE;
}

/* The one place where an address is known before anything is said to it, and where it cannot change any more: a name may lead
 * elsewhere each time that it is asked for. */
static void
on_network_event (SoupMessage *message, GSocketClientEvent event, GIOStream *connection, Request *request)
{
  g_autoptr (GSocketAddress) address = NULL;
  GInetAddress *inet;

  if (event != G_SOCKET_CLIENT_CONNECTING || request->any_address || !G_IS_SOCKET_CONNECTION (connection))
    return;
  address = g_socket_connection_get_remote_address (G_SOCKET_CONNECTION (connection), NULL);
  /* The administrator's own proxy may well be in a private network. */
  if (G_IS_PROXY_ADDRESS (address))
    return;
  inet = G_IS_INET_SOCKET_ADDRESS (address) ? g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)) : NULL;
  if (inet != NULL && cold_address_is_public (inet))
    return;
  g_free (request->private_address);
  request->private_address = inet != NULL ? g_inet_address_to_string (inet) : g_strdup ("an unknown kind of address");
  g_cancellable_cancel (request->cancellable);
}

/* Returns: (transfer full): where @message is redirected to; %NULL with @error when that must not be followed */
static GUri *
redirection (SoupMessage *message, GError **error)
{
  const char *location = soup_message_headers_get_one (soup_message_get_response_headers (message), "Location");
  GUri *from = soup_message_get_uri (message);
  g_autoptr (GError) local = NULL;
  g_autoptr (GUri) to = location != NULL ? g_uri_parse_relative (from, location, SOUP_HTTP_URI_FLAGS, &local) : NULL;

  if (to == NULL)
    {
      deny (error, from, "it redirects to nowhere");
      return NULL;
    }
  if (g_str_equal (g_uri_get_scheme (from), "https") && g_strcmp0 (g_uri_get_scheme (to), "https") != 0)
    {
      deny (error, to, "an https server redirects there without https");
      return NULL;
    }
  return g_steal_pointer (&to);
}

static gboolean
is_redirection (guint status)
{
  return status == SOUP_STATUS_MOVED_PERMANENTLY || status == SOUP_STATUS_FOUND || status == SOUP_STATUS_SEE_OTHER
         || status == SOUP_STATUS_TEMPORARY_REDIRECT || status == SOUP_STATUS_PERMANENT_REDIRECT;
}

static gboolean
take_answer (SoupMessage *message, GInputStream *stream, int fd, const char *uri, guint64 size, GCancellable *cancellable,
             ColdPatience *patience, GError **error)
{
  guint status = soup_message_get_status (message);

  if (status != SOUP_STATUS_PARTIAL_CONTENT && (ftruncate (fd, 0) < 0 || lseek (fd, 0, SEEK_SET) < 0))
    return cold_error_set_errno (error, errno, "cannot truncate a downloaded file");
  if (SOUP_STATUS_IS_SUCCESSFUL (status))
    return drain (stream, fd, uri, size, cancellable, patience, error);
  g_set_error (error, COLD_ERROR,
               status == SOUP_STATUS_NOT_FOUND || status == SOUP_STATUS_GONE ? COLD_ERROR_NOT_FOUND : COLD_ERROR_NETWORK,
               "%s: the server answers %u %s", uri, status, soup_message_get_reason_phrase (message));
  return FALSE;
}

static gboolean
is_given_up (ColdDownload *self, GUri *uri)
{
  g_autofree char *host = cold_hosts_text (uri);

  return host != NULL && GPOINTER_TO_UINT (g_hash_table_lookup (self->silent, host)) >= SILENT_ATTEMPTS;
}

/* A server that sends too little is waited for a minute each time: a repository asks for many files, and many repositories may
 * be on one host. */
static void
note_silence (ColdDownload *self, GUri *uri, ColdPatience *patience, gint64 deadline)
{
  char *host = cold_hosts_text (uri);
  guint n;

  if (host == NULL || cold_patience_get_end (patience) == NULL || g_get_monotonic_time () >= deadline)
    {
      g_free (host);
      return;
    }
  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->silent, host)) + 1;
  g_hash_table_insert (self->silent, host, GUINT_TO_POINTER (n));
}

/* @uri: asked for; replaced by where it redirects to, when it does */
static gboolean
ask (ColdDownload *self, GUri **uri, gboolean *redirected, int fd, guint64 size, gint64 deadline, GError **error)
{
  g_auto (Request) request = { g_cancellable_new () };
  g_autofree char *text = g_uri_to_string_partial (*uri, G_URI_HIDE_PASSWORD);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (ColdPatience) patience = NULL;
  g_autoptr (GError) local = NULL;
  goffset have = lseek (fd, 0, SEEK_END);
  GUri *next;

  *redirected = FALSE;
  if (!check_host (self, *uri, &request, error))
    return FALSE;
  self->hopeless = is_given_up (self, *uri);
  if (self->hopeless)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: the server was silent, or too slow, and is not asked any more now",
                   text);
      return FALSE;
    }
  message = soup_message_new_from_uri (SOUP_METHOD_GET, *uri);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), &request);
  if (have > 0)
    soup_message_headers_set_range (soup_message_get_request_headers (message), have, -1);
  patience = cold_patience_new (request.cancellable, self->quiet_seconds, deadline);
  stream = soup_session_send (self->session, message, request.cancellable, &local);
  if (request.private_address != NULL)
    {
      g_autofree char *why = g_strdup_printf ("its name leads to %s, an address of this host or of a private network" NAME_IT,
                                              request.private_address);

      return deny (error, *uri, why);
    }
  if (stream == NULL)
    {
      note_silence (self, *uri, patience, deadline);
      return set_network_error (error, text, patience, local);
    }
  if (!is_redirection (soup_message_get_status (message)))
    {
      gboolean done = take_answer (message, stream, fd, text, size, request.cancellable, patience, error);

      if (!done)
        note_silence (self, *uri, patience, deadline);
      return done;
    }
  next = redirection (message, error);
  if (next == NULL)
    return FALSE;
  g_uri_unref (*uri);
  *uri = next;
  *redirected = TRUE;
  return TRUE;
}

/* One attempt; what an earlier one left in @fd is continued when the server can. */
static gboolean
attempt (ColdDownload *self, const char *text, int fd, guint64 size, gint64 deadline, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);
  gboolean redirected;

  if (uri == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "\"%s\" is not a URI", text);
      return FALSE;
    }
  for (guint i = 0; i <= REDIRECTS_MAX; i++)
    {
      if (!ask (self, &uri, &redirected, fd, size, deadline, error))
        return FALSE;
      if (!redirected)
        return TRUE;
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_ACCESS_DENIED, "%s is redirected more than %d times", text, REDIRECTS_MAX);
  return FALSE;
}

static gboolean
copy_local (const char *uri, int fd, guint64 size, GError **error)
{
  g_autofree char *path = g_filename_from_uri (uri, NULL, error);
  g_autoptr (GFile) file = path != NULL ? g_file_new_for_path (path) : NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GError) local = NULL;

  if (file == NULL)
    return FALSE;
  stream = G_INPUT_STREAM (g_file_read (file, NULL, &local));
  if (stream == NULL)
    {
      g_set_error (error, COLD_ERROR,
                   g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? COLD_ERROR_NOT_FOUND : COLD_ERROR_NETWORK,
                   "%s", local->message);
      return FALSE;
    }
  return drain (stream, fd, uri, size, NULL, NULL, error);
}

static gboolean
transfer (ColdDownload *self, const char *uri, int fd, guint64 size, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) self->file_seconds * G_USEC_PER_SEC;
  const char *scheme = g_uri_peek_scheme (uri);

  if (self->deadline != 0 && g_get_monotonic_time () >= self->deadline)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: no time is left for it", uri);
      return FALSE;
    }
  if (self->deadline != 0)
    deadline = MIN (deadline, self->deadline);
  if (g_strcmp0 (scheme, "file") == 0 && self->only_allowed)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_ACCESS_DENIED, "%s is not read: a guest names it", uri);
      return FALSE;
    }
  if (g_strcmp0 (scheme, "file") == 0)
    return copy_local (uri, fd, size, error);
  if (g_strcmp0 (scheme, "http") != 0 && g_strcmp0 (scheme, "https") != 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "%s: only http, https and file can be fetched", uri);
      return FALSE;
    }
  for (guint i = 1;; i++)
    {
      g_autoptr (GError) local = NULL;

      if (attempt (self, uri, fd, size, deadline, &local))
        return TRUE;
      if (i == ATTEMPTS || self->hopeless || !g_error_matches (local, COLD_ERROR, COLD_ERROR_NETWORK)
          || g_get_monotonic_time () > deadline)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_usleep (i * G_USEC_PER_SEC / 2);
    }
}

static gboolean
check (const char *uri, const char *path, guint64 size, const char *sha256, GError **error)
{
  guint64 found_size;
  g_autofree char *found = sha256 != NULL ? cold_file_sha256 (path, &found_size, error) : NULL;

  if (sha256 == NULL)
    return TRUE;
  if (found == NULL)
    return FALSE;
  if (found_size == size && g_str_equal (found, sha256))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
               "%s is not the file that the signed metadata names (size %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
               ", SHA-256 %s); the mirror may be in the middle of an update",
               uri, found_size, size, found);
  return FALSE;
}

gboolean
cold_download_file (ColdDownload *self, const char *uri, const char *path, guint64 size, const char *sha256,
                    GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  gboolean done;

  if (fd < 0)
    return cold_error_set_errno (error, errno, "cannot create %s", path);
  done = transfer (self, uri, fd, size, error);
  close (fd);
  done = done && check (uri, path, size, sha256, error);
  if (!done)
    unlink (path);
  return done;
}

char *
cold_file_sha256 (const char *path, guint64 *size, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guchar *buffer = g_malloc (CHUNK);
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  guint64 total = 0;
  gssize n;

  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open %s", path);
      return NULL;
    }
  while ((n = read (fd, buffer, CHUNK)) > 0)
    {
      g_checksum_update (checksum, buffer, n);
      total += n;
    }
  if (n < 0)
    cold_error_set_errno (error, errno, "cannot read %s", path);
  close (fd);
  if (size != NULL)
    *size = total;
  return n < 0 ? NULL : g_strdup (g_checksum_get_string (checksum));
}

gboolean
cold_is_sha256 (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

char *
cold_uri_append (const char *uri, const char *path)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/+:~@!$&'(),;=", FALSE);
  gsize length = strlen (uri);

  while (length > 0 && uri[length - 1] == '/')
    length--;
  return g_strdup_printf ("%.*s/%s", (int) length, uri, escaped);
}

gboolean
cold_is_safe_path (const char *path)
{
  g_auto (GStrv) parts = NULL;

  if (path == NULL || *path == '\0' || strlen (path) > 1024)
    return FALSE;
  for (const char *p = path; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p) || *p == '\\')
      return FALSE;
  parts = g_strsplit (path, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;
  return TRUE;
}
