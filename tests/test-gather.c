/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "async-result.h"
#include "cold-error.h"
#include "cold-gather.h"

static void
drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_all_parts (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GTask) gather = cold_gather_new (NULL, cancellable, keep_result, &result);
  g_autoptr (GTask) first = cold_gather_add (gather);
  g_autoptr (GTask) second = cold_gather_add (gather);
  g_autoptr (GError) error = NULL;

  cold_gather_close (gather);
  g_task_return_boolean (first, TRUE);
  drain ();
  g_assert_null (result);
  g_task_return_boolean (second, TRUE);
  drain ();
  g_assert_nonnull (result);
  g_assert_true (g_task_propagate_boolean (G_TASK (result), &error));
  g_assert_no_error (error);
  /* Too late. */
  g_cancellable_cancel (cancellable);
  drain ();
}

static void
test_first_error (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GTask) gather = cold_gather_new (NULL, NULL, keep_result, &result);
  g_autoptr (GTask) first = cold_gather_add (gather);
  g_autoptr (GTask) second = cold_gather_add (gather);
  g_autoptr (GError) error = NULL;

  cold_gather_close (gather);
  g_task_return_new_error (first, COLD_ERROR, COLD_ERROR_IO, "first");
  drain ();
  g_assert_nonnull (result);
  g_task_return_new_error (second, COLD_ERROR, COLD_ERROR_IO, "second");
  drain ();
  g_assert_false (g_task_propagate_boolean (G_TASK (result), &error));
  g_assert_cmpstr (error->message, ==, "first");
}

/* Whoever gives up does not wait for parts that take their time. */
static void
test_cancelled (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GTask) gather = cold_gather_new (NULL, cancellable, keep_result, &result);
  g_autoptr (GTask) part = cold_gather_add (gather);
  g_autoptr (GError) error = NULL;

  cold_gather_set_deadline (gather, 3600 * 1000, "too late");
  cold_gather_close (gather);
  drain ();
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  g_assert_null (result); /* not in the midst of the cancelling */
  drain ();
  g_assert_nonnull (result);
  g_assert_false (g_task_propagate_boolean (G_TASK (result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_task_return_boolean (part, TRUE);
  drain ();
}

static void
test_deadline (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GTask) gather = cold_gather_new (NULL, cancellable, keep_result, &result);
  g_autoptr (GTask) part = cold_gather_add (gather);
  g_autoptr (GError) error = NULL;

  cold_gather_set_deadline (gather, 1, "too late");
  cold_gather_close (gather);
  wait_for_result (&result);
  g_assert_false (g_task_propagate_boolean (G_TASK (result), &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_CONNECTED);
  g_assert_cmpstr (error->message, ==, "too late");
  g_cancellable_cancel (cancellable);
  g_task_return_boolean (part, TRUE);
  drain ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gather/all-parts", test_all_parts);
  g_test_add_func ("/gather/first-error-ends-it", test_first_error);
  g_test_add_func ("/gather/cancelled-ends-at-once", test_cancelled);
  g_test_add_func ("/gather/deadline", test_deadline);
  return g_test_run ();
}
