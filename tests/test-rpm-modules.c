/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans for guests whose dnf has modules. */
#include <stdio.h>

#include "cold-dnf-modules.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-rpm-modules.h"
#include "cold-verb.h"
#include "rpm-fixture.h"

/* --- modules.yaml ---------------------------------------------------------------------------------------------------- */

static void
append (RpmFixture *f, const char *repository, const char *text)
{
  g_autofree char *path = g_build_filename (f->folder, repository, "modules.yaml", NULL);
  FILE *file;

  rpm_fixture_shell (f, "mkdir -p %s", repository);
  file = fopen (path, "a");
  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
}

/* @id: module:stream:version:context; @requires: lines of "module: [stream]"; @artifacts: separated by blanks; @more: lines of "data" */
static void
add_stream (RpmFixture *f, const char *repository, const char *id, const char *requires, const char *artifacts, const char *more)
{
  g_auto (GStrv) words = g_strsplit (id, ":", -1);
  g_auto (GStrv) packages = g_strsplit (artifacts, " ", -1);
  g_auto (GStrv) lines = g_strsplit (requires, ";", -1);
  g_autoptr (GString) text = g_string_new ("---\ndocument: modulemd\nversion: 2\ndata:\n");

  g_string_append_printf (text, "  name: %s\n  stream: \"%s\"\n  version: %s\n  context: %s\n  arch: x86_64\n", words[0], words[1],
                          words[2], words[3]);
  g_string_append_printf (text, "  summary: test\n  description: test\n  license:\n    module: [MIT]\n%s", more);
  if (*requires != '\0')
    g_string_append (text, "  dependencies:\n  - requires:\n");
  for (guint i = 0; lines[i] != NULL; i++)
    g_string_append_printf (text, "      %s\n", lines[i]);
  g_string_append (text, "  artifacts:\n    rpms:\n");
  for (guint i = 0; packages[i] != NULL; i++)
    g_string_append_printf (text, "    - %s\n", packages[i]);
  g_string_append (text, "...\n");
  append (f, repository, text->str);
}

static void
add_default (RpmFixture *f, const char *repository, const char *module, const char *stream)
{
  g_autofree char *text = g_strdup_printf ("---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: %s\n  stream: \"%s\"\n...\n",
                                           module, stream);

  append (f, repository, text);
}

static void
add_packages (RpmFixture *f, const char *repository, const char *const *packages)
{
  for (; *packages != NULL; packages++)
    rpm_fixture_add (f, repository, *packages);
}

static gboolean
has_problem (JsonObject *planned, const char *words)
{
  g_auto (GStrv) problems = cold_json_strv (planned, "problems");

  for (guint i = 0; problems[i] != NULL; i++)
    if (strstr (problems[i], words) != NULL)
      return TRUE;
  return FALSE;
}

/* @state: "modules" of the manifest; @problem: words of one, or "" for none at all */
static void
assert_planned (RpmFixture *f, JsonObject *request, const char *installed, const char *state, const char *packages,
                const char *kept_back, const char *problem)
{
  g_autofree char *more = g_strdup_printf (",\"modules\":%s", state);
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_write_manifest (f, "dnf", installed, more);
  planned = rpm_fixture_plan_request (request);
  rpm_fixture_assert_plan (planned, packages, "", kept_back);
  if (*problem == '\0')
    g_assert_cmpuint (json_array_get_length (cold_json_array (planned, "problems")), ==, 0);
  else
    g_assert_true (has_problem (planned, problem));
}

/* --- streams --------------------------------------------------------------------------------------------------------- */

#define EL9 "\"platform\":\"platform:el9\""

