/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rollback.h"

#include <sys/stat.h>

#include "cold-commit.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-quarantine.h"

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

static const ColdJournalMember *
find_member (const ColdJournal *journal, const ColdVolume *volume)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);

      if (g_str_equal (path, volume->path))
        return member;
    }
  return NULL;
}

/* The volume's path now leads to what the journal's exchange put there. */
static gboolean
is_current (const ColdJournalMember *member)
{
  g_autofree char *path = cold_journal_member_path (member);
  struct stat st;

  return lstat (path, &st) == 0 && st.st_ino == cold_tuple_get_inode (member->replacement)
         && st.st_dev == cold_tuple_get_device (member->replacement);
}

static guint64
hidden_bytes (const ColdJournalMember *member)
{
  g_autofree char *path = g_build_filename (member->hidden_directory, member->hidden_name, NULL);
  struct stat st;

  return lstat (path, &st) == 0 ? (guint64) st.st_blocks * 512 : 0;
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
  const ColdExchangeContext context = {
    .journal_dir = COLD_JOURNAL_DIR,
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
  };
  GPtrArray *journals = task_data;
  GError *error = NULL;

  for (guint i = 0; i < journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i);

      g_clear_error (&error);
      if (!cold_exchange_drop_hidden (&context, journal, &error))
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
      volume->rollback_bytes = self->changed ? hidden_bytes (member) : 0;
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

/* The newest exchange of @volume that can be undone. */
static const ColdJournal *
find_journal (GPtrArray *journals, const ColdVolume *volume)
{
  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i);
      const ColdJournalMember *member = find_member (journal, volume);

      if (journal->state == COLD_JOURNAL_DONE && member != NULL && is_current (member))
        return journal;
    }
  return NULL;
}

void
cold_rollback_run_async (const ColdParts *parts, gint64 volume_id, ColdJob *job, gboolean discard_changes,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GPtrArray) journals = load_journals ();
  ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  const ColdJournal *journal = volume != NULL ? find_journal (journals, volume) : NULL;
  Rollback *self = g_new0 (Rollback, 1);
  g_autofree char *difference = NULL;
  GError *error = NULL;

  self->parts = parts;
  self->volume = volume_id;
  self->job = g_object_ref (job);
  g_task_set_task_data (task, self, (GDestroyNotify) rollback_free);
  if (volume == NULL || journal == NULL)
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                               "no old image is kept for %s, so there is nothing to go back to",
                               volume != NULL ? volume->path : "the volume");
      return;
    }
  cold_job_set_phase (job, "checking");
  if (!cold_parts_check_rollback (parts, volume, &error)
      || (self->set = cold_work_set_new_rollback (cold_job_get_number (job), journal, &difference, &error)) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->changed = difference != NULL;
  if (self->changed && !discard_changes)
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_BLOCKED,
                               "changed-since-upgrade: %s was written to since the upgrade (%s), which going back would "
                               "lose; say discard-changes to do it all the same",
                               volume->path, difference);
      return;
    }
  cold_job_set_phase (job, "exchanging");
  cold_commit_run_async (parts, volume_id, self->set, NULL, job, on_committed, g_steal_pointer (&task));
}

gboolean
cold_rollback_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What is kept for each volume, as the journals say now. */
static void
update_volumes (const ColdParts *parts, GPtrArray *journals)
{
  GHashTableIter iter;
  gpointer value;

  cold_quarantine_update (parts->inventory, journals);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (parts->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ColdVolume *volume = value;
      gint64 until = 0;
      guint64 bytes = 0;

      for (guint i = 0; i < journals->len; i++)
        {
          const ColdJournal *journal = g_ptr_array_index (journals, i);
          const ColdJournalMember *member = find_member (journal, volume);

          if (member == NULL || journal->state != COLD_JOURNAL_DONE)
            continue;
          until = MAX (until, journal->keep_until);
          bytes += hidden_bytes (member);
        }
      if (volume->rollback_until == until && volume->rollback_bytes == bytes)
        continue;
      volume->rollback_until = until;
      volume->rollback_bytes = bytes;
      cold_inventory_volume_touch (parts->inventory, volume);
    }
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
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  const ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, volume_id);
  GPtrArray *journals = load_journals ();

  for (guint i = journals->len; i > 0; i--)
    {
      const ColdJournal *journal = g_ptr_array_index (journals, i - 1);

      if (journal->state != COLD_JOURNAL_DONE || volume == NULL || find_member (journal, volume) == NULL)
        g_ptr_array_remove_index (journals, i - 1);
    }
  if (journals->len == 0)
    {
      g_ptr_array_unref (journals);
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no old image is kept for this volume");
      return;
    }
  g_task_set_task_data (task, (gpointer) parts, NULL);
  drop (journals, on_dropped, g_steal_pointer (&task));
}

gboolean
cold_rollback_drop_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Whether the guest has run since the exchange, so that the new image has proven itself. */
static gboolean
has_run_since (ColdInventory *inventory, const ColdVolume *volume, gint64 since)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (domain->last_start_time < since || domain->last_stop_time < domain->last_start_time
          || !g_str_equal (domain->last_stop, "shutdown"))
        return FALSE;
    }
  return TRUE;
}

/* Whether the old image is where it was put. Where it is not, the file system may just not be mounted. */
static gboolean
hidden_is_there (const ColdJournalMember *member)
{
  g_autofree char *path = g_build_filename (member->hidden_directory, member->hidden_name, NULL);
  struct stat st;

  return lstat (path, &st) == 0;
}

