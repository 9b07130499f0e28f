/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cold-crash-point.h"
#include "cold-discard.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-lease.h"

#define CHUNK (4 * 1024 * 1024)
#define EXTENTS 256 /* asked for at a time */

typedef struct
{
  int directory;
  char *name;
  int hidden;
  char *copy_name;
} Copy;

static Copy *
copy_new (int directory_fd, const char *name, int hidden_fd, const char *copy_name)
{
  Copy *copy = g_new0 (Copy, 1);

  /* Duplicates, so that the thread's descriptors live as long as the thread. */
  copy->directory = directory_fd >= 0 ? fcntl (directory_fd, F_DUPFD_CLOEXEC, 3) : -1;
  copy->name = g_strdup (name);
  copy->hidden = fcntl (hidden_fd, F_DUPFD_CLOEXEC, 3);
  copy->copy_name = g_strdup (copy_name);
  return copy;
}

static void
copy_free (Copy *copy)
{
  cold_fd_clear (&copy->directory);
  cold_fd_clear (&copy->hidden);
  g_free (copy->name);
  g_free (copy->copy_name);
  g_free (copy);
}

static gboolean
has_copy_on_write_off (int fd)
{
  int flags = 0;

  return ioctl (fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) != 0;
}

/* What has to be there before the first byte: btrfs takes NOCOW for empty files only, quotas count from the start. */
static gboolean
copy_attributes_before (int from, int to, GError **error)
{
  struct fsxattr from_attributes, to_attributes;
  int flags = 0;

  if (has_copy_on_write_off (from)
      && (ioctl (to, FS_IOC_GETFLAGS, &flags) != 0 || (flags |= FS_NOCOW_FL, ioctl (to, FS_IOC_SETFLAGS, &flags)) != 0))
    return cold_error_set_errno (error, errno, "cannot switch copy-on-write off");
  if (ioctl (from, FS_IOC_FSGETXATTR, &from_attributes) != 0 || ioctl (to, FS_IOC_FSGETXATTR, &to_attributes) != 0
      || from_attributes.fsx_projid == to_attributes.fsx_projid)
    return TRUE;
  to_attributes.fsx_projid = from_attributes.fsx_projid;
  if (ioctl (to, FS_IOC_FSSETXATTR, &to_attributes) != 0)
    return cold_error_set_errno (error, errno, "cannot set the project id");
  return TRUE;
}

static gboolean
is_copied_xattr (const char *name)
{
  /* Not trusted.libvirt.*: it is libvirt's memory of the owner of this very inode. */
  return g_str_equal (name, "system.posix_acl_access") || g_str_equal (name, "security.selinux")
         || g_str_has_prefix (name, "user.");
}

static gboolean
copy_xattrs (int from, int to, GError **error)
{
  g_autofree char *names = g_malloc (XATTR_LIST_MAX);
  g_autofree char *value = g_malloc (XATTR_SIZE_MAX);
  ssize_t length = flistxattr (from, names, XATTR_LIST_MAX);

  if (length < 0)
    return errno == ENOTSUP || cold_error_set_errno (error, errno, "cannot list extended attributes");
  for (const char *name = names; name < names + length; name += strlen (name) + 1)
    {
      ssize_t size;

      if (!is_copied_xattr (name))
        continue;
      size = fgetxattr (from, name, value, XATTR_SIZE_MAX);
      if (size < 0 || fsetxattr (to, name, value, size, 0) != 0)
        return cold_error_set_errno (error, errno, "cannot copy extended attribute %s", name);
    }
  return TRUE;
}

static gboolean
copy_owner (int from, int to, GError **error)
{
  struct stat st;

  /* chown clears set-id bits and an ACL decides over group bits: owner, ACL, mode, in this order. */
  if (fstat (from, &st) != 0 || fchown (to, st.st_uid, st.st_gid) != 0)
    return cold_error_set_errno (error, errno, "cannot set the owner");
  if (!copy_xattrs (from, to, error))
    return FALSE;
  if (fchmod (to, st.st_mode & 07777) != 0)
    return cold_error_set_errno (error, errno, "cannot set the mode");
  return TRUE;
}

/* One chunk at most; 0 at the end of the file. */
static ssize_t
copy_some (int from, int to, off_t offset, gsize length, guint8 *buffer, gboolean *in_kernel)
{
  ssize_t got;

  if (*in_kernel)
    {
      loff_t in = offset, out = offset;

      got = copy_file_range (from, &in, to, &out, length, 0);
      if (got >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS))
        return got;
      *in_kernel = FALSE;
    }
  got = pread (from, buffer, length, offset);
  return got > 0 ? pwrite (to, buffer, got, offset) : got;
}

