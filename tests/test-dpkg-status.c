/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-dpkg-status.h"
#include "cold-error.h"

#define INSTALLED "Status: install ok installed\n"

static GPtrArray *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *packages = cold_dpkg_status_parse (text, &error);

  g_assert_no_error (error);
  return packages;
}

static const ColdDpkgPackage *
at (GPtrArray *packages, guint i)
{
  g_assert_cmpuint (i, <, packages->len);
  return g_ptr_array_index (packages, i);
}

static void
test_fields (void)
{
  g_autoptr (GPtrArray) packages = parse ("Package: zlib1g\n" INSTALLED "Architecture: amd64\n"
                                          "Source: zlib (1:1.2.13.dfsg-1)\nVersion: 1:1.2.13.dfsg-1+b1\n"
                                          "Maintainer: Somebody <a@b>\nDescription: compression\n a library\n .\n"
                                          "Depends: libc6 (>= 2.14),\n libfoo\n\n"
                                          "Package: apt\nstatus: hold ok installed\nArchitecture: amd64\nVersion: 2.6.1\n");
  const ColdDpkgPackage *apt = at (packages, 0);
  const ColdDpkgPackage *zlib = at (packages, 1);

  g_assert_cmpuint (packages->len, ==, 2);
  g_assert_cmpstr (apt->name, ==, "apt");
  g_assert_cmpstr (apt->source, ==, "apt");
  g_assert_true (apt->held);
  g_assert_cmpstr (zlib->version, ==, "1:1.2.13.dfsg-1+b1");
  g_assert_cmpstr (zlib->source, ==, "zlib");
  g_assert_false (zlib->held);
  g_assert_cmpstr (zlib->stanza, ==,
                   "Package: zlib1g\n" INSTALLED "Architecture: amd64\nSource: zlib (1:1.2.13.dfsg-1)\n"
                   "Version: 1:1.2.13.dfsg-1+b1\nDepends: libc6 (>= 2.14),\n libfoo\n");
}

static void
test_removed_is_not_there (void)
{
  g_autoptr (GPtrArray) packages = parse ("Package: a\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n"
                                          "Package: b\nStatus: unknown ok not-installed\n\n\n"
                                          "Package: c\n" INSTALLED "Architecture: all\nVersion: 1\n");

  g_assert_cmpuint (packages->len, ==, 1);
  g_assert_cmpstr (at (packages, 0)->name, ==, "c");
}

static void
test_interrupted (void)
{
  const char *const states[] = { "install ok half-configured", "install ok unpacked", "install reinstreq half-installed",
                                 "install ok triggers-pending", "install reinstreq installed", "nonsense" };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autofree char *text = g_strdup_printf ("Package: a\nStatus: %s\nArchitecture: all\nVersion: 1\n", states[i]);
      g_autoptr (GPtrArray) packages = parse (text);

      g_assert_true (at (packages, 0)->broken);
      g_assert_cmpstr (at (packages, 0)->state, ==, states[i]);
    }
}

static void
test_two_architectures (void)
{
  g_autoptr (GPtrArray) packages = parse ("Package: a\n" INSTALLED "Architecture: i386\nVersion: 1\n\n"
                                          "Package: a\n" INSTALLED "Architecture: amd64\nVersion: 1\n");

  g_assert_cmpstr (at (packages, 0)->arch, ==, "amd64");
  g_assert_cmpstr (at (packages, 1)->arch, ==, "i386");
}

static void
test_damaged (void)
{
  const char *const texts[] = { "complete nonsense", "Package: a\nVersion: 1\n", INSTALLED "Version: 1\n",
                                "Package: a\n" INSTALLED "Architecture: all\n", "Package: a\n" INSTALLED "Version: 1\n",
                                "Package:\n" INSTALLED "Architecture: all\nVersion: 1\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) packages = cold_dpkg_status_parse (texts[i], &error);

      g_assert_null (packages);
      g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
      g_assert_nonnull (strstr (error->message, "/var/lib/dpkg/status"));
    }
}

static void
test_invalid_text (void)
{
  g_autoptr (GPtrArray) packages = parse ("Package: a\n" INSTALLED "Architecture: all\nVersion: 1\nDepends: b\xff\n");

  g_assert_true (g_utf8_validate (at (packages, 0)->stanza, -1, NULL));
}

static void
test_empty (void)
{
  g_autoptr (GPtrArray) packages = parse ("");

  g_assert_cmpuint (packages->len, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dpkg-status/fields", test_fields);
  g_test_add_func ("/dpkg-status/removed/left-out", test_removed_is_not_there);
  g_test_add_func ("/dpkg-status/interrupted/broken", test_interrupted);
  g_test_add_func ("/dpkg-status/two-architectures/sorted", test_two_architectures);
  g_test_add_func ("/dpkg-status/damaged/error", test_damaged);
  g_test_add_func ("/dpkg-status/invalid-text/made-valid", test_invalid_text);
  g_test_add_func ("/dpkg-status/empty", test_empty);
  return g_test_run ();
}
