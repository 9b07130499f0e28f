/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "exchange-fixture.h"

static gpointer
give_back_soon (gpointer data)
{
  g_usleep (20 * 1000);
  cold_fd_clear (data);
  return NULL;
}

static void
test_one_at_a_time (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GError) error = NULL;
  cold_fd_auto first = cold_gate_take (f->gate, 0, &error);
  cold_fd_auto second = -1;
  GThread *thread;

  g_assert_no_error (error);
  g_assert_cmpint (cold_gate_take (f->gate, 0, &error), ==, -1);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BUSY);
  g_clear_error (&error);
  thread = g_thread_new ("holder", give_back_soon, &first);
  second = cold_gate_take (f->gate, 60000, &error);
  g_thread_join (thread);
  g_assert_no_error (error);
  g_assert_cmpint (second, >=, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gate/one-at-a-time", test_one_at_a_time);
  return g_test_run ();
}
