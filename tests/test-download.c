/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-download.h"
#include "cold-error.h"
#include "no-proxy.h"

/* A server that answers each connection with the next text, and closes. */
typedef struct
{
  GSocketListener *listener;
  const char *const *answers;
  GPtrArray *requests; /* (element-type utf8) */
  GThread *thread;
  char *uri;
  char *path;
} Server;

static gpointer
serve (gpointer data)
{
  Server *server = data;

  for (guint i = 0; server->answers[i] != NULL; i++)
    {
      g_autoptr (GSocketConnection) connection = g_socket_listener_accept (server->listener, NULL, NULL, NULL);
      g_autoptr (GString) request = g_string_new (NULL);
      char buffer[1024];
      gssize n;

      g_assert_nonnull (connection);
      while (strstr (request->str, "\r\n\r\n") == NULL
             && (n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer,
                                          NULL, NULL))
                    > 0)
        g_string_append_len (request, buffer, n);
      g_ptr_array_add (server->requests, g_strdup (request->str));
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), server->answers[i],
                                 strlen (server->answers[i]), NULL, NULL, NULL);
      g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
    }
  return NULL;
}

static void
server_start (Server *server, const char *const *answers)
{
  g_autoptr (GError) error = NULL;
  guint16 port;

  server->listener = g_socket_listener_new ();
  server->answers = answers;
  server->requests = g_ptr_array_new_with_free_func (g_free);
  port = g_socket_listener_add_any_inet_port (server->listener, NULL, &error);
  g_assert_no_error (error);
  server->uri = g_strdup_printf ("http://127.0.0.1:%u/file", port);
  server->path = g_build_filename (g_get_tmp_dir (), "cold-download-test-XXXXXX", NULL);
  g_close (g_mkstemp (server->path), NULL);
  server->thread = g_thread_new ("server", serve, server);
}

static void
server_stop (Server *server)
{
  g_thread_join (server->thread);
  g_object_unref (server->listener);
  g_ptr_array_unref (server->requests);
  g_unlink (server->path);
  g_free (server->uri);
  g_free (server->path);
}

static gboolean
download (Server *server, guint64 size, const char *content, GError **error)
{
  g_autoptr (ColdDownload) self = cold_download_new ();
  g_autofree char *sha256 = content != NULL ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, content, -1) : NULL;

  cold_download_name_host (self, server->uri);
  return cold_download_file (self, server->uri, server->path, size, sha256, error);
}