/* Wiped: nothing is left of the guest, and it was not the guest itself, which has not run. */
static gboolean
was_wiped (ColdInventory *inventory, const ColdVolume *volume, const ColdJournalMember *member, gint64 since)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (inventory, volume);

  if (!cold_volume_is_too_small (volume)
      && (!cold_volume_inspection_is_fresh (volume) || volume->facts == NULL || volume->facts->has_guest))
    return FALSE;
  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (domain->info->active || domain->last_start_time >= since)
        return FALSE;
    }
  return volume->file.inode == cold_tuple_get_inode (member->replacement);
}

gboolean
cold_rollback_is_over (ColdInventory *inventory, const ColdJournal *journal, gint64 now)
{
  if (journal->state != COLD_JOURNAL_DONE)
    return FALSE;
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);

      if (!hidden_is_there (member))
        return FALSE;
    }
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      const ColdVolume *volume = cold_inventory_lookup_path (inventory, path);

      /* Deleted, wiped or made anew. What libvirt says does not count: a pool that is stopped or undefined shows none of its
       * volumes, and all of them are there. */
      if (!is_current (member))
        return TRUE;
      if (journal->members->len == 1 && volume != NULL && was_wiped (inventory, volume, member, journal->time))
        return TRUE;
      if (now < journal->keep_until || (volume != NULL && !has_run_since (inventory, volume, journal->time)))
        return FALSE;
    }
  return TRUE;
}

void
cold_rollback_expire (const ColdParts *parts)
{
  g_autoptr (GPtrArray) journals = load_journals ();
  GPtrArray *over = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  GTask *task;

  update_volumes (parts, journals);
  for (guint i = journals->len; i > 0; i--)
    if (cold_rollback_is_over (parts->inventory, g_ptr_array_index (journals, i - 1), g_get_real_time ()))
      g_ptr_array_add (over, g_ptr_array_steal_index (journals, i - 1));
  if (over->len == 0)
    {
      g_ptr_array_unref (over);
      return;
    }
  task = g_task_new (NULL, NULL, NULL, NULL);
  g_task_set_task_data (task, (gpointer) parts, NULL);
  drop (over, on_dropped, task);
}

/* Whether deleting the old images of @journal makes room on that device, and costs nobody the only image that is known to
 * work. */
static gboolean
can_be_evicted (ColdInventory *inventory, const ColdJournal *journal, dev_t device)
{
  if (journal->state != COLD_JOURNAL_DONE || journal->quarantined)
    return FALSE;
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      const ColdVolume *volume = cold_inventory_lookup_path (inventory, path);
      struct stat st;

      if (stat (member->hidden_directory, &st) != 0 || st.st_dev != device || !hidden_is_there (member) || volume == NULL
          || !has_run_since (inventory, volume, journal->time))
        return FALSE;
    }
  return journal->members->len > 0;
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
      bytes += hidden_bytes (member);
    }
  json_object_set_int_member (object, "job", journal->job);
  json_object_set_array_member (object, "volumes", paths);
  json_object_set_int_member (object, "bytes", bytes);
  return object;
}

typedef struct
{
  const ColdParts *parts;
  JsonObject *evicted;
} Eviction;

static void
eviction_free (Eviction *self)
{
  json_object_unref (self->evicted);
  g_free (self);
}

static void
on_eviction_dropped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Eviction *self = g_task_get_task_data (task);
  g_autoptr (GPtrArray) journals = load_journals ();
  g_autofree char *text = cold_json_to_text (self->evicted);
  GError *error = NULL;

  update_volumes (self->parts, journals);
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_message ("space is short: an old image that was kept for a rollback was deleted: %s", text);
  g_task_return_pointer (task, json_object_ref (self->evicted), (GDestroyNotify) json_object_unref);
}

void
cold_rollback_evict_async (const ColdParts *parts, const char *path, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GPtrArray) journals = load_journals ();
  ColdJournal *oldest = NULL;
  GPtrArray *one;
  Eviction *self;
  struct stat st;

  for (guint i = 0; stat (path, &st) == 0 && i < journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i);

      if (can_be_evicted (parts->inventory, journal, st.st_dev) && (oldest == NULL || journal->time < oldest->time))
        oldest = journal;
    }
  if (oldest == NULL)
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no old image can be deleted to make room");
      return;
    }
  self = g_new0 (Eviction, 1);
  self->parts = parts;
  self->evicted = describe_eviction (oldest);
  g_task_set_task_data (task, self, (GDestroyNotify) eviction_free);
  one = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  for (guint i = 0; i < journals->len; i++)
    if (g_ptr_array_index (journals, i) == oldest)
      {
        g_ptr_array_add (one, g_ptr_array_steal_index (journals, i));
        break;
      }
  drop (one, on_eviction_dropped, g_steal_pointer (&task));
}

JsonObject *
cold_rollback_evict_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
cold_rollback_recover (void)
{
  const ColdExchangeContext context = {
    .journal_dir = COLD_JOURNAL_DIR,
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
  };
  g_autoptr (GPtrArray) journals = load_journals ();

  for (guint i = 0; i < journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i);
      g_autoptr (GError) error = NULL;

      switch (cold_exchange_recover (&context, journal, &error))
        {
        case COLD_RECOVERY_NOTHING:
          break;
        case COLD_RECOVERY_THROWN_AWAY:
          g_message ("job %u was cut off before its exchange: its work copies were deleted", journal->job);
          break;
        case COLD_RECOVERY_FINISHED:
          g_message ("job %u was cut off in its exchange, which was finished", journal->job);
          break;
        case COLD_RECOVERY_KEPT:
          g_warning ("job %u was cut off and left something unexpected, nothing was deleted: %s", journal->job,
                     error != NULL ? error->message : "see its journal");
          break;
        default:
          g_assert_not_reached ();
        }
    }
}
