/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-names.h"

#define QUIET_MS 100
#define BURST_MAX_US G_USEC_PER_SEC

struct _ColdWatch
{
  GObject parent_instance;

  char *path;
  int fd;
  guint source;
  guint timer;
  GHashTable *names; /* (element-type utf8): of the burst */
  gint64 burst_began; /* monotonic; 0: no burst */
  gboolean alive;
};

enum
{
  STIRRED,
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdWatch, cold_watch, G_TYPE_OBJECT)

static void
cold_watch_finalize (GObject *object)
{
  ColdWatch *self = COLD_WATCH (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_hash_table_unref (self->names);
  G_OBJECT_CLASS (cold_watch_parent_class)->finalize (object);
}

static void
cold_watch_class_init (ColdWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_watch_finalize;
  signals[STIRRED] = g_signal_new ("stirred", COLD_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CHANGED] = g_signal_new ("changed", COLD_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_watch_init (ColdWatch *self)
{
  self->fd = -1;
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static gboolean
on_quiet (gpointer user_data)
{
  ColdWatch *self = user_data;

  self->timer = 0;
  self->burst_began = 0;
  g_signal_emit (self, signals[CHANGED], 0);
  g_hash_table_remove_all (self->names);
  return G_SOURCE_REMOVE;
}

static void
note (ColdWatch *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean first = self->burst_began == 0;
  gint64 left;

  if (first)
    self->burst_began = now;
  left = (self->burst_began + BURST_MAX_US - now) / 1000;
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add (CLAMP (left, 0, QUIET_MS), on_quiet, self);
  if (first)
    g_signal_emit (self, signals[STIRRED], 0);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  ColdWatch *self = user_data;
  char buffer[16384] __attribute__ ((aligned (__alignof__ (struct inotify_event))));
  gssize length = read (fd, buffer, sizeof buffer);
  gboolean stirred = FALSE;

  for (char *p = buffer; length > 0 && p < buffer + length;)
    {
      const struct inotify_event *event = (const struct inotify_event *) (gpointer) p;

      p += sizeof *event + event->len;
      /* Our own work, whose folder lies inside the pool, or beside the folder of another one. */
      if (event->len > 0
          && (g_str_equal (event->name, COLD_HIDDEN_DIR) || g_str_has_prefix (event->name, COLD_HIDDEN_DIR "-")))
        continue;
      if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0)
        self->alive = FALSE;
      if (event->len > 0)
        g_hash_table_add (self->names, g_strdup (event->name));
      stirred |= (event->mask & IN_IGNORED) == 0;
    }
  if (stirred)
    note (self);
  return G_SOURCE_CONTINUE;
}

ColdWatch *
cold_watch_new (const char *path, GError **error)
{
  g_autoptr (ColdWatch) self = g_object_new (COLD_TYPE_WATCH, NULL);

  self->path = g_strdup (path);
  self->fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (self->fd < 0
      || inotify_add_watch (self->fd, path,
                            IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF
                                | IN_MOVE_SELF | IN_ONLYDIR)
             < 0)
    {
      cold_error_set_errno (error, errno, "cannot watch %s", path);
      return NULL;
    }
  self->alive = TRUE;
  self->source = g_unix_fd_add (self->fd, G_IO_IN, on_readable, self);
  return g_steal_pointer (&self);
}

const char *
cold_watch_get_path (ColdWatch *self)
{
  return self->path;
}

GHashTable *
cold_watch_get_names (ColdWatch *self)
{
  return self->names;
}

gboolean
cold_watch_is_alive (ColdWatch *self)
{
  return self->alive;
}
