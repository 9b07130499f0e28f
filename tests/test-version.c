/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dpkg --compare-versions, rpm and vercmp say of the same versions. */
#include "cold-version.h"

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

/* Versions are guests' text: none of them may do harm. */
static void
test_odd (void)
{
  static const char *const formats[] = { "deb", "rpm", "pacman" };
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
  g_test_add_func ("/version/odd/no-harm", test_odd);
  g_test_add_func ("/version/unknown-format", test_unknown);
  return g_test_run ();
}
