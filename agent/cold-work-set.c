/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-work-set.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cold-copy.h"
#include "cold-error.h"
#include "cold-lease.h"
#include "cold-names.h"

/* What an upgrade may add to an image, besides the copy: room that must be there before it begins. */
#define GROWTH_MAX (G_GUINT64_CONSTANT (1) << 30)

struct ColdWorkSet
{
  ColdJournal *journal;
  GArray *images; /* (element-type ColdOpenImage) */
  GArray *hidden; /* (element-type int) */
  GArray *copies; /* (element-type int) O_PATH */

  /* Of a commit under way, read by its thread. */
  ColdInventory *inventory;
  guint64 generation;
  GStrv known_domains;
  GCancellable *cancellable;
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
  cold_journal_free (set->journal);
  g_array_unref (set->images);
  g_array_unref (set->hidden);
  g_array_unref (set->copies);
  g_strfreev (set->known_domains);
  g_clear_object (&set->cancellable);
  g_clear_object (&set->inventory);
  g_free (set);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdWorkSet, cold_work_set_free)

static gboolean
check_space (int hidden_fd, int directory_fd, const char *name, const char *path, GError **error)
{
  guint64 needed = cold_copy_space_needed (directory_fd, name, GROWTH_MAX);
  struct statvfs vfs;

  if (fstatvfs (hidden_fd, &vfs) < 0)
    return cold_error_set_errno (error, errno, "cannot look at the file system of %s", path);
  if ((guint64) vfs.f_bavail * vfs.f_frsize >= needed)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "no-space: a work copy of %s can take %" G_GUINT64_FORMAT " MiB, the file system has %" G_GUINT64_FORMAT
               " MiB free",
               path, needed >> 20, ((guint64) vfs.f_bavail * vfs.f_frsize) >> 20);
  return FALSE;
}

static ColdWorkSet *
work_set_new (guint job, const char *kind, const char *const *domains)
{
  ColdWorkSet *set = g_new0 (ColdWorkSet, 1);

  set->journal = cold_journal_new (job, kind);
  g_strfreev (set->journal->domains);
  set->journal->domains = g_strdupv ((GStrv) domains);
  set->images = g_array_new (FALSE, FALSE, sizeof (ColdOpenImage));
  g_array_set_clear_func (set->images, (GDestroyNotify) cold_open_image_clear);
  set->hidden = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (set->hidden, (GDestroyNotify) clear_fd);
  set->copies = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (set->copies, (GDestroyNotify) clear_fd);
  return set;
}

static gboolean
check_use (int directory_fd, const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *who = NULL;
  int fd = openat (directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  gboolean used;

  if (fd < 0)
    return cold_error_set_errno (error, errno, "cannot open %s", path);
  used = cold_file_is_open_elsewhere (fd, &who);
  close (fd);
  if (used)
    g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: %s is open for writing%s%s", path,
                 who != NULL ? ": " : "", who != NULL ? who : "");
  return !used;
}

/* Opens folder, image and hidden folder of one member. Returns: (transfer none): the member, without a hidden name */
static ColdJournalMember *
add_member (ColdWorkSet *set, const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  ColdOpenImage image = { -1, -1 };
  ColdJournalMember *member;
  int hidden;

  if (!cold_open_image (path, &image, error))
    return NULL;
  g_array_append_val (set->images, image);
  if (!check_use (image.directory, path, error))
    return NULL;
  member = cold_journal_add_member (set->journal);
  member->directory = g_strdup (folder);
  member->name = g_path_get_basename (path);
  hidden = cold_directory_open_hidden (folder, image.directory, &member->hidden_directory, error);
  if (hidden < 0)
    return NULL;
  g_array_append_val (set->hidden, hidden);
  return cold_exchange_probe (image.directory, hidden, error) ? member : NULL;
}

ColdWorkSet *
cold_work_set_new (guint job, GPtrArray *disks, const char *const *domains, GError **error)
{
  g_autoptr (ColdWorkSet) set = work_set_new (job, "upgrade", domains);

  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      ColdJournalMember *member = add_member (set, disk->path, error);

      if (member == NULL)
        return NULL;
      member->hidden_name = cold_journal_new_hidden_name (set->journal);
      if (!check_space (g_array_index (set->hidden, int, i), g_array_index (set->images, ColdOpenImage, i).directory,
                        member->name, disk->path, error))
        return NULL;
    }
  return g_steal_pointer (&set);
}

