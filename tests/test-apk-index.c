/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What apk writes about packages, and where a guest's apk gets them from. */
#include "cold-apk-config.h"
#include "cold-apk-index.h"
#include "cold-error.h"
#include "cold-json.h"

static gboolean
describe (const ColdApkPackage *package, const char *text, gsize length, gpointer data, GError **error)
{
  g_autofree char *depends = g_strjoinv (",", package->depends);
  g_autofree char *provides = g_strjoinv (",", package->provides);
  g_autofree char *install_if = g_strjoinv (",", package->install_if);

  g_string_append_printf (data, "%s %s %s %s o=%s s=%s %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " D=%s p=%s i=%s%s%s;", package->name,
                          package->version, package->arch, package->identity, package->origin, package->tag, package->size,
                          package->built, depends, provides, install_if, package->foreign ? " foreign" : "",
                          package->broken ? " broken" : "");
  g_assert_cmpint (text[0], !=, '\n');
  g_assert_cmpuint (length, >, 0);
  return TRUE;
}

static void
assert_read (const char *text, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = g_memdup2 (text, strlen (text));

  cold_apk_index_read (copy, strlen (text), describe, found, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found->str, ==, expected);
}

static void
test_index (void)
{
  assert_read ("C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:383152\nI:634880\nT:the library\nU:https://h/\nL:MIT\no:musl\nm:a b\n"
               "t:1693515024\nc:0123\np:so:libc.musl-x86_64.so.1=1 \n\nP:busybox\nV:1-r0\nD:so:libc.musl-x86_64.so.1 !old<2\n"
               "i:a=1 b\nk:100\n",
               "musl 1.2.4-r2 x86_64 Q1abc= o=musl s= 383152 1693515024 D= p=so:libc.musl-x86_64.so.1=1 i=;"
               "busybox 1-r0   o= s= 0 0 D=so:libc.musl-x86_64.so.1,!old<2 p= i=a=1,b;");
}

static void
test_database (void)
{
  assert_read ("P:a\nV:1-r0\nA:x86_64\nr:other\nq:100\ns:edge\nf:s\nF:\nF:etc\nM:0:0:1777\nR:a.conf\na:0:0:600\nZ:Q1abc=\n\n\nP:b\nV:2\n\n",
               "a 1-r0 x86_64  o= s=edge 0 0 D= p= i= broken;b 2   o= s= 0 0 D= p= i=;");
}

/* A flag that says of which hash the files are is none of damage. */
static void
test_flags (void)
{
  assert_read ("P:a\nV:1-r0\nf:S\n", "a 1-r0   o= s= 0 0 D= p= i=;");
}

static void
test_foreign (void)
{
  assert_read ("P:a\nV:1-r0\nX:new\n\nP:b\nV:1-r0\nx:new\n", "a 1-r0   o= s= 0 0 D= p= i= foreign;b 1-r0   o= s= 0 0 D= p= i=;");
}

static void
test_empty (void)
{
  assert_read ("", "");
  assert_read ("\n\n", "");
}

static void
test_refused (void)
{
  static const char *const texts[] = { "P:a\n",         "V:1\n",           "P:\nV:1\n",       "P:../a\nV:1\n", "P:a b\nV:1\n",
                                       "P:a\nV:1/2\n",  "P:a\nV:\n",       "P:a\nV:1\nx\n",   "P:a\nV:1\nDb\n", "<html>\n",
                                       "P:-a\nV:1\n",   "P:a\nV:1;rm\n",   "P:a\nV:-r1\n",    "P:a\xff\nV:1\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GString) found = g_string_new (NULL);
      g_autoptr (GError) error = NULL;

      g_assert_false (cold_apk_index_read (texts[i], strlen (texts[i]), describe, found, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_sources (void)
{
  g_autoptr (JsonArray) sources = json_array_new ();
  static const char *const expected[] = { "http://h/v3.18/main", "https://h/v3.18/community", "http://g/alpine/main",
                                          "http://g/alpine/community", "http://g/one", "http://e/v3.23/main", "http://e/v3.23/community" };

  cold_apk_config_add_sources ("#http://h/off\nhttp://h/v3.18/main\n  https://h/v3.18/community  \r\n@edge http://h/edge/main\n"
                               "/media/cdrom/apks\nfile:///srv\n\nv2 http://g/alpine/ main community\nv2 http://g/one\n"
                               "v2 @tag http://g/two x\nv3 http://g/three main\nndx http://g/four/APKINDEX.tar.gz\n"
                               "http://g/five/APKINDEX.tar.gz\nhttp://g/six/Packages.adb\nhttp://e/v3.23 main community\n"
                               "http://$mirror/main\nset mirror=http://g\n",
                               sources);
  g_assert_cmpuint (json_array_get_length (sources), ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpstr (cold_json_string (cold_json_array_object (sources, i), "uri"), ==, expected[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apk-index/index", test_index);
  g_test_add_func ("/apk-index/database", test_database);
  g_test_add_func ("/apk-index/flags", test_flags);
  g_test_add_func ("/apk-index/unknown-fields", test_foreign);
  g_test_add_func ("/apk-index/empty", test_empty);
  g_test_add_func ("/apk-index/refused", test_refused);
  g_test_add_func ("/apk-index/sources", test_sources);
  return g_test_run ();
}
