/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pool-watches.h"

#include "cold-watch.h"

struct ColdPoolWatches
{
  GHashTable *watches; /* (element-type utf8 ColdWatch): by pool UUID */
  GHashTable *blind;   /* (element-type utf8): UUIDs of pools whose folder could not be watched: told once */
  ColdPoolWatchesFunc changed;
  gpointer user_data;
};

ColdPoolWatches *
cold_pool_watches_new (ColdPoolWatchesFunc changed, gpointer user_data)
{
  ColdPoolWatches *self = g_new0 (ColdPoolWatches, 1);

  self->watches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->blind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->changed = changed;
  self->user_data = user_data;
  return self;
}

void
cold_pool_watches_free (ColdPoolWatches *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_signal_handlers_disconnect_by_data (value, self);
  g_hash_table_unref (self->watches);
  g_hash_table_unref (self->blind);
  g_free (self);
}

static void
tell (ColdPoolWatches *self, ColdWatch *watch, gboolean over)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (value == watch)
      {
        g_autofree char *uuid = g_strdup (key);

        self->changed (uuid, over, self->user_data);
        return;
      }
}

static void
on_stirred (ColdWatch *watch, ColdPoolWatches *self)
{
  tell (self, watch, FALSE);
}

static void
on_changed (ColdWatch *watch, ColdPoolWatches *self)
{
  tell (self, watch, TRUE);
}

void
cold_pool_watches_update (ColdPoolWatches *self, const ColdPool *pool)
{
  gboolean wanted = pool->active && !pool->gone && *pool->path == '/'
                    && (g_str_equal (pool->type, "dir") || g_str_equal (pool->type, "fs"));
  ColdWatch *watch = g_hash_table_lookup (self->watches, pool->uuid);
  g_autoptr (GError) error = NULL;

  if (wanted && watch != NULL && cold_watch_is_alive (watch) && g_str_equal (cold_watch_get_path (watch), pool->path))
    return;
  g_hash_table_remove (self->watches, pool->uuid);
  if (!wanted)
    return;
  watch = cold_watch_new (pool->path, &error);
  if (watch == NULL)
    {
      if (g_hash_table_add (self->blind, g_strdup (pool->uuid)))
        g_warning ("pool %s: %s; changes are seen at the next resync", pool->name, error->message);
      return;
    }
  g_hash_table_remove (self->blind, pool->uuid);
  g_signal_connect (watch, "stirred", G_CALLBACK (on_stirred), self);
  g_signal_connect (watch, "changed", G_CALLBACK (on_changed), self);
  g_hash_table_insert (self->watches, g_strdup (pool->uuid), watch);
}
