/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue with real workers in their sandbox. Needs root: in a mount namespace of its own, with the agent's folders
 * on tmpfs and a copy of /etc/passwd that has the worker's user.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-catalogue.h"
#include "cold-error.h"
#include "cold-folders.h"
#include "cold-guest-source.h"
#include "cold-json.h"
#include "cold-names.h"
#include "loop-fixture.h"
#include "no-proxy.h"
#include "repository-fixture.h"

/* Of this run alone: an agent that starts ends all processes of its workers' user. */
#define WORKER_ID (60000 + getpid () % 5000)

typedef struct
{
  RepositoryFixture *repository;
  ColdConfig *config;
  ColdCatalogue *catalogue;
  ColdFacts *facts;
  GPtrArray *guests;   /* (element-type ColdFacts) that the refresh asks for */
  guint changes;
} Fixture;

static char *
write_file (RepositoryFixture *repository, const char *name, const char *text)
{
  char *path = g_build_filename (repository->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_mkdir_with_parents (folder, 0755);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  return path;
}

static void
count_change (ColdCatalogue *catalogue, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static ColdConfig *
load_config (RepositoryFixture *repository)
{
  g_autofree char *sources = g_strdup_printf ("[test]\nType=deb\nMatch=debian 12 x86_64\nUri=file://%s\nSuites=stable\n"
                                              "Components=main\nSignedBy=%s\nSecurity=yes\n",
                                              repository->repository, repository->keyring);
  g_autofree char *path = write_file (repository, "etc/coldpatch.conf", "[Agent]\n");
  g_autofree char *entry = write_file (repository, "etc/sources.d/test.conf", sources);
  g_autoptr (GError) error = NULL;
  ColdConfig *config = cold_config_load (path, &error);

  g_assert_no_error (error);
  return config;
}

/* Puts a manifest where the agent keeps them. @arch: (nullable): what the guest has packages of beside its own architecture.
 * Returns: (transfer full): a guest with these packages */
static ColdFacts *
make_guest_with (const char *status, const char *arch)
{
  g_autoptr (JsonObject) manifest = json_object_new ();
  g_autofree char *text = NULL;
  g_autofree char *path = NULL;
  ColdFacts *facts = cold_facts_new ();

  json_object_set_string_member (manifest, "format", "deb");
  json_object_set_string_member (manifest, "native", "amd64");
  json_object_set_string_member (manifest, "status", status);
  if (arch != NULL)
    {
      g_strfreev (facts->foreign);
      facts->foreign = g_strsplit (arch, " ", -1);
      cold_json_set_strv (manifest, "foreign", (const char *const *) facts->foreign);
    }
  text = cold_json_to_text (manifest);
  g_free (facts->manifest);
  facts->manifest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  path = g_build_filename (COLD_MANIFEST_DIR, facts->manifest, NULL);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  g_free (facts->os);
  facts->os = g_strdup ("debian");
  g_free (facts->os_version);
  facts->os_version = g_strdup ("12");
  g_free (facts->arch);
  facts->arch = g_strdup ("x86_64");
  g_free (facts->package_format);
  facts->package_format = g_strdup ("deb");
  return facts;
}

static ColdFacts *
make_guest (const char *status)
{
  return make_guest_with (status, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mount ("tmpfs", "/var/lib", "tmpfs", 0, NULL), ==, 0);
  g_assert_cmpint (mount ("tmpfs", "/var/cache", "tmpfs", 0, NULL), ==, 0);
  g_assert_true (cold_folders_prepare (&error));
  g_assert_no_error (error);
  fixture->repository = repository_fixture_new ();
  repository_fixture_add (fixture->repository, "foo", "1.1", NULL);
  repository_fixture_index (fixture->repository, "Date: Mon, 05 Jan 2026 00:00:00 UTC");
  fixture->config = load_config (fixture->repository);
  fixture->catalogue = cold_catalogue_new (fixture->config);
  g_signal_connect (fixture->catalogue, "changed", G_CALLBACK (count_change), &fixture->changes);
  fixture->facts = make_guest (status);
  fixture->guests = g_ptr_array_new ();
  g_ptr_array_add (fixture->guests, fixture->facts);
}

/* The scratch folders of workers are deleted in the background, by processes that nobody waits for. */
static void
umount_when_idle (const char *path)
{
  int rc = -1;

  for (guint i = 0; i < 300 && (rc = umount (path)) < 0 && errno == EBUSY; i++)
    g_usleep (100 * 1000);
  g_assert_cmpint (rc, ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  /* A worker that nobody waits for any more may still hold it. */
  loop_assert_finalized (fixture->catalogue);
  cold_config_free (fixture->config);
  g_ptr_array_unref (fixture->guests);
  cold_facts_free (fixture->facts);
  repository_fixture_free (fixture->repository);
  umount_when_idle ("/var/cache");
  umount_when_idle ("/var/lib");
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
refresh (Fixture *fixture, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, NULL, on_done, &result);
  wait_for (&result);
  return cold_catalogue_refresh_finish (fixture->catalogue, result, error);
}

static JsonObject *
plan (Fixture *fixture, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, on_done, &result);
  wait_for (&result);
  return cold_catalogue_plan_finish (fixture->catalogue, result, error);
}

static void
test_refresh (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdCatalogue) again = NULL;
  gint64 time;

  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 0);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  g_assert_null (plan (fixture, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "no-catalogue: "));
  g_clear_error (&error);

  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);
  time = cold_catalogue_get_time (fixture->catalogue);
  g_assert_cmpint (time, >, 0);
  g_assert_true (cold_catalogue_serves (fixture->catalogue, fixture->facts));

  /* Nothing new is no change. */
  g_assert_true (refresh (fixture, &error));
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);

  /* Another agent finds what this one left. */
  again = cold_catalogue_new (fixture->config);
  g_assert_cmpuint (cold_catalogue_get_generation (again), ==, 1);
  g_assert_cmpint (cold_catalogue_get_time (again), >=, time);
  g_assert_true (cold_catalogue_serves (again, fixture->facts));
}

