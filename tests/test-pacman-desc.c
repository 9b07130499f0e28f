/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-pacman-desc.h"

static ColdPacmanDesc *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColdPacmanDesc *desc = cold_pacman_desc_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return desc;
}

static void
test_fields (void)
{
  g_autoptr (ColdPacmanDesc) desc = parse ("\n%NAME%\nlibstdc++\n\n%VERSION%\n1:2.0+r3-1\n\n%DEPENDS%\nglibc>=2.36\n%odd%\n\n"
                                           "%ISIZE%\n42\n\n%CSIZE%\n-1\n\n%GROUPS%\n\nstray\n\n%DESC%\na \xff b");
  GPtrArray *depends = cold_pacman_desc_get_all (desc, "DEPENDS");

  g_assert_cmpstr (cold_pacman_desc_get (desc, "NAME"), ==, "libstdc++");
  g_assert_cmpstr (cold_pacman_desc_get (desc, "VERSION"), ==, "1:2.0+r3-1");
  g_assert_cmpuint (depends->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (depends, 0), ==, "glibc>=2.36");
  g_assert_cmpstr (g_ptr_array_index (depends, 1), ==, "%odd%");
  g_assert_cmpint (cold_pacman_desc_get_number (desc, "ISIZE"), ==, 42);
  g_assert_cmpint (cold_pacman_desc_get_number (desc, "CSIZE"), ==, -1);
  g_assert_cmpint (cold_pacman_desc_get_number (desc, "NAME"), ==, -1);
  g_assert_null (cold_pacman_desc_get (desc, "GROUPS"));
  g_assert_null (cold_pacman_desc_get (desc, "odd"));
  g_assert_true (g_utf8_validate (cold_pacman_desc_get (desc, "DESC"), -1, NULL));
}

static void
test_refused (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdPacmanDesc) desc = cold_pacman_desc_parse (data, strlen (data), &error);

  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
  g_assert_null (desc);
}


int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pacman-desc/fields", test_fields);
  g_test_add_data_func ("/pacman-desc/no-version/refused", "%NAME%\na\n", test_refused);
  g_test_add_data_func ("/pacman-desc/no-name/refused", "%VERSION%\n1-1\n", test_refused);
  g_test_add_data_func ("/pacman-desc/name-is-path/refused", "%NAME%\n../a\n\n%VERSION%\n1-1\n", test_refused);
  g_test_add_data_func ("/pacman-desc/name-is-hidden/refused", "%NAME%\n.a\n\n%VERSION%\n1-1\n", test_refused);
  g_test_add_data_func ("/pacman-desc/name-is-option/refused", "%NAME%\n-S\n\n%VERSION%\n1-1\n", test_refused);
  g_test_add_data_func ("/pacman-desc/version-is-path/refused", "%NAME%\na\n\n%VERSION%\n1/2-1\n", test_refused);
  g_test_add_data_func ("/pacman-desc/empty/refused", "", test_refused);
  return g_test_run ();
}
