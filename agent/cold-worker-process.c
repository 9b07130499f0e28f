/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-worker-process.h"

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <signal.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-worker-lines.h"

#define CHUNK (64 * 1024)
#define STDERR_KEPT 4096
#define PROGRESS_INTERVAL_MS 250
#define DRAIN_MS 2000 /* what a dead worker wrote is in its pipes already */

struct _ColdWorkerProcess
{
  GObject parent_instance;
  char *verb;
  ColdSandbox *sandbox;

  /* The run */
  GSubprocess *process;
  ColdWorkerLines *lines;
  GString *messages; /* the end of stderr */
  GError *failure;   /* why we ended it; the first reason stands */
  guint n_pending;   /* stdout, stderr, the process itself */
  GSource *deadline;
  GSource *cancelled;
  GCancellable *drain; /* ends reading when the process has ended and somebody else keeps its pipes open */
  GSource *drain_timer;

  /* Progress that waits for its turn */
  GSource *progress_timer;
  gboolean progress_waits;
  char *phase;
  double fraction;
  char *message;
};

G_DEFINE_FINAL_TYPE (ColdWorkerProcess, cold_worker_process, G_TYPE_OBJECT)

static guint progress_signal;

/*
 * How long a verb may take. Monotonic time stands still while the host sleeps, and so does the worker: what is bounded
 * is its work.
 */
static const struct
{
  const char *verb;
  guint seconds;
} deadlines[] = {
  { COLD_VERB_PROBE, 60 },         { COLD_VERB_LAUNCH, 2 * 60 },       { COLD_VERB_INSPECT, 10 * 60 },
  { COLD_VERB_PLAN, 2 * 60 },      { COLD_VERB_FETCH, 60 * 60 },    { COLD_VERB_BUNDLE, 10 * 60 },
  { COLD_VERB_UPGRADE, 4 * 3600 }, { COLD_VERB_VERIFY, 15 * 60 },
};

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
cold_worker_process_finalize (GObject *object)
{
  ColdWorkerProcess *self = COLD_WORKER_PROCESS (object);

  g_free (self->verb);
  cold_sandbox_free (self->sandbox);
  g_clear_object (&self->process);
  g_object_unref (self->drain);
  g_clear_pointer (&self->lines, cold_worker_lines_free);
  g_string_free (self->messages, TRUE);
  g_clear_error (&self->failure);
  clear_source (&self->deadline);
  clear_source (&self->cancelled);
  clear_source (&self->drain_timer);
  clear_source (&self->progress_timer);
  g_free (self->phase);
  g_free (self->message);
  G_OBJECT_CLASS (cold_worker_process_parent_class)->finalize (object);
}

static void
cold_worker_process_class_init (ColdWorkerProcessClass *klass)
{
  /*
   * A worker that ends before it has read its request must not take the agent along. GIO ignores the signal for its
   * sockets in the same way; children get the default back.
   */
  signal (SIGPIPE, SIG_IGN);
  G_OBJECT_CLASS (klass)->finalize = cold_worker_process_finalize;
  progress_signal = g_signal_new ("progress", COLD_TYPE_WORKER_PROCESS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_DOUBLE, G_TYPE_STRING);
}

static void
cold_worker_process_init (ColdWorkerProcess *self)
{
  self->messages = g_string_new (NULL);
  self->drain = g_cancellable_new ();
}

ColdWorkerProcess *
cold_worker_process_new (const char *verb, const char *scratch)
{
  ColdWorkerProcess *self = g_object_new (COLD_TYPE_WORKER_PROCESS, NULL);

  self->verb = g_strdup (verb);
  self->sandbox = cold_sandbox_new (verb, scratch);
  return self;
}

const char *
cold_worker_process_get_scratch (ColdWorkerProcess *self)
{
  return cold_sandbox_get_scratch (self->sandbox);
}

gboolean
cold_worker_process_add_disk (ColdWorkerProcess *self, int fd, const char *inside, gboolean writable, GError **error)
{
  return cold_sandbox_add_disk (self->sandbox, fd, inside, writable, error);
}

void
cold_worker_process_add_bind (ColdWorkerProcess *self, const char *path, const char *inside)
{
  cold_sandbox_add_bind (self->sandbox, path, inside);
}

void
cold_worker_process_set_catalogue (ColdWorkerProcess *self, ColdWorkerCatalogue access)
{
  cold_sandbox_set_catalogue (self->sandbox, access);
}

