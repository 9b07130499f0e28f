/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-plan-queue.h"

#include <string.h>

#include "cold-catalogue-request.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-plan-cache.h"
#include "cold-protocol.h"
#include "cold-waiters.h"
#include "cold-worker-process.h"

#define BATCH_MAX 64   /* plans of one worker */
#define RUNNING_MAX 2  /* workers; each has a child for each CPU */
#define SLICE_US 10000 /* of answering, in a turn of the main loop: thousands may have asked for the same */

struct _ColdPlanQueue
{
  ColdPlanCache *plans;
  GHashTable *solvings; /* (element-type utf8 Solving) by key; borrowed */
  GQueue waiting;       /* (element-type Batch) */
  guint running;
  guint start_source;
  GQueue answers;       /* (element-type Answer) */
  guint answer_source;
};

typedef struct
{
  GTask *task;
  JsonObject *plan;     /* (nullable) */
  GError *error;        /* (nullable) */
} Answer;

/* One worker's work. */
typedef struct
{
  ColdPlanQueue *queue;       /* a reference */
  char *set;                  /* of repositories, and the catalogue's generation */
  JsonObject *request;
  GPtrArray *solvings;        /* (element-type Solving) in the order of the request */
  gboolean alone;             /* nothing is to be added: the worker of several died */
  GCancellable *cancellable;  /* (nullable) once it runs */
} Batch;

/* A plan in the making, for everybody who asked for the same. */
typedef struct
{
  ColdPlanQueue *queue;       /* borrowed */
  Batch *batch;               /* borrowed */
  char *key;
  char *manifest;
  gboolean security_only;
  GStrv exclude;
  ColdWaiters *waiters;       /* none: nobody wants it any more */
} Solving;

static void schedule (ColdPlanQueue *self);

static void
forget (Solving *solving)
{
  if (g_hash_table_lookup (solving->queue->solvings, solving->key) == solving)
    g_hash_table_remove (solving->queue->solvings, solving->key);
}

static void
solving_free (Solving *solving)
{
  if (solving == NULL)
    return;
  forget (solving);
  cold_waiters_free (solving->waiters);
  g_free (solving->key);
  g_free (solving->manifest);
  g_strfreev (solving->exclude);
  g_free (solving);
}

static void
queue_clear (ColdPlanQueue *self)
{
  g_clear_handle_id (&self->start_source, g_source_remove);
  g_clear_handle_id (&self->answer_source, g_source_remove);
  g_hash_table_unref (self->solvings);
  cold_plan_cache_free (self->plans);
}

static void
batch_free (Batch *batch)
{
  g_ptr_array_unref (batch->solvings);
  json_object_unref (batch->request);
  g_clear_object (&batch->cancellable);
  g_free (batch->set);
  g_rc_box_release_full (batch->queue, (GDestroyNotify) queue_clear);
  g_free (batch);
}

ColdPlanQueue *
cold_plan_queue_new (void)
{
  ColdPlanQueue *self = g_rc_box_new0 (ColdPlanQueue);

  self->plans = cold_plan_cache_new ();
  self->solvings = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->waiting);
  g_queue_init (&self->answers);
  return self;
}

void
cold_plan_queue_free (ColdPlanQueue *self)
{
  g_queue_clear_full (&self->waiting, (GDestroyNotify) batch_free);
  g_rc_box_release_full (self, (GDestroyNotify) queue_clear);
}

static Batch *
batch_new (ColdPlanQueue *self, const char *set, JsonObject *request)
{
  Batch *batch = g_new0 (Batch, 1);

  batch->queue = g_rc_box_acquire (self);
  batch->set = g_strdup (set);
  batch->request = json_object_ref (request);
  batch->solvings = g_ptr_array_new_with_free_func ((GDestroyNotify) solving_free);
  return batch;
}

/* Answers. */

static void
answer_free (Answer *answer)
{
  if (!g_task_return_error_if_cancelled (answer->task))
    {
      if (answer->plan != NULL)
        g_task_return_pointer (answer->task, g_steal_pointer (&answer->plan), (GDestroyNotify) json_object_unref);
      else
        g_task_return_error (answer->task, g_steal_pointer (&answer->error));
    }
  g_clear_pointer (&answer->plan, json_object_unref);
  g_clear_error (&answer->error);
  g_object_unref (answer->task);
  g_free (answer);
}

/* The tasks are what keeps the queue's owner. */
static gboolean
on_answer (gpointer user_data)
{
  ColdPlanQueue *self = g_rc_box_acquire ((ColdPlanQueue *) user_data);
  gint64 end = g_get_monotonic_time () + SLICE_US;
  gboolean more;

  while (!g_queue_is_empty (&self->answers) && g_get_monotonic_time () < end)
    answer_free (g_queue_pop_head (&self->answers));
  more = !g_queue_is_empty (&self->answers);
  if (!more)
    self->answer_source = 0;
  g_rc_box_release_full (self, (GDestroyNotify) queue_clear);
  return more;
}

