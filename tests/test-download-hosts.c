/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may be asked for a file. */
#include <glib/gstdio.h>
#include <libsoup/soup.h>

#include "cold-address.h"
#include "cold-download.h"
#include "cold-error.h"
#include "no-proxy.h"

/* Answers every name by one address, as somebody else's name server can. */
typedef struct
{
  GResolver parent;
} Resolver;
typedef GResolverClass ResolverClass;
static GType resolver_get_type (void);
G_DEFINE_TYPE (Resolver, resolver, G_TYPE_RESOLVER)

static const char *resolved_to = "127.0.0.1";

static GList *
resolver_lookup (GResolver *resolver, const char *name, GResolverNameLookupFlags flags, GCancellable *cancellable,
                 GError **error)
{
  return g_list_append (NULL, g_inet_address_new_from_string (resolved_to));
}

static GList *
resolver_lookup_plain (GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  return resolver_lookup (resolver, name, 0, cancellable, error);
}

static void
resolver_lookup_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  g_task_return_pointer (task, resolver_lookup (resolver, name, flags, cancellable, NULL),
                         (GDestroyNotify) g_resolver_free_addresses);
}

static void
resolver_lookup_plain_async (GResolver *resolver, const char *name, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  resolver_lookup_async (resolver, name, 0, cancellable, callback, user_data);
}

static GList *
resolver_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
resolver_class_init (ResolverClass *class)
{
  class->lookup_by_name = resolver_lookup_plain;
  class->lookup_by_name_async = resolver_lookup_plain_async;
  class->lookup_by_name_finish = resolver_finish;
  class->lookup_by_name_with_flags = resolver_lookup;
  class->lookup_by_name_with_flags_async = resolver_lookup_async;
  class->lookup_by_name_with_flags_finish = resolver_finish;
}

static void
resolver_init (Resolver *self)
{
}

/* A web server in a thread of its own, on all loopback addresses. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  GMutex lock;
  GCond started;
  guint port;
  guint requests;   /* atomic */
  char *location;   /* (nullable): what /away redirects to */
} Web;

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  Web *web = user_data;

  g_atomic_int_inc (&web->requests);
  if (g_str_equal (path, "/away"))
    soup_server_message_set_redirect (message, SOUP_STATUS_FOUND, web->location);
  else if (g_str_equal (path, "/loop"))
    soup_server_message_set_redirect (message, SOUP_STATUS_MOVED_PERMANENTLY, "/loop");
  else
    {
      soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
      soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "content", 7);
    }
}

static gpointer
run_web (gpointer data)
{
  Web *web = data;
  g_autoptr (SoupServer) server = NULL;
  g_autoslist (GUri) uris = NULL;

  g_main_context_push_thread_default (web->context);
  server = soup_server_new (NULL, NULL);
  soup_server_add_handler (server, NULL, on_request, web, NULL);
  g_assert_true (soup_server_listen_local (server, 0, 0, NULL));
  uris = soup_server_get_uris (server);
  g_mutex_lock (&web->lock);
  web->port = g_uri_get_port (uris->data);
  g_cond_signal (&web->started);
  g_mutex_unlock (&web->lock);
  g_main_loop_run (web->loop);
  g_main_context_pop_thread_default (web->context);
  return NULL;
}

