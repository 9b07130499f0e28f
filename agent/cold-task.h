/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What GTask lacks. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns @task with its cancellable's error in another turn of the main loop: whoever cancels is not called back while it does.
 * @task: (transfer full) */
void cold_task_return_cancelled_later (GTask *task);

G_END_DECLS