static void
test_other_guests (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (refresh (fixture, &error));
  g_free (fixture->facts->arch);
  fixture->facts->arch = g_strdup ("aarch64");
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  g_free (fixture->facts->arch);
  fixture->facts->arch = g_strdup ("x86_64");
  g_free (fixture->facts->package_format);
  fixture->facts->package_format = g_strdup ("rpm");
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

/* What the catalogue says of its one repository. */
static void
assert_described (Fixture *fixture, const char *error)
{
  g_autoptr (JsonObject) about = cold_catalogue_describe (fixture->catalogue);
  JsonObject *repository = cold_json_array_object (cold_json_array (about, "repositories"), 0);

  g_assert_cmpint (cold_json_int (about, "generation"), ==, 1);
  g_assert_cmpint (cold_json_int (about, "time"), ==, cold_catalogue_get_time (fixture->catalogue));
  g_assert_cmpstr (cold_json_string (repository, "id"), ==, "test");
  g_assert_cmpuint (strlen (cold_json_string (repository, "generation")), ==, 64);
  if (error == NULL)
    {
      g_assert_cmpstr (cold_json_string (repository, "error"), ==, "");
      g_assert_cmpstr (cold_json_string (about, "error"), ==, "");
      return;
    }
  g_assert_nonnull (strstr (error, cold_json_string (repository, "error")));
  g_assert_cmpuint (strlen (cold_json_string (repository, "error")), >, 0);
  g_assert_cmpstr (cold_json_string (about, "error"), ==, error);
}

static void
test_failed_refresh (Fixture *fixture, gconstpointer data)
{
  g_autofree char *inrelease = repository_fixture_path (fixture->repository, "InRelease");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  refresh (fixture, &error);
  g_assert_no_error (error);
  assert_described (fixture, NULL);
  g_assert_cmpint (g_unlink (inrelease), ==, 0);
  g_assert_false (refresh (fixture, &error));
  assert_described (fixture, error->message);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "repository test"));
  g_clear_error (&error);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);
  made = plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
}

