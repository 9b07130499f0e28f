/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-worker-lines.h"

#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"

#define WORD_MAX 64 /* bytes of a phase or a blocker's code */

struct _ColdWorkerLines
{
  ColdWorkerProgressFunc progress;
  gpointer user_data;
  GByteArray *partial; /* the line that has not ended yet */
  GBytes *last;
  guint n_progress;
};

ColdWorkerLines *
cold_worker_lines_new (ColdWorkerProgressFunc progress, gpointer user_data)
{
  ColdWorkerLines *self = g_new0 (ColdWorkerLines, 1);

  self->progress = progress;
  self->user_data = user_data;
  self->partial = g_byte_array_new ();
  return self;
}

void
cold_worker_lines_free (ColdWorkerLines *self)
{
  g_byte_array_unref (self->partial);
  g_clear_pointer (&self->last, g_bytes_unref);
  g_free (self);
}

static gboolean
is_word (const char *text)
{
  gsize length = text != NULL ? strlen (text) : 0;

  return length > 0 && length <= WORD_MAX && strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static gboolean
broken (GError **error, const char *how)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the worker broke its protocol: %s", how);
  return FALSE;
}

static gboolean
take_progress (ColdWorkerLines *self, JsonObject *object, GError **error)
{
  const char *phase = cold_json_string (object, "phase");
  double fraction = cold_json_double (object, "fraction");
  g_autofree char *message = cold_text_make_valid (cold_json_string (object, "message"));

  if (!is_word (phase) || !(fraction >= 0 && fraction <= 1))
    return broken (error, "a progress line with a wrong phase or fraction");
  if (++self->n_progress > COLD_WORKER_LINES_PROGRESS_MAX)
    return broken (error, "a flood of progress lines");
  self->progress (phase, fraction, message, self->user_data);
  return TRUE;
}

/* One whole line lies in self->partial. */
static gboolean
take_line (ColdWorkerLines *self, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) local = NULL;
  const char *text = (const char *) self->partial->data;
  const char *type;

  if (self->last != NULL)
    return broken (error, "a line after the last one");
  if (self->partial->len <= COLD_WORKER_LINES_SHORT)
    {
      object = cold_json_parse_object (text != NULL ? text : "", self->partial->len, &local);
      if (object == NULL)
        return broken (error, local->message);
      type = cold_json_string (object, "type");
      if (g_strcmp0 (type, "progress") == 0)
        {
          g_byte_array_set_size (self->partial, 0);
          return take_progress (self, object, error);
        }
      if (g_strcmp0 (type, "result") != 0 && g_strcmp0 (type, "error") != 0)
        return broken (error, "a line of an unknown type");
    }
  self->last = g_byte_array_free_to_bytes (self->partial);
  self->partial = g_byte_array_new ();
  return TRUE;
}

gboolean
cold_worker_lines_push (ColdWorkerLines *self, const char *bytes, gsize length, GError **error)
{
  while (length > 0)
    {
      const char *newline = memchr (bytes, '\n', length);
      gsize part = newline != NULL ? (gsize) (newline - bytes) : length;

      if (self->partial->len + part >= COLD_PROTOCOL_LINE_MAX)
        return broken (error, "a line that is too long");
      g_byte_array_append (self->partial, (const guint8 *) bytes, part);
      if (newline == NULL)
        return TRUE;
      if (!take_line (self, error))
        return FALSE;
      bytes += part + 1;
      length -= part + 1;
    }
  return TRUE;
}

gboolean
cold_worker_lines_is_complete (ColdWorkerLines *self)
{
  return self->last != NULL;
}

GBytes *
cold_worker_lines_take_last (ColdWorkerLines *self)
{
  /* A line without its newline was cut off. */
  return self->partial->len == 0 ? g_steal_pointer (&self->last) : NULL;
}

/* It is logged, and kept for good. Returns: (transfer full) */
static char *
take_message (JsonObject *object)
{
  g_autofree char *message = cold_text_make_valid (cold_json_string (object, "message"));

  if (strlen (message) > COLD_WORKER_LINES_MESSAGE_MAX)
    message[COLD_WORKER_LINES_MESSAGE_MAX] = '\0';
  /* A character may have been cut. */
  return g_utf8_make_valid (message, -1);
}

static void
set_reported_error (JsonObject *object, GError **error)
{
  ColdError code = cold_error_from_nick (cold_json_string (object, "code"));
  const char *blocker = cold_json_string (object, "blocker");
  g_autofree char *message = take_message (object);

  if (code == COLD_ERROR_BLOCKED && !is_word (blocker))
    broken (error, "a Blocked error without a blocker");
  else if (code == COLD_ERROR_BLOCKED)
    g_set_error (error, COLD_ERROR, code, "%s: %s", blocker, message);
  else
    g_set_error (error, COLD_ERROR, code, "%s", *message != '\0' ? message : "the worker failed without a word");
}

JsonObject *
cold_worker_lines_parse_last (GBytes *line, GError **error)
{
  gsize length;
  const char *text = g_bytes_get_data (line, &length);
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object (text, length, &local);
  const char *type = cold_json_string (object, "type");

  if (object == NULL)
    broken (error, local->message);
  else if (g_strcmp0 (type, "error") == 0)
    set_reported_error (object, error);
  else if (g_strcmp0 (type, "result") != 0)
    broken (error, "a long line that is no result");
  else
    return g_steal_pointer (&object);
  return NULL;
}