static void
answer_waiters (Solving *solving, JsonObject *plan, const GError *error)
{
  ColdPlanQueue *self = solving->queue;
  GTask *task;

  forget (solving);
  while ((task = cold_waiters_pop (solving->waiters)) != NULL)
    {
      Answer *answer = g_new0 (Answer, 1);

      answer->task = task;
      answer->plan = plan != NULL ? json_object_ref (plan) : NULL;
      answer->error = plan == NULL ? g_error_copy (error) : NULL;
      g_queue_push_tail (&self->answers, answer);
    }
  if (self->answer_source == 0 && !g_queue_is_empty (&self->answers))
    self->answer_source = g_idle_add_full (G_PRIORITY_DEFAULT, on_answer, self, NULL);
}

/* @answer: one of "plans". Returns: (transfer none): the plan when it is one */
static JsonObject *
read_plan (JsonObject *answer, GError **error)
{
  JsonObject *plan = cold_json_object (answer, "plan");
  const char *message = cold_json_string (answer, "error");

  if (plan == NULL)
    {
      g_set_error (error, COLD_ERROR, cold_error_from_nick (cold_json_string (answer, "code")), "%s",
                   message != NULL ? message : "the worker gave no reason");
      return NULL;
    }
  return cold_catalogue_check_plan (plan, error) ? plan : NULL;
}

/* Returns: how many got their answer */
static guint
take_answers (Batch *batch, JsonObject *result)
{
  JsonArray *answers = cold_json_array (result, "plans");
  guint n = 0;

  for (guint i = 0; answers != NULL && i < json_array_get_length (answers); i++)
    {
      JsonObject *answer = cold_json_array_object (answers, i);
      gint64 index = answer != NULL ? cold_json_int (answer, "index") : -1;
      g_autoptr (GError) error = NULL;
      Solving *solving;
      JsonObject *plan;

      if (index < 0 || index >= batch->solvings->len || g_ptr_array_index (batch->solvings, index) == NULL)
        continue;
      solving = g_ptr_array_index (batch->solvings, index);
      plan = read_plan (answer, &error);
      if (plan != NULL)
        cold_plan_cache_insert (batch->queue->plans, solving->key, plan);
      answer_waiters (solving, plan, error);
      solving_free (solving);
      batch->solvings->pdata[index] = NULL;
      n++;
    }
  return n;
}

static void
add_to (Batch *batch, Solving *solving)
{
  solving->batch = batch;
  g_ptr_array_add (batch->solvings, solving);
}

/* What the worker did not come to is asked for again, before all else: by one worker, or each by its own. */
static void
ask_again (Batch *batch, gboolean alone)
{
  Batch *next = NULL;

  for (guint i = 0; i < batch->solvings->len; i++)
    {
      Solving *solving = g_steal_pointer (&batch->solvings->pdata[i]);

      if (solving == NULL)
        continue;
      if (cold_waiters_are_none (solving->waiters))
        {
          solving_free (solving);
          continue;
        }
      if (next == NULL || alone)
        {
          next = batch_new (batch->queue, batch->set, batch->request);
          next->alone = alone;
          g_queue_push_head (&batch->queue->waiting, next);
        }
      add_to (next, solving);
    }
}

static void
fail_all (Batch *batch, const GError *error)
{
  for (guint i = 0; i < batch->solvings->len; i++)
    if (g_ptr_array_index (batch->solvings, i) != NULL)
      answer_waiters (g_ptr_array_index (batch->solvings, i), NULL, error);
}

static void
on_planned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Batch *batch = user_data;
  ColdPlanQueue *self = batch->queue;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = cold_worker_process_run_finish (COLD_WORKER_PROCESS (source), result, &error);

  self->running--;
  if (answer != NULL && take_answers (batch, answer) > 0)
    ask_again (batch, FALSE);
  /* One of them may have killed the worker of all. */
  else if (batch->solvings->len > 1 && (answer != NULL || g_error_matches (error, COLD_ERROR, COLD_ERROR_WORKER)))
    ask_again (batch, TRUE);
  if (error == NULL)
    g_set_error_literal (&error, COLD_ERROR, COLD_ERROR_WORKER, "the worker made no plan");
  fail_all (batch, error);
  schedule (self);
  batch_free (batch);
}

/* Workers. */

static JsonArray *
describe_guests (Batch *batch, ColdWorkerProcess *worker)
{
  g_autoptr (GHashTable) bound = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *guests = json_array_new ();

  for (guint i = 0; i < batch->solvings->len; i++)
    {
      const Solving *solving = g_ptr_array_index (batch->solvings, i);
      g_autofree char *path = g_build_filename (COLD_MANIFEST_DIR, solving->manifest, NULL);
      g_autofree char *inside = g_strconcat ("/manifests/", solving->manifest, NULL);
      JsonObject *guest = json_object_new ();

      if (g_hash_table_add (bound, solving->manifest))
        cold_worker_process_add_bind (worker, path, inside);
      json_object_set_string_member (guest, "manifest", inside);
      json_object_set_boolean_member (guest, "security-only", solving->security_only);
      cold_json_set_strv (guest, "exclude", (const char *const *) solving->exclude);
      json_array_add_object_element (guests, guest);
    }
  return guests;
}

