/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-commit.h"

#include "cold-error.h"
#include "cold-guest-disks.h"

/* libvirt answers slowly while a domain starts; longer than that, and the exchange is left for another time. */
#define REREAD_DEADLINE_MS 10000
/* An event of any domain between the last look and the gate means: look again. */
#define TRIES_MAX 20
#define RETRY_MS 250

typedef struct
{
  const ColdParts *parts;
  gint64 volume;
  ColdWorkSet *set;
  GPtrArray *disks; /* (nullable) */
  ColdJob *job;
  guint64 generation;
  guint tries;
} Commit;

static void
commit_free (Commit *self)
{
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_object_unref (self->job);
  g_free (self);
}

static void look_again (GTask *task);

static gboolean
on_retry (gpointer user_data)
{
  look_again (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Commit *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (cold_work_set_commit_finish (result, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  if ((g_error_matches (error, COLD_ERROR, COLD_ERROR_YIELDED) || g_error_matches (error, COLD_ERROR, COLD_ERROR_BUSY))
      && !cold_work_set_is_stale (self->set) && !g_cancellable_is_cancelled (cold_job_get_cancellable (self->job))
      && ++self->tries < TRIES_MAX)
    {
      g_info ("job %u: looking again before the exchange: %s", cold_job_get_number (self->job), error->message);
      g_error_free (error);
      g_timeout_add (RETRY_MS, on_retry, g_steal_pointer (&task));
      return;
    }
  g_task_return_error (task, error);
}

static GStrv
list_domains (ColdInventory *inventory)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer uuid, domain;

  /* One that is gone may come back with other disks: its claim is that of a stranger. */
  g_hash_table_iter_init (&iter, cold_inventory_get_domains (inventory));
  while (g_hash_table_iter_next (&iter, &uuid, &domain))
    if (!((ColdDomain *) domain)->gone)
      g_strv_builder_add (builder, uuid);
  return g_strv_builder_end (builder);
}

/* A domain may have been given other disks since the copy: only the guest that was copied, with all of its disks, is
 * exchanged. Whoever uses them by now is heeded. */
static gboolean
check_guest (Commit *self, const ColdVolume *volume, GError **error)
{
  ColdInventory *inventory = self->parts->inventory;
  const ColdJournal *journal = cold_work_set_get_journal (self->set);
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (inventory, volume, error);
  g_autoptr (GStrvBuilder) uuids = g_strv_builder_new ();

  if (disks == NULL)
    return FALSE;
  if (self->disks != NULL && !cold_guest_disks_equal (self->disks, disks))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED,
                   "the guest of %s has other disks than when it was copied, or builds on other images", volume->path);
      return FALSE;
    }
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *path = cold_journal_member_path (g_ptr_array_index (journal->members, i));
      const ColdVolume *member = cold_inventory_lookup_path (inventory, path);
      g_autoptr (GPtrArray) domains = member != NULL ? cold_inventory_domains_of (inventory, member) : NULL;

      for (guint j = 0; domains != NULL && j < domains->len; j++)
        g_strv_builder_add (uuids, ((ColdDomain *) g_ptr_array_index (domains, j))->uuid);
    }
  cold_work_set_take_domains (self->set, g_strv_builder_end (uuids));
  return TRUE;
}

static void
on_looked_again (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Commit *self = g_task_get_task_data (task);
  ColdInventory *inventory = self->parts->inventory;
  GCancellable *cancellable = cold_job_get_cancellable (self->job);
  ColdVolume *volume = cold_inventory_lookup_volume (inventory, self->volume);
  gint64 keep_until = g_get_real_time () + self->parts->config->retention_days * G_TIME_SPAN_DAY;
  g_auto (GStrv) domains = NULL;
  GError *error = NULL;

  if (!cold_inventory_reread_finish (inventory, result, &error)
      || g_cancellable_set_error_if_cancelled (cancellable, &error)
      || !(cold_journal_is_rollback (cold_work_set_get_journal (self->set))
             ? cold_parts_check_rollback (self->parts, cold_work_set_get_journal (self->set), &error)
             : cold_parts_check_blockers (self->parts, volume, &error))
      || !check_guest (self, volume, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  domains = list_domains (inventory);
  cold_work_set_commit_async (self->set, inventory, self->generation, (const char *const *) domains, keep_until,
                              cancellable, on_committed, g_steal_pointer (&task));
}

/* What libvirt says now, before the gate; the generation is noted before the question is asked. */
static void
look_again (GTask *task)
{
  Commit *self = g_task_get_task_data (task);

  self->generation = cold_inventory_get_generation (self->parts->inventory);
  cold_inventory_reread_async (self->parts->inventory, REREAD_DEADLINE_MS,
                                       cold_job_get_cancellable (self->job), on_looked_again, task);
}

static void
on_synced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (cold_work_set_sync_finish (result, &error))
    look_again (g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

void
cold_commit_run_async (const ColdParts *parts, gint64 volume, ColdWorkSet *set, GPtrArray *disks, ColdJob *job,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Commit *self = g_new0 (Commit, 1);

  self->parts = parts;
  self->volume = volume;
  self->set = set;
  self->disks = disks != NULL ? g_ptr_array_ref (disks) : NULL;
  self->job = g_object_ref (job);
  g_task_set_task_data (task, self, (GDestroyNotify) commit_free);
  cold_work_set_sync_async (set, on_synced, task);
}

gboolean
cold_commit_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