/* Two streams of "foo", of which one is the default and the other one needs a stream of "base"; and what is of no module. */
static const struct
{
  const char *name;
  const char *state;
  const char *packages;
  const char *kept_back;
  const char *problem;
} streams[] = {
  { "enabled", "{" EL9 ",\"enabled\":[\"foo:1\"]}", "bar 1-1 2-1; foo 1-1.module+1 3-1.module+1; lib 1-1 9-1", "", "" },
  { "other", "{" EL9 ",\"enabled\":[\"foo:2\"]}",
    "bar 1-1 2-1; foo 1-1.module+1 4-1.module+2; lib 1-1 3-1.module+b", "", "" },
  { "default", "{" EL9 "}", "bar 1-1 2-1; foo 1-1.module+1 3-1.module+1; lib 1-1 9-1", "", "" },
  { "disabled", "{" EL9 ",\"disabled\":[\"foo\"]}", "bar 1-1 2-1; foo 1-1.module+1 9-1; foo-compat 1-1 9-1; lib 1-1 9-1", "", "" },
  { "reset-without-stream", "{" EL9 ",\"enabled\":[\"foo:\"]}",
    "bar 1-1 2-1; foo 1-1.module+1 9-1; foo-compat 1-1 9-1; lib 1-1 9-1", "", "" },
  { "dependency-enabled", "{" EL9 ",\"enabled\":[\"base:a\"]}",
    "bar 1-1 2-1; foo 1-1.module+1 3-1.module+1; lib 1-1 2-1.module+a", "", "" },
  { "contradiction", "{" EL9 ",\"enabled\":[\"base:a\",\"foo:2\"]}",
    "bar 1-1 2-1; foo-compat 1-1 9-1; lib 1-1 9-1", "foo", "do not go together" },
  { "other-platform", "{\"platform\":\"platform:el8\",\"enabled\":[\"foo:1\"]}",
    "bar 1-1 2-1; foo-compat 1-1 9-1; lib 1-1 9-1", "foo", "do not go together" },
  { "unknown", "{\"unknown\":\"dnf.conf has it\"}", "bar 1-1 2-1; foo-compat 1-1 9-1; lib 1-1 9-1", "foo",
    "what belongs to modules is kept back (foo): dnf.conf has it" },
};

static void
test_streams (RpmFixture *f, gconstpointer data)
{
  static const char *const packages[]
      = { "foo 2-1.module+1", "foo 3-1.module+1", "foo 4-1.module+2", "foo 9-1", "foo-compat 9-1 'Provides: foo = 9'",
          "lib 2-1.module+a", "lib 3-1.module+b", "lib 9-1", "bar 2-1", NULL };
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;

  add_packages (f, "one", packages);
  /* Versions of one context are all active, whether they have one of their own or not. */
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "platform: [el9]", "foo-0:2-1.module+1.noarch foo-0:2-1.module+1.src", "");
  add_stream (f, "one", "foo:1:11:bbbbbbbb", "platform: [el9]", "foo-0:3-1.module+1.noarch bar-0:2-1.module+1.src", "");
  add_stream (f, "one", "foo:2:10:cccccccc", "platform: [el9];base: [b]", "foo-0:4-1.module+2.noarch", "");
  add_stream (f, "one", "base:a:1:dddddddd", "platform: [el9]", "lib-0:2-1.module+a.noarch", "");
  add_stream (f, "one", "base:b:1:eeeeeeee", "platform: [el9]", "lib-0:3-1.module+b.noarch", "");
  add_default (f, "one", "foo", "1");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      g_test_message ("%s", streams[i].name);
      assert_planned (f, request, "foo 1-1.module+1;foo-compat 1-1;lib 1-1;bar 1-1", streams[i].state, streams[i].packages,
                      streams[i].kept_back, streams[i].problem);
    }
}

/* What is enabled goes before what is a default, whose problem dnf reports. */
static void
test_default_in_the_way (RpmFixture *f, gconstpointer data)
{
  static const char *const packages[] = { "foo 2-1.module+1", "weak 2-1.module+1", "weak 9-1", NULL };
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;

  add_packages (f, "one", packages);
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "base: [a]", "foo-0:2-1.module+1.noarch", "");
  add_stream (f, "one", "weak:1:10:aaaaaaaa", "base: [b]", "weak-0:2-1.module+1.noarch", "");
  add_stream (f, "one", "base:a:1:aaaaaaaa", "", "lib-0:2-1.module+a.noarch", "");
  add_stream (f, "one", "base:b:1:aaaaaaaa", "", "lib-0:3-1.module+b.noarch", "");
  add_default (f, "one", "weak", "1");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  assert_planned (f, request, "foo 1-1.module+1;weak 1-1", "{\"enabled\":[\"foo:1\"]}",
                  "foo 1-1.module+1 2-1.module+1; weak 1-1 9-1", "", "not all streams of modules are active");
  assert_planned (f, request, "foo 1-1.module+1;weak 1-1", "{\"enabled\":[\"base:b\"]}", "weak 1-1 2-1.module+1", "", "");
}

