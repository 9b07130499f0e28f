/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-work-set.h"

#include <fcntl.h>
#include <glib/gstdio.h>

#include "cold-copy.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-names.h"
#include "cold-recovery.h"
#include "cold-work-copy.h"

#define DISCARD_RETRY_SECONDS 10

/* What an upgrade may add to an image, besides the copy: room that must be there before it begins. */
#define GROWTH_MAX (G_GUINT64_CONSTANT (1) << 30)

struct ColdWorkSet
{
  ColdJournal *journal;
  ColdRoom *room;    /* (nullable): a rollback needs none */
  GPtrArray *copies; /* (element-type ColdWorkCopy) */
  GArray *made;      /* (element-type int) O_PATH of those that have been made */
  char *changed;     /* (nullable): what changed since the upgrade that a rollback undoes */

  /* Of a commit under way, read by its thread. */
  ColdInventory *inventory;
  guint64 generation;
  GStrv known_domains;
  GCancellable *cancellable;
  gboolean discard_failed;
  gboolean stale; /* an original is no longer what was copied: trying again is no use */
};

static void
clear_fd (int *fd)
{
  if (*fd >= 0)
    g_close (*fd, NULL);
}

void
cold_work_set_free (ColdWorkSet *set)
{
  if (set->room != NULL)
    cold_room_give_back (set->room, set);
  g_clear_pointer (&set->room, cold_room_unref);
  g_free (set->changed);
  g_ptr_array_unref (set->copies);
  g_array_unref (set->made);
  cold_journal_free (set->journal);
  g_strfreev (set->known_domains);
  g_clear_object (&set->cancellable);
  g_clear_object (&set->inventory);
  g_free (set);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdWorkSet, cold_work_set_free)

static ColdWorkSet *
work_set_new (guint job, const char *kind, const char *const *domains)
{
  ColdWorkSet *set = g_new0 (ColdWorkSet, 1);

  set->journal = cold_journal_new (job, kind);
  g_strfreev (set->journal->domains);
  set->journal->domains = g_strdupv ((GStrv) domains);
  set->copies = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_work_copy_free);
  set->made = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (set->made, (GDestroyNotify) clear_fd);
  return set;
}

/* What a thread opens. */
typedef struct
{
  ColdWorkSet *set;
  GPtrArray *paths;     /* upgrade: (element-type utf8) */
  ColdJournal *undone;  /* rollback */
} Opening;

static void
opening_free (Opening *opening)
{
  g_clear_pointer (&opening->set, cold_work_set_free);
  g_clear_pointer (&opening->paths, g_ptr_array_unref);
  g_clear_pointer (&opening->undone, cold_journal_free);
  g_free (opening);
}

/* Returns: (transfer none) */
static ColdWorkCopy *
add_copy (ColdWorkSet *set, const char *path, GError **error)
{
  ColdWorkCopy *copy = cold_work_copy_open (set->journal, path, error);

  if (copy != NULL)
    g_ptr_array_add (set->copies, copy);
  return copy;
}

static gboolean
open_volume (ColdWorkSet *set, const char *path, GError **error)
{
  ColdWorkCopy *copy = add_copy (set, path, error);

  if (copy == NULL)
    return FALSE;
  copy->member->hidden_name = cold_journal_new_hidden_name (set->journal);
  if (cold_room_take (set->room, set, copy->hidden, copy->member->hidden_name,
                      cold_copy_space_needed (copy->image.directory, copy->member->name, GROWTH_MAX), error))
    return TRUE;
  cold_error_prefix (error, path);
  return FALSE;
}

static gboolean
open_old_image (ColdWorkSet *set, const ColdJournalMember *old, GError **error)
{
  g_autofree char *path = cold_journal_member_path (old);
  ColdWorkCopy *copy = add_copy (set, path, error);

  if (copy == NULL || !cold_work_copy_adopt_old_image (copy, old, error))
    return FALSE;
  if (set->changed == NULL)
    cold_tuple_is_untouched (old->replacement, copy->member->original, &set->changed);
  return TRUE;
}

static void
open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Opening *opening = task_data;
  gboolean opened = TRUE;
  GError *error = NULL;

  for (guint i = 0; opened && opening->paths != NULL && i < opening->paths->len; i++)
    opened = open_volume (opening->set, g_ptr_array_index (opening->paths, i), &error);
  for (guint i = 0; opened && opening->undone != NULL && i < opening->undone->members->len; i++)
    opened = open_old_image (opening->set, g_ptr_array_index (opening->undone->members, i), &error);
  if (opened)
    {
      g_task_return_pointer (task, g_steal_pointer (&opening->set), (GDestroyNotify) cold_work_set_free);
      return;
    }
  /* Before the answer: whoever hears of it may try again with the room that this set had taken. */
  g_clear_pointer (&opening->set, cold_work_set_free);
  g_task_return_error (task, error);
}

