/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task that is returned when all of its parts are: with the first error as soon as there is one, with %TRUE when the last
 * part has ended well, at once when it is cancelled. The thread-default context of the caller only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer full): as g_task_new() */
GTask *cold_gather_new (gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

/* Returns: (transfer full): a part that @gather waits for; to be returned with a boolean or an error */
GTask *cold_gather_add (GTask *gather);

/* No parts follow: from here on @gather can be returned. */
void cold_gather_close (GTask *gather);

/* Fails with NotConnected and @message if parts are missing after @ms milliseconds. @message: static */
void cold_gather_set_deadline (GTask *gather, guint ms, const char *message);

G_END_DECLS
