/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-agenda.h"

/* Volumes looked at in one turn of the main loop. */
#define SLICE 200

struct ColdAgenda
{
  ColdAgendaFunc look;
  gpointer user_data;
  GHashTable *soon; /* (element-type gint64*): a set of ids */
  guint source;
  GHashTable *later; /* (element-type gint64* Later): by id */
};

typedef struct
{
  ColdAgenda *agenda;
  gint64 volume;
  gint64 due; /* monotonic */
  guint timer;
} Later;

static void
later_free (gpointer data)
{
  Later *later = data;

  g_clear_handle_id (&later->timer, g_source_remove);
  g_free (later);
}

ColdAgenda *
cold_agenda_new (ColdAgendaFunc look, gpointer user_data)
{
  ColdAgenda *agenda = g_new0 (ColdAgenda, 1);

  agenda->look = look;
  agenda->user_data = user_data;
  agenda->soon = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  agenda->later = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, later_free);
  return agenda;
}

void
cold_agenda_free (ColdAgenda *agenda)
{
  g_clear_handle_id (&agenda->source, g_source_remove);
  g_hash_table_unref (agenda->soon);
  g_hash_table_unref (agenda->later);
  g_free (agenda);
}

static gboolean
on_idle (gpointer user_data)
{
  ColdAgenda *agenda = user_data;

  gint64 volumes[SLICE];
  GHashTableIter iter;
  gpointer key;
  guint n = 0;

  /* One walk a slice: each new one would pass over all that was removed before. Looking may add volumes again. */
  g_hash_table_iter_init (&iter, agenda->soon);
  while (n < SLICE && g_hash_table_iter_next (&iter, &key, NULL))
    {
      volumes[n++] = *(gint64 *) key;
      g_hash_table_iter_remove (&iter);
    }
  for (guint i = 0; i < n; i++)
    agenda->look (volumes[i], agenda->user_data);
  if (g_hash_table_size (agenda->soon) > 0)
    return G_SOURCE_CONTINUE;
  agenda->source = 0;
  return G_SOURCE_REMOVE;
}

void
cold_agenda_add (ColdAgenda *agenda, gint64 volume)
{
  g_hash_table_add (agenda->soon, g_memdup2 (&volume, sizeof volume));
  if (agenda->source == 0)
    agenda->source = g_idle_add (on_idle, agenda);
}

static gboolean
on_due (gpointer user_data)
{
  Later *later = user_data;
  ColdAgenda *agenda = later->agenda;
  gint64 volume = later->volume;

  later->timer = 0;
  g_hash_table_remove (agenda->later, &volume);
  cold_agenda_add (agenda, volume);
  return G_SOURCE_REMOVE;
}

void
cold_agenda_add_later (ColdAgenda *agenda, gint64 volume, gint64 wait_us)
{
  gint64 due = g_get_monotonic_time () + wait_us;
  Later *later = g_hash_table_lookup (agenda->later, &volume);

  if (later != NULL && later->due <= due)
    return;
  later = g_new0 (Later, 1);
  later->agenda = agenda;
  later->volume = volume;
  later->due = due;
  later->timer = g_timeout_add (wait_us / 1000 + 1, on_due, later);
  g_hash_table_replace (agenda->later, &later->volume, later);
}
