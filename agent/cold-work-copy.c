/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-work-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-lease.h"

void
cold_work_copy_free (ColdWorkCopy *copy)
{
  cold_open_image_clear (&copy->image);
  if (copy->hidden >= 0)
    g_close (copy->hidden, NULL);
  g_free (copy);
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

ColdWorkCopy *
cold_work_copy_open (ColdJournal *journal, const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (ColdWorkCopy) copy = g_new (ColdWorkCopy, 1);

  *copy = (ColdWorkCopy){ .image = { -1, -1 }, .hidden = -1 };
  if (!cold_open_image (path, &copy->image, error) || !check_use (copy->image.directory, path, error))
    return NULL;
  copy->member = cold_journal_add_member (journal);
  copy->member->directory = g_strdup (folder);
  copy->member->name = g_path_get_basename (path);
  copy->hidden = cold_directory_open_hidden (folder, copy->image.directory, &copy->member->hidden_directory, error);
  return copy->hidden >= 0 ? g_steal_pointer (&copy) : NULL;
}

static ColdTuple *
read_original (const ColdWorkCopy *copy, GError **error)
{
  return cold_tuple_read_at (copy->image.directory, copy->member->name, error);
}

gboolean
cold_work_copy_read_original (ColdWorkCopy *copy, GError **error)
{
  copy->member->original = read_original (copy, error);
  return copy->member->original != NULL;
}

static ColdTuple *
read_hidden (const ColdWorkCopy *copy, GError **error)
{
  return cold_tuple_read_at (copy->hidden, copy->member->hidden_name, error);
}

gboolean
cold_work_copy_adopt_old_image (ColdWorkCopy *copy, const ColdJournalMember *old, GError **error)
{
  ColdJournalMember *member = copy->member;
  g_autofree char *path = cold_journal_member_path (old);
  g_autofree char *difference = NULL;

  member->hidden_name = g_strdup (old->hidden_name);
  if (!cold_work_copy_read_original (copy, error))
    return FALSE;
  member->replacement = read_hidden (copy, error);
  if (member->replacement == NULL)
    return FALSE;
  if (cold_tuple_equal (member->replacement, old->original, &difference))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "open-elsewhere: the old image of %s is not what the upgrade left behind (%s)", path, difference);
  return FALSE;
}

int
cold_work_copy_open_path (const ColdWorkCopy *copy, GError **error)
{
  int fd = openat (copy->hidden, copy->member->hidden_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    cold_error_set_errno (error, errno, "cannot open the work copy of %s", copy->member->name);
  return fd;
}

static gboolean
sync_at (int directory_fd, const char *name, GError **error)
{
  int fd = name != NULL ? openat (directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
                        : fcntl (directory_fd, F_DUPFD_CLOEXEC, 3);
  gboolean synced = fd >= 0 && fsync (fd) == 0;

  if (!synced)
    cold_error_set_errno (error, errno, "cannot sync work copy %s", name != NULL ? name : "folder");
  if (fd >= 0)
    close (fd);
  return synced;
}

/* What is kept for a rollback has to be whole after a power cut, too, and whoever wrote it may not have waited for the disk. One that
 * is gone, or is something else by now, is found out by the exchange. */
static gboolean
sync_original (const ColdWorkCopy *copy, GError **error)
{
  const char *name = copy->member->name;
  cold_fd_auto fd = openat (copy->image.directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);

  return fd < 0 || fsync (fd) == 0 || errno == EINVAL || cold_error_set_errno (error, errno, "cannot sync %s", name);
}

gboolean
cold_work_copy_sync (const ColdWorkCopy *copy, GError **error)
{
  return sync_original (copy, error) && sync_at (copy->hidden, copy->member->hidden_name, error)
         && sync_at (copy->hidden, NULL, error);
}

/* What is about to get the volume's name: bytes of a worker, but nobody's owner, mode, ACL or label other than the
 * original's. */
static gboolean
check_replacement (const ColdJournalMember *member, const ColdTuple *now, gboolean is_rollback, GError **error)
{
  g_autofree char *difference = NULL;

  if (is_rollback)
    {
      if (cold_tuple_equal (member->replacement, now, &difference))
        return TRUE;
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                   "open-elsewhere: the old image of %s is not what the upgrade left behind (%s)", member->name, difference);
      return FALSE;
    }
  if (cold_tuple_same_access (member->original, now, &difference))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER,
               "the work copy of %s was not left as it was made (%s) and is thrown away: only an attack from inside the guest, "
               "or somebody who works in the hidden folder, does that",
               member->name, difference);
  return FALSE;
}

gboolean
cold_work_copy_read_replacement (ColdWorkCopy *copy, gboolean is_rollback, GError **error)
{
  g_autoptr (ColdTuple) now = read_hidden (copy, error);

  if (now == NULL || !check_replacement (copy->member, now, is_rollback, error))
    return FALSE;
  g_clear_pointer (&copy->member->replacement, cold_tuple_free);
  copy->member->replacement = g_steal_pointer (&now);
  return TRUE;
}

gboolean
cold_work_copy_original_stands (const ColdWorkCopy *copy)
{
  g_autoptr (ColdTuple) now = read_original (copy, NULL);

  return now != NULL && cold_tuple_is_untouched (copy->member->original, now, NULL);
}
