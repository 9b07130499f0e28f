/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans for guests of rpm packages. */
#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "plan-fixture.h"
#include "rpm-fixture.h"

static void
test_upgrade (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  JsonObject *package;

  rpm_fixture_add (f, "one", "foo 1-2 'Epoch: 1' 'Requires: foo-data >= 1' 'Recommends: noise'");
  rpm_fixture_add (f, "one", "foo-data 1-1");
  rpm_fixture_add (f, "one", "noise 1-1");
  rpm_fixture_add (f, "one", "bar 1.9-1");
  rpm_fixture_add (f, "one", "tilde 1.0~rc1-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 2-1;bar 2.0-1;tilde 1.0-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "foo 2-1 1:1-2; foo-data  1-1", "", "");
  package = cold_json_array_object (cold_json_array (planned, "packages"), 0);
  g_assert_cmpstr (cold_json_string (package, "arch"), ==, "noarch");
  g_assert_cmpstr (cold_json_string (package, "repository"), ==, "one");
  g_assert_cmpstr (cold_json_string (package, "path"), ==, "foo-1-2.noarch.rpm");
  g_assert_cmpint (cold_json_int (package, "size"), >, 500);
  g_assert_cmpuint (json_array_get_length (cold_json_array (planned, "problems")), ==, 0);
}

/* Of two that will do, the one that is recommended: nothing is installed for that reason alone. */
static void
test_recommended (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) installed = NULL;

  rpm_fixture_add (f, "one", "foo 2-1 'Requires: cap'");
  rpm_fixture_add (f, "one", "named 1-1 'Provides: cap'");
  rpm_fixture_add (f, "one", "any 1-1 'Provides: cap'");
  rpm_fixture_add (f, "one", "fitting 1-1 'Provides: cap' 'Supplements: user'");
  rpm_fixture_add (f, "one", "wasted 1-1 'Supplements: user'");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;user 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "fitting  1-1; foo 1-1 2-1", "", "");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;other 1-1 \"recommends\":[\"lacking\",\"named\"]", "");
  installed = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (installed, "foo 1-1 2-1; named  1-1", "", "");
}

static void
test_kept_back (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_add (f, "one", "foo 2-1 'Requires: nowhere'");
  rpm_fixture_add (f, "one", "bar 2-1 'Conflicts: other'");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_write_manifest (f, "dnf", "bar 1-1;foo 1-1;good 1-1;other 1-1;needs 1-1 \"requires\":[\"good >= 1\",\"(foo if bar)\","
                            "\"rpmlib(X) <= 1\"]", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "good 1-1 2-1", "", "bar foo");
}

static void
test_obsoletes (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  JsonObject *package;

  rpm_fixture_add (f, "one", "new 1-1 'Obsoletes: old < 2' 'Provides: old = 2'");
  rpm_fixture_write_manifest (f, "dnf", "old 1-1;user 1-1 \"requires\":[\"old\"]", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "new  1-1", "", "");
  package = cold_json_array_object (cold_json_array (planned, "packages"), 0);
  g_assert_cmpstr (cold_json_array_string (cold_json_array (package, "replaces"), 0), ==, "old");
}

static void
test_kernel (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) current = NULL;

  rpm_fixture_add (f, "one", "kernel-core 3-1 'Provides: installonlypkg(kernel)'");
  rpm_fixture_write_manifest (f, "dnf", "kernel-core 1-1 \"provides\":[\"installonlypkg(kernel)\"];"
                            "kernel-core 2-1 \"provides\":[\"installonlypkg(kernel)\"]", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "kernel-core  3-1", "", "");
  rpm_fixture_write_manifest (f, "dnf", "kernel-core 1-1 \"provides\":[\"installonlypkg(kernel)\"];"
                            "kernel-core 3-1 \"provides\":[\"installonlypkg(kernel)\"]", "");
  current = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (current, "", "", "");
}

