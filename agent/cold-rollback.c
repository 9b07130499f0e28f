/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rollback.h"

#include "cold-commit.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-retention.h"

static const ColdExchangeContext exchange_context = {
  .journal_dir = COLD_JOURNAL_DIR,
  .claim_dir = COLD_CLAIM_DIR,
  .gate_file = COLD_GATE_FILE,
};

/* Journals that two exchanges of one volume left, newest first: only the newest knows what the hidden file is. */
static int
compare_newest_first (gconstpointer a, gconstpointer b)
{
  const ColdJournal *left = *(const ColdJournal *const *) a, *right = *(const ColdJournal *const *) b;

  return left->job < right->job ? 1 : left->job > right->job ? -1 : 0;
}

static GPtrArray *
load_journals (void)
{
  GPtrArray *journals = cold_journal_load_all (COLD_JOURNAL_DIR);

  g_ptr_array_sort (journals, compare_newest_first);
  return journals;
}

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
drop_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GPtrArray *journals = task_data;
  GError *error = NULL;

  for (guint i = 0; i < journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i);

      g_clear_error (&error);
      if (!cold_exchange_drop_hidden (&exchange_context, journal, &error))
        g_warning ("job %u: its old image is kept: %s", journal->job, error->message);
    }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* @journals: (transfer full) */
static void
drop (GPtrArray *journals, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, journals, (GDestroyNotify) g_ptr_array_unref);
  g_task_run_in_thread (task, drop_in_thread);
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
      volume->rollback_until = self->changed ? journal->keep_until : 0;
      volume->rollback_bytes = self->changed ? cold_retention_hidden_bytes (member) : 0;
      volume->awaits_boot = FALSE;
    }
  g_clear_pointer (&self->set, cold_work_set_free);
  if (!self->changed)
    {
      GPtrArray *journals = load_journals ();

      for (guint i = journals->len; i > 0; i--)
        if (((ColdJournal *) g_ptr_array_index (journals, i - 1))->job != cold_job_get_number (self->job))
          g_ptr_array_remove_index (journals, i - 1);
      drop (journals, NULL, NULL);
    }
  g_task_return_boolean (task, TRUE);
}

/* Returns: (transfer full) (nullable): the newest exchange of @volume that can be undone, taken out of @journals */
static ColdJournal *
take_journal (GPtrArray *journals, const ColdVolume *volume)
{
  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i);
      const ColdJournalMember *member = cold_journal_find_member (journal, volume->path);

      if (journal->state == COLD_JOURNAL_DONE && member != NULL && cold_retention_is_current (member))
        return g_ptr_array_steal_index (journals, i);
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
  cold_commit_run_async (self->parts, self->volume, self->set, self->job, on_committed, g_steal_pointer (&task));
}

void
cold_rollback_run_async (const ColdParts *parts, gint64 volume_id, ColdJob *job, gboolean discard_changes,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GPtrArray) journals = load_journals ();
  ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  g_autoptr (ColdJournal) journal = volume != NULL ? take_journal (journals, volume) : NULL;
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
  cold_work_set_open_rollback_async (cold_job_get_number (job), g_steal_pointer (&journal), on_opened,
                                     g_steal_pointer (&task));
}

gboolean
cold_rollback_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

typedef struct
{
  gint64 until;
  guint64 bytes;
} Kept;

/* Returns: (transfer full) (element-type utf8 Kept): by the volume's path, what the journals keep */
static GHashTable *
sum_up (GPtrArray *journals)
{
  GHashTable *sums = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i);

      for (guint j = 0; journal->state == COLD_JOURNAL_DONE && j < journal->members->len; j++)
        {
          const ColdJournalMember *member = g_ptr_array_index (journal->members, j);
          g_autofree char *path = cold_journal_member_path (member);
          Kept *kept = g_hash_table_lookup (sums, path);

          if (kept == NULL)
            g_hash_table_insert (sums, g_steal_pointer (&path), kept = g_new0 (Kept, 1));
          kept->until = MAX (kept->until, journal->keep_until);
          kept->bytes += cold_retention_hidden_bytes (member);
        }
    }
  return sums;
}

/* What is kept for each volume, as the journals say now. */
static void
update_volumes (const ColdParts *parts, GPtrArray *journals)
{
  static const Kept nothing = { 0, 0 };
  g_autoptr (GHashTable) sums = sum_up (journals);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (parts->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ColdVolume *volume = value;
      const Kept *kept = g_hash_table_lookup (sums, volume->path);

      if (kept == NULL)
        kept = &nothing;
      if (volume->rollback_until == kept->until && volume->rollback_bytes == kept->bytes)
        continue;
      volume->rollback_until = kept->until;
      volume->rollback_bytes = kept->bytes;
      cold_inventory_volume_touch (parts->inventory, volume);
    }
}

/* For on_dropped() and on_evicted(). */
static GTask *
new_drop_task (const ColdParts *parts, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, (gpointer) parts, NULL);
  return task;
}

