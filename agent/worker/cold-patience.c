/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-patience.h"

#define BYTES_PER_SECOND 100

struct _ColdPatience
{
  GCancellable *cancellable;
  guint quiet;
  gint64 deadline;
  GThread *thread;
  GMutex lock; /* all below */
  GCond cond;
  gsize bytes;
  gboolean ended;
  const char *end;
};

/* Returns: whether the transfer came to its end before @until */
static gboolean
wait_until (ColdPatience *self, gint64 until)
{
  while (!self->ended)
    if (!g_cond_wait_until (&self->cond, &self->lock, until))
      break;
  return self->ended;
}

static gpointer
watch (gpointer data)
{
  ColdPatience *self = data;
  const gint64 step = (gint64) self->quiet * G_USEC_PER_SEC;
  gsize seen = 0;

  g_mutex_lock (&self->lock);
  while (!wait_until (self, MIN (g_get_monotonic_time () + step, self->deadline)))
    {
      if (g_get_monotonic_time () >= self->deadline)
        self->end = "not complete in the time that one file may take";
      else if (self->bytes - seen < (gsize) self->quiet * BYTES_PER_SECOND)
        self->end = "the server is silent, or too slow";
      if (self->end != NULL)
        break;
      seen = self->bytes;
    }
  g_mutex_unlock (&self->lock);
  if (self->end != NULL)
    g_cancellable_cancel (self->cancellable);
  return NULL;
}

ColdPatience *
cold_patience_new (GCancellable *cancellable, guint quiet, gint64 deadline)
{
  ColdPatience *self = g_new0 (ColdPatience, 1);

  self->cancellable = g_object_ref (cancellable);
  self->quiet = quiet;
  self->deadline = deadline;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->thread = g_thread_new ("patience", watch, self);
  return self;
}

void
cold_patience_free (ColdPatience *self)
{
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_object_unref (self->cancellable);
  g_free (self);
}

void
cold_patience_feed (ColdPatience *self, gsize bytes)
{
  g_mutex_lock (&self->lock);
  self->bytes += bytes;
  g_mutex_unlock (&self->lock);
}

const char *
cold_patience_get_end (ColdPatience *self)
{
  const char *end;

  g_mutex_lock (&self->lock);
  end = self->end;
  g_mutex_unlock (&self->lock);
  return end;
}
