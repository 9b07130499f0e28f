/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-discard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-crash-point.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-lease.h"

#define LEASE_WAIT_USEC (2 * G_USEC_PER_SEC)
#define LEASE_RETRY_USEC (50 * 1000)
#define STEP (128 * 1024 * 1024LL)
#define PAUSE_USEC 2000 /* between steps, for whoever waits for the file system's journal */

static gboolean
take_lease (int fd, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + LEASE_WAIT_USEC;

  for (;;)
    {
      g_autoptr (GError) local = NULL;

      if (cold_lease_take_write (fd, &local))
        return TRUE;
      if (!g_str_has_prefix (local->message, "open-elsewhere") || g_get_monotonic_time () > deadline)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_usleep (LEASE_RETRY_USEC);
    }
}

int
cold_discard_open (int hidden_fd, const char *name, const ColdTuple *expected, GError **error)
{
  cold_fd_auto fd = openat (hidden_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  g_autoptr (ColdTuple) tuple = NULL;
  g_autofree char *difference = NULL;

  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open hidden file %s", name);
      return -1;
    }
  if (!take_lease (fd, error))
    {
      cold_error_prefix (error, name);
      return -1;
    }
  tuple = cold_tuple_read (fd, error);
  if (tuple == NULL)
    return -1;
  if (cold_tuple_get_links (tuple) != 1)
    difference = g_strdup ("it has a second name");
  if (difference == NULL && (expected == NULL || cold_tuple_equal (expected, tuple, &difference)))
    return cold_fd_steal (&fd);
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "quarantined: hidden file %s is not what it was (%s); it is kept, examine and delete it yourself", name,
               difference);
  return -1;
}

void
cold_discard_shrink (int fd)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    return;
  for (off_t size = st.st_size; size > STEP;)
    {
      size -= STEP;
      if (ftruncate (fd, size) != 0)
        return; /* closing it frees the rest */
      g_usleep (PAUSE_USEC);
    }
}

gboolean
cold_discard_finish (int hidden_fd, const char *name, int fd, GError **error)
{
  if (!cold_lease_is_intact (fd, TRUE))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: %s: somebody opens it right now", name);
      return FALSE;
    }
  COLD_CRASH_POINT ("discard-before");
  if (unlinkat (hidden_fd, name, 0) != 0 || fsync (hidden_fd) != 0)
    return cold_error_set_errno (error, errno, "cannot delete hidden file %s", name);
  COLD_CRASH_POINT ("discard-unlinked");
  cold_discard_shrink (fd);
  return TRUE;
}