/* Of two repositories' defaults that contradict each other none counts, and streams of both belong together. */
static void
test_two_repositories (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one two", "");
  g_autoptr (JsonObject) answer = NULL;

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  rpm_fixture_add (f, "two", "foo 3-1.module+1");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  add_stream (f, "two", "foo:1:11:aaaaaaaa", "", "foo-0:3-1.module+1.noarch", "  static_context: true\n");
  add_stream (f, "two", "foo:2:11:bbbbbbbb", "", "foo-0:4-1.module+1.noarch", "");
  add_default (f, "one", "foo", "1");
  add_default (f, "two", "foo", "2");
  rpm_fixture_publish (f, "one");
  rpm_fixture_publish (f, "two");
  answer = rpm_fixture_refresh (f, "one two");
  assert_planned (f, request, "foo 1-1.module+1", "{\"enabled\":[\"foo:1\"]}", "foo 1-1.module+1 3-1.module+1", "", "");
  assert_planned (f, request, "foo 1-1.module+1", "{}", "", "", "");
}

/* A package that left the module in its latest version may come from anywhere again. */
static void
test_demodularized (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;

  rpm_fixture_add (f, "one", "foo 9-1");
  rpm_fixture_add (f, "one", "bar 9-1");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch bar-0:2-1.module+1.noarch", "");
  add_stream (f, "one", "foo:1:11:aaaaaaaa", "", "bar-0:2-1.module+1.noarch", "  demodularized:\n    rpms: [foo]\n");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  assert_planned (f, request, "foo 1-1;bar 1-1", "{\"enabled\":[\"foo:1\"]}", "foo 1-1 9-1", "", "");
}

static void
test_hotfixes (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one two", "");
  g_autoptr (JsonObject) answer = NULL;
  const char *const none = "{\"enabled\":[\"foo:1\"]}";
  const char *const others = "{\"enabled\":[\"foo:1\"]},\"repositories\":[{\"id\":\"two\",\"uris\":[],\"module-hotfixes\":true}]";
  JsonArray *sources = cold_json_array (request, "repositories");

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  rpm_fixture_add (f, "two", "foo 9-1");
  rpm_fixture_add (f, "two", "bar 9-1.module+1");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  rpm_fixture_publish (f, "one");
  rpm_fixture_publish (f, "two");
  answer = rpm_fixture_refresh (f, "one two");
  assert_planned (f, request, "foo 1-1.module+1;bar 1-1", none, "foo 1-1.module+1 2-1.module+1", "bar", "no metadata");
  assert_planned (f, request, "foo 1-1.module+1;bar 1-1", others, "bar 1-1 9-1.module+1; foo 1-1.module+1 9-1", "", "");
  json_object_set_boolean_member (cold_json_array_object (sources, 1), "module-hotfixes", TRUE);
  assert_planned (f, request, "foo 1-1.module+1;bar 1-1", none, "bar 1-1 9-1.module+1; foo 1-1.module+1 9-1", "", "");
}

/* --- metadata that is missing, or no good ---------------------------------------------------------------------------- */

static void
test_no_metadata (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;
  const char *const installed = "foo 1-1.module+1;bar 1-1.module+1 \"module\":\"bar:1:10:aaaaaaaa\";good 1-1";

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  rpm_fixture_add (f, "one", "bar 9-1");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  /* dnf would refuse "foo" at the end, and know from before what else is of "bar:1". */
  assert_planned (f, request, installed, "{\"enabled\":[\"bar:1\"]}", "good 1-1 2-1", "foo bar", "module stream bar:1");
  assert_planned (f, request, installed, "{\"enabled\":[\"bar:2\"]}", "bar 1-1.module+1 9-1; good 1-1 2-1", "foo",
                  "repository one has a package of a module for it");
  assert_planned (f, request, "good 1-1", "{}", "good 1-1 2-1", "", "");
}