static void
test_interrupted (void)
{
  const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234",
                                  "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 5-9/10\r\n\r\n56789",
                                  NULL };
  Server server;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  server_start (&server, answers);
  g_assert_true (download (&server, 10, "0123456789", &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (server.path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "0123456789");
  g_assert_nonnull (strstr (g_ptr_array_index (server.requests, 1), "Range: bytes=5-"));
  server_stop (&server);
}

/* Some servers start again from the beginning. */
static void
test_interrupted_without_ranges (void)
{
  const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234",
                                  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", NULL };
  Server server;
  g_autoptr (GError) error = NULL;

  server_start (&server, answers);
  g_assert_true (download (&server, 10, "0123456789", &error));
  g_assert_no_error (error);
  server_stop (&server);
}

static void
test_missing (void)
{
  const char *const answers[] = { "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nsad!", NULL };
  Server server;
  g_autoptr (GError) error = NULL;

  server_start (&server, answers);
  g_assert_false (download (&server, 10, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  g_assert_false (g_file_test (server.path, G_FILE_TEST_EXISTS));
  server_stop (&server);
}

static void
test_endless (void)
{
  const char *const answers[] = { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", NULL };
  Server server;
  g_autoptr (GError) error = NULL;

  server_start (&server, answers);
  g_assert_false (download (&server, 9, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_false (g_file_test (server.path, G_FILE_TEST_EXISTS));
  server_stop (&server);
}

static void
test_broken_server (void)
{
  const char *const answers[] = { "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                                  "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                                  "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL };
  Server server;
  g_autoptr (GError) error = NULL;

  server_start (&server, answers);
  g_assert_true (download (&server, 2, "ok", &error));
  g_assert_no_error (error);
  server_stop (&server);
}

/* The file counts, as it lies there: what is unpacked on the way could not be continued, and not be measured either. */
static void
test_encoded (void)
{
  const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\ncontent", NULL };
  Server server;
  g_autoptr (GError) error = NULL;

  server_start (&server, answers);
  g_assert_true (download (&server, 7, "content", &error));
  g_assert_no_error (error);
  server_stop (&server);
}

/* A byte now and then keeps every time-out for single bytes from being reached. */
typedef struct
{
  GSocketListener *listener;
  const char *head;
  gboolean ended; /* atomic */
  guint asked;    /* atomic: connections */
} Slow;

static gpointer
serve_slowly (gpointer data)
{
  Slow *slow = data;

  while (!g_atomic_int_get (&slow->ended))
    {
      g_autoptr (GSocketConnection) connection = g_socket_listener_accept (slow->listener, NULL, NULL, NULL);
      GOutputStream *stream = connection != NULL ? g_io_stream_get_output_stream (G_IO_STREAM (connection)) : NULL;

      g_atomic_int_inc (&slow->asked);
      if (stream != NULL && !g_atomic_int_get (&slow->ended))
        g_output_stream_write_all (stream, slow->head, strlen (slow->head), NULL, NULL, NULL);
      while (stream != NULL && !g_atomic_int_get (&slow->ended) && g_output_stream_write (stream, "x", 1, NULL, NULL) == 1)
        g_usleep (50 * 1000);
    }
  return NULL;
}

static void
test_slow_server (void)
{
  static const char *const heads[] = { "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Long: " };

  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      Slow slow = { g_socket_listener_new (), heads[i], FALSE, 0 };
      guint port = g_socket_listener_add_any_inet_port (slow.listener, NULL, NULL);
      g_autoptr (GThread) thread = g_thread_new ("slow", serve_slowly, &slow);
      g_autofree char *uri = g_strdup_printf ("http://127.0.0.1:%u/", port);
      g_autofree char *path = g_build_filename (g_get_tmp_dir (), "cold-download-test-XXXXXX", NULL);
      g_autoptr (ColdDownload) self = cold_download_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocketClient) client = g_socket_client_new ();
      g_autoptr (GSocketConnection) last = NULL;
      gint64 begin = g_get_monotonic_time ();

      g_close (g_mkstemp (path), NULL);
      cold_download_name_host (self, uri);
      cold_download_set_patience (self, 1, 2);
      g_assert_false (cold_download_file (self, uri, path, 100000, NULL, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_NETWORK);
      /* Without the deadline it would be hours. */
      g_assert_cmpint (g_get_monotonic_time () - begin, <, 60 * G_USEC_PER_SEC);
      g_unlink (path);
      g_atomic_int_set (&slow.ended, TRUE);
      last = g_socket_client_connect_to_uri (client, uri, 80, NULL, NULL);
      g_thread_join (g_steal_pointer (&thread));
      g_object_unref (slow.listener);
    }
}

/* Two attempts, and none for the next file. */
static void
test_silent_server (void)
{
  Slow slow = { g_socket_listener_new (), "HTTP/1.1 200 OK\r\nX-Long: ", FALSE, 0 };
  guint port = g_socket_listener_add_any_inet_port (slow.listener, NULL, NULL);
  g_autoptr (GThread) thread = g_thread_new ("silent", serve_slowly, &slow);
  g_autofree char *uri = g_strdup_printf ("http://127.0.0.1:%u/", port);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "cold-download-silent", NULL);
  g_autoptr (ColdDownload) self = cold_download_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) last = NULL;

  cold_download_name_host (self, uri);
  cold_download_set_patience (self, 1, 3600);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_false (cold_download_file (self, uri, path, 100000, NULL, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_NETWORK);
      g_assert_nonnull (strstr (error->message, "silent"));
      g_clear_error (&error);
    }
  g_assert_cmpuint (g_atomic_int_get (&slow.asked), ==, 2);
  g_atomic_int_set (&slow.ended, TRUE);
  last = g_socket_client_connect_to_uri (client, uri, 80, NULL, NULL);
  g_thread_join (g_steal_pointer (&thread));
  g_object_unref (slow.listener);
}

static void
test_deadline (void)
{
  g_autoptr (ColdDownload) self = cold_download_new ();
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "cold-download-late", NULL);
  g_autofree char *from = g_strconcat (path, ".from", NULL);
  g_autofree char *uri = g_strconcat ("file://", from, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (from, "content", -1, NULL));
  cold_download_set_deadline (self, g_get_monotonic_time () - 1);
  g_assert_false (cold_download_file (self, uri, path, 7, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NETWORK);
  g_assert_nonnull (strstr (error->message, "no time is left"));
  g_clear_error (&error);
  cold_download_set_deadline (self, 0);
  g_assert_true (cold_download_file (self, uri, path, 7, NULL, &error));
  g_unlink (path);
  g_unlink (from);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  no_proxy ();
  g_test_add_func ("/download/interrupted/continues", test_interrupted);
  g_test_add_func ("/download/interrupted/starts-again", test_interrupted_without_ranges);
  g_test_add_func ("/download/missing/not-found", test_missing);
  g_test_add_func ("/download/longer-than-allowed/refused", test_endless);
  g_test_add_func ("/download/broken-server/tried-again", test_broken_server);
  g_test_add_func ("/download/encoded/stays-as-it-is", test_encoded);
  g_test_add_func ("/download/slow-server/given-up", test_slow_server);
  g_test_add_func ("/download/silent-server/asked-twice", test_silent_server);
  g_test_add_func ("/download/deadline/over", test_deadline);
  return g_test_run ();
}
