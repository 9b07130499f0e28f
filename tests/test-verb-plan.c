/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>
#include <stdio.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "plan-fixture.h"
#include "repository-fixture.h"

static void
test_upgrade (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *foo = repository_fixture_installed ("foo", "1:1.0-1", NULL);
  g_autofree char *bar = repository_fixture_installed ("bar", "2.0", NULL);
  g_autofree char *status = g_strconcat (foo, "\n", bar, NULL);
  g_autoptr (JsonObject) plan = NULL;
  JsonObject *package;

  repository_fixture_add (fixture, "foo", "1:1.0-2", NULL);
  repository_fixture_add (fixture, "bar", "1.9", NULL);
  repository_fixture_add (fixture, "other", "1.0", NULL);
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status, NULL);
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 1);
  package = repository_fixture_planned (plan, "foo");
  g_assert_cmpstr (cold_json_string (package, "installed"), ==, "1:1.0-1");
  g_assert_cmpstr (cold_json_string (package, "candidate"), ==, "1:1.0-2");
  g_assert_cmpstr (cold_json_string (package, "arch"), ==, "all");
  g_assert_cmpstr (cold_json_string (package, "origin"), ==, "Test:stable");
  g_assert_cmpstr (cold_json_string (package, "repository"), ==, "test");
  g_assert_cmpstr (cold_json_string (package, "path"), ==, "pool/stable/foo_1.0-2_all.deb");
  g_assert_true (cold_json_bool (package, "security"));
  g_assert_cmpint (cold_json_int (package, "size"), >, 100);
  g_assert_cmpint (cold_json_int (plan, "download-size"), ==, cold_json_int (package, "size"));
  g_assert_cmpuint (plan_fixture_count (plan, "kept-back"), ==, 0);
  g_assert_cmpuint (plan_fixture_count (plan, "problems"), ==, 0);
}

static void
test_new_dependency (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (JsonObject) plan = NULL;

  repository_fixture_add (fixture, "foo", "1.1", "Depends: foo-data (>= 1.1)\nRecommends: noise");
  repository_fixture_add (fixture, "foo-data", "1.1", NULL);
  repository_fixture_add (fixture, "noise", "1.0", NULL);
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status, NULL);
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 2);
  g_assert_cmpstr (cold_json_string (repository_fixture_planned (plan, "foo-data"), "installed"), ==, "");
  g_assert_null (repository_fixture_planned (plan, "noise"));
}

static void
test_removal_is_kept_back (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *foo = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *bar = repository_fixture_installed ("bar", "1.0", NULL);
  g_autofree char *good = repository_fixture_installed ("good", "1.0", NULL);
  g_autofree char *status = g_strconcat (foo, "\n", bar, "\n", good, NULL);
  g_autoptr (JsonObject) plan = NULL;

  /* With and without the fields that dpkg calls a takeover. */
  repository_fixture_add (fixture, "foo", "1.1", "Conflicts: bar\nReplaces: bar\nProvides: bar");
  repository_fixture_add (fixture, "good", "1.1", NULL);
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status, NULL);
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 1);
  g_assert_nonnull (repository_fixture_planned (plan, "good"));
  g_assert_true (plan_fixture_lists (plan, "kept-back", "foo"));
}

static void
test_missing_dependency_is_kept_back (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (JsonObject) plan = NULL;

  repository_fixture_add (fixture, "foo", "1.1", "Depends: nowhere");
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status, NULL);
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
  g_assert_true (plan_fixture_lists (plan, "kept-back", "foo"));
}