static gboolean
copy_range (int from, int to, off_t begin, off_t end, off_t size, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (CHUNK);
  gboolean in_kernel = TRUE;

  for (off_t offset = begin; offset < end;)
    {
      ssize_t done;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (offset >= size / 2)
        COLD_CRASH_POINT ("copy-half");
      done = copy_some (from, to, offset, MIN (end - offset, CHUNK), buffer, &in_kernel);
      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        return cold_error_set_errno (error, errno, "cannot copy");
      if (done == 0)
        {
          g_set_error_literal (error, COLD_ERROR, COLD_ERROR_YIELDED, "the volume shrank while it was copied");
          return FALSE;
        }
      /* Written out at once and dropped behind: other guests' cached files stay, no fsync waits for gigabytes, and
       * a cancellation is never far from the next look. */
      sync_file_range (to, offset, done,
                       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
      posix_fadvise (to, offset, done, POSIX_FADV_DONTNEED);
      posix_fadvise (from, offset, done, POSIX_FADV_DONTNEED);
      offset += done;
    }
  return TRUE;
}

static gboolean
copy_sparse (int from, int to, off_t size, GCancellable *cancellable, GError **error)
{
  if (ftruncate (to, size) != 0)
    return cold_error_set_errno (error, errno, "cannot size the copy");
  for (off_t offset = 0; offset < size;)
    {
      off_t data = lseek (from, offset, SEEK_DATA);
      off_t hole;

      if (data < 0 && errno == ENXIO)
        return TRUE; /* nothing but a hole up to the end */
      if (data < 0)
        return cold_error_set_errno (error, errno, "cannot seek");
      hole = lseek (from, data, SEEK_HOLE);
      if (hole < 0)
        return cold_error_set_errno (error, errno, "cannot seek");
      if (!copy_range (from, to, data, MIN (hole, size), size, cancellable, error))
        return FALSE;
      offset = hole;
    }
  return TRUE;
}

/* Where the original has blocks that were never written, by the file system's own map; without one, all or nothing. */
static gboolean
restore_preallocation (int from, int to, GCancellable *cancellable, GError **error)
{
  g_autofree struct fiemap *map = g_malloc0 (sizeof *map + EXTENTS * sizeof map->fm_extents[0]);
  struct stat st, copy_st;
  guint64 offset = 0;

  for (gboolean last = FALSE; !last;)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      map->fm_start = offset;
      map->fm_length = FIEMAP_MAX_OFFSET - offset;
      map->fm_flags = 0;
      map->fm_extent_count = EXTENTS;
      if (ioctl (from, FS_IOC_FIEMAP, map) != 0)
        break;
      if (map->fm_mapped_extents == 0)
        return TRUE;
      for (guint i = 0; i < map->fm_mapped_extents; i++)
        {
          const struct fiemap_extent *extent = &map->fm_extents[i];

          offset = extent->fe_logical + extent->fe_length;
          last = (extent->fe_flags & FIEMAP_EXTENT_LAST) != 0;
          if ((extent->fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0
              && fallocate (to, FALLOC_FL_KEEP_SIZE, extent->fe_logical, extent->fe_length) != 0)
            return cold_error_set_errno (error, errno, "cannot preallocate");
        }
      if (last)
        return TRUE;
    }

  if (fstat (from, &st) != 0 || fstat (to, &copy_st) != 0)
    return cold_error_set_errno (error, errno, "cannot examine the copy");
  if (st.st_size > 0 && st.st_blocks * 512 >= st.st_size && copy_st.st_blocks < st.st_blocks
      && fallocate (to, FALLOC_FL_KEEP_SIZE, 0, st.st_size) != 0 && errno != EOPNOTSUPP)
    return cold_error_set_errno (error, errno, "cannot preallocate");
  return TRUE;
}

static gboolean
fill (int from, int to, GCancellable *cancellable, GError **error)
{
  struct stat st;

  /* What is still in the page cache has no place on disk that a clone, or the map of extents, could know. */
  if (fsync (from) != 0 || fstat (from, &st) != 0)
    return cold_error_set_errno (error, errno, "cannot sync the volume");
  if (!copy_attributes_before (from, to, error))
    return FALSE;
  if (ioctl (to, FICLONE, from) != 0 && !copy_sparse (from, to, st.st_size, cancellable, error))
    return FALSE;
  COLD_CRASH_POINT ("copy-filled");
  if (!restore_preallocation (from, to, cancellable, error) || !copy_owner (from, to, error))
    return FALSE;
  if (fsync (to) != 0)
    return cold_error_set_errno (error, errno, "cannot sync the copy");
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* What a worker writes to must never be a program that runs as somebody else: a copy of this would be one. */
static gboolean
check_mode (int fd, const char *name, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    return cold_error_set_errno (error, errno, "cannot examine volume %s", name);
  if ((st.st_mode & (S_ISUID | S_ISGID)) == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "unsupported-storage: %s has a set-user-id or set-group-id bit, which no image needs: chmod ug-s takes it away",
               name);
  return FALSE;
}

static int
open_original (const Copy *copy, ColdTuple **tuple, GError **error)
{
  cold_fd_auto from = openat (copy->directory, copy->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
  g_autofree char *who = NULL;

  if (from < 0)
    {
      cold_error_set_errno (error, errno == ELOOP ? EINVAL : errno, "cannot open volume %s", copy->name);
      return -1;
    }
  *tuple = cold_tuple_read (from, error);
  if (*tuple == NULL || !check_mode (from, copy->name, error))
    return -1;
  if (cold_tuple_get_links (*tuple) != 1)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "several-names: %s has more than one name (hard links)",
                   copy->name);
      return -1;
    }
  if (cold_file_is_open_elsewhere (from, &who))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: %s is in use by %s", copy->name, who);
      return -1;
    }
  return cold_fd_steal (&from);
}

