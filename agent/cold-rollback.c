/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rollback.h"

#include "cold-commit.h"
#include "cold-error.h"
#include "cold-old-images.h"
#include "cold-retention.h"

gboolean
cold_rollback_options_parse (GVariant *options, gboolean *discard_changes, GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  *discard_changes = FALSE;
  if (options == NULL)
    return TRUE;
  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!g_str_equal (key, "discard-changes") || !g_variant_is_of_type (owned, G_VARIANT_TYPE_BOOLEAN))
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                       "option '%s' is unknown or of the wrong type: use discard-changes (b)", key);
          return FALSE;
        }
      *discard_changes = g_variant_get_boolean (owned);
    }
  return TRUE;
}

typedef struct
{
  const ColdParts *parts;
  gint64 volume;
  ColdJob *job;
  ColdWorkSet *set;
  gboolean discard_changes;
  gboolean changed;  /* the image was written to since */
  guint behind;      /* number of the exchange that made the image which it brings back, untouched since; 0: none is kept */
} Rollback;

static void
rollback_free (Rollback *self)
{
  if (self->set != NULL)
    cold_work_set_discard (self->set);
  g_object_unref (self->job);
  g_free (self);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Rollback *self = g_task_get_task_data (task);
  ColdJournal *journal;
  GError *error = NULL;

  if (!cold_commit_run_finish (result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  journal = cold_work_set_get_journal (self->set);
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      ColdVolume *volume = cold_inventory_lookup_path (self->parts->inventory, path);

      if (volume == NULL)
        continue;
      cold_file_id_stat (volume->path, &volume->file);
      volume->awaits_boot = FALSE;
    }
  g_clear_pointer (&self->set, cold_work_set_free);
  cold_old_images_let_go (self->parts, self->changed ? 0 : cold_job_get_number (self->job), self->behind);
  g_task_return_boolean (task, TRUE);
}

/* Returns: (transfer full) (nullable): the exchange that put in place what @volume is, taken out of @journals. Of two that say so,
 * the later one was cut off while it was folded into the earlier one. */
static ColdJournal *
take_journal (GPtrArray *journals, const ColdVolume *volume)
{
  for (guint i = journals->len; i > 0; i--)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i - 1);
      const ColdJournalMember *member = cold_journal_find_member (journal, volume->path);

      if (journal->state == COLD_JOURNAL_DONE && member != NULL && cold_retention_is_current (member))
        return g_ptr_array_steal_index (journals, i - 1);
    }
  return NULL;
}

/* Whether no volume of the set has moved on alone: by another upgrade, or because it was made anew. */
static gboolean
check_set (const ColdJournal *journal, GError **error)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);

      if (cold_retention_is_current (member))
        continue;
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                   "changed-since-upgrade: %s/%s was upgraded or replaced on its own since the upgrade of all disks of the guest, "
                   "which can only be undone as a whole; restore it from a backup",
                   member->directory, member->name);
      return FALSE;
    }
  return TRUE;
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Rollback *self = g_task_get_task_data (task);
  const ColdJournalMember *member;
  GError *error = NULL;

  self->set = cold_work_set_open_finish (result, &error);
  if (self->set == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->changed = cold_work_set_get_changed (self->set) != NULL;
  if (self->changed && !self->discard_changes)
    {
      g_autofree char *path = NULL;

      member = g_ptr_array_index (cold_work_set_get_journal (self->set)->members, 0);
      path = cold_journal_member_path (member);
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_BLOCKED,
                               "changed-since-upgrade: %s was written to since the upgrade (%s), which going back would "
                               "lose; say discard-changes to do it all the same",
                               path, cold_work_set_get_changed (self->set));
      return;
    }
  cold_job_set_phase (self->job, "exchanging");
  cold_commit_run_async (self->parts, self->volume, self->set, NULL, self->job, on_committed, g_steal_pointer (&task));
}

void
cold_rollback_run_async (const ColdParts *parts, gint64 volume_id, ColdJob *job, gboolean discard_changes,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  g_autoptr (ColdJournal) journal = volume != NULL ? take_journal (journals, volume) : NULL;
  const ColdJournal *behind;
  Rollback *self = g_new0 (Rollback, 1);
  GError *error = NULL;

  self->parts = parts;
  self->volume = volume_id;
  self->job = g_object_ref (job);
  self->discard_changes = discard_changes;
  g_task_set_task_data (task, self, (GDestroyNotify) rollback_free);
  if (volume == NULL || journal == NULL)
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                               "no old image is kept for %s, so there is nothing to go back to",
                               volume != NULL ? volume->path : "the volume");
      return;
    }
  cold_job_set_phase (job, "checking");
  if (!check_set (journal, &error) || !cold_parts_check_rollback (parts, journal, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  behind = cold_old_images_find_foldable (journals, journal);
  self->behind = behind != NULL ? behind->job : 0;
  cold_work_set_open_rollback_async (cold_job_get_number (job), g_steal_pointer (&journal), on_opened,
                                     g_steal_pointer (&task));
}

gboolean
cold_rollback_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