/* dnf leaves out what it cannot understand; what is missing then is not known. */
static void
test_incomplete (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_publish (f, "one");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  add_stream (f, "one", "foo:2:nonsense:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  rpm_fixture_shell (f, "modifyrepo_c --mdtype=modules one/modules.yaml one/repodata >/dev/null");
  rpm_fixture_sign (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  assert_planned (f, request, "foo 1-1.module+1;good 1-1", "{\"enabled\":[\"foo:1\"]}", "good 1-1 2-1", "foo",
                  "not all of a repository's modules.yaml can be read");
}

static void
assert_refused (RpmFixture *f, const char *why)
{
  g_autoptr (JsonObject) answer = rpm_fixture_refresh (f, "one");

  g_assert_false (cold_json_bool (answer, "ok"));
  g_assert_cmpstr (cold_json_string (answer, "code"), ==, "Signature");
  if (strstr (cold_json_string (answer, "error"), why) == NULL)
    g_error ("\"%s\" does not say \"%s\"", cold_json_string (answer, "error"), why);
}

/* Set: libmodulemd dies, as it does of some malformed documents, but not always. */
#define DEADLY "TEST_RPM_MODULES_DEADLY"

/* What is done to modules.yaml of a repository that gets a new package; then it is refused with these words. */
static const struct
{
  const char *name;
  const char *command; /* in repodata */
  const char *why;
} attacks[] = {
  { "no-yaml", "printf 'a: [b' >modules.yaml && modifyrepo_c --mdtype=modules modules.yaml .", "modules.yaml is refused: " },
  { "other-encoding", "printf '\\377\\376' >modules.yaml && modifyrepo_c --mdtype=modules modules.yaml .", "modules.yaml is refused: " },
  { "changed", "modifyrepo_c --no-compress --mdtype=modules ../modules.yaml . && sed -i s/foo/bar/ *-modules.yaml", "modules: " },
  { "gone", "modifyrepo_c --no-compress --mdtype=modules ../modules.yaml . && rm *-modules.yaml", "modules: " },
  { "too-large",
    "head -c 80M /dev/zero | tr '\\0' '#' | zstd -q >modules.yaml.zst && modifyrepo_c --no-compress --mdtype=modules modules.yaml.zst .",
    "larger than is usable" },
  { "too-many",
    "awk 'BEGIN { for (i = 0; i < 5001; i++) printf \"---\\ndocument: modulemd\\nversion: 2\\ndata:\\n  name: foo\\n"
    "  stream: s%d\\n  version: 1\\n  context: c\\n  arch: noarch\\n  summary: s\\n  description: d\\n"
    "  license: { module: [MIT] }\\n...\\n\", i }' >modules.yaml && modifyrepo_c --mdtype=modules modules.yaml .",
    "more of module foo than is usable" },
  { "deadly", "modifyrepo_c --no-compress --mdtype=modules ../modules.yaml .", "what reads it was ended by signal 6" },
};

static void
test_attack (RpmFixture *f, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) first = NULL;
  g_autofree char *link = g_build_filename (f->folder, "catalogue/repositories/one/current", NULL);
  g_autofree char *held = NULL;
  g_autofree char *now = NULL;

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  rpm_fixture_publish (f, "one");
  first = rpm_fixture_refresh (f, "one");
  g_assert_cmpstr (cold_json_string (first, "error"), ==, NULL);
  held = g_file_read_link (link, NULL);
  rpm_fixture_add (f, "one", "foo 3-1.module+1");
  rpm_fixture_publish (f, "one");
  rpm_fixture_shell (f, "cd one/repodata && modifyrepo_c --remove modules . >/dev/null && { %s; } >/dev/null", attacks[i].command);
  rpm_fixture_sign (f, "one");
  if (g_str_equal (attacks[i].name, "deadly"))
    g_setenv (DEADLY, "1", TRUE);
  if (g_str_equal (attacks[i].name, "gone"))
    {
      g_autoptr (JsonObject) answer = rpm_fixture_refresh (f, "one");

      g_assert_false (cold_json_bool (answer, "ok"));
    }
  else
    {
      assert_refused (f, attacks[i].why);
    }
  g_unsetenv (DEADLY);
  now = g_file_read_link (link, NULL);
  g_assert_cmpstr (now, ==, held);
  assert_planned (f, request, "foo 1-1.module+1", "{\"enabled\":[\"foo:1\"]}", "foo 1-1.module+1 2-1.module+1", "", "");
}

/* What was fetched before modules were read is made anew by the next refresh. */
static void
test_older_generation (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  g_autoptr (JsonObject) third = NULL;

  rpm_fixture_add (f, "one", "foo 2-1.module+1");
  add_stream (f, "one", "foo:1:10:aaaaaaaa", "", "foo-0:2-1.module+1.noarch", "");
  rpm_fixture_publish (f, "one");
  first = rpm_fixture_refresh (f, "one");
  rpm_fixture_shell (f, "rm catalogue/repositories/one/current/modules");
  assert_planned (f, request, "foo 1-1.module+1", "{\"enabled\":[\"foo:1\"]}", "", "foo", "no metadata");
  second = rpm_fixture_refresh (f, "one");
  g_assert_true (cold_json_bool (second, "changed"));
  assert_planned (f, request, "foo 1-1.module+1", "{\"enabled\":[\"foo:1\"]}", "foo 1-1.module+1 2-1.module+1", "", "");
  third = rpm_fixture_refresh (f, "one");
  g_assert_false (cold_json_bool (third, "changed"));
}

/* --- the guest ------------------------------------------------------------------------------------------------------- */

static void
assert_state (const char *text, gboolean usable, const char *enabled, const char *disabled)
{
  g_autoptr (GPtrArray) streams_found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) modules_found = g_ptr_array_new_with_free_func (g_free);

  g_assert_cmpint (cold_dnf_modules_add ("foo", text, streams_found, modules_found), ==, usable);
  g_assert_cmpuint (streams_found->len, ==, enabled != NULL);
  g_assert_cmpuint (modules_found->len, ==, disabled != NULL);
  if (enabled != NULL)
    g_assert_cmpstr (streams_found->pdata[0], ==, enabled);
  if (disabled != NULL)
    g_assert_cmpstr (modules_found->pdata[0], ==, disabled);
}

