/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-inhibitors.h"

#include "cold-error.h"

typedef struct
{
  ColdInhibitors *inhibitors; /* borrowed */
  guint cookie;
  guint timeout;
  char *owner;
} Inhibitor;

struct _ColdInhibitors
{
  GObject parent_instance;

  gboolean paused;
  guint last_cookie;
  GHashTable *table; /* (element-type guint Inhibitor) */
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdInhibitors, cold_inhibitors, G_TYPE_OBJECT)

static void
inhibitor_free (Inhibitor *inhibitor)
{
  g_clear_handle_id (&inhibitor->timeout, g_source_remove);
  g_free (inhibitor->owner);
  g_free (inhibitor);
}

static void
cold_inhibitors_finalize (GObject *object)
{
  g_hash_table_unref (COLD_INHIBITORS (object)->table);
  G_OBJECT_CLASS (cold_inhibitors_parent_class)->finalize (object);
}

static void
cold_inhibitors_class_init (ColdInhibitorsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_inhibitors_finalize;
  signals[CHANGED]
      = g_signal_new ("changed", COLD_TYPE_INHIBITORS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_inhibitors_init (ColdInhibitors *self)
{
  self->table = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) inhibitor_free);
}

ColdInhibitors *
cold_inhibitors_new (void)
{
  return g_object_new (COLD_TYPE_INHIBITORS, NULL);
}

gboolean
cold_inhibitors_is_active (ColdInhibitors *self)
{
  return self->paused || g_hash_table_size (self->table) > 0;
}

void
cold_inhibitors_pause (ColdInhibitors *self, const char *why)
{
  self->paused = TRUE;
  g_message ("paused: %s", why);
  g_signal_emit (self, signals[CHANGED], 0);
}

void
cold_inhibitors_resume (ColdInhibitors *self)
{
  self->paused = FALSE;
  g_message ("resumed");
  g_signal_emit (self, signals[CHANGED], 0);
}

static gboolean
on_timeout (gpointer user_data)
{
  Inhibitor *inhibitor = user_data;
  ColdInhibitors *self = inhibitor->inhibitors;

  inhibitor->timeout = 0;
  g_hash_table_remove (self->table, GUINT_TO_POINTER (inhibitor->cookie));
  g_signal_emit (self, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

guint
cold_inhibitors_add (ColdInhibitors *self, const char *why, guint seconds, const char *owner)
{
  Inhibitor *inhibitor = g_new0 (Inhibitor, 1);

  inhibitor->inhibitors = self;
  inhibitor->cookie = ++self->last_cookie;
  inhibitor->timeout = g_timeout_add_seconds (seconds, on_timeout, inhibitor);
  inhibitor->owner = g_strdup (owner);
  g_hash_table_insert (self->table, GUINT_TO_POINTER (inhibitor->cookie), inhibitor);
  g_message ("inhibited by %s for %u s: %s", owner, seconds, why);
  g_signal_emit (self, signals[CHANGED], 0);
  return inhibitor->cookie;
}

gboolean
cold_inhibitors_remove (ColdInhibitors *self, guint cookie, GError **error)
{
  if (!g_hash_table_remove (self->table, GUINT_TO_POINTER (cookie)))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no inhibitor has the cookie %u: it has ended already", cookie);
      return FALSE;
    }
  g_signal_emit (self, signals[CHANGED], 0);
  return TRUE;
}

static gboolean
is_owned_by (gpointer cookie, gpointer inhibitor, gpointer owner)
{
  return g_str_equal (((Inhibitor *) inhibitor)->owner, owner);
}

void
cold_inhibitors_remove_owner (ColdInhibitors *self, const char *owner)
{
  if (g_hash_table_foreach_remove (self->table, is_owned_by, (gpointer) owner) > 0)
    g_signal_emit (self, signals[CHANGED], 0);
}
