/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans for guests with packages of two architectures. What is expected is what "apt-get upgrade --with-new-pkgs" says of the same
 * packages; only where an architecture is missing, apt would have it. */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-json.h"
#include "plan-fixture.h"
#include "repository-fixture.h"

/* Packages as "NAME ARCHITECTURE VERSION" with fields after "; ", one a line. */
typedef struct
{
  const char *name;
  const char *installed;
  const char *native; /* what the index of amd64 has */
  const char *foreign; /* and that of i386; (nullable): there is none */
  const char *planned; /* NAME:ARCHITECTURE=VERSION */
  const char *kept;   /* "kept-back" */
} Case;

static const Case cases[] = {
  { "same", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same", "lib amd64 2; Multi-Arch: same",
    "lib i386 2; Multi-Arch: same", "lib:amd64=2 lib:i386=2", "" },
  /* i386 was not built yet. */
  { "same/one-is-late", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\nother amd64 1",
    "lib amd64 2; Multi-Arch: same\nother amd64 2", "lib i386 1; Multi-Arch: same", "other:amd64=2", "lib" },
  { "same/other-way-round", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same",
    "lib amd64 1; Multi-Arch: same", "lib i386 2; Multi-Arch: same", "", "lib:i386" },
  /* What needs the new one waits with it. */
  { "same/dependent-waits",
    "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\ntool amd64 1; Depends: lib (>= 1)\nfree amd64 1; Depends: lib",
    "lib amd64 2; Multi-Arch: same\ntool amd64 2; Depends: lib (>= 2)\nfree amd64 2; Depends: lib",
    "lib i386 1; Multi-Arch: same", "free:amd64=2", "lib tool" },
  { "same/new-dependency-of-both",
    "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same",
    "lib amd64 2; Multi-Arch: same; Depends: new\nnew amd64 2; Multi-Arch: same",
    "lib i386 2; Multi-Arch: same; Depends: new\nnew i386 2; Multi-Arch: same",
    "lib:amd64=2 lib:i386=2 new:amd64=2 new:i386=2", "" },
  /* A new one comes in the version that its like has, which is upgraded for it. */
  { "same/new-beside-old", "app i386 1\nnew amd64 1; Multi-Arch: same", "new amd64 2; Multi-Arch: same",
    "app i386 2; Depends: new\nnew i386 2; Multi-Arch: same", "app:i386=2 new:amd64=2 new:i386=2", "" },
  /* Not Multi-Arch: same: only one of them can be there. */
  { "none/new-one-excludes-itself", "app i386 1\ntool amd64 1", "tool amd64 2", "app i386 2; Depends: tool\ntool i386 2",
    "tool:amd64=2", "app:i386" },
  { "foreign/satisfies-others", "app i386 1\ntool amd64 1; Multi-Arch: foreign", "tool amd64 2; Multi-Arch: foreign",
    "app i386 2; Depends: tool (>= 2)\ntool i386 2; Multi-Arch: foreign", "app:i386=2 tool:amd64=2", "" },
  { "foreign/data-for-all", "app i386 1; Depends: data (= 1)\ndata all 1; Multi-Arch: foreign",
    "data all 2; Multi-Arch: foreign", "app i386 2; Depends: data (= 2)\ndata all 2; Multi-Arch: foreign",
    "app:i386=2 data:all=2", "" },
  { "foreign/all-without-it-does-not", "app i386 1\ndata all 1", "data all 2", "app i386 2; Depends: data\ndata all 2",
    "data:all=2", "app:i386" },
  { "foreign/what-it-provides", "app i386 1\nmta amd64 1; Multi-Arch: foreign; Provides: mail-agent",
    "mta amd64 2; Multi-Arch: foreign; Provides: mail-agent", "app i386 2; Depends: mail-agent",
    "app:i386=2 mta:amd64=2", "" },
  { "foreign/installed-of-the-other", "app amd64 1\ntool i386 1; Multi-Arch: foreign", "app amd64 2; Depends: tool (>= 2)",
    "tool i386 2; Multi-Arch: foreign", "app:amd64=2 tool:i386=2", "" },
  { "provides/own-architecture-only", "app i386 1\nmta amd64 1; Provides: mail-agent", "mta amd64 2; Provides: mail-agent",
    "app i386 2; Depends: mail-agent", "mta:amd64=2", "app:i386" },
  { "any/allowed", "app i386 1\nperl amd64 1; Multi-Arch: allowed", "perl amd64 2; Multi-Arch: allowed",
    "app i386 2; Depends: perl:any (>= 2)", "app:i386=2 perl:amd64=2", "" },
  { "any/not-allowed", "app i386 1\nperl amd64 1; Multi-Arch: foreign", "perl amd64 2; Multi-Arch: foreign",
    "app i386 2; Depends: perl:any", "perl:amd64=2", "app:i386" },
  { "any/alternatives", "app i386 1\nperl amd64 1; Multi-Arch: allowed", "perl amd64 2; Multi-Arch: allowed",
    "app i386 2; Depends: nowhere | perl:any", "app:i386=2 perl:amd64=2", "" },
  { "allowed/without-any", "app i386 1\nperl amd64 1; Multi-Arch: allowed", "perl amd64 2; Multi-Arch: allowed",
    "app i386 2; Depends: perl", "perl:amd64=2", "app:i386" },
  { "qualified/other", "app amd64 1\nlib i386 1; Multi-Arch: same", "app amd64 2; Depends: lib:i386 (>= 2)",
    "lib i386 2; Multi-Arch: same", "app:amd64=2 lib:i386=2", "" },
  { "qualified/native", "app i386 1\nlib amd64 1", "lib amd64 2", "app i386 2; Depends: lib:amd64 (>= 2)",
    "app:i386=2 lib:amd64=2", "" },
  { "conflict/all-architectures", "app i386 1\nold amd64 1", "old amd64 1", "app i386 2; Conflicts: old", "", "app:i386" },
  { "conflict/of-native", "app amd64 1\nold i386 1", "app amd64 2; Breaks: old (<< 2)", "old i386 1", "", "app" },
  { "conflict/mended-by-upgrade", "app amd64 1\nold i386 1", "app amd64 2; Breaks: old (<< 2)", "old i386 2",
    "app:amd64=2 old:i386=2", "" },
  /* A package that replaces a virtual one does not fight its like. */
  { "conflict/with-what-its-like-provides", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same",
    "lib amd64 2; Multi-Arch: same; Provides: lib-impl; Conflicts: lib-impl",
    "lib i386 2; Multi-Arch: same; Provides: lib-impl; Conflicts: lib-impl", "lib:amd64=2 lib:i386=2", "" },
  { "conflict/with-what-a-foreign-one-provides",
    "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\nrival i386 1; Provides: lib-impl",
    "lib amd64 2; Multi-Arch: same; Provides: lib-impl; Conflicts: lib-impl",
    "lib i386 2; Multi-Arch: same; Provides: lib-impl; Conflicts: lib-impl\nrival i386 1; Provides: lib-impl", "",
    "lib lib:i386" },
  { "conflict/with-its-own-name", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same",
    "lib amd64 2; Multi-Arch: same; Breaks: lib (<< 2)", "lib i386 2; Multi-Arch: same; Breaks: lib (<< 2)",
    "lib:amd64=2 lib:i386=2", "" },
  { "index-of-other-has-all", "app i386 1\ndata all 1", "data all 1", "app i386 2\ndata all 2", "app:i386=2 data:all=2", "" },
  /* What nobody has an index of stays, and holds back what it has to be together with; nothing else. */
  { "missing", "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\napp i386 1; Depends: lib\nother amd64 1; Depends: lib",
    "lib amd64 2; Multi-Arch: same\nother amd64 2; Depends: lib", NULL, "other:amd64=2", "lib" },
  { "missing/dependent-waits",
    "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\nother amd64 1; Depends: lib\ndata all 1; Multi-Arch: foreign",
    "lib amd64 2; Multi-Arch: same\nother amd64 2; Depends: lib (= 2)\ndata all 2; Multi-Arch: foreign", NULL, "data:all=2",
    "lib other" },
  { "missing/dependency-breaks", "app i386 1; Depends: data (= 1)\ndata all 1; Multi-Arch: foreign",
    "data all 2; Multi-Arch: foreign", NULL, "", "data" },
};