static void
test_state (void)
{
  assert_state ("[foo]\nname=foo\nstream=1\nprofiles=common\nstate=enabled\n", TRUE, "foo:1", NULL);
  assert_state ("# first\n[foo]\nname = foo\nstream = rhel-8 \nprofiles =\nstate = enabled \n", TRUE, "foo:rhel-8", NULL);
  assert_state ("[foo]\nstream=1\nprofiles=\nenabled=1\n", TRUE, "foo:1", NULL);
  assert_state ("[foo]\nstream=1\nprofiles=\nenabled=0\nstate=enabled\n", TRUE, NULL, "foo");
  assert_state ("[foo]\nname=foo\nstream=\nprofiles=\nstate=disabled\n", TRUE, NULL, "foo");
  assert_state ("[foo]\nname=foo\nstream=\nprofiles=\nstate=\n", TRUE, NULL, NULL);
  assert_state ("[foo]\nname=foo\nstream=1\nstate=enabled\n", TRUE, NULL, NULL);
  assert_state ("[bar]\nname=bar\nstream=1\nprofiles=\nstate=enabled\n", TRUE, NULL, NULL);
  assert_state ("", TRUE, NULL, NULL);
  assert_state ("stream=1\n", FALSE, NULL, NULL);
}

#define ADD(path, func) g_test_add (path, RpmFixture, NULL, rpm_fixture_set_up, func, rpm_fixture_tear_down)

int
main (int argc, char **argv)
{
  /* As in the worker: a refresh starts this program once more. */
  if (argc == 4 && g_str_equal (argv[1], COLD_RPM_MODULES_COMMAND))
    {
      if (g_getenv (DEADLY) != NULL)
        abort ();
      return cold_rpm_modules_main (argv[2], argv[3]);
    }
  g_test_init (&argc, &argv, NULL);
  ADD ("/rpm/modules/streams", test_streams);
  ADD ("/rpm/modules/default-in-the-way", test_default_in_the_way);
  ADD ("/rpm/modules/two-repositories", test_two_repositories);
  ADD ("/rpm/modules/demodularized", test_demodularized);
  ADD ("/rpm/modules/hotfixes", test_hotfixes);
  ADD ("/rpm/modules/no-metadata/kept-back", test_no_metadata);
  ADD ("/rpm/modules/incomplete/kept-back", test_incomplete);
  ADD ("/rpm/modules/older-generation/made-anew", test_older_generation);
  for (guint i = 0; i < G_N_ELEMENTS (attacks); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rpm/modules/%s/refused", attacks[i].name);

      g_test_add (path, RpmFixture, GUINT_TO_POINTER (i), rpm_fixture_set_up, test_attack, rpm_fixture_tear_down);
    }
  g_test_add_func ("/rpm/modules/state-of-a-guest", test_state);
  return g_test_run ();
}