static void
on_dropped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const ColdParts *parts = g_task_get_task_data (task);
  g_autoptr (GPtrArray) journals = load_journals ();
  GError *error = NULL;

  update_volumes (parts, journals);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
cold_rollback_drop_async (const ColdParts *parts, gint64 volume_id, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = new_drop_task (parts, callback, user_data);
  const ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  GPtrArray *journals = load_journals ();

  for (guint i = journals->len; i > 0; i--)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i - 1);

      if (journal->state != COLD_JOURNAL_DONE || volume == NULL || cold_journal_find_member (journal, volume->path) == NULL)
        g_ptr_array_remove_index (journals, i - 1);
    }
  if (journals->len == 0)
    {
      g_ptr_array_unref (journals);
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no old image is kept for this volume");
      return;
    }
  drop (journals, on_dropped, g_steal_pointer (&task));
}

gboolean
cold_rollback_drop_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Moves @journal from one array to the other. */
static void
take (GPtrArray *from, ColdJournal *journal, GPtrArray *to)
{
  guint index;

  if (g_ptr_array_find (from, journal, &index))
    g_ptr_array_add (to, g_ptr_array_steal_index (from, index));
}

void
cold_rollback_expire (const ColdParts *parts)
{
  g_autoptr (GPtrArray) journals = load_journals ();
  g_autoptr (GPtrArray) over = g_ptr_array_new ();
  GPtrArray *dropped;
  gint64 now = g_get_real_time ();

  update_volumes (parts, journals);
  for (guint i = 0; i < journals->len; i++)
    if (cold_retention_is_over (parts->inventory, journals, g_ptr_array_index (journals, i), now))
      g_ptr_array_add (over, g_ptr_array_index (journals, i));
  if (over->len == 0)
    return;
  /* Only now: they were judged by each other. */
  dropped = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  for (guint i = over->len; i > 0; i--)
    take (journals, g_ptr_array_index (over, i - 1), dropped);
  drop (dropped, on_dropped, new_drop_task (parts, NULL, NULL));
}

static JsonObject *
describe_eviction (const ColdJournal *journal)
{
  JsonObject *object = json_object_new ();
  JsonArray *paths = json_array_new ();
  guint64 bytes = 0;

  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      g_autofree char *valid = cold_text_make_valid (path);

      json_array_add_string_element (paths, valid);
      bytes += cold_retention_hidden_bytes (member);
    }
  json_object_set_int_member (object, "job", journal->job);
  json_object_set_array_member (object, "volumes", paths);
  json_object_set_int_member (object, "bytes", bytes);
  return object;
}

typedef struct
{
  GPtrArray *journals; /* owns what is evictable */
  guint64 bytes;
} Eviction;

static void
eviction_free (Eviction *self)
{
  g_ptr_array_unref (self->journals);
  g_free (self);
}

static void
evict_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Eviction *self = task_data;
  g_autoptr (JsonArray) evicted = json_array_new ();
  GError *error = NULL;

  /* Half of what is needed would cost images, and help nobody. */
  if (!cold_retention_pick (self->journals, self->bytes))
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                               "the old images that can be deleted do not make %" G_GUINT64_FORMAT " MiB of room",
                               self->bytes >> 20);
      return;
    }
  for (guint i = 0; i < self->journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (self->journals, i);
      g_autoptr (JsonObject) description = describe_eviction (journal);
      g_autofree char *text = cold_json_to_text (description);

      g_clear_error (&error);
      if (!cold_exchange_drop_hidden (&exchange_context, journal, &error))
        {
          g_warning ("job %u: its old image is kept: %s", journal->job, error->message);
          continue;
        }
      g_message ("space is short: an old image that was kept for a rollback was deleted: %s", text);
      json_array_add_object_element (evicted, g_steal_pointer (&description));
    }
  if (json_array_get_length (evicted) == 0)
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  g_task_return_pointer (task, g_steal_pointer (&evicted), (GDestroyNotify) json_array_unref);
}

static void
on_evicted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GPtrArray) journals = load_journals ();
  JsonArray *evicted;
  GError *error = NULL;

  update_volumes (g_task_get_task_data (task), journals);
  evicted = g_task_propagate_pointer (G_TASK (result), &error);
  if (evicted != NULL)
    g_task_return_pointer (task, evicted, (GDestroyNotify) json_array_unref);
  else
    g_task_return_error (task, error);
}

void
cold_rollback_evict_async (const ColdParts *parts, const char *path, guint64 bytes, guint job, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_evicted, new_drop_task (parts, callback, user_data));
  g_autoptr (GPtrArray) journals = load_journals ();
  g_autoptr (GPtrArray) evictable = cold_retention_list_evictable (parts->inventory, journals, path, job);
  Eviction *self = g_new0 (Eviction, 1);

  self->bytes = bytes;
  self->journals = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  for (guint i = 0; i < evictable->len; i++)
    take (journals, g_ptr_array_index (evictable, i), self->journals);
  g_task_set_task_data (task, self, (GDestroyNotify) eviction_free);
  g_task_run_in_thread (task, evict_in_thread);
}

JsonArray *
cold_rollback_evict_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
