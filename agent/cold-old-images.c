/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-old-images.h"

#include "cold-error.h"
#include "cold-exchange.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-quarantine.h"
#include "cold-recovery.h"
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

GPtrArray *
cold_old_images_load (void)
{
  GPtrArray *journals = cold_journal_load_all (COLD_JOURNAL_DIR);

  g_ptr_array_sort (journals, compare_newest_first);
  return journals;
}

/* Returns: (transfer full): @journal, out of the array */
static ColdJournal *
steal (GPtrArray *journals, ColdJournal *journal)
{
  guint index;

  g_return_val_if_fail (g_ptr_array_find (journals, journal, &index), NULL);
  return g_ptr_array_steal_index (journals, index);
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

  cold_quarantine_update (parts->inventory, journals);
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

/* For what ends with another look at what is kept. */
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
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  GError *error = NULL;

  update_volumes (parts, journals);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

typedef struct
{
  ColdJournal *earlier, *later;
} Fold;

static void
fold_free (Fold *fold)
{
  cold_journal_free (fold->earlier);
  cold_journal_free (fold->later);
  g_free (fold);
}

static void
fold_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Fold *fold = task_data;
  GError *error = NULL;

  if (cold_exchange_fold (&exchange_context, fold->earlier, fold->later, &error))
    g_task_return_boolean (task, TRUE);
  else
    {
      g_warning ("job %u: its old image is kept: %s", fold->later->job, error->message);
      g_task_return_error (task, error);
    }
}

/* @journals: taken from */
static void
fold (GPtrArray *journals, ColdJournal *earlier, ColdJournal *later, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Fold *self = g_new0 (Fold, 1);

  self->earlier = steal (journals, earlier);
  self->later = steal (journals, later);
  g_task_set_task_data (task, self, (GDestroyNotify) fold_free);
  g_task_run_in_thread (task, fold_in_thread);
}

static ColdJournal *
find_number (GPtrArray *journals, guint job)
{
  for (guint i = 0; i < journals->len; i++)
    if (((ColdJournal *) g_ptr_array_index (journals, i))->job == job)
      return g_ptr_array_index (journals, i);
  return NULL;
}

ColdJournal *
cold_old_images_find_foldable (GPtrArray *journals, const ColdJournal *later)
{
  for (guint i = 0; i < journals->len; i++)
    if (cold_exchange_can_fold (g_ptr_array_index (journals, i), later))
      return g_ptr_array_index (journals, i);
  return NULL;
}

/* Without a domain nobody knows what has been made of an image, and the last one may be in good use. */
static gboolean
all_have_domains (ColdInventory *inventory, const ColdJournal *journal)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *path = cold_journal_member_path (g_ptr_array_index (journal->members, i));
      const ColdVolume *volume = cold_inventory_lookup_path (inventory, path);
      g_autoptr (GPtrArray) domains = volume != NULL ? cold_inventory_domains_of (inventory, volume) : NULL;

      if (domains == NULL || domains->len == 0)
        return FALSE;
    }
  return TRUE;
}

void
cold_old_images_fold_async (const ColdParts *parts, guint job, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_drop_task (parts, callback, user_data);
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  ColdJournal *later = find_number (journals, job);
  ColdJournal *earlier = later != NULL ? cold_old_images_find_foldable (journals, later) : NULL;

  if (earlier != NULL && all_have_domains (parts->inventory, later))
    {
      fold (journals, earlier, later, on_dropped, task);
      return;
    }
  update_volumes (parts, journals);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

gboolean
cold_old_images_fold_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
cold_old_images_let_go (const ColdParts *parts, guint job, guint behind)
{
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  ColdJournal *own = find_number (journals, job);
  ColdJournal *earlier = find_number (journals, behind);
  GPtrArray *one;

  if (own != NULL && earlier != NULL)
    {
      fold (journals, earlier, own, on_dropped, new_drop_task (parts, NULL, NULL));
      return;
    }
  if (own != NULL)
    {
      one = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
      g_ptr_array_add (one, steal (journals, own));
      drop (one, on_dropped, new_drop_task (parts, NULL, NULL));
    }
  update_volumes (parts, journals);
}

void
cold_old_images_drop_async (const ColdParts *parts, gint64 volume_id, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = new_drop_task (parts, callback, user_data);
  const ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  GPtrArray *journals = cold_old_images_load ();

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
cold_old_images_drop_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
settle_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  cold_recovery_settle ();
  g_task_return_boolean (task, TRUE);
}

static gboolean
is_unsettled (const ColdJournal *journal)
{
  return journal->state == COLD_JOURNAL_READY && !journal->quarantined;
}

/* @journals: taken from */
static void
expire (const ColdParts *parts, GPtrArray *journals)
{
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
    g_ptr_array_add (dropped, steal (journals, g_ptr_array_index (over, i - 1)));
  drop (dropped, on_dropped, new_drop_task (parts, NULL, NULL));
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GPtrArray) journals = cold_old_images_load ();

  expire (user_data, journals);
}

void
cold_old_images_expire (const ColdParts *parts)
{
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_settled, (gpointer) parts);
  gboolean settled = TRUE;

  for (guint i = 0; i < journals->len; i++)
    settled = settled && !is_unsettled (g_ptr_array_index (journals, i));
  expire (parts, journals);
  if (!settled)
    g_task_run_in_thread (task, settle_in_thread);
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
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
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
cold_old_images_evict_async (const ColdParts *parts, const char *path, guint64 bytes, guint job, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_evicted, new_drop_task (parts, callback, user_data));
  g_autoptr (GPtrArray) journals = cold_old_images_load ();
  g_autoptr (GPtrArray) evictable = cold_retention_list_evictable (parts->inventory, journals, path, job);
  Eviction *self = g_new0 (Eviction, 1);

  self->bytes = bytes;
  self->journals = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  for (guint i = 0; i < evictable->len; i++)
    g_ptr_array_add (self->journals, steal (journals, g_ptr_array_index (evictable, i)));
  g_task_set_task_data (task, self, (GDestroyNotify) eviction_free);
  g_task_run_in_thread (task, evict_in_thread);
}

JsonArray *
cold_old_images_evict_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