void
cold_worker_process_set_appliance (ColdWorkerProcess *self, const char *folder)
{
  cold_sandbox_set_appliance (self->sandbox, folder);
}


/* Progress */

static void
emit_progress (ColdWorkerProcess *self)
{
  self->progress_waits = FALSE;
  g_signal_emit (self, progress_signal, 0, self->phase, self->fraction, self->message);
}

static gboolean
on_progress_timer (gpointer data)
{
  ColdWorkerProcess *self = data;

  if (!self->progress_waits)
    {
      clear_source (&self->progress_timer);
      return G_SOURCE_REMOVE;
    }
  emit_progress (self);
  return G_SOURCE_CONTINUE;
}

static void
on_progress (const char *phase, double fraction, const char *message, gpointer user_data)
{
  ColdWorkerProcess *self = user_data;

  g_free (self->phase);
  g_free (self->message);
  self->phase = g_strdup (phase);
  self->message = g_strdup (message);
  self->fraction = fraction;
  self->progress_waits = TRUE;
  if (self->progress_timer != NULL)
    return;
  self->progress_timer = g_timeout_source_new (PROGRESS_INTERVAL_MS);
  g_source_set_callback (self->progress_timer, on_progress_timer, self, NULL);
  g_source_attach (self->progress_timer, g_main_context_get_thread_default ());
  emit_progress (self);
}

/* The end */

/* coldpatch-sandbox kills everything inside and ends when all of it is gone. */
static void
stop (ColdWorkerProcess *self, GError *reason)
{
  if (self->failure == NULL)
    self->failure = reason;
  else
    g_error_free (reason);
  g_subprocess_send_signal (self->process, SIGTERM);
}

static void
parse_last_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  JsonObject *result = cold_worker_lines_parse_last (data, &error);

  if (result != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

static void
return_missing_result (ColdWorkerProcess *self, GTask *task)
{
  g_autofree char *messages = cold_text_make_valid (g_strstrip (self->messages->str));
  const char *colon = *messages != '\0' ? ": " : "";

  if (g_subprocess_get_if_exited (self->process))
    g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_WORKER, "the worker (%s) ended with status %d and no result%s%s",
                             self->verb, g_subprocess_get_exit_status (self->process), colon, messages);
  else
    g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_WORKER, "the worker (%s) was killed by signal %d%s%s",
                             self->verb, g_subprocess_get_term_sig (self->process), colon, messages);
}

/* @task: (transfer full) */
static void
part_ended (GTask *task)
{
  g_autoptr (GTask) owned = task;
  ColdWorkerProcess *self = g_task_get_source_object (task);
  GBytes *last;

  if (--self->n_pending > 0)
    return;
  clear_source (&self->deadline);
  clear_source (&self->cancelled);
  clear_source (&self->drain_timer);
  clear_source (&self->progress_timer);
  g_cancellable_cancel (self->drain); /* a request that nobody reads any more */
  if (self->messages->len > 0)
    g_debug ("Worker %s: %s", self->verb, self->messages->str);

  if (self->failure != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&self->failure));
      return;
    }
  last = cold_worker_lines_take_last (self->lines);
  if (last == NULL)
    {
      return_missing_result (self, task);
      return;
    }
  g_task_set_task_data (task, last, (GDestroyNotify) g_bytes_unref);
  g_task_run_in_thread (task, parse_last_thread);
}

static void
attach (GSource **slot, GSource *source, GSourceFunc func, ColdWorkerProcess *self)
{
  *slot = source;
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static gboolean
on_drained (gpointer data)
{
  ColdWorkerProcess *self = data;

  clear_source (&self->drain_timer);
  g_cancellable_cancel (self->drain);
  return G_SOURCE_REMOVE;
}

static void
on_process_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColdWorkerProcess *self = g_task_get_source_object (user_data);

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (self->n_pending > 1)
    attach (&self->drain_timer, g_timeout_source_new (DRAIN_MS), on_drained, self);
  part_ended (user_data);
}

/* Returns: %FALSE at the end of the stream */
static gboolean
read_chunk (GObject *stream, GAsyncResult *result, GBytes **chunk)
{
  *chunk = g_input_stream_read_bytes_finish (G_INPUT_STREAM (stream), result, NULL);
  return *chunk != NULL && g_bytes_get_size (*chunk) > 0;
}

