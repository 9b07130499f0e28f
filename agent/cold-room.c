/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cold-error.h"
#include "cold-fd.h"

#define RESERVE_SHARE 20 /* of so many parts, one */
#define RESERVE_MAX (G_GUINT64_CONSTANT (2) << 30)

typedef struct
{
  gconstpointer owner;
  dev_t device;
  int folder;
  char *name;
  guint64 bytes;
} Promise;

struct ColdRoom
{
  GMutex lock;
  GPtrArray *promises; /* (element-type Promise) */
};

static void
promise_free (gpointer data)
{
  Promise *promise = data;

  cold_fd_clear (&promise->folder);
  g_free (promise->name);
  g_free (promise);
}

ColdRoom *
cold_room_new (void)
{
  ColdRoom *room = g_atomic_rc_box_new0 (ColdRoom);

  g_mutex_init (&room->lock);
  room->promises = g_ptr_array_new_with_free_func (promise_free);
  return room;
}

ColdRoom *
cold_room_ref (ColdRoom *room)
{
  return g_atomic_rc_box_acquire (room);
}

static void
room_clear (gpointer data)
{
  ColdRoom *room = data;

  g_ptr_array_unref (room->promises);
  g_mutex_clear (&room->lock);
}

void
cold_room_unref (ColdRoom *room)
{
  g_atomic_rc_box_release_full (room, room_clear);
}

/* What of the promises has not been taken yet. */
static guint64
outstanding (ColdRoom *room, dev_t device)
{
  guint64 total = 0;

  for (guint i = 0; i < room->promises->len; i++)
    {
      const Promise *promise = g_ptr_array_index (room->promises, i);
      struct stat st;
      guint64 taken = 0;

      if (promise->device != device)
        continue;
      if (fstatat (promise->folder, promise->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        taken = (guint64) st.st_blocks * 512;
      total += promise->bytes - MIN (promise->bytes, taken);
    }
  return total;
}

/* What stands against @bytes more. */
typedef struct
{
  guint64 unused, promised, reserve;
  guint64 missing; /* 0: it fits */
} Look;

static gboolean
look (ColdRoom *room, int folder_fd, dev_t device, guint64 bytes, Look *seen, GError **error)
{
  struct statvfs vfs;
  guint64 needed;

  if (fstatvfs (folder_fd, &vfs) != 0)
    return cold_error_set_errno (error, errno, "cannot look at the file system");
  seen->promised = outstanding (room, device);
  seen->unused = (guint64) vfs.f_bavail * vfs.f_frsize;
  seen->reserve = MIN ((guint64) vfs.f_blocks * vfs.f_frsize / RESERVE_SHARE, RESERVE_MAX);
  needed = bytes + seen->promised + seen->reserve;
  seen->missing = needed - MIN (needed, seen->unused);
  return TRUE;
}

static gboolean
check (ColdRoom *room, int folder_fd, dev_t device, guint64 bytes, GError **error)
{
  Look seen;

  if (!look (room, folder_fd, device, bytes, &seen, error))
    return FALSE;
  if (seen.missing == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "no-space: a work copy can take %" G_GUINT64_FORMAT " MiB, the file system has %" G_GUINT64_FORMAT
               " MiB free, of which other work copies need %" G_GUINT64_FORMAT " MiB and %" G_GUINT64_FORMAT
               " MiB are left to running domains",
               bytes >> 20, seen.unused >> 20, seen.promised >> 20, seen.reserve >> 20);
  return FALSE;
}

guint64
cold_room_missing (ColdRoom *room, int folder_fd, guint64 bytes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&room->lock);
  struct stat st;
  Look seen;

  return fstat (folder_fd, &st) == 0 && look (room, folder_fd, st.st_dev, bytes, &seen, NULL) ? seen.missing : 0;
}

gboolean
cold_room_take (ColdRoom *room, gconstpointer owner, int folder_fd, const char *name, guint64 bytes, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&room->lock);
  cold_fd_auto folder = fcntl (folder_fd, F_DUPFD_CLOEXEC, 3);
  Promise *promise;
  struct stat st;

  if (folder < 0 || fstat (folder, &st) != 0)
    return cold_error_set_errno (error, errno, "cannot look at the folder of work copies");
  if (!check (room, folder, st.st_dev, bytes, error))
    return FALSE;
  promise = g_new0 (Promise, 1);
  promise->owner = owner;
  promise->device = st.st_dev;
  promise->folder = cold_fd_steal (&folder);
  promise->name = g_strdup (name);
  promise->bytes = bytes;
  g_ptr_array_add (room->promises, promise);
  return TRUE;
}

void
cold_room_give_back (ColdRoom *room, gconstpointer owner)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&room->lock);

  for (guint i = room->promises->len; i > 0; i--)
    if (((Promise *) g_ptr_array_index (room->promises, i - 1))->owner == owner)
      g_ptr_array_remove_index_fast (room->promises, i - 1);
}