/* zypper would remove the older one of two that are not to be installed beside each other, for an upgrade of what it requires. */
static void
test_double_stays (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_write_manifest (f, "zypper", "foo 1-1 \"provides\":[\"cap\"];good 1-1;twice 1-1 \"requires\":[\"cap\"];twice 2-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "good 1-1 2-1", "", "foo");
  g_assert_nonnull (strstr (cold_json_array_string (cold_json_array (planned, "problems"), 0), "twice-1-1.noarch stays"));
}

/* An old version is no reason to give up a package of which there is an update. */
static void
test_old_obsoletes (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_add (f, "one", "foo 1-1 --arch x86_64 'Obsoletes: good < 3'");
  rpm_fixture_add (f, "one", "foo 1-2 --arch x86_64");
  rpm_fixture_add (f, "one", "good 10-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 2-1 \"arch\":\"i686\";good 2-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "good 2-1 10-1", "", "");
}

/* dnf's "obsoletes=0": nothing takes another's place unless an upgrade requires it. */
static void
test_no_obsoletes (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) all = NULL;

  rpm_fixture_add (f, "one", "new 1-1 'Obsoletes: old < 2' 'Provides: old = 2'");
  rpm_fixture_add (f, "one", "other-new 1-1 'Obsoletes: other-old < 2'");
  rpm_fixture_add (f, "one", "user 2-1 'Requires: other-new'");
  rpm_fixture_add (f, "one", "old 1-2");
  rpm_fixture_add (f, "one", "kernel 2-1");
  rpm_fixture_write_manifest (f, "dnf", "old 1-1;other-old 1-1;user 1-1;kernel 1-1;kernel 3-1", ",\"obsoletes\":false");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "old 1-1 1-2; other-new  1-1; user 1-1 2-1", "", "");
  rpm_fixture_write_manifest (f, "dnf", "old 1-1;other-old 1-1;kernel 1-1", "");
  all = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (all, "kernel  2-1; new  1-1; other-new  1-1", "", "");
}

/* As dnf does it with best=0; with best=1 it upgrades nothing at all. */
static void
test_lower_candidate (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) best = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "foo 3-1 'Requires: nowhere'");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;good 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "foo 1-1 2-1; good 1-1 2-1", "", "");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;good 1-1", ",\"best\":true");
  best = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (best, "", "", "foo good");
  g_assert_nonnull (strstr (cold_json_array_string (cold_json_array (best, "problems"), 0), "nothing provides nowhere"));
}

/* Of both architectures or of none, as dnf does it with the libsolv of Fedora. */
static void
test_two_architectures (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) dnf = NULL;

  rpm_fixture_add (f, "one", "foo 2-1 --arch x86_64");
  rpm_fixture_add (f, "one", "foo 2-1 --arch i686");
  rpm_fixture_add (f, "one", "bar 2-1 --arch i686");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1 \"arch\":\"x86_64\";foo 1-1 \"arch\":\"i686\";bar 1-1 \"arch\":\"x86_64\";"
                              "bar 1-1 \"arch\":\"i686\"", "");
  dnf = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (dnf, "foo 1-1 2-1; foo 1-1 2-1", "", "bar");
}

static void
test_vendor (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) zypper = NULL;
  g_autoptr (JsonObject) dnf = NULL;
  g_autoptr (JsonObject) strict = NULL;
  const char *installed = "foo 1-1 \"vendor\":\"Mine\";bar 1-1 \"vendor\":\"Other\"";

  rpm_fixture_add (f, "one", "foo 2-1 'Vendor: Other'");
  rpm_fixture_add (f, "one", "bar 2-1 'Vendor: Other'");
  rpm_fixture_write_manifest (f, "zypper", installed, "");
  zypper = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (zypper, "bar 1-1 2-1", "", "foo");
  rpm_fixture_write_manifest (f, "dnf", installed, "");
  dnf = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (dnf, "bar 1-1 2-1; foo 1-1 2-1", "", "");
  rpm_fixture_write_manifest (f, "dnf", installed, ",\"allow-vendor-change\":false");
  strict = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (strict, "bar 1-1 2-1", "", "foo");
}