ColdWorkSet *
cold_work_set_new_rollback (guint job, const ColdJournal *undone, char **changed, GError **error)
{
  g_autoptr (ColdWorkSet) set = work_set_new (job, "rollback", (const char *const *) undone->domains);

  *changed = NULL;
  set->journal->supersedes = undone->job;
  for (guint i = 0; i < undone->members->len; i++)
    {
      const ColdJournalMember *old = g_ptr_array_index (undone->members, i);
      g_autofree char *path = g_build_filename (old->directory, old->name, NULL);
      g_autoptr (ColdTuple) hidden = NULL;
      g_autofree char *difference = NULL;
      ColdJournalMember *member = add_member (set, path, error);

      if (member == NULL)
        return NULL;
      member->hidden_name = g_strdup (old->hidden_name);
      member->original = cold_tuple_read_at (g_array_index (set->images, ColdOpenImage, i).directory, member->name,
                                             error);
      hidden = cold_tuple_read_at (g_array_index (set->hidden, int, i), member->hidden_name, error);
      if (member->original == NULL || hidden == NULL)
        return NULL;
      if (!cold_tuple_equal (hidden, old->original, &difference))
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                       "open-elsewhere: the old image of %s is not what the upgrade left behind (%s)", path, difference);
          return NULL;
        }
      if (*changed == NULL)
        cold_tuple_is_untouched (old->replacement, member->original, changed);
    }
  return g_steal_pointer (&set);
}

static ColdJournalMember *
member_at (ColdWorkSet *set, guint i)
{
  return g_ptr_array_index (set->journal->members, i);
}

static void copy_next (GTask *task);

static void
on_copied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ColdWorkSet *set = g_task_get_task_data (task);
  guint i = set->copies->len;
  GError *error = NULL;
  ColdTuple *tuple = cold_copy_finish (result, &error);
  int fd;

  if (tuple == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_pointer (&member_at (set, i)->original, cold_tuple_free);
  member_at (set, i)->original = tuple;
  fd = openat (g_array_index (set->hidden, int, i), member_at (set, i)->hidden_name,
               O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    {
      cold_error_set_errno (&error, errno, "cannot open the work copy of %s", member_at (set, i)->name);
      g_task_return_error (task, error);
      return;
    }
  g_array_append_val (set->copies, fd);
  copy_next (g_steal_pointer (&task));
}

static void
copy_next (GTask *task)
{
  ColdWorkSet *set = g_task_get_task_data (task);
  guint i = set->copies->len;

  if (i == set->journal->members->len)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  cold_copy_async (g_array_index (set->images, ColdOpenImage, i).directory, member_at (set, i)->name,
                   g_array_index (set->hidden, int, i), member_at (set, i)->hidden_name,
                   g_task_get_cancellable (task), on_copied, task);
}

static void
journal_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  GError *error = NULL;

  for (guint i = 0; i < set->journal->members->len; i++)
    {
      ColdJournalMember *member = member_at (set, i);

      member->original = cold_tuple_read_at (g_array_index (set->images, ColdOpenImage, i).directory, member->name,
                                             &error);
      if (member->original == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
    }
  set->journal->state = COLD_JOURNAL_COPYING;
  if (cold_journal_save (COLD_JOURNAL_DIR, set->journal, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
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
  return (const int *) (gpointer) set->copies->data;
}

ColdJournal *
cold_work_set_get_journal (ColdWorkSet *set)
{
  return set->journal;
}

static gboolean
sync_at (int directory_fd, const char *name, GError **error)
{
  int fd = name != NULL ? openat (directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : dup (directory_fd);
  gboolean synced = fd >= 0 && fsync (fd) == 0;

  if (!synced)
    cold_error_set_errno (error, errno, "cannot sync work copy %s", name != NULL ? name : "folder");
  if (fd >= 0)
    close (fd);
  return synced;
}

static void
sync_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdWorkSet *set = task_data;
  GError *error = NULL;

  for (guint i = 0; i < set->journal->members->len; i++)
    {
      int hidden = g_array_index (set->hidden, int, i);

      if (!sync_at (hidden, member_at (set, i)->hidden_name, &error) || !sync_at (hidden, NULL, &error))
        {
          g_task_return_error (task, error);
          return;
        }
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
  for (guint i = 0; i < set->journal->members->len; i++)
    {
      const ColdJournalMember *member = member_at (set, i);
      g_autoptr (ColdTuple) now
          = cold_tuple_read_at (g_array_index (set->images, ColdOpenImage, i).directory, member->name, NULL);

      if (now == NULL || !cold_tuple_is_untouched (member->original, now, NULL))
        return FALSE;
    }
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
  GError *error = NULL;

  for (guint i = 0; i < set->journal->members->len; i++)
    {
      ColdJournalMember *member = member_at (set, i);
      ColdTuple *now = cold_tuple_read_at (g_array_index (set->hidden, int, i), member->hidden_name, &error);

      if (now == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
      /* At a second try the journal is READY already, and has to stay whole. */
      g_clear_pointer (&member->replacement, cold_tuple_free);
      member->replacement = now;
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
  g_autoptr (GError) error = NULL;

  cold_exchange_recover (&context, set->journal, &error);
  if (error != NULL)
    g_warning ("job %u: the work copy could not be deleted, the next start tries again: %s", set->journal->job,
               error->message);
  g_task_return_boolean (task, TRUE);
}

void
cold_work_set_discard (ColdWorkSet *set)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  /* Descriptors first: a work copy that is still open keeps its blocks. */
  g_array_set_size (set->copies, 0);
  g_task_set_task_data (task, set, (GDestroyNotify) cold_work_set_free);
  g_task_run_in_thread (task, discard_in_thread);
}
