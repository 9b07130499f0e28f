/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-download.h"

#include <errno.h>
#include <fcntl.h>
#include <libsoup/soup.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-names.h"

#define IDLE_SECONDS 60        /* without a byte */
#define FILE_SECONDS (60 * 60) /* for one file, all attempts together */
#define ATTEMPTS 4
#define CHUNK (128 * 1024)

struct _ColdDownload
{
  SoupSession *session;
};

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

  self->session = soup_session_new_with_options ("timeout", IDLE_SECONDS, "user-agent", "coldpatch/" COLD_VERSION,
                                                 "proxy-resolver", proxies, NULL);
  return self;
}

void
cold_download_free (ColdDownload *self)
{
  if (self == NULL)
    return;
  g_object_unref (self->session);
  g_free (self);
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

/* Appends @stream to @fd. */
static gboolean
drain (GInputStream *stream, int fd, const char *uri, guint64 size, gint64 deadline, GError **error)
{
  g_autofree char *buffer = g_malloc (CHUNK);
  guint64 total = lseek (fd, 0, SEEK_CUR);

  for (;;)
    {
      g_autoptr (GError) local = NULL;
      gssize n = g_input_stream_read (stream, buffer, CHUNK, NULL, &local);

      if (n < 0)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: %s", uri, local->message);
          return FALSE;
        }
      if (n == 0)
        return TRUE;
      total += n;
      if (total > size)
        return set_too_long (error, uri, size);
      if (!write_all (fd, buffer, n, error))
        return FALSE;
      if (g_get_monotonic_time () > deadline)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: not complete after %d minutes", uri,
                       FILE_SECONDS / 60);
          return FALSE;
        }
    }
}

/* One attempt; what an earlier one left in @fd is continued when the server can. */
static gboolean
attempt (ColdDownload *self, const char *uri, int fd, guint64 size, gint64 deadline, GError **error)
{
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, uri);
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GError) local = NULL;
  goffset have = lseek (fd, 0, SEEK_END);
  guint status;

  if (message == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "\"%s\" is not a URI", uri);
      return FALSE;
    }
  if (have > 0)
    soup_message_headers_set_range (soup_message_get_request_headers (message), have, -1);
  stream = soup_session_send (self->session, message, NULL, &local);
  if (stream == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NETWORK, "%s: %s", uri, local->message);
      return FALSE;
    }
  status = soup_message_get_status (message);
  if (status != SOUP_STATUS_PARTIAL_CONTENT && (ftruncate (fd, 0) < 0 || lseek (fd, 0, SEEK_SET) < 0))
    return cold_error_set_errno (error, errno, "cannot truncate a downloaded file");
  if (!SOUP_STATUS_IS_SUCCESSFUL (status))
    {
      g_set_error (error, COLD_ERROR,
                   status == SOUP_STATUS_NOT_FOUND || status == SOUP_STATUS_GONE ? COLD_ERROR_NOT_FOUND
                                                                                 : COLD_ERROR_NETWORK,
                   "%s: the server answers %u %s", uri, status, soup_message_get_reason_phrase (message));
      return FALSE;
    }
  return drain (stream, fd, uri, size, deadline, error);
}

static gboolean
copy_local (const char *uri, int fd, guint64 size, gint64 deadline, GError **error)
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
  return drain (stream, fd, uri, size, deadline, error);
}

static gboolean
transfer (ColdDownload *self, const char *uri, int fd, guint64 size, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) FILE_SECONDS * G_USEC_PER_SEC;
  const char *scheme = g_uri_peek_scheme (uri);

  if (g_strcmp0 (scheme, "file") == 0)
    return copy_local (uri, fd, size, deadline, error);
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
      if (i == ATTEMPTS || !g_error_matches (local, COLD_ERROR, COLD_ERROR_NETWORK)
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