static void
open_async (Opening *opening, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, opening, (GDestroyNotify) opening_free);
  g_task_run_in_thread (task, open_in_thread);
}

void
cold_work_set_open_async (ColdRoom *room, guint job, GPtrArray *disks, const char *const *domains,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  Opening *opening = g_new0 (Opening, 1);

  opening->set = work_set_new (job, "upgrade", domains);
  opening->set->room = cold_room_ref (room);
  opening->paths = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < disks->len; i++)
    g_ptr_array_add (opening->paths, g_strdup (((ColdGuestDisk *) g_ptr_array_index (disks, i))->path));
  open_async (opening, callback, user_data);
}

void
cold_work_set_open_rollback_async (guint job, ColdJournal *undone, GAsyncReadyCallback callback, gpointer user_data)
{
  Opening *opening = g_new0 (Opening, 1);

  opening->set = work_set_new (job, "rollback", (const char *const *) undone->domains);
  opening->set->journal->supersedes = undone->job;
  opening->undone = undone;
  open_async (opening, callback, user_data);
}

const char *
cold_work_set_find_short (ColdRoom *room, GPtrArray *disks, guint64 *missing)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      g_autofree char *folder = g_path_get_dirname (disk->path);
      cold_fd_auto fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
      guint64 needed = 0;

      for (guint j = 0; j < disks->len; j++)
        {
          const ColdGuestDisk *other = g_ptr_array_index (disks, j);

          if (other->file.device == disk->file.device)
            needed += cold_copy_space_needed (AT_FDCWD, other->path, GROWTH_MAX);
        }
      *missing = fd >= 0 ? cold_room_missing (room, fd, needed) : 0;
      if (*missing > 0)
        return disk->path;
    }
  return NULL;
}

ColdWorkSet *
cold_work_set_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

const char *
cold_work_set_get_changed (ColdWorkSet *set)
{
  return set->changed;
}

static void copy_next (GTask *task);

static void
on_copied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ColdWorkSet *set = g_task_get_task_data (task);
  ColdWorkCopy *copy = g_ptr_array_index (set->copies, set->made->len);
  GError *error = NULL;
  ColdTuple *tuple = cold_copy_finish (result, &error);
  int fd;

  if (tuple == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_pointer (&copy->member->original, cold_tuple_free);
  copy->member->original = tuple;
  fd = cold_work_copy_open_path (copy, &error);
  if (fd < 0)
    {
      g_task_return_error (task, error);
      return;
    }
  g_array_append_val (set->made, fd);
  copy_next (g_steal_pointer (&task));
}

static void
copy_next (GTask *task)
{
  ColdWorkSet *set = g_task_get_task_data (task);
  const ColdWorkCopy *copy;

  if (set->made->len == set->copies->len)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  copy = g_ptr_array_index (set->copies, set->made->len);
  cold_copy_async (copy->image.directory, copy->member->name, copy->hidden, copy->member->hidden_name,
                   g_task_get_cancellable (task), on_copied, task);
}

static gboolean
probe (const ColdWorkCopy *copy, GError **error)
{
  return cold_exchange_probe (copy->image.directory, copy->hidden, copy->member->hidden_name, error);
}

static void
journal_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  GError *error = NULL;

  for (guint i = 0; i < set->copies->len; i++)
    if (!cold_work_copy_read_original (g_ptr_array_index (set->copies, i), &error))
      {
        g_task_return_error (task, error);
        return;
      }
  /* When the disk was full while an earlier exchange had to be journalled as done: once another image has the name, nobody can tell
   * any more what its hidden file is. */
  cold_recovery_settle ();
  set->journal->state = COLD_JOURNAL_COPYING;
  if (!cold_journal_save (COLD_JOURNAL_DIR, set->journal, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  for (guint i = 0; i < set->copies->len; i++)
    if (!probe (g_ptr_array_index (set->copies, i), &error))
      {
        g_task_return_error (task, error);
        return;
      }
  g_task_return_boolean (task, TRUE);
}

static void
on_journalled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  copy_next (g_steal_pointer (&task));
}