static void
start (Batch *batch)
{
  g_autoptr (ColdWorkerProcess) worker = cold_worker_process_new (COLD_VERB_PLAN, NULL);
  g_autoptr (JsonObject) request = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (batch->request);

  for (GList *l = members; l != NULL; l = l->next)
    json_object_set_member (request, l->data, json_object_dup_member (batch->request, l->data));
  json_object_set_array_member (request, "plans", describe_guests (batch, worker));
  cold_worker_process_set_catalogue (worker, COLD_WORKER_CATALOGUE_READ);
  batch->cancellable = g_cancellable_new ();
  batch->queue->running++;
  cold_worker_process_run_async (worker, request, batch->cancellable, on_planned, batch);
}

static gboolean
on_start (gpointer user_data)
{
  ColdPlanQueue *self = user_data;

  self->start_source = 0;
  while (self->running < RUNNING_MAX && !g_queue_is_empty (&self->waiting))
    start (g_queue_pop_head (&self->waiting));
  return G_SOURCE_REMOVE;
}

/* When nothing else is to be done: whoever else asks in this turn comes along. */
static void
schedule (ColdPlanQueue *self)
{
  if (self->start_source == 0 && !g_queue_is_empty (&self->waiting))
    self->start_source = g_idle_add (on_start, self);
}

/* Asking. */

/* Ends what nobody wants any more. */
static void
abandon (gpointer user_data)
{
  Solving *solving = user_data;
  Batch *batch = solving->batch;
  ColdPlanQueue *self = solving->queue;

  /* Whoever comes later asks anew. */
  forget (solving);
  if (batch->cancellable == NULL)
    {
      g_ptr_array_remove (batch->solvings, solving);
      if (batch->solvings->len == 0 && g_queue_remove (&self->waiting, batch))
        batch_free (batch);
      return;
    }
  for (guint i = 0; i < batch->solvings->len; i++)
    {
      const Solving *other = g_ptr_array_index (batch->solvings, i);

      if (other != NULL && !cold_waiters_are_none (other->waiters))
        return;
    }
  g_cancellable_cancel (batch->cancellable);
}

static int
compare_words (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
make_set (JsonObject *repositories, guint64 generation)
{
  g_autofree char *text = cold_json_to_text (repositories);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", generation, hash);
}

static char *
make_key (const char *set, const char *manifest, gboolean security_only, const char *const *exclude)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autofree char *excluded = NULL;

  for (; exclude != NULL && *exclude != NULL; exclude++)
    g_ptr_array_add (words, (gpointer) *exclude);
  g_ptr_array_sort (words, compare_words);
  g_ptr_array_add (words, NULL);
  excluded = g_strjoinv ("\n", (char **) words->pdata);
  return g_strdup_printf ("%s %s %d\n%s", set, manifest, security_only, excluded);
}

/* Returns: (transfer none): a batch that waits and has room, or a new one */
static Batch *
find_batch (ColdPlanQueue *self, const char *set, JsonObject *repositories)
{
  Batch *batch;

  for (GList *l = self->waiting.head; l != NULL; l = l->next)
    {
      batch = l->data;
      if (!batch->alone && batch->solvings->len < BATCH_MAX && g_str_equal (batch->set, set))
        return batch;
    }
  batch = batch_new (self, set, repositories);
  g_queue_push_tail (&self->waiting, batch);
  return batch;
}

void
cold_plan_queue_ask (ColdPlanQueue *self, JsonObject *repositories, guint64 generation, const char *manifest,
                     gboolean security_only, const char *const *exclude, GTask *task)
{
  g_autofree char *set = make_set (repositories, generation);
  g_autofree char *key = make_key (set, manifest, security_only, exclude);
  JsonObject *plan = cold_plan_cache_lookup (self->plans, key);
  Solving *solving = g_hash_table_lookup (self->solvings, key);

  if (plan != NULL)
    {
      g_task_return_pointer (task, plan, (GDestroyNotify) json_object_unref);
      g_object_unref (task);
      return;
    }
  if (solving == NULL)
    {
      solving = g_new0 (Solving, 1);
      solving->queue = self;
      solving->key = g_steal_pointer (&key);
      solving->manifest = g_strdup (manifest);
      solving->security_only = security_only;
      solving->exclude = g_strdupv ((GStrv) exclude);
      solving->waiters = cold_waiters_new (abandon, solving);
      g_hash_table_insert (self->solvings, solving->key, solving);
      add_to (find_batch (self, set, repositories), solving);
    }
  if (g_task_get_cancellable (task) != NULL && g_queue_remove (&self->waiting, solving->batch))
    g_queue_push_head (&self->waiting, solving->batch);
  cold_waiters_add (solving->waiters, task);
  schedule (self);
}
