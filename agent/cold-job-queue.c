/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-job-queue.h"

#include <unistd.h>

#include "cold-error.h"
#include "cold-inspection.h"
#include "cold-rollback.h"

/* Finished jobs stay on the bus for so long. */
#define KEEP_SECONDS 600
/* An appliance takes about a gigabyte at its peak; leave as much to the host's own domains. */
#define JOBS_MAX 8 /* the disks have a say, too; CPUs are left to domains by the workers' priority */
#define MEMORY_PER_JOB (G_GUINT64_CONSTANT (2) << 30)

/* What a job is made of; kept until it has ended. */
typedef struct
{
  ColdJobQueue *queue;
  ColdJob *job;
  ColdUpgradeOptions options;
  gboolean discard_changes;
} Item;

struct _ColdJobQueue
{
  GObject parent_instance;

  const ColdParts *parts;
  GPtrArray *jobs;    /* (element-type ColdJob) */
  GPtrArray *waiting; /* (element-type Item) */
  guint running;      /* appliances */
  guint unfinished;
  guint max;
  ColdJob *catalogue_job; /* (nullable) borrowed */
  GTask *stopping;
};

enum
{
  JOB_ADDED,
  JOB_STARTED,
  JOB_FINISHED,
  JOB_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdJobQueue, cold_job_queue, G_TYPE_OBJECT)

static void
item_free (Item *item)
{
  cold_upgrade_options_clear (&item->options);
  g_object_unref (item->job);
  g_object_unref (item->queue);
  g_free (item);
}

static void
cold_job_queue_finalize (GObject *object)
{
  ColdJobQueue *self = COLD_JOB_QUEUE (object);

  g_ptr_array_unref (self->jobs);
  g_ptr_array_unref (self->waiting);
  G_OBJECT_CLASS (cold_job_queue_parent_class)->finalize (object);
}

static void
cold_job_queue_class_init (ColdJobQueueClass *klass)
{
  const char *const names[] = { "job-added", "job-started", "job-finished", "job-removed" };

  G_OBJECT_CLASS (klass)->finalize = cold_job_queue_finalize;
  for (guint i = 0; i < N_SIGNALS; i++)
    signals[i] = g_signal_new (names[i], COLD_TYPE_JOB_QUEUE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                               COLD_TYPE_JOB);
}

static void
cold_job_queue_init (ColdJobQueue *self)
{
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->waiting = g_ptr_array_new ();
}

ColdJobQueue *
cold_job_queue_new (const ColdParts *parts)
{
  ColdJobQueue *self = g_object_new (COLD_TYPE_JOB_QUEUE, NULL);
  guint64 memory = (guint64) sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);

  self->parts = parts;
  self->max = parts->config->max_jobs;
  if (self->max == 0)
    self->max = MAX (1, MIN (MIN (g_get_num_processors (), JOBS_MAX), memory / MEMORY_PER_JOB));
  return self;
}

static void
save (ColdJobQueue *self, ColdJob *job)
{
  const ColdJobRecord record = {
    .number = cold_job_get_number (job),
    .kind = cold_job_get_kind (job),
    .volume = cold_job_get_volume (job),
    .state = cold_job_get_state (job),
    .started = cold_job_get_started (job),
    .finished = cold_job_get_finished (job),
    .outcome = cold_job_get_outcome (job),
    .error_name = cold_job_get_error_name (job),
    .error_message = cold_job_get_error_message (job),
    .report = cold_job_get_report (job),
  };

  cold_store_save_job (self->parts->store, &record);
}

typedef struct
{
  ColdJobQueue *queue;
  ColdJob *job;
} Removal;

static gboolean
on_remove (gpointer user_data)
{
  Removal *removal = user_data;

  g_ptr_array_remove (removal->queue->jobs, removal->job);
  g_signal_emit (removal->queue, signals[JOB_REMOVED], 0, removal->job);
  return G_SOURCE_REMOVE;
}

static void
removal_free (gpointer user_data)
{
  Removal *removal = user_data;

  g_object_unref (removal->job);
  g_object_unref (removal->queue);
  g_free (removal);
}