/* Its failure is the refresh's, and not that of the guests that it would serve. */
static void
test_never_fetched (Fixture *fixture, gconstpointer data)
{
  const ColdRepository *known = g_ptr_array_index (fixture->config->repositories, 0);
  ColdRepository *absent = g_new0 (ColdRepository, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  absent->id = g_strdup ("absent");
  absent->type = g_strdup (known->type);
  absent->distribution = g_strdup ("debian");
  absent->version = g_strdup ("*");
  absent->arch = g_strdup ("x86_64");
  absent->uri = g_strconcat (known->uri, "/absent", NULL);
  absent->suites = g_strdupv (known->suites);
  absent->components = g_strdupv (known->components);
  absent->signed_by = g_strdup (known->signed_by);
  g_ptr_array_add (fixture->config->repositories, absent);
  g_assert_false (refresh (fixture, &error));
  g_assert_nonnull (strstr (error->message, "repository absent"));
  g_clear_error (&error);
  made = plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
}

static void
test_plans_are_shared (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first_result = NULL;
  g_autoptr (GAsyncResult) second_result = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  g_autoptr (JsonObject) third = NULL;
  g_autoptr (JsonObject) next = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (refresh (fixture, &error));
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, on_done, &first_result);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, on_done, &second_result);
  wait_for (&first_result);
  wait_for (&second_result);
  first = cold_catalogue_plan_finish (fixture->catalogue, first_result, &error);
  g_assert_no_error (error);
  second = cold_catalogue_plan_finish (fixture->catalogue, second_result, &error);
  third = plan (fixture, &error);
  /* One worker made it: it is one object. */
  g_assert_true (first == second);
  g_assert_true (first == third);
  g_assert_cmpstr (cold_json_string (repository_fixture_planned (first, "foo"), "candidate"), ==, "1.1");

  repository_fixture_add (fixture->repository, "foo", "1.2", NULL);
  repository_fixture_index (fixture->repository, NULL);
  g_assert_true (refresh (fixture, &error));
  g_assert_cmpuint (fixture->changes, ==, 2);
  next = plan (fixture, &error);
  g_assert_cmpstr (cold_json_string (repository_fixture_planned (next, "foo"), "candidate"), ==, "1.2");
}

#define MANY 10

/* What is wrong with one of those that go to one worker, here a manifest that has gone, is not the others' affair; nor does one
 * that is cancelled wait for them. */
static void
test_many_plans (Fixture *fixture, gconstpointer data)
{
  ColdFacts *guests[MANY];
  GAsyncResult *results[MANY] = { NULL };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (refresh (fixture, &error));
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *version = g_strdup_printf ("1.0.%u", i);
      g_autofree char *status = repository_fixture_installed ("foo", version, NULL);

      guests[i] = make_guest (status);
    }
  missing = g_build_filename (COLD_MANIFEST_DIR, guests[3]->manifest, NULL);
  g_assert_cmpint (g_unlink (missing), ==, 0);
  for (guint i = 0; i < MANY; i++)
    cold_catalogue_plan_async (fixture->catalogue, guests[i], FALSE, NULL, i == 7 ? cancellable : NULL, on_done, &results[i]);
  g_cancellable_cancel (cancellable);
  wait_for (&results[7]);
  for (guint i = 0; i < MANY; i++)
    g_assert_true (i == 7 || results[i] == NULL);
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (JsonObject) made = NULL;
      g_autofree char *version = g_strdup_printf ("1.0.%u", i);

      wait_for (&results[i]);
      made = cold_catalogue_plan_finish (fixture->catalogue, results[i], &error);
      if (i == 3)
        g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
      else if (i == 7)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_cmpstr (cold_json_string (repository_fixture_planned (made, "foo"), "installed"), ==, version);
      g_clear_error (&error);
      g_object_unref (results[i]);
      cold_facts_free (guests[i]);
    }
}