static Web *
web_new (void)
{
  Web *web = g_new0 (Web, 1);

  g_mutex_init (&web->lock);
  g_cond_init (&web->started);
  web->context = g_main_context_new ();
  web->loop = g_main_loop_new (web->context, FALSE);
  g_mutex_lock (&web->lock);
  web->thread = g_thread_new ("web", run_web, web);
  while (web->port == 0)
    g_cond_wait (&web->started, &web->lock);
  g_mutex_unlock (&web->lock);
  return web;
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
web_free (Web *web)
{
  g_main_context_invoke (web->context, quit, web->loop);
  g_thread_join (web->thread);
  g_main_loop_unref (web->loop);
  g_main_context_unref (web->context);
  g_mutex_clear (&web->lock);
  g_cond_clear (&web->started);
  g_free (web->location);
  g_free (web);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Web, web_free)

/* @host: asked for @path at the web's port; @pattern: (nullable): AllowHosts=, without port. Returns: the error's code, or -1 */
static int
ask (Web *web, const char *host, const char *path, const char *pattern, gboolean guest)
{
  g_autoptr (ColdDownload) self = cold_download_new ();
  g_autofree char *uri = g_strdup_printf ("http://%s:%u%s", host, web->port, path);
  g_autofree char *allowed = pattern != NULL ? g_strdup_printf ("%s:%u", pattern, web->port) : NULL;
  const char *const patterns[] = { allowed, NULL };
  g_autofree char *file = g_build_filename (g_get_tmp_dir (), "cold-download-test-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  gboolean done;

  g_close (g_mkstemp (file), NULL);
  cold_download_set_allowed (self, patterns, guest);
  cold_download_set_patience (self, 30, 60);
  done = cold_download_file (self, uri, file, 7, NULL, &error);
  g_assert_true (done == g_file_test (file, G_FILE_TEST_EXISTS));
  g_unlink (file);
  if (done)
    return -1;
  g_assert_true (error->domain == COLD_ERROR);
  return error->code;
}

static void
test_addresses (void)
{
  static const char *const not_public[]
      = { "127.0.0.1",       "127.1",           "0x7f000001",   "2130706433",      "0.0.0.0",         "0",
          "10.0.0.1",        "172.16.0.1",      "172.31.255.255", "192.168.1.1",   "169.254.169.254", "100.64.0.1",
          "192.0.0.8",       "198.19.0.1",      "224.0.0.1",    "255.255.255.255", "::1",             "::",
          "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1",         "fe80::1%lo",      "fec0::1",
          "fc00::1",         "fd00:1::1",       "ff02::1",      "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
          "2002:7f00:1::1",  "2002:a00:1::1",   "2001::1",      "2001:db8::1",     "100::1" };
  static const char *const is_public[] = { "8.8.8.8", "11.0.0.1", "100.128.0.1", "126.255.255.255", "128.0.0.1", "172.15.0.1",
                                           "172.32.0.1", "169.253.0.1", "192.167.0.1", "223.255.255.255", "2a04:4e42::644",
                                           "2620:0:861::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1" };

  for (guint i = 0; i < G_N_ELEMENTS (not_public); i++)
    {
      g_autoptr (GInetAddress) address = cold_address_parse (not_public[i]);

      g_assert_nonnull (address);
      g_assert_false (cold_address_is_public (address));
    }
  for (guint i = 0; i < G_N_ELEMENTS (is_public); i++)
    {
      g_autoptr (GInetAddress) address = cold_address_parse (is_public[i]);

      g_assert_nonnull (address);
      g_assert_true (cold_address_is_public (address));
    }
  g_assert_null (cold_address_parse ("mirror.example.org"));
  g_assert_null (cold_address_parse ("127.0.0.1.example.org"));
}

static void
test_private_address (void)
{
  static const char *const hosts[] = { "127.0.0.1", "127.1", "2130706433", "0.0.0.0", "10.0.0.1", "169.254.169.254",
                                       "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[::]" };
  g_autoptr (Web) web = web_new ();

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_assert_cmpint (ask (web, hosts[i], "/", NULL, FALSE), ==, COLD_ERROR_ACCESS_DENIED);
      /* A pattern for all of them is no name for any. */
      g_assert_cmpint (ask (web, hosts[i], "/", "*", TRUE), ==, COLD_ERROR_ACCESS_DENIED);
    }
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 0);
  g_assert_cmpint (ask (web, "127.0.0.1", "/", "127.0.0.1", FALSE), ==, -1);
  g_assert_cmpint (ask (web, "127.0.0.1", "/", "127.0.0.1", TRUE), ==, -1);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 2);
}

