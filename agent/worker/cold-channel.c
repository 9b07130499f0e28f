/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-channel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-verb.h"

#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 4)

/* One process is one channel: verbs report progress from deep inside library callbacks that carry no context. */
static struct
{
  int in;
  int out;
  GMutex lock; /* lines of several threads must not mix */
  char *phase;
  gint64 last_progress; /* monotonic */
} channel = { .in = -1, .out = -1 };

static gboolean
move_descriptor (int fd, int *private, GError **error)
{
  *private = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  return *private >= 0 || cold_error_set_errno (error, errno, "cannot keep descriptor %d", fd);
}

gboolean
cold_channel_open (GError **error)
{
  int null;

  if (!move_descriptor (STDIN_FILENO, &channel.in, error) || !move_descriptor (STDOUT_FILENO, &channel.out, error))
    return FALSE;
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2 (null, STDIN_FILENO) < 0 || dup2 (STDERR_FILENO, STDOUT_FILENO) < 0)
    return cold_error_set_errno (error, errno, "cannot set up standard input and output");
  close (null);
  return TRUE;
}

void
cold_channel_leave (void)
{
  if (channel.in >= 0)
    close (channel.in);
  if (channel.out >= 0)
    close (channel.out);
  channel.in = channel.out = -1;
}

static gpointer
watch_for_end (gpointer data)
{
  char buffer[256];
  gssize n;

  /* Nothing may come after the request: whatever does is ignored, its end is what counts. */
  do
    n = read (channel.in, buffer, sizeof buffer);
  while (n > 0 || (n < 0 && errno == EINTR));
  _exit (1);
  return NULL;
}

JsonObject *
cold_channel_read_request (GError **error)
{
  g_autoptr (GByteArray) line = g_byte_array_new ();
  guint8 buffer[65536];
  const guint8 *newline = NULL;
  JsonObject *request;

  while (newline == NULL)
    {
      gssize n = read (channel.in, buffer, sizeof buffer);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          cold_error_set_errno (error, errno, "cannot read the request");
          return NULL;
        }
      if (n == 0 || line->len + n > COLD_PROTOCOL_LINE_MAX)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "%s",
                       n == 0 ? "no request line on standard input" : "the request line is too long");
          return NULL;
        }
      newline = memchr (buffer, '\n', n);
      g_byte_array_append (line, buffer, newline != NULL ? (guint) (newline - buffer) : (guint) n);
    }

  request = cold_json_parse_object ((const char *) line->data, line->len, error);
  if (request == NULL)
    {
      g_prefix_error (error, "request: ");
      return NULL;
    }
  g_thread_unref (g_thread_new ("end-of-stdin", watch_for_end, NULL));
  return request;
}

static gboolean
write_all (const char *text, gsize length)
{
  while (length > 0)
    {
      gssize n = write (channel.out, text, length);

      if (n < 0 && errno != EINTR)
        return FALSE;
      if (n > 0)
        {
          text += n;
          length -= n;
        }
    }
  return TRUE;
}

/* Returns: %FALSE when the line is too long or cannot be written */
static gboolean
send_line (const char *type, JsonObject *object)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  gboolean sent;

  json_object_set_string_member (object, "type", type);
  text = cold_json_to_text (object);
  /* json-glib passes bytes above 127 on as they are: bad UTF-8 of a guest's file would end the conversation. */
  line = g_utf8_make_valid (text, -1);
  if (strlen (line) >= COLD_PROTOCOL_LINE_MAX)
    return FALSE;

  g_mutex_lock (&channel.lock);
  sent = write_all (line, strlen (line)) && write_all ("\n", 1);
  g_mutex_unlock (&channel.lock);
  return sent;
}

gboolean
cold_channel_send_result (JsonObject *result)
{
  g_autoptr (GError) error = NULL;

  if (send_line ("result", result))
    return TRUE;
  error = g_error_new (COLD_ERROR, COLD_ERROR_WORKER, "the result does not fit a line of %d MiB",
                       COLD_PROTOCOL_LINE_MAX >> 20);
  cold_channel_send_error (error);
  return FALSE;
}

static ColdError
error_code (const GError *error)
{
  if (error->domain == COLD_ERROR)
    return error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE)
      || g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    return COLD_ERROR_NO_SPACE;
  return COLD_ERROR_FAILED;
}

gboolean
cold_channel_send_error (const GError *error)
{
  g_autoptr (JsonObject) line = json_object_new ();
  g_autofree char *message = cold_text_make_valid (error->message);
  ColdError code = error_code (error);
  const char *separator = strstr (message, ": ");

  json_object_set_string_member (line, "code", cold_error_nick (code));
  if (code == COLD_ERROR_BLOCKED && separator != NULL)
    {
      g_autofree char *blocker = g_strndup (message, separator - message);

      json_object_set_string_member (line, "blocker", blocker);
      json_object_set_string_member (line, "message", separator + 2);
    }
  else
    {
      json_object_set_string_member (line, "message", message);
    }
  return send_line ("error", line);
}

void
cold_verb_progress (const char *phase, double fraction, const char *message)
{
  g_autoptr (JsonObject) line = NULL;
  g_autofree char *valid = NULL;
  gint64 now = g_get_monotonic_time ();
  gboolean due;

  g_mutex_lock (&channel.lock);
  due = g_strcmp0 (phase, channel.phase) != 0 || now - channel.last_progress >= PROGRESS_INTERVAL;
  if (due)
    {
      g_free (channel.phase);
      channel.phase = g_strdup (phase);
      channel.last_progress = now;
    }
  g_mutex_unlock (&channel.lock);
  if (!due || channel.out < 0)
    return;

  valid = cold_text_make_valid (message);
  line = json_object_new ();
  json_object_set_string_member (line, "phase", phase);
  json_object_set_double_member (line, "fraction", fraction > 0 ? MIN (fraction, 1) : 0);
  json_object_set_string_member (line, "message", valid);
  send_line ("progress", line);
}
