/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest's pins make of plans. What is expected is what "apt-get upgrade --with-new-pkgs" does; where apt would go back to an older
 * version, or a record is not understood, the package is kept back. */
#include <gio/gio.h>

#include "cold-json.h"
#include "plan-fixture.h"
#include "repository-fixture.h"

static RepositoryFixture *
fixture_with_two_versions (void)
{
  RepositoryFixture *fixture = repository_fixture_new ();

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_add (fixture, "foo", "1.2", NULL);
  repository_fixture_index (fixture, NULL);
  return fixture;
}

static const struct
{
  const char *name;
  const char *text;
  const char *candidate; /* (nullable) */
  const char *problem;   /* (nullable) */
} pins[] = {
  { "none", "", "1.2", NULL },
  { "version", "Package: foo\\nPin: version 1.1*\\nPin-Priority: 600\\n", "1.1", NULL },
  { "negative", "Package: foo\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.1", NULL },
  { "release", "Package: foo\\nPin: release o=Test, n=stable\\nPin-Priority: -10\\n", NULL, NULL },
  { "other-release", "Package: foo\\nPin: release a=testing\\nPin-Priority: -10\\n", "1.2", NULL },
  { "general", "Package: *\\nPin: release l=Test\\nPin-Priority: 50\\n", NULL, NULL },
  { "specific-wins", "Package: *\\nPin: release l=Test\\nPin-Priority: -1\\n\\nPackage: fo?\\nPin: version *\\nPin-Priority: 990\\n",
    "1.2", NULL },
  { "origin", "Package: foo\\nPin: origin \\\"coldpatch.invalid\\\"\\nPin-Priority: -1\\n", NULL, NULL },
  { "stay", "Package: foo\\nPin: version 1.0\\nPin-Priority: 900\\n", NULL, NULL },
  { "not-understood", "Package: foo\\nPin: moon full\\nPin-Priority: 900\\n", NULL, "does not understand" },
  { "arch-native", "Package: foo:amd64\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.1", NULL },
  { "arch-any", "Package: fo*:any\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.1", NULL },
  { "arch-other", "Package: foo:i386\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.2", NULL },
  { "arch-of-source", "Package: src:foo:native\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.1", NULL },
  { "source", "Package: src:foo\\nPin: version 1.2\\nPin-Priority: -1\\n", "1.1", NULL },
  /* Where apt gives up. */
  { "refused-no-package", "Pin: version 1.1\\nPin-Priority: 600\\n", NULL, "no \"Package:\"" },
  { "refused-no-priority", "Package: bar\\nPin: version 1.1\\n", NULL, "\"Pin-Priority:\"" },
  { "refused-large-priority", "Package: *\\nPin: release l=Test\\nPin-Priority: 100000\\n", NULL, "\"Pin-Priority:\"" },
  { "refused-never", "Package: bar\\nPin: version 1.1\\nPin-Priority: never\\n", NULL, "\"Pin-Priority:\"" },
  { "refused-no-record", "# comment\\n\\nExplanation: none\\n", NULL, "no \"Package:\"" },
  { "not-refused", "# comment\\n\\nPackage: bar\\n\\nPackage: *\\nPin: version 1.1\\n\\nPackage: *\\nPin: moon full\\n",
    "1.2", NULL },
  { "priority-and-more", "Package: foo\\nPin: version 1.1\\nPin-Priority: 600 of 1000\\n", "1.1", NULL },
  /* Quotes are for hosts alone; and the asterisk at the end is taken off before anything is looked at. */
  { "version-quoted", "Package: foo\\nPin: version \\\"1.2\\\"\\nPin-Priority: -1\\n", "1.2", NULL },
  { "version-asterisk", "Package: foo\\nPin: version [1]*\\nPin-Priority: -1\\n", "1.2", NULL },
  { "version-begins", "Package: foo\\nPin: version 1.*\\nPin-Priority: -1\\n", NULL, NULL },
  /* Of several conditions, those that apt does not know count for nothing. */
  { "release-words", "Package: foo\\nPin: release o=Test, testing\\nPin-Priority: -1\\n", NULL, NULL },
  { "release-unknown", "Package: foo\\nPin: release x=Test\\nPin-Priority: -1\\n", "1.2", NULL },
  { "release-missing-field", "Package: foo\\nPin: release v=?*\\nPin-Priority: -1\\n", "1.2", NULL },
  /* What is installed is of release "now", and of one of which nothing is said. */
  { "release-nothing", "Package: foo\\nPin: release a=\\nPin-Priority: 501\\n", NULL, NULL },
  { "all", "Package: foo\\nPin: release *\\nPin-Priority: 50\\n", "1.2", NULL },
  { "general-all", "Package: *\\nPin: release *\\nPin-Priority: 50\\n", "1.2", NULL },
  { "now", "Package: foo\\nPin: release a=now\\nPin-Priority: 501\\n", NULL, NULL },
  { "general-now", "Package: *\\nPin: release now\\nPin-Priority: 501\\n", NULL, NULL },
  { "never", "Package: *\\nPin: release o=Test\\nPin-Priority: 990\\n\\nPackage: *\\nPin: release l=Test\\nPin-Priority: never\\n\\n"
             "Package: foo\\nPin: version *\\nPin-Priority: 990\\n", NULL, NULL },
};

