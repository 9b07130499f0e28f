/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cold-guest-hibernation.h"

#define PAGE 4096

static void
assert_suspended (const char *signature, gsize length, gboolean expected)
{
  char page[PAGE] = { 0 };

  memcpy (page + PAGE - 10, signature, strlen (signature));
  g_assert_cmpint (cold_guest_is_swap_suspended (page, length), ==, expected);
}

static void
test_sleeping (void)
{
  assert_suspended ("S1SUSPEND", PAGE, TRUE);
  assert_suspended ("S2SUSPEND", PAGE, TRUE);
  assert_suspended ("ULSUSPEND", PAGE, TRUE);
  assert_suspended ("LINHIB0001", PAGE, TRUE);
}

static void
test_awake (void)
{
  assert_suspended ("SWAPSPACE2", PAGE, FALSE);
  assert_suspended ("SWAP-SPACE", PAGE, FALSE);
  assert_suspended ("", PAGE, FALSE);
}

static void
test_short (void)
{
  assert_suspended ("S1SUSPEND", PAGE - 1, FALSE);
  assert_suspended ("S1SUSPEND", 0, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guest-hibernation/suspended/is-seen", test_sleeping);
  g_test_add_func ("/guest-hibernation/plain-swap/is-none", test_awake);
  g_test_add_func ("/guest-hibernation/short/is-none", test_short);
  return g_test_run ();
}
