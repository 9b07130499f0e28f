/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dpkg --compare-versions, rpm, vercmp and apk say of the same versions. */
#include "cold-version.h"

#include <glib.h>
#include <string.h>

#include "apk-version-rows.h"
#include "vercmp-rows.h"

typedef struct
{
  const char *a;
  char order; /* < = > */
  const char *b;
} Case;

static void
assert_cases (const char *format, const Case *cases, guint n)
{
  g_autoptr (ColdVersionOrder) order = cold_version_order_new (format);

  g_assert_nonnull (order);
  for (guint i = 0; i < n; i++)
    {
      int there = cold_version_order_compare (order, cases[i].a, cases[i].b);
      int back = cold_version_order_compare (order, cases[i].b, cases[i].a);
      char found = there < 0 ? '<' : there > 0 ? '>' : '=';

      if (found != cases[i].order)
        g_test_message ("%s %c %s", cases[i].a, found, cases[i].b);
      g_assert_cmpint (found, ==, cases[i].order);
      g_assert_cmpint (back < 0 ? -1 : back > 0, ==, there > 0 ? -1 : there < 0);
    }
}

static void
test_deb (void)
{
  static const Case cases[] = {
    { "1.9-1", '<', "1.10-1" },
    { "1.0~rc1-1", '<', "1.0-1" },
    { "1.0-1", '<', "1.0-1+b1" },
    { "1.0", '=', "1.0-0" },
    { "1.0", '<', "1.0-1" },
    { "0:1.0-1", '=', "1.0-1" },
    { "2.0-1", '<', "1:0.5-1" },
    { "1.0-1", '<', "1.0-1+deb12u1" },
    { "1.0-1~bpo12+1", '<', "1.0-1" },
    { "1.2-3-1", '>', "1.2-2-9" },
    { "007-1", '=', "7-1" },
    { "1.0a-1", '>', "1.0-1" },
    { "3.0.9-1", '<', "3.0.11-1~deb12u2" },
  };

  assert_cases ("deb", cases, G_N_ELEMENTS (cases));
}

static void
test_rpm (void)
{
  static const Case cases[] = {
    { "1.9-1", '<', "1.10-1" },
    { "1.0~rc1-1", '<', "1.0-1" },
    { "1.0^git1-1", '>', "1.0-1" },
    { "1.0^git1-1", '<', "1.0.1-1" },
    { "1:0.5-1", '>', "2.0-1" },
    { "0:1.0-1", '=', "1.0-1" },
    { "1.0-1.el9", '<', "1.0-2.el9" },
    { "1.0", '<', "1.0-1" },
    { "1.0a-1", '>', "1.0-1" },
    { "1.0.a-1", '<', "1.0.1-1" },
    { "5.14.0-362.el9", '<', "5.14.0-427.el9" },
  };

  assert_cases ("rpm", cases, G_N_ELEMENTS (cases));
}

static void
test_pacman (void)
{
  /* The chain of vercmp(8), and its rules for releases and epochs. */
  static const Case cases[] = {
    { "1.0a", '<', "1.0b" },
    { "1.0b", '<', "1.0beta" },
    { "1.0beta", '<', "1.0p" },
    { "1.0p", '<', "1.0pre" },
    { "1.0pre", '<', "1.0rc" },
    { "1.0rc", '<', "1.0" },
    { "1.0", '<', "1.0.a" },
    { "1.0.a", '<', "1.0.1" },
    { "1", '<', "1.0" },
    { "1.0", '<', "1.1" },
    { "1.1", '<', "1.1.1" },
    { "1.9", '<', "1.10" },
    { "1.0-1", '<', "1.0-2" },
    { "1.0", '=', "1.0-2" },
    { "1.0-1", '=', "1.0" },
    { "2.0-1", '<', "1:1.0-1" },
    { "0:1.0-1", '=', "1.0-1" },
    { "1.0rc1-1", '<', "1.0-1" },
    { "1.0..1", '>', "1.0.1" },
    { "1.0.", '>', "1.0" },
    { "007", '=', "7" },
    { "1.0_1", '=', "1.0.1" },
    { "20240101.r5.gabc-1", '<', "20240101.r12.gabc-1" },
    { "1.0-1.1", '>', "1.0-1" },
    { "1.a", '<', "1.1" },
  };

  assert_cases ("pacman", cases, G_N_ELEMENTS (cases));
}

static char
sign_of (int order)
{
  return order < 0 ? '<' : order > 0 ? '>' : '=';
}

