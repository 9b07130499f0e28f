/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-gather.h"

#include "cold-error.h"

typedef struct
{
  guint waiting; /* parts, and one until the gather is closed */
  guint deadline;
  GSource *cancelled; /* (nullable) */
  const char *message;
  gboolean returned;
} Gather;

static void
stop_waiting (Gather *gather)
{
  g_clear_handle_id (&gather->deadline, g_source_remove);
  if (gather->cancelled != NULL)
    g_source_destroy (gather->cancelled);
  g_clear_pointer (&gather->cancelled, g_source_unref);
}

static void
gather_free (Gather *gather)
{
  stop_waiting (gather);
  g_free (gather);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  Gather *gather = g_task_get_task_data (task);

  gather->returned = TRUE;
  stop_waiting (gather);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

GTask *
cold_gather_new (gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (source, cancellable, callback, user_data);
  Gather *gather = g_new0 (Gather, 1);

  gather->waiting = 1;
  g_task_set_task_data (task, gather, (GDestroyNotify) gather_free);
  /* Not by a handler of the signal: the caller would go on in the midst of its own cancelling. */
  if (cancellable != NULL)
    {
      gather->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (gather->cancelled, G_SOURCE_FUNC (on_cancelled), g_object_ref (task), g_object_unref);
      g_source_attach (gather->cancelled, g_main_context_get_thread_default ());
    }
  return task;
}

/* @error: (transfer full) (nullable) */
static void
end_part (GTask *task, GError *error)
{
  Gather *gather = g_task_get_task_data (task);

  gather->waiting--;
  if (gather->returned || (gather->waiting > 0 && error == NULL))
    {
      g_clear_error (&error);
      return;
    }
  gather->returned = TRUE;
  stop_waiting (gather);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_part (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  end_part (task, error);
}

GTask *
cold_gather_add (GTask *task)
{
  Gather *gather = g_task_get_task_data (task);

  gather->waiting++;
  return g_task_new (g_task_get_source_object (task), NULL, on_part, g_object_ref (task));
}

void
cold_gather_close (GTask *task)
{
  end_part (task, NULL);
}

static gboolean
on_deadline (gpointer user_data)
{
  GTask *task = user_data;
  Gather *gather = g_task_get_task_data (task);

  gather->deadline = 0;
  gather->returned = TRUE;
  stop_waiting (gather);
  g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_CONNECTED, "%s", gather->message);
  return G_SOURCE_REMOVE;
}

void
cold_gather_set_deadline (GTask *task, guint ms, const char *message)
{
  Gather *gather = g_task_get_task_data (task);

  gather->message = message;
  gather->deadline = g_timeout_add_full (G_PRIORITY_DEFAULT, ms, on_deadline, g_object_ref (task), g_object_unref);
}