/* As libzypp has it: "suse*" by itself, and what vendors.d puts together. */
static const struct
{
  const char *from;
  const char *to;
  const char *more; /* of the manifest */
  gboolean one;
} vendors[] = {
  { "SUSE LLC <https://www.suse.com/>", "SUSE Linux Products GmbH", "", TRUE },
  { "SUSE LLC <https://www.suse.com/>", "openSUSE", "", FALSE },
  { "openSUSE", "SUSE LLC <https://www.suse.com/>", ",\"vendors\":[[\"openSUSE\",\"SUSE LLC <https://www.suse.com/>\"]]", TRUE },
  { "openSUSE-Factory", "SUSE LLC", ",\"vendors\":[[\"openSUSE\",\"SUSE\"]]", FALSE },
  { "mine", "MINE", "", TRUE },
  { "obs://a/x", "obs://b/y", ",\"vendors\":[[\"obs://a\",\"z\"],[\"Z\",\"obs://b\"]]", TRUE },
  { "obs://a/x", "obs://b/y", ",\"vendors\":[[\"obs://a\"],[\"obs://b\"],7,[8]]", FALSE },
  { "Packman", "openSUSE", ",\"allow-vendor-change\":true", TRUE },
};

static void
test_equal_vendors (RpmFixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (vendors); i++)
    {
      g_autofree char *words = g_strdup_printf ("foo 2-%u 'Vendor: %s'", i, vendors[i].to);
      g_autofree char *installed = g_strdup_printf ("foo 1-1 \"vendor\":\"%s\"", vendors[i].from);
      g_autofree char *expected = vendors[i].one ? g_strdup_printf ("foo 1-1 2-%u", i) : g_strdup ("");
      g_autoptr (JsonObject) planned = NULL;

      g_test_message ("%s -> %s", vendors[i].from, vendors[i].to);
      rpm_fixture_shell (f, "rm -rf one/*.rpm");
      rpm_fixture_add (f, "one", words);
      rpm_fixture_write_manifest (f, "zypper", installed, vendors[i].more);
      planned = rpm_fixture_plan (f, "one");
      rpm_fixture_assert_plan (planned, expected, "", vendors[i].one ? "" : "foo");
    }
}

/* What is installed beside older versions is what the guest's configuration says. */
static void
test_multiversion (RpmFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *manager;
    const char *more;
    const char *packages;
  } cases[] = {
    { "dnf", "", "foo 1-1 2-1; kernel  2-1" },
    { "dnf", ",\"multiversion\":[\"provides:foo\"]", "foo  2-1; kernel  2-1" },
    { "zypper", "", "foo 1-1 2-1; kernel  2-1" },
    { "zypper", ",\"multiversion\":[]", "foo 1-1 2-1; kernel 1-1 2-1" },
    { "zypper", ",\"multiversion\":[\"foo\"]", "foo  2-1; kernel 1-1 2-1" },
  };

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "kernel 2-1");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) planned = NULL;

      rpm_fixture_write_manifest (f, cases[i].manager, "foo 1-1;kernel 1-1", cases[i].more);
      planned = rpm_fixture_plan (f, "one");
      rpm_fixture_assert_plan (planned, cases[i].packages, "", "");
    }
}

