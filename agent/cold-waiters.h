/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that wait for the same thing to be made, each of which may be cancelled by itself: it returns at once then, and the others
 * go on waiting. Main context only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdWaiters ColdWaiters;

/* Nobody waits any more, since the last one was cancelled. May free the waiters. */
typedef void (*ColdWaitersDeserted) (gpointer user_data);

ColdWaiters *cold_waiters_new (ColdWaitersDeserted deserted, gpointer user_data);
void cold_waiters_free (ColdWaiters *self);

/* @task: (transfer full) */
void cold_waiters_add (ColdWaiters *self, GTask *task);

/* Returns: (transfer full) (nullable): the one that has waited longest, to be answered; cancelling it is its own affair now */
GTask *cold_waiters_pop (ColdWaiters *self);

gboolean cold_waiters_are_none (const ColdWaiters *self);

/* Returns @task with its cancellable's error in another turn of the main loop: whoever cancels is not called back while it does.
 * @task: (transfer full) */
void cold_task_return_cancelled_later (GTask *task);

G_END_DECLS