static void
test_pacman_pairs (void)
{
  g_autoptr (ColdVersionOrder) order = cold_version_order_new ("pacman");

  for (guint i = 0; i < G_N_ELEMENTS (vercmp_rows); i++)
    {
      g_assert_cmpuint (strlen (vercmp_rows[i].orders), ==, G_N_ELEMENTS (vercmp_rows));
      for (guint k = 0; k < G_N_ELEMENTS (vercmp_rows); k++)
        {
          int found = cold_version_order_compare (order, vercmp_rows[i].version, vercmp_rows[k].version);

          if (sign_of (found) != vercmp_rows[i].orders[k])
            g_test_message ("%s against %s", vercmp_rows[i].version, vercmp_rows[k].version);
          g_assert_cmpint (sign_of (found), ==, vercmp_rows[i].orders[k]);
        }
    }
}

static char
ask_vercmp (const char *program, const char *a, const char *b)
{
  const char *const argv[] = { program, a, b, NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  int status;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
  return sign_of ((int) g_ascii_strtoll (output, NULL, 10));
}

/* The program itself: the rows, a few a run, and versions that nobody chose. */
static void
test_pacman_live (void)
{
  static const char *const parts[] = { "0", "1", "2", "10", "01", "a", "b", "rc", "alpha", ".", ".", "_", "+", "-", "..", "~" };
  g_autofree char *program = g_find_program_in_path ("vercmp");
  g_autoptr (ColdVersionOrder) order = cold_version_order_new ("pacman");

  if (program == NULL)
    {
      g_test_skip ("vercmp is not installed");
      return;
    }
  for (guint i = 0; i < 100; i++)
    {
      guint a = g_test_rand_int_range (0, G_N_ELEMENTS (vercmp_rows)), b = g_test_rand_int_range (0, G_N_ELEMENTS (vercmp_rows));

      g_assert_cmpint (ask_vercmp (program, vercmp_rows[a].version, vercmp_rows[b].version), ==, vercmp_rows[a].orders[b]);
    }
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GString) a = g_string_new ("1"), b = g_string_new ("1");
      char found;

      for (int n = g_test_rand_int_range (0, 6); n > 0; n--)
        {
          g_string_append (a, parts[g_test_rand_int_range (0, G_N_ELEMENTS (parts))]);
          /* Often equal at first. */
          g_string_append (b, n > 3 ? a->str + a->len - 1 : parts[g_test_rand_int_range (0, G_N_ELEMENTS (parts))]);
        }
      found = sign_of (cold_version_order_compare (order, a->str, b->str));
      if (found != ask_vercmp (program, a->str, b->str))
        g_test_message ("%s %c %s", a->str, found, b->str);
      g_assert_cmpint (found, ==, ask_vercmp (program, a->str, b->str));
    }
}

static void
test_apk (void)
{
  g_autoptr (ColdVersionOrder) order = cold_version_order_new ("apk");

  for (guint i = 0; i < G_N_ELEMENTS (apk_version_rows); i++)
    {
      g_assert_cmpuint (strlen (apk_version_rows[i].orders), ==, G_N_ELEMENTS (apk_version_rows));
      for (guint k = 0; k < G_N_ELEMENTS (apk_version_rows); k++)
        {
          int found = cold_version_order_compare (order, apk_version_rows[i].version, apk_version_rows[k].version);

          if (sign_of (found) != apk_version_rows[i].orders[k])
            g_test_message ("%s against %s", apk_version_rows[i].version, apk_version_rows[k].version);
          g_assert_cmpint (sign_of (found), ==, apk_version_rows[i].orders[k]);
        }
    }
}

/* Versions are guests' text: none of them may do harm. */
static void
test_odd (void)
{
  static const char *const formats[] = { "deb", "rpm", "pacman", "apk" };
  static const char *const odd[] = {
    "", "-", ":", ":-", "--", "1:", ":1", "-1", "~", "^", "\xc3\xa9", "1.0-", "99999999999999999999999999:1"
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (ColdVersionOrder) order = cold_version_order_new (formats[i]);

      for (guint j = 0; j < G_N_ELEMENTS (odd); j++)
        for (guint k = 0; k < G_N_ELEMENTS (odd); k++)
          {
            int there = cold_version_order_compare (order, odd[j], odd[k]);

            if (j == k)
              g_assert_cmpint (there, ==, 0);
          }
    }
}

static void
test_unknown (void)
{
  g_assert_null (cold_version_order_new ("ebuild"));
  g_assert_null (cold_version_order_new (""));
  g_assert_null (cold_version_order_new (NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/version/deb", test_deb);
  g_test_add_func ("/version/rpm", test_rpm);
  g_test_add_func ("/version/pacman", test_pacman);
  g_test_add_func ("/version/pacman/every-pair", test_pacman_pairs);
  g_test_add_func ("/version/pacman/as-vercmp", test_pacman_live);
  g_test_add_func ("/version/apk/every-pair", test_apk);
  g_test_add_func ("/version/odd/no-harm", test_odd);
  g_test_add_func ("/version/unknown-format", test_unknown);
  return g_test_run ();
}