static const struct
{
  const char *name;
  const char *manager;
  const char *more;
  const char *packages;
  const char *held;
} locks[] = {
  { "none", "dnf", "", "foo 1-1 3-1", "" },
  { "name", "zypper", ",\"held\":[\"fo*\"]", "", "foo" },
  { "regex", "zypper", ",\"held\":[\"/^f.o$/\"]", "", "foo" },
  { "other-regex", "zypper", ",\"held\":[\"/^o/\"]", "foo 1-1 3-1", "" },
  { "versionlock", "dnf", ",\"held\":[\"foo-0:1-1.*\"]", "", "foo" },
  { "versionlock-newer", "dnf", ",\"held\":[\"foo-0:2-1.*\"]", "foo 1-1 2-1", "" },
  { "versionlock-missing", "dnf", ",\"held\":[\"foo-0:7-1.*\"]", "", "" },
  { "versionlock-all-versions", "dnf", ",\"held\":[\"foo\",\"fo*-*\"]", "foo 1-1 3-1", "" },
  { "versionlock-of-dnf5", "dnf", ",\"held\":[\"=foo\"]", "", "foo" },
  { "versionlock-name-only", "dnf", ",\"held\":[\"foo-2*\"]", "foo 1-1 2-1", "" },
  { "versionlock-exclude", "dnf", ",\"held\":[\"!foo-0:3-1.*\"]", "foo 1-1 2-1", "" },
  { "yum", "yum", ",\"held\":[\"0:foo-1-1.*\"]", "", "foo" },
  { "exclude", "dnf", ",\"excludes\":[\"foo\"]", "", "" },
  { "exclude-version", "dnf", ",\"excludes\":[\"foo-3*\"]", "foo 1-1 2-1", "" },
  { "exclude-installed", "dnf", ",\"excludes\":[\"foo-1*\"]", "", "" },
  { "include", "dnf", ",\"includes\":[\"ba*\",\"f?o\"]", "foo 1-1 3-1", "" },
  { "include-version", "dnf", ",\"includes\":[\"foo-1*\",\"foo-2*\"]", "foo 1-1 2-1", "" },
  { "include-without-installed", "dnf", ",\"includes\":[\"foo-2*\"]", "", "" },
  { "include-other", "dnf", ",\"includes\":[\"bar\"]", "", "" },
  { "other", "dnf", ",\"held\":[\"bar\"],\"excludes\":[\"food\"]", "foo 1-1 3-1", "" },
};

static void
test_lock (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "foo 3-1");
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_autoptr (JsonObject) planned = NULL;

      g_test_message ("%s", locks[i].name);
      rpm_fixture_write_manifest (f, locks[i].manager, "foo 1-1", locks[i].more);
      planned = rpm_fixture_plan (f, "one");
      rpm_fixture_assert_plan (planned, locks[i].packages, locks[i].held, "");
    }
}

static void
test_module (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_add (f, "one", "foo 2-1.module+el9");
  rpm_fixture_add (f, "one", "plain 2-1.module+el9");
  rpm_fixture_add (f, "one", "good 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1.module+el9;plain 1-1;good 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "good 1-1 2-1", "", "foo");
}

static void
test_priority (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) equal = NULL;
  g_autoptr (JsonObject) preferred = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "two", "foo 3-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1", "");
  equal = rpm_fixture_plan (f, "one two");
  rpm_fixture_assert_plan (equal, "foo 1-1 3-1", "", "");
  preferred = rpm_fixture_plan (f, "one=10 two");
  rpm_fixture_assert_plan (preferred, "foo 1-1 2-1", "", "");
}