static void
on_output (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  ColdWorkerProcess *self = g_task_get_source_object (task);
  g_autoptr (GBytes) chunk = NULL;
  GError *error = NULL;

  if (!read_chunk (source, result, &chunk))
    {
      part_ended (task);
      return;
    }
  /* After a failure the rest is drained only, so that the end is seen. */
  if (self->failure == NULL
      && !cold_worker_lines_push (self->lines, g_bytes_get_data (chunk, NULL), g_bytes_get_size (chunk), &error))
    stop (self, error);
  /* After its last line a worker has nothing left to do, and no reason to stay. */
  else if (self->failure == NULL && cold_worker_lines_is_complete (self->lines))
    g_subprocess_send_signal (self->process, SIGTERM);
  g_input_stream_read_bytes_async (G_INPUT_STREAM (source), CHUNK, G_PRIORITY_DEFAULT, self->drain, on_output, task);
}

static void
on_messages (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  ColdWorkerProcess *self = g_task_get_source_object (task);
  g_autoptr (GBytes) chunk = NULL;

  if (!read_chunk (source, result, &chunk))
    {
      part_ended (task);
      return;
    }
  g_string_append_len (self->messages, g_bytes_get_data (chunk, NULL), g_bytes_get_size (chunk));
  if (self->messages->len > STDERR_KEPT)
    g_string_erase (self->messages, 0, self->messages->len - STDERR_KEPT);
  g_input_stream_read_bytes_async (G_INPUT_STREAM (source), CHUNK, G_PRIORITY_DEFAULT, self->drain, on_messages, task);
}

static gboolean
on_deadline (gpointer data)
{
  ColdWorkerProcess *self = data;

  stop (self, g_error_new (COLD_ERROR, COLD_ERROR_WORKER, "the worker (%s) did not finish in time and was ended",
                           self->verb));
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  ColdWorkerProcess *self = data;

  stop (self, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the worker (%s) was cancelled", self->verb));
  return G_SOURCE_REMOVE;
}

/* The start */

static void
on_request_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *line = user_data; /* not the task's: whoever keeps a full pipe open holds the writing up for longer */

  /* A worker that did not take its request ended, and says why elsewhere. The pipe stays open: its end means "stop". */
  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
}

static void
send_request (ColdWorkerProcess *self, JsonObject *request)
{
  g_autoptr (JsonObject) full = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (request);
  GOutputStream *in = g_subprocess_get_stdin_pipe (self->process);
  g_autofree char *text = NULL;
  char *line;

  for (GList *l = members; l != NULL; l = l->next)
    json_object_set_member (full, l->data, json_node_ref (json_object_get_member (request, l->data)));
  json_object_set_string_member (full, "verb", self->verb);
  text = cold_json_to_text (full);
  line = g_strconcat (text, "\n", NULL);
  /* GIO waits for room in the pipe, but then writes all there is: with more than fits, that would block the main loop. */
  g_unix_set_fd_nonblocking (g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (in)), TRUE, NULL);
  g_output_stream_write_all_async (in, line, strlen (line), G_PRIORITY_DEFAULT, self->drain, on_request_written, line);
}

static guint
deadline_of (const char *verb)
{
  for (guint i = 0; i < G_N_ELEMENTS (deadlines); i++)
    if (g_str_equal (deadlines[i].verb, verb))
      return deadlines[i].seconds;
  g_return_val_if_reached (60);
}

void
cold_worker_process_run_async (ColdWorkerProcess *self, JsonObject *request, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  /* Without the cancellable: being cancelled must not end the task before the processes have ended. */
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_return_if_fail (self->process == NULL);
  g_task_set_source_tag (task, cold_worker_process_run_async);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error)
      || (self->process = cold_sandbox_spawn (self->sandbox, cold_json_string (request, "accelerator"), &error)) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  self->lines = cold_worker_lines_new (on_progress, self);
  self->n_pending = 3;
  g_input_stream_read_bytes_async (g_subprocess_get_stdout_pipe (self->process), CHUNK, G_PRIORITY_DEFAULT, self->drain,
                                   on_output, g_object_ref (task));
  g_input_stream_read_bytes_async (g_subprocess_get_stderr_pipe (self->process), CHUNK, G_PRIORITY_DEFAULT, self->drain,
                                   on_messages, g_object_ref (task));
  g_subprocess_wait_async (self->process, NULL, on_process_ended, g_object_ref (task));
  attach (&self->deadline, g_timeout_source_new_seconds (deadline_of (self->verb)), on_deadline, self);
  if (cancellable != NULL)
    attach (&self->cancelled, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (on_cancelled), self);
  send_request (self, request);
}

JsonObject *
cold_worker_process_run_finish (ColdWorkerProcess *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