static char *
make_stanzas (const char *text, gboolean installed)
{
  GString *stanzas = g_string_new (NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "; ", -1);
      g_auto (GStrv) words = g_strsplit (fields[0], " ", -1);
      g_autofree char *sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, lines[i], -1);

      g_assert_cmpuint (g_strv_length (words), ==, 3);
      g_string_append_printf (stanzas, "Package: %s\nArchitecture: %s\nVersion: %s\n", words[0], words[1], words[2]);
      for (guint k = 1; fields[k] != NULL; k++)
        g_string_append_printf (stanzas, "%s\n", fields[k]);
      if (installed)
        g_string_append (stanzas, "Status: install ok installed\n\n");
      else
        g_string_append_printf (stanzas, "Filename: pool/%s_%s_%s.deb\nSize: 1000\nSHA256: %s\n\n", words[0], words[2], words[1],
                                sha256);
    }
  return g_string_free (stanzas, FALSE);
}

static void
write_index (RepositoryFixture *fixture, const char *arch, const char *text)
{
  g_autofree char *name = g_strconcat ("main/binary-", arch, NULL);
  g_autofree char *folder = repository_fixture_path (fixture, name);
  g_autofree char *path = g_build_filename (folder, "Packages", NULL);
  g_autofree char *stanzas = make_stanzas (text, FALSE);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, stanzas, -1, NULL));
}

