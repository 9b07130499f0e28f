/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells one process, and one boot, from another that has the same number. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer full): the running kernel's boot id, "" when /proc does not tell */
char *cold_boot_id (void);

/* Returns: field 22 of /proc/<pid>/stat (clock ticks since boot); 0 when there is no such process */
guint64 cold_process_start_time (gint64 pid);

G_END_DECLS
