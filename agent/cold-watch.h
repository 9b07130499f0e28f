/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One folder under inotify: libvirt has no event for a file that appears in, or vanishes from, a directory pool.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_TYPE_WATCH (cold_watch_get_type ())
G_DECLARE_FINAL_TYPE (ColdWatch, cold_watch, COLD, WATCH, GObject)

/*
 * Signals, when names came or went, or a file that was open for writing was closed:
 *   stirred ()   at once, with the first change of a burst: more may follow
 *   changed ()   100 ms after the last one, and at most 1 s after the first
 */

/* Returns: (transfer full): %NULL with NotFound or Io when @path cannot be watched */
ColdWatch *cold_watch_new (const char *path, GError **error);
const char *cold_watch_get_path (ColdWatch *self);
/* Returns: (transfer none) (element-type utf8): a set of the names that have changed; to be called by a handler of the signal */
GHashTable *cold_watch_get_names (ColdWatch *self);

/* %FALSE once the folder was moved, removed or unmounted: whatever has its name now needs a new watch. */
gboolean cold_watch_is_alive (ColdWatch *self);

G_END_DECLS
