/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mirror-fixture.h"

#include "cold-json.h"
#include "cold-verb.h"
#include "no-proxy.h"
#include "plan-fixture.h"

/* Runs in the server's thread. A file named as asked for with ".redirect" at its end has the place to go to. */
static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  MirrorFixture *self = data;
  g_autofree char *file = g_build_filename (self->folder, "www", path, NULL);
  g_autofree char *redirect = g_strconcat (file, ".redirect", NULL);
  g_autofree char *target = NULL;
  char *content;
  gsize length;

  g_ptr_array_add (self->asked, g_strdup (path));
  if (g_file_get_contents (redirect, &target, NULL, NULL))
    soup_server_message_set_redirect (message, SOUP_STATUS_FOUND, g_strstrip (target));
  else if (g_file_get_contents (file, &content, &length, NULL))
    {
      soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
      soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_TAKE, content, length);
    }
  else
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
}

static gpointer
serve (gpointer data)
{
  MirrorFixture *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
start_server (MirrorFixture *self)
{
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->asked = g_ptr_array_new_with_free_func (g_free);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_main_context_push_thread_default (self->context);
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (self->context);
  uris = soup_server_get_uris (self->server);
  self->host = g_strdup_printf ("127.0.0.1:%d", g_uri_get_port (uris->data));
  self->uri = g_strconcat ("http://", self->host, NULL);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

static void
resume_server (MirrorFixture *self)
{
  self->thread = g_thread_new ("server", serve, self);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
pause_server (MirrorFixture *self)
{
  /* From within: a loop that does not run yet would not hear of it. */
  g_main_context_invoke (self->context, quit, self->loop);
  g_thread_join (self->thread);
}

void
mirror_fixture_set_up (MirrorFixture *self, gconstpointer data)
{
  g_autofree char *www = NULL;

  no_proxy ();
  /* Not in TMPDIR: the names of GnuPG's sockets below it have to be short. */
  self->folder = g_mkdtemp (g_strdup ("/tmp/cold-XXXXXX"));
  g_assert_nonnull (self->folder);
  www = g_build_filename (self->folder, "www", NULL);
  g_assert_cmpint (g_mkdir_with_parents (www, 0700), ==, 0);
  start_server (self);
  resume_server (self);
  mirror_fixture_shell (self, "mkdir ../catalogue ../scratch; $KEYS key ../gpg ../keyring.gpg");
}

void
mirror_fixture_tear_down (MirrorFixture *self, gconstpointer data)
{
  pause_server (self);
  g_object_unref (self->server);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_ptr_array_unref (self->asked);
  mirror_fixture_shell (self, "$KEYS end ../gpg; cd /; rm -rf '%s'", self->folder);
  g_free (self->folder);
  g_free (self->host);
  g_free (self->uri);
}

void
mirror_fixture_shell (MirrorFixture *self, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *www = g_build_filename (self->folder, "www", NULL);
  g_autofree char *command = NULL;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  g_subprocess_launcher_set_cwd (launcher, www);
  g_subprocess_launcher_setenv (launcher, "RPM", g_getenv ("TEST_MAKE_RPM"), TRUE);
  g_subprocess_launcher_setenv (launcher, "PACMAN", g_getenv ("TEST_MAKE_PACMAN"), TRUE);
  g_subprocess_launcher_setenv (launcher, "KEYS", g_getenv ("TEST_MAKE_REPOSITORY"), TRUE);
  g_subprocess_launcher_setenv (launcher, "URI", self->uri, TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, "sh", "-ec", command, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  if (error != NULL)
    g_error ("%s: %s", command, error->message);
}

JsonObject *
mirror_fixture_request (MirrorFixture *self, const char *entry)
{
  g_autofree char *text = g_strdup_printf (
      "{\"catalogue\":\"%s/catalogue\",\"scratch\":\"%s/scratch\",\"what\":\"metadata\",\"manifest\":\"%s/manifest\","
      "\"allow-hosts\":[\"%s\"],\"repositories\":[{\"id\":\"one\",\"architectures\":[\"x86_64\"],"
      "\"signed-by\":\"%s/keyring.gpg\",%s}]}",
      self->folder, self->folder, self->folder, self->host, self->folder, entry);
  g_autoptr (GError) error = NULL;
  JsonObject *request = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  return request;
}

JsonObject *
mirror_fixture_refresh (MirrorFixture *self, const char *entry)
{
  g_autoptr (JsonObject) request = mirror_fixture_request (self, entry);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = cold_verb_fetch (request, &error);

  g_assert_no_error (error);
  return json_object_ref (cold_json_array_object (cold_json_array (result, "repositories"), 0));
}

void
mirror_fixture_assert_refused (MirrorFixture *self, const char *entry, const char *code, const char *why)
{
  g_autoptr (JsonObject) answer = mirror_fixture_refresh (self, entry);

  g_assert_false (cold_json_bool (answer, "ok"));
  if (strstr (cold_json_string (answer, "error"), why) == NULL)
    g_error ("\"%s\" does not say \"%s\"", cold_json_string (answer, "error"), why);
  g_assert_cmpstr (cold_json_string (answer, "code"), ==, code);
}

char *
mirror_fixture_assert_fetched (MirrorFixture *self, const char *entry)
{
  g_autoptr (JsonObject) answer = mirror_fixture_refresh (self, entry);

  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  g_assert_true (cold_json_bool (answer, "ok"));
  return g_strdup (cold_json_string (answer, "generation"));
}

JsonObject *
mirror_fixture_held (MirrorFixture *self)
{
  g_autofree char *path = g_build_filename (self->folder, "catalogue/repositories/one/current/generation.json", NULL);

  return cold_json_load_file (path, NULL);
}

JsonObject *
mirror_fixture_plan (MirrorFixture *self, const char *entry, const char *manifest)
{
  g_autoptr (JsonObject) request = mirror_fixture_request (self, entry);
  g_autoptr (GError) error = NULL;
  JsonObject *plan;

  g_assert_true (g_file_set_contents (cold_json_string (request, "manifest"), manifest, -1, NULL));
  /* Planning forks, as the worker may, which is one thread: the child would wait for ever for what another one had locked. */
  pause_server (self);
  plan = plan_fixture_make (request, &error);
  resume_server (self);
  g_assert_no_error (error);
  return plan;
}

JsonObject *
mirror_fixture_fetch (MirrorFixture *self, const char *entry, JsonObject *plan, GError **error)
{
  g_autoptr (JsonObject) request = mirror_fixture_request (self, entry);

  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (plan, "packages")));
  return cold_verb_fetch (request, error);
}

JsonObject *
mirror_fixture_bundle (MirrorFixture *self, const char *entry, JsonObject *plan, GError **error)
{
  g_autoptr (JsonObject) request = mirror_fixture_request (self, entry);

  json_object_set_object_member (request, "plan", json_object_ref (plan));
  return cold_verb_bundle (request, error);
}