/* What the name leads to is found out by the connection itself: another answer a moment earlier would not have helped. */
static void
test_name_of_private_address (void)
{
  static const char *const addresses[] = { "127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1",
                                           "fc00::1", "0.0.0.0" };
  g_autoptr (Web) web = web_new ();

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      resolved_to = addresses[i];
      g_assert_cmpint (ask (web, "mirror.example.org", "/", NULL, FALSE), ==, COLD_ERROR_ACCESS_DENIED);
      g_assert_cmpint (ask (web, "mirror.example.org", "/", "*.example.org", TRUE), ==, COLD_ERROR_ACCESS_DENIED);
    }
  resolved_to = "127.0.0.1";
  g_assert_cmpint (ask (web, "localhost", "/", NULL, FALSE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 0);
  g_assert_cmpint (ask (web, "Mirror.example.org", "/", "mirror.Example.org", TRUE), ==, -1);
  g_assert_cmpint (ask (web, "mirror.example.org.", "/", "mirror.example.org", TRUE), ==, -1);
}

static void
test_guest_names_host (void)
{
  g_autoptr (Web) web = web_new ();

  resolved_to = "127.0.0.1";
  g_assert_cmpint (ask (web, "evil.example.net", "/", "*.example.org", TRUE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpint (ask (web, "evil.example.net", "/", NULL, TRUE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpint (ask (web, "mirror.example.org@evil.example.net", "/", "mirror.example.org", TRUE), ==,
                   COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 0);
}

static void
test_redirect (void)
{
  static const char *const refused[] = { "http://127.0.0.1:", "http://other.example.org:", "//[::1]:",
                                         "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://mirror.example.org:",
                                         "http:/" };
  g_autoptr (Web) web = web_new ();

  resolved_to = "127.0.0.1";
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      guint before = g_atomic_int_get (&web->requests);

      g_free (web->location);
      web->location = g_strdup_printf ("%s%u/", refused[i], web->port);
      g_assert_cmpint (ask (web, "mirror.example.org", "/away", "mirror.example.org", i % 2), ==, COLD_ERROR_ACCESS_DENIED);
      g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, before + 1);
    }
  g_free (web->location);
  web->location = g_strdup ("/there");
  g_assert_cmpint (ask (web, "mirror.example.org", "/away", "mirror.example.org", TRUE), ==, -1);
}

static void
test_redirect_loop (void)
{
  g_autoptr (Web) web = web_new ();

  g_assert_cmpint (ask (web, "127.0.0.1", "/loop", "127.0.0.1", FALSE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), <, 20);
}

/* The administrator's proxy may be at a private address; what is asked of it may not. */
static void
test_proxy (void)
{
  g_autoptr (Web) web = web_new ();
  g_autofree char *proxy = g_strdup_printf ("http://127.0.0.1:%u", web->port);

  g_setenv ("http_proxy", proxy, TRUE);
  g_assert_cmpint (ask (web, "mirror.example.org", "/", NULL, FALSE), ==, -1);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 1);
  g_assert_cmpint (ask (web, "10.0.0.1", "/", NULL, FALSE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpint (ask (web, "0xa000001", "/", NULL, FALSE), ==, COLD_ERROR_ACCESS_DENIED);
  g_assert_cmpuint (g_atomic_int_get (&web->requests), ==, 1);
  g_unsetenv ("http_proxy");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  no_proxy ();
  g_resolver_set_default (g_object_new (resolver_get_type (), NULL));
  g_test_add_func ("/download/addresses", test_addresses);
  g_test_add_func ("/download/private-address/refused", test_private_address);
  g_test_add_func ("/download/name-of-private-address/refused", test_name_of_private_address);
  g_test_add_func ("/download/guest-names-host/refused", test_guest_names_host);
  g_test_add_func ("/download/redirect/refused", test_redirect);
  g_test_add_func ("/download/redirect/loop-ends", test_redirect_loop);
  g_test_add_func ("/download/proxy/private-addresses-refused", test_proxy);
  return g_test_run ();
}
