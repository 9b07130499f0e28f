/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting in the default main loop. The bound is there for what never happens: a machine may be as slow as it likes. */
#pragma once

#include <glib-object.h>

#define LOOP_WAIT_MS 60000

/* Runs the main loop for that time, whatever happens. */
void loop_run_for (guint ms);

/* One round of the main loop, of at most a few milliseconds: what changes in another thread wakes nobody. */
void loop_step (void);

/* Runs the main loop until the condition holds; a minute without it is a failure. */
#define WAIT_FOR(condition) \
  G_STMT_START \
  { \
    gint64 end_ = g_get_monotonic_time () + LOOP_WAIT_MS * G_TIME_SPAN_MILLISECOND; \
    while (!(condition) && g_get_monotonic_time () < end_) \
      loop_step (); \
    g_assert_true (condition); \
  } \
  G_STMT_END

/**
 * loop_assert_finalized:
 * @object: (transfer full)
 *
 * As g_assert_finalize_object(), but what is still under way, here or in a thread, may let go of it later.
 */
void loop_assert_finalized (gpointer object);
