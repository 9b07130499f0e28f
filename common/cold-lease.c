/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"

/* block/file-posix.c of QEMU: RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE, one byte a permission. */
static const struct
{
  off_t start;
  off_t length;
} lock_bytes[] = { { 0, 1 }, { 100, 10 }, { 200, 10 } };

/* Whether descriptor @path of a process is that file. */
static gboolean
is_descriptor_of (const char *path, guint64 device, guint64 inode)
{
  struct statx stx;

  /* What else that process has open is not our business: a file of a server that does not answer must not be asked for. */
  return statx (AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &stx) == 0 && stx.stx_ino == inode
         && makedev (stx.stx_dev_major, stx.stx_dev_minor) == device;
}

static char *
find_opener (guint64 device, guint64 inode)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *pid;

  while (proc != NULL && (pid = g_dir_read_name (proc)) != NULL)
    {
      g_autofree char *folder = g_strdup_printf ("/proc/%s/fd", pid);
      g_autoptr (GDir) fds = NULL;
      const char *name;

      if (!g_ascii_isdigit (pid[0]) || atoi (pid) == getpid () || (fds = g_dir_open (folder, 0, NULL)) == NULL)
        continue;
      while ((name = g_dir_read_name (fds)) != NULL)
        {
          g_autofree char *path = g_build_filename (folder, name, NULL);
          g_autofree char *comm_path = g_strdup_printf ("/proc/%s/comm", pid);
          g_autofree char *comm = NULL;

          if (!is_descriptor_of (path, device, inode))
            continue;
          if (!g_file_get_contents (comm_path, &comm, NULL, NULL))
            return g_strdup_printf ("process %s", pid);
          return g_strdup_printf ("%s (pid %s)", g_strstrip (comm), pid);
        }
    }
  return NULL;
}

void
cold_lease_tell_opener (GError *error, guint64 device, guint64 inode)
{
  g_autofree char *who = NULL;
  char *message;

  if (!g_str_has_prefix (error->message, "open-elsewhere: ") || (who = find_opener (device, inode)) == NULL)
    return;
  message = g_strdup_printf ("%s: %s", error->message, who);
  g_free (error->message);
  error->message = message;
}

static gboolean
set_lease_error (int saved_errno, GError **error)
{
  if (saved_errno != EAGAIN && saved_errno != EINVAL && saved_errno != EOPNOTSUPP && saved_errno != ENOSYS
      && saved_errno != EACCES)
    return cold_error_set_errno (error, saved_errno, "cannot take a lease");
  if (saved_errno != EAGAIN)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "unsupported-storage: the file system gives no lease: %s",
                   g_strerror (saved_errno));
      return FALSE;
    }
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: another process has it open");
  return FALSE;
}

static gboolean
take_lease (int fd, int kind, GError **error)
{
  /* The default signal of a break is SIGIO, which kills; SIGURG is ignored unless somebody asks for it. Breaks are seen
   * with F_GETLEASE. */
  if (fcntl (fd, F_SETSIG, SIGURG) != 0 || fcntl (fd, F_SETLEASE, kind) != 0)
    return set_lease_error (errno, error);
  return TRUE;
}

gboolean
cold_lease_take_read (int fd, GError **error)
{
  return take_lease (fd, F_RDLCK, error);
}

gboolean
cold_lease_take_write (int fd, GError **error)
{
  return take_lease (fd, F_WRLCK, error);
}

gboolean
cold_lease_is_intact (int fd, gboolean write)
{
  /* While a break is pending, F_GETLEASE tells what the lease must become. */
  return fcntl (fd, F_GETLEASE) == (write ? F_WRLCK : F_RDLCK);
}

void
cold_lease_drop (int fd)
{
  fcntl (fd, F_SETLEASE, F_UNLCK);
}

gboolean
cold_lock_bytes_are_held (int fd)
{
  for (guint i = 0; i < G_N_ELEMENTS (lock_bytes); i++)
    {
      struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = lock_bytes[i].start, .l_len = lock_bytes[i].length
      };

      /* An error says nothing about others, so it counts as held. */
      if (fcntl (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK)
        return TRUE;
    }
  return FALSE;
}

gboolean
cold_file_is_open_elsewhere (int fd, char **who)
{
  gboolean locked = cold_lock_bytes_are_held (fd);
  struct stat st;

  if (!locked && fcntl (fd, F_SETSIG, SIGURG) == 0 && fcntl (fd, F_SETLEASE, F_RDLCK) == 0)
    {
      cold_lease_drop (fd);
      return FALSE;
    }
  if (!locked && errno != EAGAIN)
    return FALSE;
  if (who != NULL && (fstat (fd, &st) != 0 || (*who = find_opener (st.st_dev, st.st_ino)) == NULL))
    *who = g_strdup (locked ? "a process that holds QEMU's or virtlockd's lock" : "another process");
  return TRUE;
}