static RepositoryFixture *
make_repository (const char *native, const char *foreign)
{
  RepositoryFixture *fixture = repository_fixture_new ();

  fixture->foreign = "i386";
  write_index (fixture, "amd64", native);
  if (foreign != NULL)
    write_index (fixture, "i386", foreign);
  repository_fixture_run (fixture, "sign", fixture->repository, "stable", fixture->home, NULL);
  return fixture;
}

static char *
describe (JsonObject *plan)
{
  JsonArray *packages = cold_json_array (plan, "packages");
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      g_string_append_printf (text, "%s%s:%s=%s", i > 0 ? " " : "", cold_json_string (package, "name"),
                              cold_json_string (package, "arch"), cold_json_string (package, "candidate"));
    }
  return g_string_free (text, FALSE);
}

static void
assert_names (JsonObject *plan, const char *member, const char *expected)
{
  g_auto (GStrv) names = cold_json_strv (plan, member);
  g_autofree char *text = g_strjoinv (" ", names);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_plan (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (RepositoryFixture) fixture = make_repository (c->native, c->foreign);
  g_autofree char *status = make_stanzas (c->installed, TRUE);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, "\"foreign\":[\"i386\"]");
  g_autofree char *planned = describe (plan);
  g_auto (GStrv) problems = cold_json_strv (plan, "problems");

  g_assert_cmpstr (planned, ==, c->planned);
  assert_names (plan, "kept-back", c->kept);
  g_assert_cmpuint (g_strv_length (problems), ==, c->foreign == NULL);
  if (c->foreign == NULL)
    g_assert_nonnull (strstr (problems[0], "no repository of the catalogue"));
}

static const char pair[] = "lib amd64 1; Multi-Arch: same\nlib i386 1; Multi-Arch: same\nother amd64 1\nthird i386 1";
static const char pair_native[] = "lib amd64 2; Multi-Arch: same\nother amd64 2";
static const char pair_foreign[] = "lib i386 2; Multi-Arch: same\nthird i386 2";

static void
test_unknown_to_dpkg (void)
{
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autofree char *status = make_stanzas (pair, TRUE);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, NULL);
  g_autofree char *planned = describe (plan);
  g_auto (GStrv) problems = cold_json_strv (plan, "problems");

  g_assert_cmpstr (planned, ==, "other:amd64=2");
  assert_names (plan, "kept-back", "lib");
  g_assert_cmpuint (g_strv_length (problems), ==, 1);
  g_assert_nonnull (strstr (problems[0], "--add-architecture"));
}

