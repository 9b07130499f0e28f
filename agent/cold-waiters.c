/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-waiters.h"

struct _ColdWaiters
{
  GQueue queue; /* (element-type Waiter) */
  ColdWaitersDeserted deserted;
  gpointer user_data;
};

typedef struct
{
  ColdWaiters *waiters; /* borrowed */
  GTask *task;
  gulong handler;       /* of the task's cancellable; 0: none */
} Waiter;

/* Returns: (transfer full) */
static GTask *
waiter_end (Waiter *waiter)
{
  GTask *task = waiter->task;

  if (waiter->handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), waiter->handler);
  g_free (waiter);
  return task;
}

static void
waiter_free (Waiter *waiter)
{
  g_object_unref (waiter_end (waiter));
}

ColdWaiters *
cold_waiters_new (ColdWaitersDeserted deserted, gpointer user_data)
{
  ColdWaiters *self = g_new0 (ColdWaiters, 1);

  g_queue_init (&self->queue);
  self->deserted = deserted;
  self->user_data = user_data;
  return self;
}

void
cold_waiters_free (ColdWaiters *self)
{
  g_queue_clear_full (&self->queue, (GDestroyNotify) waiter_free);
  g_free (self);
}

static gboolean
on_return_cancelled (gpointer user_data)
{
  GTask *task = user_data;

  if (!g_task_return_error_if_cancelled (task))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "it was cancelled");
  return G_SOURCE_REMOVE;
}

void
cold_task_return_cancelled_later (GTask *task)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_return_cancelled, task, g_object_unref);
}

/* Emitted from inside g_cancellable_cancel(), on the main thread. */
static void
on_cancelled (GCancellable *cancellable, Waiter *waiter)
{
  ColdWaiters *self = waiter->waiters;

  g_queue_remove (&self->queue, waiter);
  cold_task_return_cancelled_later (waiter_end (waiter));
  if (g_queue_is_empty (&self->queue))
    self->deserted (self->user_data);
}

void
cold_waiters_add (ColdWaiters *self, GTask *task)
{
  Waiter *waiter = g_new0 (Waiter, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  waiter->waiters = self;
  waiter->task = task;
  g_queue_push_tail (&self->queue, waiter);
  if (cancellable != NULL)
    waiter->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), waiter);
}

GTask *
cold_waiters_pop (ColdWaiters *self)
{
  Waiter *waiter = g_queue_pop_head (&self->queue);

  return waiter != NULL ? waiter_end (waiter) : NULL;
}

gboolean
cold_waiters_are_none (const ColdWaiters *self)
{
  return self->queue.length == 0;
}
