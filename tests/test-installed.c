/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-installed.h"
#include "cold-json.h"

static GPtrArray *
read_text (const char *text)
{
  GError *error = NULL;
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("manifest-XXXXXX", &path, &error);
  GPtrArray *packages;

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  packages = cold_installed_read (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return packages;
}

/* @rows: "name version arch" separated by ", " */
static GPtrArray *
read_rows (const char *rows)
{
  g_autoptr (GString) text = g_string_new ("{\"format\":\"rpm\",\"installed\":[");
  g_auto (GStrv) all = g_strsplit (rows, ", ", -1);

  for (guint i = 0; all[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (all[i], " ", 3);

      g_string_append_printf (text, "%s{\"name\":\"%s\",\"evr\":\"%s\",\"arch\":\"%s\"}", i > 0 ? "," : "", words[0],
                              words[1], words[2]);
    }
  g_string_append (text, "]}");
  return read_text (text->str);
}

/* @planned: "name installed candidate arch [replaced]" separated by ", "; "-" is no installed version */
static JsonObject *
make_plan (const char *planned)
{
  JsonObject *plan = json_object_new ();
  JsonArray *packages = json_array_new ();
  g_auto (GStrv) all = g_strsplit (planned, ", ", -1);

  for (guint i = 0; all[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (all[i], " ", -1);
      JsonObject *package = json_object_new ();

      json_object_set_string_member (package, "name", words[0]);
      json_object_set_string_member (package, "installed", g_str_equal (words[1], "-") ? "" : words[1]);
      json_object_set_string_member (package, "candidate", words[2]);
      json_object_set_string_member (package, "arch", words[3]);
      if (words[4] != NULL)
        cold_json_set_strv (package, "replaces", (const char *const *) words + 4);
      json_array_add_object_element (packages, package);
    }
  json_object_set_array_member (plan, "packages", packages);
  return plan;
}

static void
compare (const char *before, const char *after, const char *planned, const char *expected_gone, const char *expected_others)
{
  g_autoptr (GPtrArray) old = read_rows (before);
  g_autoptr (GPtrArray) now = read_rows (after);
  g_autoptr (JsonObject) plan = make_plan (planned);
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *gone_text = NULL;
  g_autofree char *others_text = NULL;

  cold_installed_compare (old, now, plan, gone, others);
  g_ptr_array_add (gone, NULL);
  g_ptr_array_add (others, NULL);
  gone_text = g_strjoinv ("; ", (char **) gone->pdata);
  others_text = g_strjoinv ("; ", (char **) others->pdata);
  g_assert_cmpstr (gone_text, ==, expected_gone);
  g_assert_cmpstr (others_text, ==, expected_others);
}

static void
test_as_planned (void)
{
  compare ("a 1 x86_64, b 1 noarch, old 1 x86_64, k 1 x86_64", "a 2 x86_64, b 2 x86_64, new 1 x86_64, k 1 x86_64, k 2 x86_64",
           "a 1 2 x86_64, b 1 2 x86_64, new - 1 x86_64 old, k - 2 x86_64", "", "");
}

static void
test_gone (void)
{
  compare ("a 1 x86_64, b 1 noarch", "a 2 x86_64", "a 1 2 x86_64", "b 1 is gone", "");
}

/* As dnf does it with the oldest of more kernels than it is told to keep. */
static void
test_kernel_gone (void)
{
  compare ("k 1 x86_64, k 2 x86_64, k 3 x86_64", "k 2 x86_64, k 3 x86_64, k 4 x86_64", "k - 4 x86_64", "k 1 is gone", "");
}

static void
test_unplanned (void)
{
  compare ("a 1 x86_64, b 1 x86_64", "a 2 x86_64, b 3 x86_64, c 1 x86_64", "a 1 2 x86_64", "",
           "b 3 is installed, which was not planned; c 1 is installed, which was not planned");
}

/* Other architectures of the same name stay. */
static void
test_foreign (void)
{
  compare ("a 1 amd64, a 1 i386, b 1 i386", "a 1 amd64, a 1 i386", "c 1 2 amd64", "b 1 is gone", "");
  compare ("a 1 amd64, a 1 i386", "a 2 amd64", "a 1 2 amd64", "a 1 is gone", "");
  compare ("a 1 amd64, a 1 i386", "a 2 amd64, a 2 i386", "a 1 2 amd64, a 1 2 i386", "", "");
  compare ("a 1 i386", "a 2 all", "a 1 2 all", "", "");
}

static void
test_dpkg (void)
{
  g_autoptr (GPtrArray) packages
      = read_text ("{\"format\":\"deb\",\"status\":\"Package: a\\nStatus: install ok installed\\nArchitecture: amd64\\n"
                   "Version: 1:2-3\\n\\nPackage: b\\nStatus: install ok installed\\nArchitecture: all\\nVersion: 4\\n\\n\"}");
  const ColdInstalled *first = g_ptr_array_index (packages, 0);

  g_assert_cmpuint (packages->len, ==, 2);
  g_assert_cmpstr (first->name, ==, "a");
  g_assert_cmpstr (first->version, ==, "1:2-3");
  g_assert_cmpstr (first->arch, ==, "amd64");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/installed/as-planned", test_as_planned);
  g_test_add_func ("/installed/gone", test_gone);
  g_test_add_func ("/installed/old-kernel-gone", test_kernel_gone);
  g_test_add_func ("/installed/not-planned", test_unplanned);
  g_test_add_func ("/installed/other-architecture", test_foreign);
  g_test_add_func ("/installed/manifest-of-dpkg", test_dpkg);
  return g_test_run ();
}
