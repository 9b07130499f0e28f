/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-names.h"

/* Whom libvirt builds give images to: Debian, Fedora and openSUSE names. */
static const char *const qemu_users[] = { "libvirt-qemu", "qemu" };
static const char *const qemu_groups[] = { "libvirt-qemu", "qemu", "kvm", "libvirt" };

typedef enum
{
  ABOVE,   /* a component on the way */
  POOL,    /* the volumes' folder */
  PRIVATE, /* our hidden folder */
} Place;

static int
open_component (int parent, const char *name, guint64 flags)
{
  struct open_how how = {
    .flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
  };

  return syscall (SYS_openat2, parent, name, &how, sizeof how);
}

static gboolean
is_qemu_user (uid_t uid)
{
  char buffer[4096];
  struct passwd entry, *found;

  for (guint i = 0; i < G_N_ELEMENTS (qemu_users); i++)
    if (getpwnam_r (qemu_users[i], &entry, buffer, sizeof buffer, &found) == 0 && found != NULL && found->pw_uid == uid)
      return TRUE;
  return FALSE;
}

static gboolean
is_qemu_group (gid_t gid)
{
  char buffer[16384];
  struct group entry, *found;

  for (guint i = 0; i < G_N_ELEMENTS (qemu_groups); i++)
    if (getgrnam_r (qemu_groups[i], &entry, buffer, sizeof buffer, &found) == 0 && found != NULL
        && found->gr_gid == gid)
      return TRUE;
  return FALSE;
}

static gboolean
is_ours (uid_t uid)
{
  return uid == 0 || uid == geteuid ();
}

static gboolean
has_acl (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

  return getxattr (path, "system.posix_acl_access", NULL, 0) > 0;
}

static gboolean
distrust (GError **error, const char *path, const char *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "untrusted-directory: %s %s; files there could be swapped behind our back", path, why);
  return FALSE;
}

static gboolean
is_trusted (int fd, const char *path, Place place, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    return cold_error_set_errno (error, errno, "cannot examine folder %s", path);
  if (!is_ours (st.st_uid) && !(place == POOL && is_qemu_user (st.st_uid)))
    return distrust (error, path, "does not belong to root");
  if ((st.st_mode & S_IWOTH) != 0)
    return distrust (error, path, "can be written to by everybody");
  if (place == PRIVATE && ((st.st_mode & 077) != 0 || st.st_uid != geteuid ()))
    return distrust (error, path, "is not root's alone (mode 0700)");
  if ((st.st_mode & S_IWGRP) == 0)
    return TRUE;
  /* With an ACL the group bits are its mask: whom it lets write is not to be seen in them. */
  if (has_acl (fd))
    return distrust (error, path, "has an access control list that lets others write");
  if (st.st_gid != 0 && !(place == POOL && is_qemu_group (st.st_gid)))
    return distrust (error, path, "can be written to by a group other than root's");
  return TRUE;
}

static gboolean
set_open_error (GError **error, int saved_errno, const char *path)
{
  if (saved_errno == ELOOP || saved_errno == ENOTDIR)
    return distrust (error, path, "is a symbolic link or no folder; define the pool with the real path");
  return cold_error_set_errno (error, saved_errno, "cannot open folder %s", path);
}

/* The part of @path below @base, or %NULL. */
static const char *
path_below (const char *base, const char *path)
{
  gsize length = strlen (base);

  while (length > 0 && base[length - 1] == '/')
    length--;
  if (strncmp (base, path, length) != 0 || (path[length] != '/' && path[length] != '\0'))
    return NULL;
  return path + length;
}