/* The catalogue has it for others: this guest's own source is for its own architecture only. */
static void
test_source_without_it (void)
{
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autofree char *status = make_stanzas (pair, TRUE);
  g_autoptr (JsonObject) with = repository_fixture_plan (fixture, status, "\"foreign\":[\"i386\"]");
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (JsonObject) without = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *planned = describe (with);

  g_assert_cmpstr (planned, ==, "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2");
  fixture->foreign = NULL;
  request = repository_fixture_request (fixture);
  without = plan_fixture_make (request, &error);
  g_assert_no_error (error);
  g_free (planned);
  planned = describe (without);
  g_assert_cmpstr (planned, ==, "other:amd64=2");
  assert_names (without, "kept-back", "lib");
}

/* Refreshes, and plans for a guest with the pair. */
static void
assert_planned (RepositoryFixture *fixture, const char *expected)
{
  g_autofree char *status = make_stanzas (pair, TRUE);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, "\"foreign\":[\"i386\"]");
  g_autofree char *planned = describe (plan);

  g_assert_cmpstr (planned, ==, expected);
}

/* The Release is that of the whole archive, the mirror carries less. What is damaged is told, and tried again. */
static void
test_partial_mirror (void)
{
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autofree char *path = repository_fixture_path (fixture, "main/binary-i386/Packages");
  g_autofree char *good = make_stanzas (pair_foreign, FALSE);

  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_planned (fixture, "other:amd64=2");
  g_assert_true (g_file_set_contents (path, "nonsense", -1, NULL));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (JsonObject) damaged = repository_fixture_refresh (fixture);

      g_assert_true (cold_json_bool (damaged, "ok"));
      g_assert_false (cold_json_bool (damaged, "changed"));
      g_assert_nonnull (strstr (cold_json_string (damaged, "error"), "binary-i386"));
    }
  g_assert_true (g_file_set_contents (path, good, -1, NULL));
  assert_planned (fixture, "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2");
  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_planned (fixture, "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2");
}

static void
test_hold (void)
{
  static const struct
  {
    const char *held;
    const char *planned;
    const char *are_held;
    const char *kept;
  } holds[] = { { "\"third:i386\"", "lib:amd64=2 lib:i386=2 other:amd64=2", "third:i386", "" },
                { "\"third:amd64\"", "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2", "", "" },
                { "\"lib:i386\"", "other:amd64=2 third:i386=2", "lib:i386", "lib" },
                { "\"lib:amd64\"", "other:amd64=2 third:i386=2", "lib", "lib:i386" } };

  for (guint i = 0; i < G_N_ELEMENTS (holds); i++)
    {
      g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
      g_autofree char *status = make_stanzas (pair, TRUE);
      g_autofree char *more = g_strdup_printf ("\"foreign\":[\"i386\"],\"held\":[%s]", holds[i].held);
      g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, more);
      g_autofree char *planned = describe (plan);

      g_assert_cmpstr (planned, ==, holds[i].planned);
      assert_names (plan, "held", holds[i].are_held);
      assert_names (plan, "kept-back", holds[i].kept);
    }
}

/* As dpkg's own selection, when the manifest does not list it. */
static void
test_hold_of_status (void)
{
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autofree char *stanzas = make_stanzas (pair, TRUE);
  g_autoptr (GString) status = g_string_new (stanzas);
  g_autoptr (JsonObject) plan = NULL;
  g_autofree char *planned = NULL;

  g_string_truncate (status, strlen (stanzas) - strlen ("Status: install ok installed\n\n"));
  g_string_append (status, "Status: hold ok installed\n");
  plan = repository_fixture_plan (fixture, status->str, "\"foreign\":[\"i386\"]");
  planned = describe (plan);
  g_assert_cmpstr (planned, ==, "lib:amd64=2 lib:i386=2 other:amd64=2");
  assert_names (plan, "held", "third:i386");
}

