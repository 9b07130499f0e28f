/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-task.h"

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