static int
walk (const char *base, const char *path, Place last, GError **error)
{
  const char *below = path_below (base, path);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = g_strsplit (below != NULL ? below : "", "/", -1);
  g_autoptr (GString) here = g_string_new (base);
  cold_fd_auto fd = -1;

  if (below == NULL || path[0] != '/')
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "%s is no absolute path below %s", path, base);
      return -1;
    }
  for (char **p = parts; *p != NULL; p++)
    if (g_str_equal (*p, "..") || g_str_equal (*p, "."))
      {
        distrust (error, path, "is not written plainly (it has . or .. in it)");
        return -1;
      }
    else if (**p != '\0')
      g_ptr_array_add (names, g_strdup (*p));

  fd = open (base, (names->len == 0 ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    {
      set_open_error (error, errno, base);
      return -1;
    }
  for (guint i = 0; i < names->len; i++)
    {
      gboolean is_last = i + 1 == names->len;
      int next = open_component (fd, g_ptr_array_index (names, i), is_last ? O_RDONLY : O_PATH);

      if (here->len == 0 || here->str[here->len - 1] != '/')
        g_string_append_c (here, '/');
      g_string_append (here, g_ptr_array_index (names, i));
      if (next < 0)
        {
          set_open_error (error, errno, here->str);
          return -1;
        }
      cold_fd_clear (&fd);
      fd = next;
      if (!is_trusted (fd, here->str, is_last ? last : ABOVE, error))
        return -1;
    }
  return cold_fd_steal (&fd);
}

int
cold_directory_open_below (const char *base, const char *path, GError **error)
{
  return walk (base, path, POOL, error);
}

int
cold_directory_open (const char *path, GError **error)
{
  return walk ("/", path, POOL, error);
}

int
cold_directory_open_private (const char *base, const char *path, GError **error)
{
  return walk (base, path, PRIVATE, error);
}

/* Makes @name in @parent when it is missing; -1 when it is not on @device or not ours alone. */
static int
make_private (int parent, const char *name, const char *path, dev_t device, GError **error)
{
  cold_fd_auto fd = -1;
  struct stat st;

  if (mkdirat (parent, name, 0700) != 0 && errno != EEXIST)
    {
      if (errno == ENOSPC || errno == EDQUOT)
        g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "no-space: there is no room for the folder %s", path);
      else
        cold_error_set_errno (error, errno, "cannot make folder %s", path);
      return -1;
    }
  fd = open_component (parent, name, O_RDONLY);
  if (fd < 0)
    {
      set_open_error (error, errno, path);
      return -1;
    }
  if (!is_trusted (fd, path, PRIVATE, error))
    return -1;
  if (fstat (fd, &st) != 0 || st.st_dev != device)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "folder %s is on another file system than the volumes", path);
      return -1;
    }
  /* A journal is about to name it. One that is there already may have been made by somebody who was killed before this. */
  if (fsync (parent) != 0)
    {
      cold_error_set_errno (error, errno, "cannot sync the folder that %s is in", path);
      return -1;
    }
  return cold_fd_steal (&fd);
}

int
cold_directory_open_hidden (const char *directory_path, int directory_fd, char **path, GError **error)
{
  return cold_directory_open_hidden_below ("/", directory_path, directory_fd, path, error);
}

int
cold_directory_open_hidden_below (const char *base, const char *directory_path, int directory_fd, char **path,
                                  GError **error)
{
  g_autofree char *parent_path = g_path_get_dirname (directory_path);
  g_autofree char *folder = g_path_get_basename (directory_path);
  g_autofree char *sibling_name = g_strdup_printf (COLD_HIDDEN_DIR "-%s", folder);
  g_autofree char *sibling = g_build_filename (parent_path, sibling_name, NULL);
  g_autofree char *inside = g_build_filename (directory_path, COLD_HIDDEN_DIR, NULL);
  cold_fd_auto parent = -1;
  struct stat st, parent_st;
  int fd = -1;

  if (fstat (directory_fd, &st) != 0)
    {
      cold_error_set_errno (error, errno, "cannot examine folder %s", directory_path);
      return -1;
    }
  parent = walk (base, parent_path, ABOVE, NULL);
  if (parent >= 0 && fstat (parent, &parent_st) == 0 && parent_st.st_dev == st.st_dev)
    fd = make_private (parent, sibling_name, sibling, st.st_dev, NULL);
  if (fd >= 0)
    {
      if (path != NULL)
        *path = g_steal_pointer (&sibling);
      return fd;
    }
  fd = make_private (directory_fd, COLD_HIDDEN_DIR, inside, st.st_dev, error);
  if (fd >= 0 && path != NULL)
    *path = g_steal_pointer (&inside);
  return fd;
}
