/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rpm-fixture.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-json.h"
#include "cold-verb.h"
#include "plan-fixture.h"

void
rpm_fixture_shell (RpmFixture *f, const char *format, ...)
{
  g_autofree char *command = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  va_list args;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  g_subprocess_launcher_set_cwd (launcher, f->folder);
  process = g_subprocess_launcher_spawn (launcher, &error, "sh", "-ec", command, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

void
rpm_fixture_set_up (RpmFixture *f, gconstpointer data)
{
  /* Not in TMPDIR: the names of GnuPG's sockets below it have to be short. */
  f->folder = g_mkdtemp (g_strdup ("/tmp/cold-XXXXXX"));
  g_assert_nonnull (f->folder);
  rpm_fixture_shell (f, "mkdir catalogue scratch && '%s' key gpg keyring.gpg", g_getenv ("TEST_MAKE_REPOSITORY"));
}

void
rpm_fixture_tear_down (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_shell (f, "'%s' end gpg; rm -rf \"$PWD\"", g_getenv ("TEST_MAKE_REPOSITORY"));
  g_free (f->folder);
}

void
rpm_fixture_add (RpmFixture *f, const char *repository, const char *words)
{
  rpm_fixture_shell (f, "'%s' package %s %s", g_getenv ("TEST_MAKE_RPM"), repository, words);
}

void
rpm_fixture_publish (RpmFixture *f, const char *repository)
{
  rpm_fixture_shell (f, "'%s' repository %s gpg", g_getenv ("TEST_MAKE_RPM"), repository);
}

void
rpm_fixture_sign (RpmFixture *f, const char *repository)
{
  rpm_fixture_shell (f, "gpg --homedir gpg --batch --quiet --yes --armor --detach-sign %s/repodata/repomd.xml", repository);
}

JsonObject *
rpm_fixture_request (RpmFixture *f, const char *repositories, const char *extra)
{
  g_auto (GStrv) names = g_strsplit (repositories, " ", -1);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  JsonObject *request;

  g_string_append_printf (text, "{\"catalogue\":\"%s/catalogue\",\"scratch\":\"%s/scratch\",\"what\":\"metadata\","
                                "\"manifest\":\"%s/manifest\",\"repositories\":[",
                          f->folder, f->folder, f->folder);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (names[i], "=", 2);

      g_string_append_printf (text, "%s{\"id\":\"%s\",\"type\":\"rpm-md\",\"uri\":\"file://%s/%s\",\"priority\":%s,"
                                    "\"architectures\":[\"x86_64\"],\"signed-by\":\"%s/keyring.gpg\"%s}",
                              i > 0 ? "," : "", parts[0], f->folder, parts[0], parts[1] != NULL ? parts[1] : "99",
                              f->folder, extra);
    }
  g_string_append (text, "]}");
  request = cold_json_parse_object (text->str, -1, &error);
  g_assert_no_error (error);
  return request;
}

JsonObject *
rpm_fixture_refresh (RpmFixture *f, const char *repositories)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, repositories, "");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = cold_verb_fetch (request, &error);

  g_assert_no_error (error);
  return json_object_ref (cold_json_array_object (cold_json_array (result, "repositories"), 0));
}

void
rpm_fixture_write_manifest (RpmFixture *f, const char *manager, const char *installed, const char *more)
{
  g_auto (GStrv) packages = g_strsplit (installed, ";", -1);
  g_autofree char *path = g_build_filename (f->folder, "manifest", NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "{\"version\":1,\"format\":\"rpm\",\"manager\":\"%s\",\"arch\":\"x86_64\"%s,\"installed\":[",
                          manager, more);
  for (guint i = 0; packages[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (packages[i], " ", 3);

      g_string_append_printf (text, "%s{\"name\":\"%s\",\"evr\":\"%s\",\"arch\":\"noarch\"%s%s}", i > 0 ? "," : "", words[0],
                              words[1], words[2] != NULL ? "," : "", words[2] != NULL ? words[2] : "");
    }
  g_string_append (text, "]}");
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
}

JsonObject *
rpm_fixture_plan_request (JsonObject *request)
{
  g_autoptr (GError) error = NULL;
  JsonObject *plan = plan_fixture_make (request, &error);

  g_assert_no_error (error);
  return plan;
}

JsonObject *
rpm_fixture_plan (RpmFixture *f, const char *repositories)
{
  g_auto (GStrv) names = g_strsplit (repositories, " ", -1);
  g_autoptr (JsonObject) request = rpm_fixture_request (f, repositories, "");
  g_autoptr (JsonObject) answer = NULL;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (names[i], "=", 2);

      rpm_fixture_publish (f, parts[0]);
    }
  answer = rpm_fixture_refresh (f, repositories);
  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  return rpm_fixture_plan_request (request);
}

/* The plan as one text: "name installed candidate [*]" sorted; "*" is security */
static char *
summary (JsonObject *planned)
{
  JsonArray *packages = cold_json_array (planned, "packages");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      g_string_append_printf (text, "%s%s %s %s%s", i > 0 ? "; " : "", cold_json_string (package, "name"),
                              cold_json_string (package, "installed"), cold_json_string (package, "candidate"),
                              cold_json_bool (package, "security") ? " *" : "");
    }
  return g_strdup (text->str);
}

void
rpm_fixture_assert_plan (JsonObject *planned, const char *packages, const char *held, const char *kept_back)
{
  g_autofree char *found = summary (planned);
  g_auto (GStrv) held_names = cold_json_strv (planned, "held");
  g_auto (GStrv) kept_names = cold_json_strv (planned, "kept-back");
  g_autofree char *found_held = g_strjoinv (" ", held_names);
  g_autofree char *found_kept = g_strjoinv (" ", kept_names);

  g_assert_cmpstr (found, ==, packages);
  g_assert_cmpstr (found_held, ==, held);
  g_assert_cmpstr (found_kept, ==, kept_back);
}
