/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop-fixture.h"

#define STEP_MS 5

static gboolean
on_time (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

void
loop_run_for (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_time, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

void
loop_step (void)
{
  gboolean over = FALSE;
  guint timer = g_timeout_add (STEP_MS, on_time, &over);

  g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timer);
}

static gboolean
is_alive (GWeakRef *ref)
{
  g_autoptr (GObject) object = g_weak_ref_get (ref);

  return object != NULL;
}

void
loop_assert_finalized (gpointer object)
{
  GWeakRef ref;

  g_weak_ref_init (&ref, object);
  g_object_unref (object);
  WAIT_FOR (!is_alive (&ref));
  g_weak_ref_clear (&ref);
}