static void
test_pin (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *member = g_strdup_printf ("\"preferences\":[{\"file\":\"preferences\",\"text\":\"%s\"}]", pins[i].text);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, member);

  g_assert_cmpstr (cold_json_string (repository_fixture_planned (plan, "foo"), "candidate"), ==, pins[i].candidate);
  g_assert_cmpint (plan_fixture_lists (plan, "kept-back", "foo"), ==, pins[i].problem != NULL);
  if (pins[i].problem != NULL)
    g_assert_true (plan_fixture_lists (plan, "problems", pins[i].problem));
  else
    g_assert_cmpuint (plan_fixture_count (plan, "problems"), ==, 0);
}

/* To apt, it is one version, and a pin is for the version as soon as it is for one of the indexes that have it. */
static void
test_pin_of_one_index (void)
{
  static const char *const texts[] = { "Package: foo\\nPin: release c=contrib\\nPin-Priority: -1\\n",
                                       "Package: foo\\nPin: release c=main\\nPin-Priority: -1\\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
      g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
      g_autofree char *member = g_strdup_printf ("\"preferences\":[{\"text\":\"%s\"}]", texts[i]);
      g_autoptr (JsonObject) plan = NULL;

      fixture->contrib = "contrib";
      repository_fixture_run (fixture, "index", fixture->repository, "stable", fixture->home, "--component", "contrib", NULL);
      plan = repository_fixture_plan (fixture, status, member);
      g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
    }
}

/* APT::Default-Release comes before all general records. */
static void
test_default_release (void)
{
  static const struct
  {
    const char *release;
    const char *candidate;
  } cases[] = { { "stable", "1.2" }, { "/^(stable|other)$/", "1.2" }, { "a=stable, l=Test", "1.2" }, { "testing", NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
      g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
      g_autofree char *member = g_strdup_printf (
          "\"preferences\":[{\"text\":\"Package: *\\nPin: release l=Test\\nPin-Priority: 50\"}],\"default-release\":\"%s\"",
          cases[i].release);
      g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, member);

      g_assert_cmpstr (cold_json_string (repository_fixture_planned (plan, "foo"), "candidate"), ==, cases[i].candidate);
    }
}

static void
test_downgrade_pin (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_two_versions ();
  g_autofree char *status = repository_fixture_installed ("foo", "2.0", NULL);
  g_autoptr (JsonObject) plan = repository_fixture_plan (
      fixture, status, "\"preferences\":[{\"text\":\"Package: foo\\nPin: version 1.1\\nPin-Priority: 1001\"}]");

  g_assert_cmpuint (plan_fixture_count (plan, "packages"), ==, 0);
  g_assert_true (plan_fixture_lists (plan, "kept-back", "foo"));
  g_assert_true (plan_fixture_lists (plan, "problems", "older version 1.1"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pins); i++)
    {
      g_autofree char *path = g_strconcat ("/deb-preferences/", pins[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_pin);
    }
  g_test_add_func ("/deb-preferences/downgrade/kept-back", test_downgrade_pin);
  g_test_add_func ("/deb-preferences/of-one-index", test_pin_of_one_index);
  g_test_add_func ("/deb-preferences/default-release", test_default_release);
  return g_test_run ();
}