static void pump (ColdJobQueue *self);

/* @outcome: when @error is %NULL. Frees @item and @error. */
static void
finish (Item *item, const char *outcome, GError *error)
{
  ColdJobQueue *self = item->queue;
  ColdJob *job = item->job;
  Removal *removal = g_new0 (Removal, 1);

  cold_job_finish (job, outcome, error);
  if (error != NULL)
    g_message ("job %u (%s) has ended, %s: %s", cold_job_get_number (job), cold_job_get_kind (job),
               cold_job_get_outcome (job), error->message);
  else
    g_message ("job %u (%s) has ended%s%s", cold_job_get_number (job), cold_job_get_kind (job),
               *outcome != '\0' ? ", " : "", outcome);
  g_clear_error (&error);
  self->unfinished--;
  save (self, job);
  g_signal_emit (self, signals[JOB_FINISHED], 0, job);

  removal->queue = g_object_ref (self);
  removal->job = g_object_ref (job);
  g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, KEEP_SECONDS, on_remove, removal, removal_free);

  g_object_ref (self);
  item_free (item);
  if (self->stopping != NULL && self->unfinished == 0)
    {
      GTask *task = g_steal_pointer (&self->stopping);

      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
  pump (self);
  g_object_unref (self);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Item *item = user_data;
  GError *error = NULL;

  cold_inspection_run_finish (result, &error);
  item->queue->running--;
  finish (item, "", error);
}

static void
on_upgraded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Item *item = user_data;
  GError *error = NULL;
  const char *outcome = cold_upgrade_run_finish (result, &error);

  item->queue->running--;
  finish (item, outcome, error);
}

static void
on_rolled_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Item *item = user_data;
  GError *error = NULL;

  cold_rollback_run_finish (result, &error);
  item->queue->running--;
  finish (item, "rolled-back", error);
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Item *item = user_data;
  GError *error = NULL;

  cold_catalogue_refresh_finish (item->queue->parts->catalogue, result, &error);
  item->queue->catalogue_job = NULL;
  finish (item, "", error);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  gint64 one = *(const gint64 *) a;
  gint64 other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

/* Returns: (transfer container) (element-type ColdFacts): of all that were inspected, in the order in which they came */
static GPtrArray *
list_guests (ColdInventory *inventory)
{
  g_autoptr (GList) ids = g_list_sort (g_hash_table_get_keys (cold_inventory_get_volumes (inventory)), compare_ids);
  GPtrArray *guests = g_ptr_array_new ();

  for (GList *l = ids; l != NULL; l = l->next)
    {
      const ColdVolume *volume = cold_inventory_lookup_volume (inventory, *(gint64 *) l->data);

      if (!volume->gone && volume->facts != NULL)
        g_ptr_array_add (guests, volume->facts);
    }
  return guests;
}

static void
run (ColdJobQueue *self, Item *item)
{
  ColdJob *job = item->job;
  const char *kind = cold_job_get_kind (job);
  gint64 volume = cold_job_get_volume (job);

  cold_job_start (job);
  g_signal_emit (self, signals[JOB_STARTED], 0, job);
  if (g_str_equal (kind, "catalogue"))
    {
      g_autoptr (GPtrArray) guests = list_guests (self->parts->inventory);

      cold_catalogue_refresh_async (self->parts->catalogue, guests, cold_job_get_cancellable (job), on_refreshed, item);
      return;
    }
  self->running++;
  if (g_str_equal (kind, "inspect"))
    cold_inspection_run_async (self->parts, volume, job, on_inspected, item);
  else if (g_str_equal (kind, "upgrade"))
    cold_upgrade_run_async (self->parts, volume, job, &item->options, on_upgraded, item);
  else
    cold_rollback_run_async (self->parts, volume, job, item->discard_changes, on_rolled_back, item);
}

/* Somebody waits for upgrades and rollbacks; inspections have time. */
static Item *
take_next (ColdJobQueue *self)
{
  guint best = 0;

  for (guint i = 0; i < self->waiting->len; i++)
    {
      Item *item = g_ptr_array_index (self->waiting, i);

      if (!g_str_equal (cold_job_get_kind (item->job), "inspect"))
        {
          best = i;
          break;
        }
    }
  return g_ptr_array_steal_index (self->waiting, best);
}

