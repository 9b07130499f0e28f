/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan: for many guests that the same repositories serve. The catalogue is loaded once; then each guest is planned for by a
 * child of its own, which has the catalogue by copy-on-write. So a hostile manifest can spoil the pool of libsolv for nobody
 * else, and a child that dies is that guest's failure alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-channel.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-protocol.h"
#include "cold-verb.h"

#define CHILDREN_MAX 8
#define CHILD_SECONDS 60 /* both together are less than the agent gives the verb */
#define START_SECONDS 45 /* no child is started later */
#define ANSWER_MAX (COLD_PROTOCOL_LINE_MAX / 4 * 3) /* of all children: the result is one line */
#define CHUNK 65536

/* One guest that is being planned for. */
typedef struct
{
  guint index;
  pid_t pid;
  int fd;
  gint64 deadline; /* monotonic */
  GByteArray *text;
  gboolean killed;
} Child;

typedef struct
{
  ColdPlan *plan;
  JsonArray *guests;
  GPtrArray *children; /* (element-type Child) */
  JsonArray *answers;
  gsize length;        /* of the answers' text */
} Planning;

static void
child_free (Child *child)
{
  close (child->fd);
  g_byte_array_unref (child->text);
  g_free (child);
}

static void
planning_clear (Planning *self)
{
  cold_plan_free (self->plan);
  g_clear_pointer (&self->children, g_ptr_array_unref);
  g_clear_pointer (&self->answers, json_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Planning, planning_clear)

static JsonObject *
describe_error (const GError *error)
{
  JsonObject *answer = json_object_new ();
  g_autofree char *message = cold_text_make_valid (error->message);

  json_object_set_string_member (answer, "error", message);
  json_object_set_string_member (answer, "code",
                                 cold_error_nick (error->domain == COLD_ERROR ? (ColdError) error->code : COLD_ERROR_FAILED));
  return answer;
}

/* In the child. */
static void
answer (Planning *self, guint index, int fd)
{
  g_autoptr (GError) error = NULL;
  JsonObject *plan = cold_plan_make (self->plan, cold_json_array_object (self->guests, index), &error);
  JsonObject *object = plan != NULL ? json_object_new () : describe_error (error);
  g_autofree char *text = NULL;
  const char *p;
  gsize left;

  if (plan != NULL)
    json_object_set_object_member (object, "plan", plan);
  text = cold_json_to_text (object);
  for (p = text, left = strlen (text); left > 0;)
    {
      gssize n = write (fd, p, left);

      if (n < 0 && errno != EINTR)
        _exit (1);
      p += MAX (n, 0);
      left -= MAX (n, 0);
    }
}

/* The child keeps neither the way to the agent nor those from other children. */
static void
run_child (Planning *self, guint index, int fd)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  cold_channel_leave ();
  for (guint i = 0; i < self->children->len; i++)
    close (((Child *) g_ptr_array_index (self->children, i))->fd);
  answer (self, index, fd);
  _exit (0);
}

static gboolean
start (Planning *self, guint index, GError **error)
{
  Child *child;
  int fds[2];
  pid_t pid;

  if (!g_unix_open_pipe (fds, FD_CLOEXEC, error))
    return FALSE;
  pid = fork ();
  if (pid == 0)
    {
      close (fds[0]);
      run_child (self, index, fds[1]);
    }
  close (fds[1]);
  if (pid < 0)
    {
      cold_error_set_errno (error, errno, "cannot start a process to plan in");
      close (fds[0]);
      return FALSE;
    }
  child = g_new0 (Child, 1);
  child->index = index;
  child->pid = pid;
  child->fd = fds[0];
  child->deadline = g_get_monotonic_time () + CHILD_SECONDS * G_USEC_PER_SEC;
  child->text = g_byte_array_new ();
  g_ptr_array_add (self->children, child);
  return TRUE;
}