/* apt installs new packages for those that it upgrades, not for those that stay. */
static void
test_new_for_what_stays (void)
{
  static const struct
  {
    const char *user;    /* field of an installed package that stays */
    const char *upgrade; /* field of the new version of what it needs */
    const char *planned; /* "old", "new" or both */
  } cases[] = {
    { "Depends: feature", NULL, "" },
    { "Depends: feature", "Depends: new", "old new" },
    { "Depends: feature", "Provides: feature", "old" },
    { "Depends: feature | nothing", "Depends: new | nothing", "old new" },
    { "Depends: old | feature", NULL, "old" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *user = repository_fixture_installed ("user", "1.0", cases[i].user);
      g_autofree char *old = repository_fixture_installed ("old", "1.0", "Provides: feature");
      g_autofree char *status = g_strconcat (user, "\n", old, NULL);
      g_autoptr (JsonObject) plan = NULL;

      repository_fixture_add (fixture, "old", "1.1", cases[i].upgrade);
      repository_fixture_add (fixture, "new", "1.0", "Provides: feature");
      repository_fixture_index (fixture, NULL);
      plan = repository_fixture_plan (fixture, status, NULL);
      g_assert_cmpint (repository_fixture_planned (plan, "old") != NULL, ==, strstr (cases[i].planned, "old") != NULL);
      g_assert_cmpint (repository_fixture_planned (plan, "new") != NULL, ==, strstr (cases[i].planned, "new") != NULL);
      g_assert_cmpint (plan_fixture_lists (plan, "kept-back", "old"), ==, strstr (cases[i].planned, "old") == NULL);
    }
}

/* The last paragraph of an index may have no empty line after it. */
static void
test_no_last_line (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *path = repository_fixture_path (fixture, "main/binary-amd64/Packages");
  g_autofree char *xz = g_strconcat (path, ".xz", NULL);
  g_autofree char *gz = g_strconcat (path, ".gz", NULL);
  g_autofree char *text = NULL;

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_index (fixture, NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpint (remove (xz), ==, 0);
  g_assert_cmpint (remove (gz), ==, 0);
  g_strchomp (text);
  for (guint newlines = 0; newlines < 3; newlines++)
    {
      g_autofree char *ended = g_strconcat (text, &"\n\n"[2 - newlines], NULL);
      g_autoptr (JsonObject) plan = NULL;

      g_assert_true (g_file_set_contents (path, ended, -1, NULL));
      repository_fixture_run (fixture, "sign", fixture->repository, "stable", fixture->home, NULL);
      plan = repository_fixture_plan (fixture, status, NULL);
      g_assert_nonnull (repository_fixture_planned (plan, "foo"));
    }
}

static RepositoryFixture *
fixture_with_two_versions (void)
{
  RepositoryFixture *fixture = repository_fixture_new ();

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_add (fixture, "foo", "1.2", NULL);
  repository_fixture_index (fixture, NULL);
  return fixture;
}

static void
test_hold (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, "\"held\":[\"foo:amd64\"]");

  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
  g_assert_true (plan_fixture_lists (plan, "held", "foo"));
  g_assert_cmpuint (plan_fixture_count (plan, "kept-back"), ==, 0);
}

/* What a held package's new version would offer does not count, and keeps nothing back. */
static void
test_hold_of_alternative (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *foo = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *bar = repository_fixture_installed ("bar", "1.0", NULL);
  g_autofree char *status = g_strconcat (foo, "\n", bar, NULL);
  g_autoptr (JsonObject) plan = NULL;

  repository_fixture_add (fixture, "foo", "1.1", "Provides: virtual");
  repository_fixture_add (fixture, "bar", "1.1", "Depends: new | virtual");
  repository_fixture_add (fixture, "new", "1.0", NULL);
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status, "\"held\":[\"foo:all\"]");
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 2);
  g_assert_nonnull (repository_fixture_planned (plan, "bar"));
  g_assert_nonnull (repository_fixture_planned (plan, "new"));
  g_assert_true (plan_fixture_lists (plan, "held", "foo"));
}

static void
test_status_counts (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  const char *const statuses[] = { "hold ok installed", "deinstall ok config-files", "install ok half-configured" };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autofree char *other = repository_fixture_installed ("other", "1.0", NULL);
      g_autofree char *status = g_strdup_printf (
          "Package: foo\nStatus: %s\nArchitecture: all\nVersion: 1.0\n\n%s", statuses[i], other);
      g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, NULL);

      g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
      g_assert_cmpuint (plan_fixture_count (plan, "held"), ==, i == 0);
    }
}