static void
pump (ColdJobQueue *self)
{
  while (self->waiting->len > 0 && self->running < self->max)
    {
      Item *item = take_next (self);
      GError *error = NULL;

      if (g_cancellable_set_error_if_cancelled (cold_job_get_cancellable (item->job), &error))
        finish (item, "", error);
      else
        run (self, item);
    }
}

/* A job that waits ends as soon as it is cancelled. */
static void
on_cancelled (GCancellable *cancellable, ColdJobQueue *self)
{
  for (guint i = self->waiting->len; i > 0; i--)
    {
      Item *item = g_ptr_array_index (self->waiting, i - 1);
      GError *error = NULL;

      if (!g_cancellable_set_error_if_cancelled (cold_job_get_cancellable (item->job), &error))
        continue;
      g_ptr_array_remove_index (self->waiting, i - 1);
      finish (item, "", error);
      return;
    }
}

static Item *
add (ColdJobQueue *self, const char *kind, gint64 volume)
{
  Item *item = g_new0 (Item, 1);

  item->queue = g_object_ref (self);
  item->job = cold_job_new (cold_store_next_job (self->parts->store), kind, volume);
  g_ptr_array_add (self->jobs, g_object_ref (item->job));
  self->unfinished++;
  save (self, item->job);
  g_signal_emit (self, signals[JOB_ADDED], 0, item->job);
  return item;
}

static ColdJob *
enqueue (ColdJobQueue *self, Item *item)
{
  ColdJob *job = item->job;

  g_signal_connect_object (cold_job_get_cancellable (job), "cancelled", G_CALLBACK (on_cancelled), self, 0);
  g_ptr_array_add (self->waiting, item);
  if (self->stopping != NULL)
    cold_job_cancel (job, "cancelled");
  pump (self);
  return job;
}

ColdJob *
cold_job_queue_add_inspection (ColdJobQueue *self, gint64 volume)
{
  return enqueue (self, add (self, "inspect", volume));
}

ColdJob *
cold_job_queue_add_upgrade (ColdJobQueue *self, gint64 volume, ColdUpgradeOptions *options)
{
  Item *item = add (self, "upgrade", volume);

  item->options = *options;
  *options = (ColdUpgradeOptions){ 0 };
  return enqueue (self, item);
}

ColdJob *
cold_job_queue_add_rollback (ColdJobQueue *self, gint64 volume, gboolean discard_changes)
{
  Item *item = add (self, "rollback", volume);

  item->discard_changes = discard_changes;
  return enqueue (self, item);
}

ColdJob *
cold_job_queue_add_catalogue (ColdJobQueue *self)
{
  Item *item;

  if (self->catalogue_job != NULL)
    return self->catalogue_job;
  item = add (self, "catalogue", 0);
  self->catalogue_job = item->job;
  run (self, item);
  return self->catalogue_job;
}

GPtrArray *
cold_job_queue_get_jobs (ColdJobQueue *self)
{
  return self->jobs;
}

ColdJob *
cold_job_queue_lookup (ColdJobQueue *self, guint number)
{
  for (guint i = 0; i < self->jobs->len; i++)
    if (cold_job_get_number (g_ptr_array_index (self->jobs, i)) == number)
      return g_ptr_array_index (self->jobs, i);
  return NULL;
}

guint
cold_job_queue_get_unfinished (ColdJobQueue *self)
{
  return self->unfinished;
}

void
cold_job_queue_stop_async (ColdJobQueue *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) jobs = g_ptr_array_copy (self->jobs, (GCopyFunc) (gpointer) g_object_ref, NULL);

  if (self->unfinished == 0)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  self->stopping = task;
  for (guint i = 0; i < jobs->len; i++)
    cold_job_cancel (g_ptr_array_index (jobs, i), "cancelled");
}

gboolean
cold_job_queue_stop_finish (ColdJobQueue *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
cold_job_queue_is_stopping (ColdJobQueue *self)
{
  return self->stopping != NULL;
}