/* A name is that of all architectures, also when it comes with one. */
static void
test_exclude (void)
{
  static const struct
  {
    const char *name;
    const char *planned;
  } excludes[] = { { "third", "lib:amd64=2 lib:i386=2 other:amd64=2" },
                   { "third:i386", "lib:amd64=2 lib:i386=2 other:amd64=2" },
                   { "lib", "other:amd64=2 third:i386=2" },
                   { "lib:i386", "other:amd64=2 third:i386=2" } };
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autofree char *status = make_stanzas (pair, TRUE);
  g_autoptr (JsonObject) all = repository_fixture_plan (fixture, status, "\"foreign\":[\"i386\"]");

  for (guint i = 0; i < G_N_ELEMENTS (excludes); i++)
    {
      const char *const names[] = { excludes[i].name, NULL };
      g_autoptr (JsonObject) request = repository_fixture_request (fixture);
      g_autoptr (JsonObject) plan = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *planned = NULL;

      cold_json_set_strv (request, "exclude", names);
      plan = plan_fixture_make (request, &error);
      g_assert_no_error (error);
      planned = describe (plan);
      g_assert_cmpstr (planned, ==, excludes[i].planned);
    }
}

/* As apt_preferences(5) says: without an architecture, a pin is for the guest's own. */
static void
test_pin (void)
{
  static const struct
  {
    const char *package;
    const char *planned;
  } pins[] = { { "third", "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2" },
               { "third:i386", "lib:amd64=2 lib:i386=2 other:amd64=2" },
               { "third:any", "lib:amd64=2 lib:i386=2 other:amd64=2" },
               { "src:third:i386", "lib:amd64=2 lib:i386=2 other:amd64=2" },
               { "other:i386", "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2" },
               { "lib", "other:amd64=2 third:i386=2" } };

  for (guint i = 0; i < G_N_ELEMENTS (pins); i++)
    {
      g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
      g_autofree char *status = make_stanzas (pair, TRUE);
      g_autofree char *more
          = g_strdup_printf ("\"foreign\":[\"i386\"],\"preferences\":[{\"file\":\"preferences\",\"text\":"
                             "\"Package: %s\\nPin: version 2\\nPin-Priority: -1\\n\"}]",
                             pins[i].package);
      g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, more);
      g_autofree char *planned = describe (plan);

      g_assert_cmpstr (planned, ==, pins[i].planned);
    }
}

/* Architectures of a hostile guest are words of libsolv's own, or too many. */
static void
test_bad_architectures (void)
{
  g_autoptr (RepositoryFixture) fixture = make_repository (pair_native, pair_foreign);
  g_autoptr (GString) status = g_string_new ("Package: bad\nArchitecture: a:b=c>d\nVersion: 1\n\n");
  g_autofree char *good = make_stanzas (pair, TRUE);
  g_autoptr (JsonObject) plan = NULL;
  g_autofree char *planned = NULL;

  g_string_append (status, good);
  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (status, "Package: many\nArchitecture: a%u\nVersion: 1\n\n", i);
  plan = repository_fixture_plan (fixture, status->str, "\"foreign\":[\"i386\"]");
  planned = describe (plan);
  g_assert_cmpstr (planned, ==, "lib:amd64=2 lib:i386=2 other:amd64=2 third:i386=2");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/deb-multiarch/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_plan);
    }
  g_test_add_func ("/deb-multiarch/unknown-to-dpkg/stays", test_unknown_to_dpkg);
  g_test_add_func ("/deb-multiarch/source-without-it/stays", test_source_without_it);
  g_test_add_func ("/deb-multiarch/partial-mirror/the-rest-is-fetched", test_partial_mirror);
  g_test_add_func ("/deb-multiarch/hold", test_hold);
  g_test_add_func ("/deb-multiarch/hold/of-status", test_hold_of_status);
  g_test_add_func ("/deb-multiarch/exclude", test_exclude);
  g_test_add_func ("/deb-multiarch/pin", test_pin);
  g_test_add_func ("/deb-multiarch/bad-architectures", test_bad_architectures);
  return g_test_run ();
}