static void
test_cancelled_plan (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) patient = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (refresh (fixture, &error));
  /* Somebody else still wants it. */
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, cancellable, on_done, &cancelled);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, on_done, &patient);
  g_cancellable_cancel (cancellable);
  wait_for (&cancelled);
  wait_for (&patient);
  g_assert_null (cold_catalogue_plan_finish (fixture->catalogue, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  made = cold_catalogue_plan_finish (fixture->catalogue, patient, &error);
  g_assert_no_error (error);
  g_assert_nonnull (made);

  /* Nobody does. */
  g_clear_object (&cancelled);
  g_cancellable_reset (cancellable);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, TRUE, NULL, cancellable, on_done, &cancelled);
  g_cancellable_cancel (cancellable);
  wait_for (&cancelled);
  g_assert_null (cold_catalogue_plan_finish (fixture->catalogue, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  again = plan (fixture, &error);
  g_assert_no_error (error);
}

static void
test_cancelled_fetch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;

  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, NULL, on_done, &first);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, cancellable, on_done, &second);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, NULL, on_done, &third);
  g_cancellable_cancel (cancellable);
  wait_for (&second);
  /* While the others wait for their turn or have it. */
  g_assert_null (first);
  g_assert_null (third);
  g_assert_false (cold_catalogue_refresh_finish (fixture->catalogue, second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  wait_for (&third);
  g_assert_true (cold_catalogue_refresh_finish (fixture->catalogue, first, &error));
  g_assert_true (cold_catalogue_refresh_finish (fixture->catalogue, third, &error));
  g_assert_no_error (error);
}

static void
test_bundle (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) fetched = NULL;
  g_autoptr (GAsyncResult) bundled = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autofree char *scratch = g_strdup (COLD_SCRATCH_DIR "/bundle-of-a-test");
  g_autofree char *path = NULL;
  g_autofree char *wanted = g_build_filename (scratch, "bundle.iso", NULL);
  GStatBuf st;

  g_assert_true (refresh (fixture, &error));
  made = plan (fixture, &error);
  g_assert_no_error (error);
  cold_catalogue_fetch_async (fixture->catalogue, fixture->facts, made, NULL, on_done, &fetched);
  wait_for (&fetched);
  cold_catalogue_fetch_finish (fixture->catalogue, fetched, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_mkdir (scratch, 0700), ==, 0);
  cold_catalogue_bundle_async (fixture->catalogue, fixture->facts, made, scratch, NULL, on_done, &bundled);
  wait_for (&bundled);
  path = cold_catalogue_bundle_finish (fixture->catalogue, bundled, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, wanted);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_size, >, 32768);
  g_assert_cmpint (st.st_uid, ==, WORKER_ID);
}

static void
test_config_without_repositories (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_set_size (fixture->config->repositories, 0);
  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 0);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

/* --- guests' own repositories -------------------------------------------------------------------------------------- */

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
serve_repository (Fixture *fixture, guint *port)
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
configure_voucher (Fixture *fixture, guint port, const char *keyring)
{
  g_autofree char *main_text
      = g_strdup_printf ("[Catalogue]\nGuestSources=allow\nAllowHosts=127.0.0.1:%u\n", port);
  g_autofree char *sources = g_strdup_printf ("[any]\nType=deb\nMatch=debian * *\nHosts=127.0.0.1:*\nSignedBy=%s\n", keyring);
  g_autofree char *path = write_file (fixture->repository, "etc/coldpatch.conf", main_text);
  g_autofree char *entry = write_file (fixture->repository, "etc/sources.d/test.conf", sources);
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->catalogue);
  cold_config_free (fixture->config);
  fixture->config = cold_config_load (path, &error);
  g_assert_no_error (error);
  fixture->catalogue = cold_catalogue_new (fixture->config);
}

static void
name_source (Fixture *fixture, guint port, const char *suite)
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
test_guest_source (Fixture *fixture, gconstpointer data)
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
  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_assert_true (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  made = plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
  cold_catalogue_fetch_async (fixture->catalogue, fixture->facts, made, NULL, on_done, &result);
  wait_for (&result);
  g_assert_true (cold_catalogue_fetch_finish (fixture->catalogue, result, &error));

  /* The same packages in a guest that does not name it. */
  other = make_guest (status);
  g_assert_cmpstr (other->manifest, ==, fixture->facts->manifest);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, other));

  /* Nobody names it any more. */
  g_assert_cmpuint (count_folders (), ==, 1);
  g_ptr_array_set_size (fixture->facts->sources, 0);
  name_source (fixture, port, "missing");
  g_assert_true (refresh (fixture, &error));
  g_assert_cmpuint (count_folders (), <=, 1);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

/* What a guest names does not make the refresh fail, and is not asked for again and again. */
static void
test_guest_source_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SoupServer) server = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) about = NULL;
  JsonObject *repository;
  guint port;

  server = serve_repository (fixture, &port);
  configure_voucher (fixture, port, "/usr/share/keyrings/debian-archive-keyring.gpg");
  name_source (fixture, port, "stable");
  g_assert_true (refresh (fixture, &error));
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
test_asked_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  configure_voucher (fixture, 9, fixture->repository->keyring);
  name_source (fixture, 9, "stable");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  g_cancellable_cancel (cancellable);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, cancellable, on_done, &result);
  wait_for (&result);
  g_assert_false (cold_catalogue_refresh_finish (fixture->catalogue, result, &error));
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
  name_source (fixture, 9, "another");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, fixture->facts));
}

