/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of the repositories of a guest's dnf, yum and zypper. */
#include "cold-rpm-sources.h"

#include "cold-json.h"
#include "cold-rpm-variables.h"

static GHashTable *
make_variables (const char *manifest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object (manifest, -1, &error);

  g_assert_no_error (error);
  return cold_rpm_variables_new (object);
}

#define ROCKY \
  "{\"manager\":\"dnf\",\"release\":\"9.3\",\"arch\":\"x86_64\",\"installed\":[{\"name\":\"bash\"}," \
  "{\"name\":\"rocky-release\",\"provides\":[\"rocky-release = 9.3-1\",\"system-release(releasever) = 9-1\"]}]}"

static void
assert_expands (GHashTable *variables, const char *text, const char *expected)
{
  g_autofree char *found = cold_rpm_variables_expand (variables, text);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_variables (void)
{
  g_autoptr (GHashTable) variables = make_variables (ROCKY);

  assert_expands (variables, "http://a/$releasever/$basearch/$arch/", "http://a/9/x86_64/x86_64/");
  assert_expands (variables, "${releasever}x${releasever_major}$releasever_minor", "9x9");
  assert_expands (variables, "$unknown", NULL);
  assert_expands (variables, "${unknown:-$x}", NULL);
  assert_expands (variables, "${unknown:-some}${releasever:-none}${releasever:+yes}${unknown:+no}", "some9yes");
  cold_rpm_variables_add (variables, "contentdir", " pub/rocky \nmore");
  cold_rpm_variables_add (variables, "empty", "");
  cold_rpm_variables_add (variables, "not-a-name", "x");
  cold_rpm_variables_add (variables, "again", "$releasever");
  cold_rpm_variables_add (variables, "releasever", "10");
  assert_expands (variables, "$contentdir/$releasever/$empty", "pub/rocky/10/");
  assert_expands (variables, "$again", NULL);
  assert_expands (variables, "$", NULL);
  assert_expands (variables, "a$/b", NULL);
  assert_expands (variables, "${", NULL);
  assert_expands (variables, "${}", NULL);
  assert_expands (variables, "${releasever", NULL);
  assert_expands (variables, "${releasever:x}", NULL);
  assert_expands (variables, "", "");
}

static void
test_releases (void)
{
  g_autoptr (GHashTable) zypper
      = make_variables ("{\"manager\":\"zypper\",\"release\":\"15.5\",\"arch\":\"i386\",\"installed\":["
                        "{\"provides\":[\"system-release(releasever) = 7\"]}]}");
  g_autoptr (GHashTable) fedora = make_variables ("{\"manager\":\"dnf\",\"release\":\"39\",\"arch\":\"aarch64\",\"installed\":[7]}");
  g_autoptr (GHashTable) nothing = make_variables ("{}");

  assert_expands (zypper, "$releasever $releasever_major $releasever_minor $basearch $arch", "15.5 15 5 i386 i686");
  assert_expands (fedora, "$releasever $basearch", "39 aarch64");
  assert_expands (nothing, "$releasever", NULL);
  assert_expands (nothing, "$basearch", NULL);
}

/* One source a line, as JSON without what is not set. */
static void
assert_read (const char *text, gboolean zypper, const char *expected)
{
  g_autoptr (GHashTable) variables = make_variables (ROCKY);
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autoptr (JsonArray) repositories = json_array_new ();
  g_autoptr (GString) found = g_string_new (NULL);

  cold_rpm_sources_parse (text, variables, zypper, sources, repositories);
  for (guint i = 0; i < json_array_get_length (sources); i++)
    {
      static const char *const lists[] = { "mirrors", "excludes", "includes" };
      JsonObject *source = cold_json_array_object (sources, i);

      g_string_append (found, cold_json_string (source, "uri"));
      if (cold_json_string (source, "list") != NULL)
        g_string_append_printf (found, " list=%s", cold_json_string (source, "list"));
      if (cold_json_int (source, "priority") != 0)
        g_string_append_printf (found, " priority=%d", (int) cold_json_int (source, "priority"));
      for (guint k = 0; k < G_N_ELEMENTS (lists); k++)
        {
          g_auto (GStrv) words = cold_json_strv (source, lists[k]);
          g_autofree char *joined = g_strjoinv (",", words);

          if (*joined != '\0')
            g_string_append_printf (found, " %s=%s", lists[k], joined);
        }
      g_string_append_c (found, '\n');
    }
  g_assert_cmpstr (found->str, ==, expected);
}

static void
assert_sources (const char *text, const char *expected)
{
  assert_read (text, FALSE, expected);
}

static void
test_sources (void)
{
  assert_sources ("[main]\nbaseurl=http://main/\n"
                  "[baseos]\nname=Rocky $releasever\nmirrorlist=https://m.example.org/mirrorlist?arch=$basearch&repo=BaseOS-$releasever\n"
                  "#baseurl=http://comment/\ngpgcheck=0\nenabled=1\nrepo_gpgcheck=0\ngpgkey=file:///evil\n"
                  "[app]\nbaseurl = http://a.example.org/$releasever/\n\thttps://b.example.org/$basearch,http://c.example.org/\n"
                  "enabled = True\npriority=10\nexclude=kernel* , foo\n  bar\nincludepkgs=a b\n"
                  "[off]\nbaseurl=http://off/\nenabled=0\n"
                  "[odd]\nbaseurl=http://odd/\nenabled=maybe\n"
                  "[meta]\nmetalink=https://m.example.org/metalink?repo=x\nmirrorlist=https://m.example.org/no\npriority=99\n"
                  "[called]\nmirrorlist=https://m.example.org/metalink?repo=y\n"
                  "[both]\nbaseurl=http://d.example.org/\nmetalink=https://m.example.org/no\n"
                  "[twice]\nbaseurl=http://no.example.org/\nbaseurl=http://yes.example.org/\nexcludepkgs=x\n",
                  "https://m.example.org/mirrorlist?arch=x86_64&repo=BaseOS-9 list=mirrorlist\n"
                  "http://a.example.org/9/ priority=10 mirrors=https://b.example.org/x86_64,http://c.example.org/"
                  " excludes=kernel*,foo,bar includes=a,b\n"
                  "https://m.example.org/metalink?repo=x list=metalink\n"
                  "https://m.example.org/metalink?repo=y list=metalink\n"
                  "http://d.example.org/\n"
                  "http://yes.example.org/ excludes=x\n");
}

static void
test_zypper (void)
{
  assert_read ("[repo-oss]\nname=Main\nenabled=1\nautorefresh=1\nbaseurl=http://d.example.org/distribution/leap/$releasever/\n"
               "path=/repo/oss/\ntype=rpm-md\npriority=70\nkeeppackages=0\nexclude=all\nincludepkgs=none\nmodule_hotfixes=1\n"
               "[dvd]\nbaseurl=dvd:///?devices=/dev/sr0\nenabled=1\n"
               "[slash]\nbaseurl=https://d.example.org/x\npath=/\nenabled=1\n",
               TRUE,
               "http://d.example.org/distribution/leap/9/repo/oss/ priority=70\n"
               "https://d.example.org/x\n");
}

static void
test_passed_over (void)
{
  assert_sources ("baseurl=http://before/\n"
                  "[a]\n[b]\nbaseurl=\n[c]\nbaseurl=file:///etc\n[d]\nbaseurl=http://d/$unknown\n[e\nbaseurl=http://e/\n"
                  "[f]\nbaseurl=http://f/\001\n[g]\nbaseurl=http://g/\xff\n[h]\nbaseurl\n=http://h/\n"
                  "[i]\n baseurl=http://i/\n[j]\nbaseurl=http://j/\nexclude=$unknown\n[k]\nbaseurl=http://k/\nexclude=\xff\n",
                  "");
}

/* What is restricted counts also where the catalogue cannot fetch from there. */
static void
test_repositories (void)
{
  g_autoptr (GHashTable) variables = make_variables (ROCKY);
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autoptr (JsonArray) repositories = json_array_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  g_autofree char *text = NULL;

  cold_rpm_sources_parse ("[main]\nexclude=all\n[epel]\nmetalink=https://m.example.org/$releasever\nbaseurl=http://e.example.org/\n"
                          "includepkgs=a b*\npriority=99\n[local]\nbaseurl=file:///srv\nexcludepkgs=c\n"
                          "[off]\nenabled=0\nbaseurl=http://o.example.org/\n[odd]\nbaseurl=http://odd.example.org/\nexclude=$unknown\n"
                          "[plain]\nbaseurl=http://p.example.org/\nmodule_hotfixes=0\n"
                          "[hot]\nbaseurl=http://h.example.org/\nmodule_hotfixes = True\n",
                          variables, FALSE, sources, repositories);
  json_node_set_array (node, repositories);
  text = json_to_string (node, FALSE);
  g_assert_cmpstr (text, ==,
                   "[{\"id\":\"epel\",\"uris\":[\"http://e.example.org/\",\"https://m.example.org/9\"],\"priority\":99,"
                   "\"includes\":[\"a\",\"b*\"]},"
                   "{\"id\":\"local\",\"uris\":[\"file:///srv\"],\"excludes\":[\"c\"]},"
                   "{\"id\":\"odd\",\"uris\":[\"http://odd.example.org/\"],\"excludes\":[\"*\"]},"
                   "{\"id\":\"plain\",\"uris\":[\"http://p.example.org/\"]},"
                   "{\"id\":\"hot\",\"uris\":[\"http://h.example.org/\"],\"module-hotfixes\":true}]");
}

static void
test_limits (void)
{
  g_autoptr (GHashTable) variables = make_variables (ROCKY);
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autoptr (JsonArray) repositories = json_array_new ();
  g_autoptr (GString) text = g_string_new ("[many]\nbaseurl=http://many/\nexclude=");
  g_autofree char *longer = g_strnfill (5000, 'x');

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "p%u ", i);
  g_string_append_printf (text, "\n[long]\nbaseurl=http://%s/\n", longer);
  for (guint i = 0; i < 100; i++)
    {
      g_string_append_printf (text, "[r%u]\nbaseurl=", i);
      for (guint k = 0; k < 100; k++)
        g_string_append_printf (text, "http://h%u.example.org/%u ", k, i);
      g_string_append_c (text, '\n');
    }
  cold_rpm_sources_parse (text->str, variables, FALSE, sources, repositories);
  g_assert_cmpuint (json_array_get_length (sources), ==, COLD_LISTED_SOURCES_MAX);
  g_assert_cmpstr (cold_json_string (cold_json_array_object (sources, 0), "uri"), ==, "http://h0.example.org/0");
  g_assert_cmpuint (json_array_get_length (cold_json_array (cold_json_array_object (sources, 0), "mirrors")), ==,
                    COLD_LISTED_MIRRORS_MAX);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpm-sources/variables", test_variables);
  g_test_add_func ("/rpm-sources/releases", test_releases);
  g_test_add_func ("/rpm-sources/dnf", test_sources);
  g_test_add_func ("/rpm-sources/zypper", test_zypper);
  g_test_add_func ("/rpm-sources/not-usable/passed-over", test_passed_over);
  g_test_add_func ("/rpm-sources/restrictions", test_repositories);
  g_test_add_func ("/rpm-sources/limits", test_limits);
  return g_test_run ();
}
