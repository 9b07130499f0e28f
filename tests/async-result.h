/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of an asynchronous call, waited for in the default main loop. */
#pragma once

#include <gio/gio.h>

/* The callback: @user_data is a GAsyncResult **, which gets a reference. */
static inline void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static inline void
wait_for_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}