/* The first alternative, and a package before what only provides its name; unless it cannot be had. */
static void
test_alternatives (void)
{
  static const struct
  {
    const char *field; /* of the upgrade */
    const char *planned;
  } cases[] = {
    { "Depends: zebra | ant", "zebra" },         { "Depends: ant | zebra", "ant" },
    { "Depends: broken | zebra | ant", "zebra" }, { "Depends: nowhere | zebra | ant", "zebra" },
    { "Depends: mouse", "mouse" },               { "Depends: new", "zebra" },
    { "Depends: broken | new, mouse", "zebra" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
      g_autoptr (JsonObject) plan = NULL;

      repository_fixture_add (fixture, "ant", "1.0", "Provides: mouse");
      repository_fixture_add (fixture, "broken", "1.0", "Depends: nowhere");
      repository_fixture_add (fixture, "foo", "1.1", cases[i].field);
      repository_fixture_add (fixture, "mouse", "1.0", NULL);
      repository_fixture_add (fixture, "new", "1.0", "Depends: zebra | ant");
      repository_fixture_add (fixture, "zebra", "1.0", NULL);
      repository_fixture_index (fixture, NULL);
      plan = repository_fixture_plan (fixture, status, NULL);
      g_assert_nonnull (repository_fixture_planned (plan, cases[i].planned));
      g_assert_nonnull (repository_fixture_planned (plan, "foo"));
      g_assert_null (repository_fixture_planned (plan, g_str_equal (cases[i].planned, "ant") ? "zebra" : "ant"));
    }
}

static void
test_not_automatic (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (JsonObject) plan = NULL;

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_index (fixture, "NotAutomatic: yes");
  plan = repository_fixture_plan (fixture, status, NULL);
  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
}

static JsonObject *
plan_again (RepositoryFixture *fixture, const char *member, gboolean value, const char *exclude)
{
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autofree char *path = g_build_filename (fixture->folder, "manifest.json", NULL);
  const char *const names[] = { exclude, NULL };
  g_autoptr (GError) error = NULL;
  JsonObject *plan;

  json_object_set_string_member (request, "manifest", path);
  json_object_set_boolean_member (repository_fixture_entry (request), "security", value);
  json_object_set_boolean_member (request, member, TRUE);
  cold_json_set_strv (request, "exclude", names);
  plan = plan_fixture_make (request, &error);
  g_assert_no_error (error);
  return plan;
}

static void
test_security_only_and_exclude (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autoptr (JsonObject) all = repository_fixture_plan (fixture, status, NULL);
  g_autoptr (JsonObject) security = plan_again (fixture, "security-only", TRUE, NULL);
  g_autoptr (JsonObject) other = plan_again (fixture, "security-only", FALSE, NULL);
  g_autoptr (JsonObject) excluded = plan_again (fixture, "unused", TRUE, "foo");

  g_assert_cmpuint (plan_fixture_count (all, "packages"), ==, 1);
  g_assert_cmpuint (plan_fixture_count (security, "packages"), ==, 1);
  g_assert_cmpuint (plan_fixture_count (other, "packages"), ==, 0);
  g_assert_cmpuint (plan_fixture_count (excluded, "packages"), ==, 0);
  g_assert_cmpuint (plan_fixture_count (excluded, "kept-back"), ==, 0);
}

/* Signed, and yet nothing that may be used: every stanza in turn gets a value that no archive would publish. */
static void
test_hostile_values (void)
{
  static const char *const replacements[][2] = {
    { "Filename: pool/", "Filename: ../../" }, { "Filename: pool/", "Filename: /etc/" }, { "Size: ", "Size: -" },
    { "Size: ", "Size: 99999999999999999999" }, { "SHA256: ", "SHA256: zz" },         { "Version: 1.1", "Version: 1.1/../x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replacements); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *foo = repository_fixture_installed ("foo", "1.0", NULL);
      g_autofree char *bar = repository_fixture_installed ("bar", "1.0", NULL);
      g_autofree char *status = g_strconcat (foo, "\n", bar, NULL);
      g_autofree char *path = repository_fixture_path (fixture, "main/binary-amd64/Packages");
      g_autofree char *xz = g_strconcat (path, ".xz", NULL);
      g_autofree char *gz = g_strconcat (path, ".gz", NULL);
      g_autofree char *text = NULL;
      g_autoptr (GString) changed = NULL;
      g_autoptr (JsonObject) plan = NULL;
      char *stanza;

      repository_fixture_add (fixture, "foo", "1.1", NULL);
      repository_fixture_add (fixture, "bar", "1.2", NULL);
      repository_fixture_index (fixture, NULL);
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      stanza = strstr (strstr (text, "Package: foo"), replacements[i][0]);
      g_assert_nonnull (stanza);
      changed = g_string_new_len (text, stanza - text);
      g_string_append (changed, replacements[i][1]);
      g_string_append (changed, stanza + strlen (replacements[i][0]));
      g_assert_true (g_file_set_contents (path, changed->str, -1, NULL));
      g_assert_cmpint (remove (xz), ==, 0);
      g_assert_cmpint (remove (gz), ==, 0);
      repository_fixture_run (fixture, "sign", fixture->repository, "stable", fixture->home, NULL);
      plan = repository_fixture_plan (fixture, status, NULL);
      g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 1);
      g_assert_nonnull (repository_fixture_planned (plan, "bar"));
      g_assert_true (plan_fixture_lists (plan, "problems", "foo"));
    }
}

static void
test_bad_manifest (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autoptr (JsonObject) answer = repository_fixture_refresh (fixture);
  const char *const texts[] = { "{}", "{\"native\":\"amd64\",\"status\":\"nonsense\"}", "[]", "{\"native\":1,\"status\":2}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (JsonObject) request = repository_fixture_request (fixture);
      g_autofree char *path = g_build_filename (fixture->folder, "manifest.json", NULL);
      g_autoptr (GError) error = NULL;

      g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
      json_object_set_string_member (request, "manifest", path);
      g_assert_null (plan_fixture_make (request, &error));
      g_assert_nonnull (error);
    }
}

/* What is not yet for all machines; the repository's own security updates are. */
static void
test_phased (void)
{
  static const struct
  {
    const char *field;
    gboolean security;
    const char *member;
    const char *candidate;
  } cases[] = {
    { NULL, FALSE, NULL, "1.2" },
    { "Phased-Update-Percentage: 100", FALSE, NULL, "1.2" },
    { "Phased-Update-Percentage: 0", FALSE, NULL, NULL },
    { "Phased-Update-Percentage: 90", FALSE, NULL, NULL },
    { "Phased-Update-Percentage: 90", TRUE, NULL, "1.2" },
    { "Phased-Update-Percentage: 90", FALSE, "phased", "1.2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
      g_autoptr (JsonObject) first = NULL;
      g_autoptr (JsonObject) plan = NULL;

      repository_fixture_add (fixture, "foo", "1.1", "Depends: new");
      repository_fixture_add (fixture, "foo", "1.2", cases[i].field);
      repository_fixture_add (fixture, "new", "1.0", "Phased-Update-Percentage: 10");
      repository_fixture_index (fixture, NULL);
      first = repository_fixture_plan (fixture, status, cases[i].member != NULL ? "\"phased\":true" : NULL);
      plan = plan_again (fixture, "unused", cases[i].security, NULL);
      g_assert_cmpstr (cold_json_string (repository_fixture_planned (plan, "foo"), "candidate"), ==, cases[i].candidate);
      g_assert_cmpint (plan_fixture_lists (plan, "kept-back", "foo"), ==, cases[i].candidate == NULL);
      g_assert_cmpint (plan_fixture_lists (plan, "problems", "phased"), ==, cases[i].candidate == NULL);
    }
}

/* An update that has what a security update brought waits for nobody. */
static void
test_phased_after_security (void)
{
  static const struct
  {
    const char *installed;
    const char *planned;
  } cases[] = { { "1.0", "1.2" }, { "1.1", NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *status = repository_fixture_installed ("foo", cases[i].installed, NULL);
      g_autoptr (JsonObject) first = NULL;
      g_autoptr (JsonObject) plan = NULL;

      fixture->suite = "other-security";
      repository_fixture_add (fixture, "foo", "1.2", "Phased-Update-Percentage: 10");
      repository_fixture_index (fixture, NULL);
      repository_fixture_run (fixture, "deb", fixture->repository, "other-security", "foo", "1.1", NULL);
      repository_fixture_run (fixture, "index", fixture->repository, "other-security", fixture->home, NULL);
      first = repository_fixture_plan (fixture, status, NULL);
      plan = plan_again (fixture, "unused", FALSE, NULL);
      g_assert_cmpstr (cold_json_string (repository_fixture_planned (plan, "foo"), "candidate"), ==, cases[i].planned);
    }
}

/* Each is answered by itself: what is wrong with one is not the others' affair. */
static void
test_several_guests (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autoptr (JsonObject) refreshed = repository_fixture_refresh (fixture);
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *guests = json_array_new ();
  JsonArray *answers;
  guint seen = 0;

  for (guint i = 0; i < 20; i++)
    {
      /* Of every fourth, there is no such file. */
      g_autofree char *path = g_strdup_printf ("%s/manifest-%u.json", fixture->folder, i);
      g_autofree char *text
          = g_strdup_printf ("{\"format\":\"deb\",\"native\":\"amd64\",\"status\":\"Package: foo\\nStatus: install ok installed\\n"
                             "Architecture: all\\nVersion: 0.%u\\n\"}", i);
      JsonObject *guest = json_object_new ();

      if (i % 4 != 3)
        g_assert_true (g_file_set_contents (path, text, -1, NULL));
      json_object_set_string_member (guest, "manifest", path);
      json_array_add_object_element (guests, guest);
    }
  json_object_set_array_member (request, "plans", guests);
  result = cold_verb_plan (request, &error);
  g_assert_no_error (error);
  answers = cold_json_array (result, "plans");
  g_assert_cmpuint (json_array_get_length (answers), ==, 20);
  for (guint i = 0; i < 20; i++)
    {
      JsonObject *answer = cold_json_array_object (answers, i);
      guint index = cold_json_int (answer, "index");
      JsonObject *package;
      g_autofree char *installed = g_strdup_printf ("0.%u", index);

      seen |= 1u << index;
      if (index % 4 == 3)
        {
          g_assert_nonnull (cold_json_string (answer, "error"));
          g_assert_nonnull (cold_json_string (answer, "code"));
          continue;
        }
      package = repository_fixture_planned (cold_json_object (answer, "plan"), "foo");
      g_assert_cmpstr (cold_json_string (package, "installed"), ==, installed);
      g_assert_cmpstr (cold_json_string (package, "candidate"), ==, "1.2");
    }
  g_assert_cmphex (seen, ==, 0xfffff);
}

static void
test_other_architecture (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autoptr (JsonObject) refreshed = repository_fixture_refresh (fixture);
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (cold_json_string (request, "manifest"),
                                      "{\"format\":\"deb\",\"native\":\"armel\",\"status\":\"Package: foo\\n\"}", -1, NULL));
  g_assert_null (plan_fixture_make (request, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan/upgrade", test_upgrade);
  g_test_add_func ("/plan/new-dependency", test_new_dependency);
  g_test_add_func ("/plan/removal/kept-back", test_removal_is_kept_back);
  g_test_add_func ("/plan/missing-dependency/kept-back", test_missing_dependency_is_kept_back);
  g_test_add_func ("/plan/new-for-what-stays/kept-back", test_new_for_what_stays);
  g_test_add_func ("/plan/index-without-last-line", test_no_last_line);
  g_test_add_func ("/plan/hold", test_hold);
  g_test_add_func ("/plan/hold/of-alternative", test_hold_of_alternative);
  g_test_add_func ("/plan/only-installed-counts", test_status_counts);
  g_test_add_func ("/plan/alternatives/in-order", test_alternatives);
  g_test_add_func ("/plan/phased-update/waits", test_phased);
  g_test_add_func ("/plan/phased-update/after-security-update", test_phased_after_security);
  g_test_add_func ("/plan/not-automatic", test_not_automatic);
  g_test_add_func ("/plan/security-only-and-exclude", test_security_only_and_exclude);
  g_test_add_func ("/plan/hostile-values/left-out", test_hostile_values);
  g_test_add_func ("/plan/bad-manifest/refused", test_bad_manifest);
  g_test_add_func ("/plan/several-guests/each-by-itself", test_several_guests);
  g_test_add_func ("/plan/other-architecture/refused", test_other_architecture);
  return g_test_run ();
}
