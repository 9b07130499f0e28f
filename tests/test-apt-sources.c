/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apt-sources.h"
#include "cold-json.h"

/* "uri suite component component", a line each */
static char *
flatten (JsonArray *sources)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (sources); i++)
    {
      JsonObject *source = cold_json_array_object (sources, i);
      g_auto (GStrv) components = cold_json_strv (source, "components");
      g_autofree char *joined = g_strjoinv (" ", components);

      g_string_append_printf (text, "%s %s %s\n", cold_json_string (source, "uri"), cold_json_string (source, "suite"),
                              joined);
    }
  return g_string_free (text, FALSE);
}

static void
assert_list (const char *text, const char *expected)
{
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autofree char *found = NULL;

  cold_apt_sources_parse_list (text, "amd64", sources);
  found = flatten (sources);
  g_assert_cmpstr (found, ==, expected);
}

static void
assert_deb822 (const char *text, const char *expected)
{
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autofree char *found = NULL;

  cold_apt_sources_parse_deb822 (text, "amd64", sources);
  found = flatten (sources);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_list (void)
{
  assert_list ("# comment\n"
               "deb http://a.example.org/debian bookworm main contrib # and more\n"
               "  deb\t[arch=amd64,i386 signed-by=/evil.gpg] https://b.example.org/x/  stable/updates   main\n"
               "deb [ arch=arm64 ] http://c.example.org/ stable main\n"
               "deb [trusted=yes] http://d.example.org/ stable main\n"
               "deb-src http://a.example.org/debian bookworm main\n"
               "debris http://a.example.org/debian bookworm main\n",
               "http://a.example.org/debian bookworm main contrib\n"
               "https://b.example.org/x/ stable/updates main\n"
               "http://d.example.org/ stable main\n");
}

static void
test_deb822 (void)
{
  assert_deb822 ("# comment\nTypes: deb deb-src\nURIs: http://a.example.org/debian\nSuites: bookworm\n bookworm-updates\n"
                 "#inside\nComponents: main\n contrib\nSigned-By: /evil.gpg\n\n"
                 "Types: deb-src\nURIs: http://b.example.org/\nSuites: stable\nComponents: main\n\n"
                 "types: deb\nuris: http://c.example.org/ https://d.example.org/\nsuites: stable\ncomponents: main\n"
                 "architectures: amd64 arm64\nenabled: yes\n\n"
                 "Types: deb\nURIs: http://e.example.org/\nSuites: stable\nComponents: main\nEnabled: no\n\n"
                 "Types: deb\nURIs: http://f.example.org/\nSuites: stable\nComponents: main\nArchitectures: arm64",
                 "http://a.example.org/debian bookworm main contrib\n"
                 "http://a.example.org/debian bookworm-updates main contrib\n"
                 "http://c.example.org/ stable main\n"
                 "https://d.example.org/ stable main\n");
}

/* What the source says of architectures is for the agent. */
static void
test_architectures (void)
{
  static const char list[] = "deb [arch=amd64,i386] http://a/ stable main\ndeb http://b/ stable main\ndeb [arch=amd64] http://c/ stable main\n";
  static const char deb822[] = "Types: deb\nURIs: http://a/\nSuites: stable\nComponents: main\nArchitectures: amd64\n i386\n\n"
                               "Types: deb\nURIs: http://b/\nSuites: stable\nComponents: main\n\n"
                               "Types: deb\nURIs: http://c/\nSuites: stable\nComponents: main\nArchitectures: amd64\n";
  static const char *const expected[] = { "amd64 i386", "", "amd64" };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (JsonArray) sources = json_array_new ();

      if (i == 0)
        cold_apt_sources_parse_list (list, "amd64", sources);
      else
        cold_apt_sources_parse_deb822 (deb822, "amd64", sources);
      g_assert_cmpuint (json_array_get_length (sources), ==, G_N_ELEMENTS (expected));
      for (guint k = 0; k < G_N_ELEMENTS (expected); k++)
        {
          g_auto (GStrv) words = cold_json_strv (cold_json_array_object (sources, k), "architectures");
          g_autofree char *joined = g_strjoinv (" ", words);

          g_assert_cmpstr (joined, ==, expected[k]);
        }
    }
}

static void
test_passed_over (void)
{
  assert_list ("deb file:///etc stable main\ndeb cdrom:[x] stable main\ndeb http://a/ ./\ndeb http://a/ stable\n"
               "deb http://a/$(ARCH) stable main\ndeb [arch=amd64 http://a/ stable main\ndeb\ndeb \n"
               "deb http://a/\001 stable main\ndeb http://a/ st\xff main\n",
               "");
}

static void
test_limits (void)
{
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autoptr (GString) text = g_string_new ("Types: deb\nURIs:");
  g_autofree char *longer = g_strnfill (2000, 'x');

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, " http://h%u.example.org/", i);
  g_string_append_printf (text, "\nSuites: a b c %s\nComponents: main %s\n", longer, longer);
  cold_apt_sources_parse_deb822 (text->str, "amd64", sources);
  g_assert_cmpuint (json_array_get_length (sources), ==, COLD_LISTED_SOURCES_MAX);
  g_assert_cmpuint (json_array_get_length (cold_json_array (cold_json_array_object (sources, 0), "components")), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apt-sources/list", test_list);
  g_test_add_func ("/apt-sources/deb822", test_deb822);
  g_test_add_func ("/apt-sources/architectures", test_architectures);
  g_test_add_func ("/apt-sources/not-usable/passed-over", test_passed_over);
  g_test_add_func ("/apt-sources/limits", test_limits);
  return g_test_run ();
}
