/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repository-fixture.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-json.h"
#include "cold-verb.h"
#include "plan-fixture.h"

static void
run (GPtrArray *words)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (words, NULL);
  g_autoptr (GSubprocess) process
      = g_subprocess_newv ((const char *const *) words->pdata, G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

void
repository_fixture_run (RepositoryFixture *self, const char *word, ...)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  va_list args;

  g_ptr_array_add (words, (gpointer) g_getenv ("TEST_MAKE_REPOSITORY"));
  va_start (args, word);
  for (; word != NULL; word = va_arg (args, const char *))
    g_ptr_array_add (words, (gpointer) word);
  va_end (args);
  run (words);
}

RepositoryFixture *
repository_fixture_new (void)
{
  RepositoryFixture *self = g_new0 (RepositoryFixture, 1);
  g_autofree char *manifest = NULL;

  /* Not in TMPDIR: the names of GnuPG's sockets below it have to be short. */
  self->folder = g_mkdtemp (g_strdup ("/tmp/cold-XXXXXX"));
  g_assert_nonnull (self->folder);
  self->repository = g_build_filename (self->folder, "repository", NULL);
  self->home = g_build_filename (self->folder, "gnupg", NULL);
  self->keyring = g_build_filename (self->folder, "keyring.gpg", NULL);
  self->catalogue = g_build_filename (self->folder, "catalogue", NULL);
  self->scratch = g_build_filename (self->folder, "scratch", NULL);
  g_assert_cmpint (g_mkdir (self->catalogue, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (self->scratch, 0755), ==, 0);
  manifest = g_build_filename (self->folder, "manifest.json", NULL);
  g_assert_true (g_file_set_contents (manifest, "{\"version\":1,\"format\":\"deb\"}", -1, NULL));
  repository_fixture_run (self, "key", self->home, self->keyring, NULL);
  return self;
}

void
repository_fixture_free (RepositoryFixture *self)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  repository_fixture_run (self, "end", self->home, NULL);
  g_ptr_array_add (words, (gpointer) "rm");
  g_ptr_array_add (words, (gpointer) "-rf");
  g_ptr_array_add (words, self->folder);
  run (words);
  g_free (self->folder);
  g_free (self->repository);
  g_free (self->home);
  g_free (self->keyring);
  g_free (self->catalogue);
  g_free (self->scratch);
  g_free (self);
}

void
repository_fixture_add (RepositoryFixture *self, const char *name, const char *version, const char *field)
{
  repository_fixture_run (self, "deb", self->repository, "stable", name, version, field, NULL);
}

void
repository_fixture_index (RepositoryFixture *self, const char *field)
{
  repository_fixture_run (self, "index", self->repository, "stable", self->home, field, NULL);
}

char *
repository_fixture_path (RepositoryFixture *self, const char *name)
{
  return g_build_filename (self->repository, "dists", "stable", name, NULL);
}

/* Returns: (transfer full): one more word of an array of texts, if there is one */
static char *
one_more (const char *word)
{
  return word != NULL ? g_strdup_printf (",\"%s\"", word) : g_strdup ("");
}

JsonObject *
repository_fixture_request (RepositoryFixture *self)
{
  g_autofree char *suite = one_more (self->suite);
  g_autofree char *component = one_more (self->contrib);
  g_autofree char *arch = one_more (self->foreign);
  g_autofree char *text = g_strdup_printf (
      "{\"catalogue\":\"%s\",\"scratch\":\"%s\",\"manifest\":\"%s/manifest.json\",\"repositories\":[{\"id\":\"test\",\"type\":\"deb\",\"uri\":\"file://%s\","
      "\"suites\":[\"stable\"%s],\"components\":[\"main\"%s],\"architectures\":[\"amd64\"%s],\"signed-by\":\"%s\","
      "\"security\":true}]}",
      self->catalogue, self->scratch, self->folder, self->repository, suite, component, arch, self->keyring);
  g_autoptr (GError) error = NULL;
  JsonObject *request = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  return request;
}

JsonObject *
repository_fixture_entry (JsonObject *request)
{
  return cold_json_array_object (cold_json_array (request, "repositories"), 0);
}

JsonObject *
repository_fixture_refresh (RepositoryFixture *self)
{
  g_autoptr (JsonObject) request = repository_fixture_request (self);
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (request, "what", "metadata");
  answer = cold_verb_fetch (request, &error);
  g_assert_no_error (error);
  return json_object_ref (repository_fixture_entry (answer));
}

JsonObject *
repository_fixture_plan (RepositoryFixture *self, const char *status, const char *member)
{
  g_autoptr (JsonObject) request = repository_fixture_request (self);
  g_autoptr (JsonObject) refreshed = repository_fixture_refresh (self);
  g_autofree char *path = g_build_filename (self->folder, "manifest.json", NULL);
  g_autofree char *text = g_strdup_printf ("{\"version\":1,\"format\":\"deb\",\"native\":\"amd64\"%s%s}",
                                           member != NULL ? "," : "", member != NULL ? member : "");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) manifest = cold_json_parse_object (text, -1, &error);
  JsonObject *plan;

  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (refreshed, "error"), ==, NULL);
  json_object_set_string_member (manifest, "status", status);
  cold_json_save_file (path, manifest, &error);
  g_assert_no_error (error);
  json_object_set_string_member (request, "manifest", path);
  plan = plan_fixture_make (request, &error);
  g_assert_no_error (error);
  return plan;
}

JsonObject *
repository_fixture_planned (JsonObject *plan, const char *name)
{
  JsonArray *packages = cold_json_array (plan, "packages");

  for (guint i = 0; i < json_array_get_length (packages); i++)
    if (g_strcmp0 (cold_json_string (cold_json_array_object (packages, i), "name"), name) == 0)
      return cold_json_array_object (packages, i);
  return NULL;
}

char *
repository_fixture_installed (const char *name, const char *version, const char *field)
{
  return g_strdup_printf ("Package: %s\nStatus: install ok installed\nArchitecture: all\nVersion: %s\n%s%s\n", name,
                          version, field != NULL ? field : "", field != NULL ? "\n" : "");
}