/* What guests have of another architecture is fetched for them as soon as it is known, and planned with. */
static void
test_foreign (Fixture *fixture, gconstpointer data)
{
  RepositoryFixture *repository = fixture->repository;
  g_autoptr (ColdFacts) foreign = NULL;
  g_autoptr (JsonObject) about = NULL;
  g_autofree char *path = repository_fixture_path (repository, "main/binary-i386/Packages.xz");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "2", "--arch", "amd64", "Multi-Arch: same", NULL);
  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "2", "--arch", "i386", "Multi-Arch: same", NULL);
  repository_fixture_index (repository, NULL);
  repository_fixture_run (repository, "index", repository->repository, "stable", repository->home, "--arch", "i386", NULL);
  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));

  foreign = make_guest_with ("Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMulti-Arch: same\n\n"
                             "Package: lib\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\nMulti-Arch: same\n",
                             "i386");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, foreign));
  g_ptr_array_add (fixture->guests, foreign);
  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, foreign));
  cold_catalogue_plan_async (fixture->catalogue, foreign, FALSE, NULL, NULL, on_done, &result);
  wait_for (&result);
  made = cold_catalogue_plan_finish (fixture->catalogue, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (cold_json_array (made, "packages")), ==, 2);

  /* Later it is damaged: that is told, and keeps nobody else from the rest. */
  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "3", "--arch", "i386", "Multi-Arch: same", NULL);
  repository_fixture_run (repository, "index", repository->repository, "stable", repository->home, "--arch", "i386", NULL);
  g_assert_true (g_file_set_contents (path, "nonsense", -1, NULL));
  g_assert_true (refresh (fixture, &error));
  g_assert_no_error (error);
  about = cold_catalogue_describe (fixture->catalogue);
  g_assert_nonnull (strstr (cold_json_string (cold_json_array_object (cold_json_array (about, "repositories"), 0), "error"),
                            "binary-i386"));
}

static void
install_passwd (const char *path)
{
  g_autofree char *old = NULL;
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/etc/passwd", &old, NULL, NULL));
  text = g_strdup_printf (COLD_WORKER_USER ":x:%d:%d::/:/usr/sbin/nologin\n%s", WORKER_ID, WORKER_ID, old);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  g_assert_cmpint (mount (path, "/etc/passwd", NULL, MS_BIND, NULL), ==, 0);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_autofree char *passwd = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  no_proxy ();
  if (geteuid () != 0 || unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    {
      g_print ("1..0 # SKIP workers need root, and mount namespaces\n");
      return 0;
    }
  passwd = g_strdup_printf ("/var/tmp/coldpatch-test-catalogue-%d", getpid ());
  install_passwd (passwd);
  g_assert_cmpint (mount ("tmpfs", "/run", "tmpfs", 0, NULL), ==, 0);
  ADD ("/catalogue/refresh", test_refresh);
  ADD ("/catalogue/other-guests/not-served", test_other_guests);
  ADD ("/catalogue/failed-refresh/keeps-the-last", test_failed_refresh);
  ADD ("/catalogue/never-fetched/left-out", test_never_fetched);
  ADD ("/catalogue/equal-plans/one-worker", test_plans_are_shared);
  ADD ("/catalogue/many-plans/each-by-itself", test_many_plans);
  ADD ("/catalogue/cancelled-plan", test_cancelled_plan);
  ADD ("/catalogue/cancelled-fetch/at-once", test_cancelled_fetch);
  ADD ("/catalogue/fetch-and-bundle", test_bundle);
  ADD ("/catalogue/guest-source/serves-that-guest", test_guest_source);
  ADD ("/catalogue/guest-source/of-another-key/refused", test_guest_source_fails);
  ADD ("/catalogue/guest-source/asked-once", test_asked_once);
  ADD ("/catalogue/foreign-architecture/fetched-for-guests", test_foreign);
  ADD ("/catalogue/no-repositories", test_config_without_repositories);
  status = g_test_run ();
  g_unlink (passwd);
  return status;
}