static gboolean
is_unchanged (const Copy *copy, const ColdTuple *before, GError **error)
{
  g_autoptr (ColdTuple) after = cold_tuple_read_at (copy->directory, copy->name, NULL);
  g_autofree char *difference = NULL;

  if (after != NULL && cold_tuple_is_untouched (before, after, &difference))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s changed while it was copied: %s", copy->name,
               difference != NULL ? difference : "it is gone");
  return FALSE;
}

static void
copy_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Copy *copy = data;
  g_autoptr (ColdTuple) before = NULL;
  g_autoptr (GError) error = NULL;
  cold_fd_auto from = open_original (copy, &before, &error);
  cold_fd_auto to = -1;

  if (from < 0)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  to = openat (copy->hidden, copy->copy_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    {
      cold_error_set_errno (&error, errno, "cannot make the work copy of %s", copy->name);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  COLD_CRASH_POINT ("copy-made");

  syscall (SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE (IOPRIO_CLASS_IDLE, 0));
  if (fill (from, to, cancellable, &error) && is_unchanged (copy, before, &error) && fsync (copy->hidden) != 0)
    cold_error_set_errno (&error, errno, "cannot sync the hidden folder");
  COLD_CRASH_POINT ("copy-done");
  if (error == NULL)
    g_task_return_pointer (task, g_steal_pointer (&before), (GDestroyNotify) cold_tuple_free);
  else
    {
      cold_error_prefix (&error, copy->name);
      /* The name goes before the answer, the gigabytes after it: whoever cancelled does not wait for them. */
      unlinkat (copy->hidden, copy->copy_name, 0);
      g_task_return_error (task, g_steal_pointer (&error));
      cold_discard_shrink (to);
    }
  syscall (SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE (IOPRIO_CLASS_NONE, 0));
}

void
cold_copy_async (int directory_fd, const char *name, int hidden_fd, const char *copy_name, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, cold_copy_async);
  /* The thread looks itself, and answers with what it found when it was too late to cancel. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, copy_new (directory_fd, name, hidden_fd, copy_name), (GDestroyNotify) copy_free);
  g_task_run_in_thread (task, copy_thread);
}

ColdTuple *
cold_copy_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

guint64
cold_copy_space_needed (int directory_fd, const char *name, guint64 growth)
{
  struct stat st;

  if (fstatat (directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return growth;
  return st.st_blocks * 512ULL + growth;
}

static void
delete_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Copy *copy = data;
  g_autoptr (GError) error = NULL;
  cold_fd_auto fd = cold_discard_open (copy->hidden, copy->copy_name, NULL, &error);

  if (fd < 0 && g_error_matches (error, COLD_ERROR, COLD_ERROR_NOT_FOUND))
    g_task_return_boolean (task, TRUE);
  else if (fd < 0 || !cold_discard_unlink (copy->hidden, copy->copy_name, fd, NULL, &error)
           || !cold_discard_release (copy->hidden, fd, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

void
cold_delete_stepwise_async (int hidden_fd, const char *name, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, cold_delete_stepwise_async);
  g_task_set_task_data (task, copy_new (-1, NULL, hidden_fd, name), (GDestroyNotify) copy_free);
  g_task_run_in_thread (task, delete_thread);
}

gboolean
cold_delete_stepwise_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