void
cold_work_set_copy_async (ColdWorkSet *set, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GTask) first = g_task_new (NULL, NULL, on_journalled, task);

  g_task_set_task_data (task, set, NULL);
  g_task_set_task_data (first, set, NULL);
  g_task_run_in_thread (first, journal_in_thread);
}

gboolean
cold_work_set_copy_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

const int *
cold_work_set_get_copies (ColdWorkSet *set)
{
  return (const int *) (gpointer) set->made->data;
}

ColdJournal *
cold_work_set_get_journal (ColdWorkSet *set)
{
  return set->journal;
}

static void
sync_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  GError *error = NULL;

  for (guint i = 0; i < set->copies->len; i++)
    if (!cold_work_copy_sync (g_ptr_array_index (set->copies, i), &error))
      {
        g_task_return_error (task, error);
        return;
      }
  g_task_return_boolean (task, TRUE);
}

void
cold_work_set_sync_async (ColdWorkSet *set, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, set, NULL);
  g_task_run_in_thread (task, sync_in_thread);
}

gboolean
cold_work_set_sync_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* On the committing thread: both are atomic reads. */
static gboolean
still_wanted (gpointer user_data)
{
  ColdWorkSet *set = user_data;

  return cold_inventory_get_generation (set->inventory) == set->generation
         && !g_cancellable_is_cancelled (set->cancellable);
}

static gboolean
originals_stand (ColdWorkSet *set)
{
  for (guint i = 0; i < set->copies->len; i++)
    if (!cold_work_copy_original_stands (g_ptr_array_index (set->copies, i)))
      return FALSE;
  return TRUE;
}

static void
commit_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  const ColdExchangeContext context = {
    .journal_dir = COLD_JOURNAL_DIR,
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
    .known_domains = (const char *const *) set->known_domains,
    .still_wanted = still_wanted,
    .user_data = set,
  };
  const gboolean is_rollback = cold_journal_is_rollback (set->journal);
  GError *error = NULL;

  for (guint i = 0; i < set->copies->len; i++)
    if (!cold_work_copy_read_replacement (g_ptr_array_index (set->copies, i), is_rollback, &error))
      {
        g_task_return_error (task, error);
        return;
      }
  set->journal->state = COLD_JOURNAL_READY;
  if (cold_journal_save (COLD_JOURNAL_DIR, set->journal, &error)
      && cold_exchange_commit (&context, set->journal, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  set->stale = !originals_stand (set);
  g_task_return_error (task, error);
}

gboolean
cold_work_set_is_stale (ColdWorkSet *set)
{
  return set->stale;
}

void
cold_work_set_take_domains (ColdWorkSet *set, GStrv domains)
{
  g_strfreev (set->journal->domains);
  set->journal->domains = domains;
}

void
cold_work_set_commit_async (ColdWorkSet *set, ColdInventory *inventory, guint64 generation,
                            const char *const *known_domains, gint64 keep_until, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_set_object (&set->inventory, inventory);
  g_set_object (&set->cancellable, cancellable);
  set->generation = generation;
  g_strfreev (set->known_domains);
  set->known_domains = g_strdupv ((GStrv) known_domains);
  set->journal->keep_until = keep_until;
  g_task_set_task_data (task, set, NULL);
  g_task_run_in_thread (task, commit_in_thread);
}

gboolean
cold_work_set_commit_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
discard_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  const ColdExchangeContext context = {
    .journal_dir = COLD_JOURNAL_DIR,
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
  };
  GError *error = NULL;

  /* What was touched by somebody is kept, quarantined, without an error. */
  cold_exchange_recover (&context, set->journal, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void on_discarded (GObject *source, GAsyncResult *result, gpointer user_data);

static void
try_to_discard (ColdWorkSet *set)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_discarded, set);

  g_task_set_task_data (task, set, NULL);
  g_task_run_in_thread (task, discard_in_thread);
}

static gboolean
on_discard_again (gpointer user_data)
{
  try_to_discard (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_discarded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColdWorkSet) set = user_data;
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    return;
  if (!set->discard_failed)
    g_warning ("job %u: the work copy could not be deleted, which is tried again every %d s: %s", set->journal->job,
               DISCARD_RETRY_SECONDS, error->message);
  set->discard_failed = TRUE;
  g_timeout_add_seconds (DISCARD_RETRY_SECONDS, on_discard_again, g_steal_pointer (&set));
}

void
cold_work_set_discard (ColdWorkSet *set)
{
  /* Descriptors first: a work copy that is still open keeps its blocks. */
  g_array_set_size (set->made, 0);
  try_to_discard (set);
}