/* The guest's own *.repo files, the catalogue's repositories being the admin's: FOLDER stands for the fixture's folder. */
static const struct
{
  const char *name;
  const char *repositories; /* of the manifest */
  const char *packages;
  const char *kept_back;
  gboolean problem;
} restrictions[] = {
  { "none", "{\"id\":\"base\",\"uris\":[]}", "bar 1-1 3-1; foo 1-1 3-1", "", FALSE },
  { "includes-by-uri", "{\"id\":\"x\",\"uris\":[\"file://FOLDER/two/\"],\"includes\":[\"foo\"]}", "bar 1-1 2-1; foo 1-1 3-1", "", FALSE },
  { "includes-by-id", "{\"id\":\"two\",\"uris\":[\"http://other/\"],\"includes\":[\"foo\"]}", "bar 1-1 2-1; foo 1-1 3-1", "", FALSE },
  { "excludes-by-uri", "{\"id\":\"x\",\"uris\":[\"file://FOLDER/two\"],\"excludes\":[\"fo*\"]}", "bar 1-1 3-1; foo 1-1 2-1", "", FALSE },
  { "priority", "{\"id\":\"one\",\"uris\":[],\"priority\":10}", "bar 1-1 2-1; foo 1-1 2-1", "", FALSE },
  { "excludes-of-unknown", "{\"id\":\"x\",\"uris\":[],\"excludes\":[\"foo-3*\"]}", "bar 1-1 3-1; foo 1-1 2-1", "", FALSE },
  { "includes-of-unknown", "{\"id\":\"x\",\"uris\":[],\"includes\":[\"foo\"]}", "foo 1-1 3-1", "bar", TRUE },
  { "includes-of-unknown-or-one",
    "{\"id\":\"x\",\"uris\":[],\"includes\":[\"foo\"]},{\"id\":\"two\",\"uris\":[]},{\"id\":\"one\",\"uris\":[]}",
    "bar 1-1 3-1; foo 1-1 3-1", "", FALSE },
};

static void
test_restrictions (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "bar 2-1");
  rpm_fixture_add (f, "two", "foo 3-1");
  rpm_fixture_add (f, "two", "bar 3-1");
  for (guint i = 0; i < G_N_ELEMENTS (restrictions); i++)
    {
      g_autoptr (GString) member = g_string_new (NULL);
      g_autoptr (JsonObject) planned = NULL;

      g_test_message ("%s", restrictions[i].name);
      g_string_printf (member, ",\"repositories\":[%s]", restrictions[i].repositories);
      g_string_replace (member, "FOLDER", f->folder, 0);
      rpm_fixture_write_manifest (f, "dnf", "foo 1-1;bar 1-1", member->str);
      planned = rpm_fixture_plan (f, "one two");
      rpm_fixture_assert_plan (planned, restrictions[i].packages, "", restrictions[i].kept_back);
      g_assert_cmpuint (json_array_get_length (cold_json_array (planned, "problems")), ==, restrictions[i].problem);
    }
}

/* One advisory for @name @version-1, of the kind @type. */
static void
advise (RpmFixture *f, const char *name, const char *version, const char *type)
{
  g_autofree char *path = g_build_filename (f->folder, "updateinfo.xml", NULL);
  g_autofree char *text = g_strdup_printf (
      "<?xml version=\"1.0\"?><updates><update from=\"a\" status=\"stable\" type=\"%s\" version=\"1\"><id>A-1</id><title>t</title>"
      "<issued date=\"2026-01-01\"/><pkglist><collection><package name=\"%s\" version=\"%s\" release=\"1\" epoch=\"0\" "
      "arch=\"noarch\"><filename>x</filename></package></collection></pkglist></update></updates>",
      type, name, version);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  rpm_fixture_shell (f, "modifyrepo_c updateinfo.xml one/repodata >/dev/null");
  rpm_fixture_sign (f, "one");
}

static const struct
{
  const char *type;
  const char *version;
  const char *packages;
  const char *only;
} advisories[] = {
  { "security", "2", "bar 1-1 2-1; foo 1-1 3-1 *", "foo 1-1 3-1 *" },
  { "security", "1", "bar 1-1 2-1; foo 1-1 3-1", "" },
  { "security", "4", "bar 1-1 2-1; foo 1-1 3-1", "" },
  { "bugfix", "3", "bar 1-1 2-1; foo 1-1 3-1", "" },
};

static void
test_security (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_add (f, "one", "foo 3-1");
  rpm_fixture_add (f, "one", "bar 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;bar 1-1", "");
  for (guint i = 0; i < G_N_ELEMENTS (advisories); i++)
    {
      g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
      g_autoptr (JsonObject) all = NULL;
      g_autoptr (JsonObject) only = NULL;
      g_autoptr (JsonObject) answer = NULL;

      rpm_fixture_publish (f, "one");
      advise (f, "foo", advisories[i].version, advisories[i].type);
      answer = rpm_fixture_refresh (f, "one");
      g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
      g_assert_true (cold_json_bool (answer, "changed"));
      all = rpm_fixture_plan_request (request);
      rpm_fixture_assert_plan (all, advisories[i].packages, "", "");
      json_object_set_boolean_member (request, "security-only", TRUE);
      only = rpm_fixture_plan_request (request);
      rpm_fixture_assert_plan (only, advisories[i].only, "", "");
    }
}

