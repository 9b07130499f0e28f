/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder-fixture.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-json.h"
#include "cold-verb.h"
#include "plan-fixture.h"

void
folder_init (FolderFixture *self, const char *type, const char *make)
{
  self->type = type;
  self->make = make;
  /* Not in TMPDIR: the names of GnuPG's sockets below it have to be short. */
  self->folder = g_mkdtemp (g_strdup ("/tmp/cold-XXXXXX"));
  g_assert_nonnull (self->folder);
  folder_shell (self, "mkdir catalogue scratch");
}

void
folder_clear (FolderFixture *self)
{
  folder_shell (self, "rm -rf \"$PWD\"");
  g_free (self->folder);
}

void
folder_shell (FolderFixture *self, const char *format, ...)
{
  g_autofree char *command = NULL;
  g_autofree char *script = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  script = g_strdup_printf ("make() { '%s' \"$@\"; }\n%s", self->make, command);
  g_subprocess_launcher_set_cwd (launcher, self->folder);
  process = g_subprocess_launcher_spawn (launcher, &error, "sh", "-ec", script, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  if (error != NULL)
    g_error ("%s: %s", command, error->message);
}

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  return object;
}

JsonObject *
folder_request (FolderFixture *self, const char *repositories, const char *extra)
{
  g_auto (GStrv) names = g_strsplit (repositories, " ", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "{\"catalogue\":\"%s/catalogue\",\"scratch\":\"%s/scratch\",\"what\":\"metadata\","
                                "\"manifest\":\"%s/manifest\",\"repositories\":[",
                          self->folder, self->folder, self->folder);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_string_append_printf (text, "%s{\"id\":\"%s\",\"type\":\"%s\",\"uri\":\"file://%s/%s\",\"architectures\":[\"x86_64\"],"
                                    "\"signed-by\":\"%s/keyring\"%s",
                              i > 0 ? "," : "", names[i], self->type, self->folder, names[i], self->folder, extra);
      if (g_str_equal (self->type, "arch"))
        g_string_append_printf (text, ",\"suites\":[\"%s\"]", names[i]);
      g_string_append_c (text, '}');
    }
  g_string_append (text, "]}");
  return parse (text->str);
}

/* Returns: (transfer full) (element-type JsonObject): the answers */
static JsonArray *
refresh (FolderFixture *self, const char *repositories, const char *extra)
{
  g_autoptr (JsonObject) request = folder_request (self, repositories, extra);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = cold_verb_fetch (request, &error);

  g_assert_no_error (error);
  return json_array_ref (cold_json_array (result, "repositories"));
}

JsonObject *
folder_refresh (FolderFixture *self, const char *extra)
{
  g_autoptr (JsonArray) answers = refresh (self, "one", extra);

  return json_object_ref (cold_json_array_object (answers, 0));
}

void
folder_refresh_well (FolderFixture *self, const char *repositories)
{
  g_autoptr (JsonArray) answers = refresh (self, repositories, "");

  for (guint i = 0; i < json_array_get_length (answers); i++)
    g_assert_cmpstr (cold_json_string (cold_json_array_object (answers, i), "error"), ==, NULL);
}

void
folder_assert_refused (FolderFixture *self, const char *extra, const char *why)
{
  g_autoptr (JsonObject) answer = folder_refresh (self, extra);

  g_assert_false (cold_json_bool (answer, "ok"));
  g_assert_cmpstr (cold_json_string (answer, "code"), ==, "Signature");
  if (strstr (cold_json_string (answer, "error"), why) == NULL)
    g_error ("\"%s\" does not say \"%s\"", cold_json_string (answer, "error"), why);
}

JsonObject *
folder_plan (FolderFixture *self, const char *repositories, const char *manifest)
{
  g_autoptr (JsonObject) request = folder_request (self, repositories, "");
  g_autoptr (GError) error = NULL;
  JsonObject *plan;

  g_assert_true (g_file_set_contents (cold_json_string (request, "manifest"), manifest, -1, NULL));
  plan = plan_fixture_make (request, &error);
  g_assert_no_error (error);
  return plan;
}

void
folder_assert_planned (JsonObject *plan, const char *expected)
{
  JsonArray *packages = cold_json_array (plan, "packages");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      g_string_append_printf (text, "%s%s %s %s", i > 0 ? "," : "", cold_json_string (package, "name"),
                              cold_json_string (package, "installed"), cold_json_string (package, "candidate"));
    }
  g_assert_cmpstr (text->str, ==, expected);
}

void
folder_assert_names (JsonObject *plan, const char *member, const char *expected)
{
  g_auto (GStrv) names = cold_json_strv (plan, member);
  g_autofree char *all = g_strjoinv (" ", names);

  g_assert_cmpstr (all, ==, expected);
}

JsonObject *
folder_fetch (FolderFixture *self, const char *extra, JsonObject *plan, GError **error)
{
  g_autoptr (JsonObject) request = folder_request (self, "one", extra);
  g_autoptr (JsonObject) fetched = NULL;

  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (plan, "packages")));
  fetched = cold_verb_fetch (request, error);
  if (fetched == NULL)
    return NULL;
  json_object_set_object_member (request, "plan", json_object_ref (plan));
  return g_steal_pointer (&request);
}
