/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue of repositories that guests name themselves. */
#include <libsoup/soup.h>

#include "async-result.h"
#include "catalogue-fixture.h"
#include "cold-guest-source.h"
#include "cold-json.h"
#include "cold-names.h"

static void
serve_file (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  g_autofree char *file = g_build_filename (user_data, path, NULL);
  char *content;
  gsize length;

  if (g_file_get_contents (file, &content, &length, NULL))
    {
      soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
      soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_TAKE, content, length);
    }
  else
    {
      soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
    }
}

/* Returns: (transfer full): serves the repository to the workers from this process' main loop; its port in @port */
static SoupServer *
serve_repository (CatalogueFixture *fixture, guint *port)
{
  SoupServer *server = soup_server_new (NULL, NULL);
  g_autoslist (GUri) uris = NULL;

  soup_server_add_handler (server, NULL, serve_file, fixture->repository->repository, NULL);
  g_assert_true (soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (server);
  *port = g_uri_get_port (uris->data);
  return server;
}

/* Another configuration, without repositories of its own. */
static void
configure_voucher (CatalogueFixture *fixture, guint port, const char *keyring)
{
  g_autofree char *main_text
      = g_strdup_printf ("[Catalogue]\nGuestSources=allow\nAllowHosts=127.0.0.1:%u\n", port);
  g_autofree char *sources = g_strdup_printf ("[any]\nType=deb\nMatch=debian * *\nHosts=127.0.0.1:*\nSignedBy=%s\n", keyring);

  g_clear_object (&fixture->catalogue);
  cold_config_free (fixture->config);
  fixture->config = catalogue_fixture_configure (fixture, main_text, sources);
  fixture->catalogue = cold_catalogue_new (fixture->config);
}

static void
name_source (CatalogueFixture *fixture, guint port, const char *suite)
{
  g_autofree char *text = g_strdup_printf ("{\"a\":[{\"uri\":\"http://127.0.0.1:%u/\",\"suite\":\"%s\",\"components\":[\"main\"]}]}",
                                           port, suite);
  g_autoptr (JsonObject) object = cold_json_parse_object (text, -1, NULL);

  g_ptr_array_unref (fixture->facts->sources);
  fixture->facts->sources = cold_guest_sources_from_json (cold_json_array (object, "a"));
  g_assert_cmpuint (fixture->facts->sources->len, ==, 1);
}

static guint
count_folders (void)
{
  g_autoptr (GDir) dir = g_dir_open (COLD_CATALOGUE_DIR "/repositories", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_guest_source (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (ColdFacts) other = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (SoupServer) server = NULL;
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  guint port;

  server = serve_repository (fixture, &port);
  configure_voucher (fixture, port, fixture->repository->keyring);
  name_source (fixture, port, "stable");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_assert_true (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  made = catalogue_fixture_plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
  cold_catalogue_fetch_async (fixture->catalogue, fixture->facts, made, NULL, keep_result, &result);
  wait_for_result (&result);
  g_assert_true (cold_catalogue_fetch_finish (fixture->catalogue, result, &error));

  /* The same packages in a guest that does not name it. */
  other = catalogue_fixture_make_guest (status);
  g_assert_cmpstr (other->manifest, ==, fixture->facts->manifest);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, other));

  /* Nobody names it any more. */
  g_assert_cmpuint (count_folders (), ==, 1);
  g_ptr_array_set_size (fixture->facts->sources, 0);
  name_source (fixture, port, "missing");
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_cmpuint (count_folders (), <=, 1);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

/* What a guest names does not make the refresh fail, and is not asked for again and again. */
static void
test_guest_source_fails (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (SoupServer) server = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) about = NULL;
  JsonObject *repository;
  guint port;

  server = serve_repository (fixture, &port);
  configure_voucher (fixture, port, "/usr/share/keyrings/debian-archive-keyring.gpg");
  name_source (fixture, port, "stable");
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  about = cold_catalogue_describe (fixture->catalogue);
  repository = cold_json_array_object (cold_json_array (about, "repositories"), 0);
  g_assert_true (cold_json_bool (repository, "from-guest"));
  g_assert_nonnull (strstr (cold_json_string (repository, "error"), "by no key of the keyring"));
}

/* A refresh without an answer, here since it was cancelled, is not followed by another one, and another one. */
static void
test_asked_once (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  configure_voucher (fixture, 9, fixture->repository->keyring);
  name_source (fixture, 9, "stable");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_cancellable_cancel (cancellable);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, cancellable, keep_result, &result);
  wait_for_result (&result);
  g_assert_false (cold_catalogue_refresh_finish (fixture->catalogue, result, &error));
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  name_source (fixture, 9, "another");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
}

static void
add_tests (void)
{
  CATALOGUE_FIXTURE_ADD ("/catalogue/guest-source/serves-that-guest", test_guest_source);
  CATALOGUE_FIXTURE_ADD ("/catalogue/guest-source/of-another-key/refused", test_guest_source_fails);
  CATALOGUE_FIXTURE_ADD ("/catalogue/guest-source/asked-once", test_asked_once);
}

int
main (int argc, char *argv[])
{
  return catalogue_fixture_main (argc, argv, add_tests);
}