/* dnf upgrades what a fix requires, and nothing takes another's place that is no fix. */
static void
test_security_requires (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_add (f, "one", "foo 2-1 'Requires: bar >= 2'");
  rpm_fixture_add (f, "one", "bar 2-1");
  rpm_fixture_add (f, "one", "new 1-1 'Obsoletes: old'");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;bar 1-1;old 1-1", "");
  rpm_fixture_publish (f, "one");
  advise (f, "foo", "2", "security");
  answer = rpm_fixture_refresh (f, "one");
  json_object_set_boolean_member (request, "security-only", TRUE);
  planned = rpm_fixture_plan_request (request);
  rpm_fixture_assert_plan (planned, "bar 1-1 2-1; foo 1-1 2-1 *", "", "");
}

/* primary.xml has the paths of programs and configuration only. */
static void
test_required_path (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_shell (f, "mkdir -p root/usr/share/data && touch root/usr/share/data/table");
  rpm_fixture_add (f, "one", "data 2-1 --root root");
  rpm_fixture_add (f, "one", "user 2-1 'Requires: /usr/share/data/table'");
  rpm_fixture_add (f, "one", "bad 2-1 'Requires: /usr/share/data/missing'");
  rpm_fixture_write_manifest (f, "dnf", "data 1-1 \"provides\":[\"/usr/share/data/table\"];"
                            "user 1-1 \"requires\":[\"/usr/share/data/table\"];bad 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "data 1-1 2-1; user 1-1 2-1", "", "bad");
}

/* What one repository's packages require of another's, in whatever order they are fetched. */
static void
test_path_elsewhere (RpmFixture *f, gconstpointer data)
{
  const char *repositories = data;
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (JsonObject) next = NULL;

  rpm_fixture_shell (f, "mkdir -p root/usr/share/data root/usr/bin && touch root/usr/share/data/table root/usr/bin/tool");
  rpm_fixture_add (f, "one", "user 2-1 'Requires: /usr/share/data/table'");
  rpm_fixture_add (f, "one", "worker 2-1 'Requires: /usr/bin/tool'");
  rpm_fixture_add (f, "two", "data 2-1 --root root");
  rpm_fixture_write_manifest (f, "dnf", "data 1-1 \"provides\":[\"/usr/share/data/table\"];user 1-1;worker 1-1", "");
  planned = rpm_fixture_plan (f, repositories);
  rpm_fixture_assert_plan (planned, "data 1-1 2-1; user 1-1 2-1; worker 1-1 2-1", "", "");
  rpm_fixture_shell (f, "grep -q '\"wanted\":.*/usr/share/data/table' catalogue/repositories/two/current/generation.json"
                        " && ! grep -q /usr/bin/tool catalogue/repositories/*/current/generation.json");
  /* What was not changed is not fetched once more. */
  again = rpm_fixture_refresh (f, repositories);
  g_assert_false (cold_json_bool (again, "changed"));
  /* A path that is wanted for the first time, of what did not change. */
  rpm_fixture_shell (f, "touch root/usr/share/data/other && rm two/*.rpm");
  rpm_fixture_add (f, "two", "data 2-1 --root root");
  rpm_fixture_publish (f, "two");
  rpm_fixture_add (f, "one", "user 3-1 'Requires: /usr/share/data/other'");
  next = rpm_fixture_plan (f, repositories);
  rpm_fixture_assert_plan (next, "data 1-1 2-1; user 1-1 3-1; worker 1-1 2-1", "", "");
}

/* The manifest does not have that path, and the owner is the newest one already. */
static void
test_path_installed (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  rpm_fixture_shell (f, "mkdir -p root/usr/share/data && touch root/usr/share/data/table");
  rpm_fixture_add (f, "one", "data 1-1 --root root");
  rpm_fixture_add (f, "one", "user 2-1 'Requires: /usr/share/data/table'");
  rpm_fixture_write_manifest (f, "dnf", "data 1-1;user 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_assert_plan (planned, "user 1-1 2-1", "", "");
}

static void
test_request_exclude (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (JsonObject) planned = NULL;
  const char *const names[] = { "foo", NULL };

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_add (f, "one", "bar 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1;bar 1-1", "");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  cold_json_set_strv (request, "exclude", names);
  planned = rpm_fixture_plan_request (request);
  rpm_fixture_assert_plan (planned, "bar 1-1 2-1", "", "");
}

static void
test_bad_manifest (RpmFixture *f, gconstpointer data)
{
  static const char *const lists[] = { "foo ", " 1-1" };
  g_autoptr (JsonObject) answer = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_publish (f, "one");
  answer = rpm_fixture_refresh (f, "one");
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
      g_autoptr (GError) error = NULL;

      rpm_fixture_write_manifest (f, "dnf", lists[i], "");
      g_assert_null (plan_fixture_make (request, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/rpm/plan/upgrade", RpmFixture, NULL, rpm_fixture_set_up, test_upgrade, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/recommended/preferred", RpmFixture, NULL, rpm_fixture_set_up, test_recommended, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/kept-back", RpmFixture, NULL, rpm_fixture_set_up, test_kept_back, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/obsoletes", RpmFixture, NULL, rpm_fixture_set_up, test_obsoletes, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/obsoletes/old-version", RpmFixture, NULL, rpm_fixture_set_up, test_old_obsoletes, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/obsoletes/not-wanted", RpmFixture, NULL, rpm_fixture_set_up, test_no_obsoletes, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/lower-candidate", RpmFixture, NULL, rpm_fixture_set_up, test_lower_candidate, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/kernel-beside", RpmFixture, NULL, rpm_fixture_set_up, test_kernel, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/removal/stays", RpmFixture, NULL, rpm_fixture_set_up, test_double_stays, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/two-architectures", RpmFixture, NULL, rpm_fixture_set_up, test_two_architectures, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/vendor", RpmFixture, NULL, rpm_fixture_set_up, test_vendor, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/vendors-that-are-one", RpmFixture, NULL, rpm_fixture_set_up, test_equal_vendors, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/multiversion", RpmFixture, NULL, rpm_fixture_set_up, test_multiversion, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/locks", RpmFixture, NULL, rpm_fixture_set_up, test_lock, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/modules/kept-back", RpmFixture, NULL, rpm_fixture_set_up, test_module, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/priority", RpmFixture, NULL, rpm_fixture_set_up, test_priority, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/restricted-by-the-guest", RpmFixture, NULL, rpm_fixture_set_up, test_restrictions, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/security", RpmFixture, NULL, rpm_fixture_set_up, test_security, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/security/requires", RpmFixture, NULL, rpm_fixture_set_up, test_security_requires, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/required-path", RpmFixture, NULL, rpm_fixture_set_up, test_required_path, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/required-path/of-a-repository-before", RpmFixture, "two one", rpm_fixture_set_up, test_path_elsewhere,
              rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/required-path/of-a-repository-behind", RpmFixture, "one two", rpm_fixture_set_up, test_path_elsewhere,
              rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/required-path/installed", RpmFixture, NULL, rpm_fixture_set_up, test_path_installed, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/exclude", RpmFixture, NULL, rpm_fixture_set_up, test_request_exclude, rpm_fixture_tear_down);
  g_test_add ("/rpm/plan/bad-manifest/refused", RpmFixture, NULL, rpm_fixture_set_up, test_bad_manifest, rpm_fixture_tear_down);
  return g_test_run ();
}