static JsonObject *
read_answer (const Child *child, int status, GError **error)
{
  if (child->killed)
    g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "no plan was found for this guest within %d seconds, or it is too long",
                 CHILD_SECONDS);
  else if (WIFSIGNALED (status))
    g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "planning for this guest was ended by signal %d", WTERMSIG (status));
  else
    return cold_json_parse_object ((const char *) child->text->data, child->text->len, error);
  return NULL;
}

/* Takes what the child wrote, when there is room for it: what has no answer is asked for again. */
static void
finish (Planning *self, Child *child)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object;
  int status = 0;

  while (waitpid (child->pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (json_array_get_length (self->answers) == 0 || self->length + child->text->len <= ANSWER_MAX)
    {
      object = read_answer (child, status, &error);
      if (object == NULL)
        object = describe_error (error);
      json_object_set_int_member (object, "index", child->index);
      json_array_add_object_element (self->answers, object);
    }
  self->length += child->text->len;
  g_ptr_array_remove (self->children, child);
}

static void
end_child (Child *child)
{
  child->killed = TRUE;
  kill (child->pid, SIGKILL);
}

/* Returns: %FALSE when the child has closed its pipe, which it does by ending */
static gboolean
read_some (Child *child)
{
  guint8 buffer[CHUNK];
  gssize n = read (child->fd, buffer, sizeof buffer);

  if (n < 0)
    return errno == EINTR;
  g_byte_array_append (child->text, buffer, n);
  if (child->text->len > ANSWER_MAX && !child->killed)
    end_child (child);
  if (child->killed)
    g_byte_array_set_size (child->text, 0);
  return n > 0;
}

/* Waits for one of the children to say something, or to be late. */
static void
wait_for_children (Planning *self)
{
  g_autofree GPollFD *fds = g_new0 (GPollFD, self->children->len);
  gint64 now = g_get_monotonic_time ();
  gint64 wait = CHILD_SECONDS * G_USEC_PER_SEC;
  guint n = self->children->len;

  for (guint i = 0; i < n; i++)
    {
      Child *child = g_ptr_array_index (self->children, i);

      if (now >= child->deadline && !child->killed)
        end_child (child);
      else if (!child->killed)
        wait = MIN (wait, child->deadline - now);
      fds[i].fd = child->fd;
      fds[i].events = G_IO_IN | G_IO_HUP;
    }
  g_poll (fds, n, wait / 1000 + 1);
  /* From the end: those that have ended leave the array. */
  for (guint i = n; i > 0; i--)
    {
      Child *child = g_ptr_array_index (self->children, i - 1);

      if (fds[i - 1].revents != 0 && !read_some (child))
        finish (self, child);
    }
}

/* Whether another child may begin: the first one always. */
static gboolean
may_start (const Planning *self, guint next, gint64 last)
{
  return next < json_array_get_length (self->guests)
         && self->children->len < (guint) CLAMP (g_get_num_processors (), 1, CHILDREN_MAX)
         && (next == 0 || (g_get_monotonic_time () < last && self->length < ANSWER_MAX));
}

JsonObject *
cold_verb_plan (JsonObject *request, GError **error)
{
  g_auto (Planning) self = { NULL };
  gint64 last = g_get_monotonic_time () + START_SECONDS * G_USEC_PER_SEC;
  guint next = 0;
  JsonObject *result;

  self.guests = cold_json_array (request, "plans");
  if (self.guests == NULL || json_array_get_length (self.guests) == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "plan: \"plans\" is missing");
      return NULL;
    }
  self.plan = cold_plan_new (request, error);
  if (self.plan == NULL)
    return NULL;
  self.children = g_ptr_array_new_with_free_func ((GDestroyNotify) child_free);
  self.answers = json_array_new ();
  /* No child may write into our memory, or into another child's, by way of /proc. */
  prctl (PR_SET_DUMPABLE, 0);
  for (;;)
    {
      while (may_start (&self, next, last))
        if (!start (&self, next++, error))
          return NULL;
      if (self.children->len == 0)
        break;
      wait_for_children (&self);
    }
  result = json_object_new ();
  json_object_set_array_member (result, "plans", json_array_ref (self.answers));
  return result;
}
