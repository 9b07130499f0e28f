/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of a guest's pacman.conf. */
#include "cold-pacman-config.h"

#include "cold-error.h"
#include "cold-json.h"

typedef struct
{
  const char *path;
  const char *text;
} File;

static char *
read_one (gpointer data, const char *path, GError **error)
{
  for (const File *file = data; file->path != NULL; file++)
    if (g_str_equal (file->path, path))
      return g_strdup (file->text);
  return NULL;
}

static GStrv
glob_all (gpointer data, const char *pattern)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  for (const File *file = data; file->path != NULL; file++)
    if (g_pattern_match_simple (pattern, file->path))
      g_strv_builder_add (paths, file->path);
  return g_strv_builder_end (paths);
}

static GStrv
held_in (const File *list, GError **error)
{
  const ColdPacmanFiles files = { (gpointer) list, read_one, glob_all };

  return cold_pacman_config_held (&files, "/etc/pacman.conf", error);
}

static void
test_held (void)
{
  static const File files[] = {
    { "/etc/pacman.conf", "# IgnorePkg = comment\nIgnorePkg = nowhere\n [options] \nIgnorePkg   =linux  linux-headers\n"
                          "Include = /etc/pacman.d/*.conf\nIgnoreGroup=gnome\nCheckSpace\n[core]\nIgnorePkg = not\n"
                          "Include = /etc/pacman.d/late\n" },
    { "/etc/pacman.d/a.conf", "IgnorePkg = linux\nIgnorePkg = vim*" },
    { "/etc/pacman.d/late", "Server = http://x\nIgnorePkg = neither\n" },
    { NULL, NULL }
  };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) held = held_in (files, &error);
  g_autofree char *all = NULL;

  g_assert_no_error (error);
  all = g_strjoinv (" ", held);
  g_assert_cmpstr (all, ==, "group:gnome linux linux-headers vim*");
}

static void
test_no_config (void)
{
  static const File files[] = { { NULL, NULL } };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) held = held_in (files, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (held), ==, 0);
}

static void
test_includes_itself (void)
{
  static const File files[] = {
    { "/etc/pacman.conf", "[options]\nInclude = /etc/*\nInclude = /etc/*\n" },
    { "/etc/other.conf", "Include = /etc/*\n" },
    { NULL, NULL }
  };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) held = held_in (files, &error);

  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
  g_assert_null (held);
}

/* "suite uri mirror mirror", a line each; "not suite" of those that are not used */
static char *
sources_in (const File *list)
{
  const ColdPacmanFiles files = { (gpointer) list, read_one, glob_all };
  g_autoptr (JsonArray) sources = json_array_new ();
  g_autoptr (JsonArray) unused = json_array_new ();
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);

  g_assert_true (cold_pacman_config_sources (&files, "/etc/pacman.conf", "x86_64", sources, unused, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < json_array_get_length (sources); i++)
    {
      JsonObject *source = cold_json_array_object (sources, i);
      g_auto (GStrv) mirrors = cold_json_strv (source, "mirrors");
      g_autofree char *joined = g_strjoinv (" ", mirrors);

      g_string_append_printf (text, "%s %s%s%s\n", cold_json_string (source, "suite"), cold_json_string (source, "uri"),
                              *joined != '\0' ? " " : "", joined);
    }
  for (guint i = 0; i < json_array_get_length (unused); i++)
    g_string_append_printf (text, "not %s\n", cold_json_array_string (unused, i));
  return g_string_free (text, FALSE);
}

static void
test_sources (void)
{
  static const File files[] = {
    { "/etc/pacman.conf", "Server = http://nowhere/\n[options]\nArchitecture = auto\nServer = http://not.example.org/\n"
                          "SigLevel = Never\n[core]\nSigLevel = Optional TrustAll\nInclude = /etc/pacman.d/mirrorlist\n"
                          "[extra]\n  Server=https://one.example.org/$repo/os/$arch  \nInclude = /etc/pacman.d/mirror*\n"
                          "[custom]\nServer = file:///srv/$repo\n"
                          "[search]\nUsage = Sync Search\nServer = http://a.example.org/\n"
                          "[used]\nUsage = Sync Upgrade\nServer = http://b.example.org/$repo\n"
                          "[empty]\n[core]\nServer = http://late.example.org/$repo\n" },
    { "/etc/pacman.d/mirrorlist", "# Server = http://comment/\nServer = http://m1.example.org/$repo/os/$arch\n"
                                  "Server = https://m2.example.org/$repo/os/$arch\n" },
    { NULL, NULL }
  };
  g_autofree char *found = sources_in (files);

  g_assert_cmpstr (found, ==,
                   "core http://m1.example.org/core/os/x86_64 https://m2.example.org/core/os/x86_64 http://late.example.org/core\n"
                   "extra https://one.example.org/extra/os/x86_64 http://m1.example.org/extra/os/x86_64 "
                   "https://m2.example.org/extra/os/x86_64\n"
                   "used http://b.example.org/used\nnot search\n");
}

static void
test_odd_sources (void)
{
  static const File files[] = {
    { "/etc/pacman.conf", "[a b]\nServer = http://a/\n[c\nServer = http://b/\n[]\nServer = http://c/\n"
                          "[d]\nServer = http://d/$unknown\nServer = http:// d/\nServer = ftp://d/\nServer =\nServer\n"
                          "Server = http://d/\001\nServer = http://d/\xff\n[e]\nserver = http://e/\n" },
    { NULL, NULL }
  };
  g_autofree char *found = sources_in (files);

  g_assert_cmpstr (found, ==, "");
}

static void
test_many_sources (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  File files[] = { { "/etc/pacman.conf", NULL }, { NULL, NULL } };
  g_autofree char *found = NULL;
  g_auto (GStrv) lines = NULL;
  g_auto (GStrv) words = NULL;

  for (guint i = 0; i < 100; i++)
    {
      g_string_append_printf (text, "[r%u]\n", i);
      for (guint k = 0; k < 100; k++)
        g_string_append_printf (text, "Server = http://m%u.example.org/$repo\n", k);
    }
  files[0].text = text->str;
  found = sources_in (files);
  lines = g_strsplit (found, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, COLD_LISTED_SOURCES_MAX + 1);
  words = g_strsplit (lines[0], " ", -1);
  g_assert_cmpuint (g_strv_length (words), ==, 2 + COLD_LISTED_MIRRORS_MAX);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pacman-config/held", test_held);
  g_test_add_func ("/pacman-config/missing/nothing-held", test_no_config);
  g_test_add_func ("/pacman-config/includes-itself/refused", test_includes_itself);
  g_test_add_func ("/pacman-config/sources", test_sources);
  g_test_add_func ("/pacman-config/sources/odd/passed-over", test_odd_sources);
  g_test_add_func ("/pacman-config/sources/limits", test_many_sources);
  return g_test_run ();
}
