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

/* @expected: (nullable) */
static gboolean
is_as_expected (int fd, const char *name, const ColdTuple *expected, GError **error)
{
  g_autoptr (ColdTuple) tuple = cold_tuple_read (fd, error);
  g_autofree char *difference = NULL;

  if (tuple == NULL)
    return FALSE;
  if (cold_tuple_get_links (tuple) != 1)
    difference = g_strdup ("it has a second name");
  if (difference == NULL && (expected == NULL || cold_tuple_equal (expected, tuple, &difference)))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
               "quarantined: hidden file %s is not what it was (%s); it is kept, examine and delete it yourself", name,
               difference);
  return FALSE;
}

int
cold_discard_open (int hidden_fd, const char *name, const ColdTuple *expected, GError **error)
{
  cold_fd_auto fd = openat (hidden_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

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
  return is_as_expected (fd, name, expected, error) ? cold_fd_steal (&fd) : -1;
}

/* Unlinking goes by name, and would take whatever is there by now. */
static gboolean
leads_to (int hidden_fd, const char *name, int fd, GError **error)
{
  struct stat st, named;

  if (fstat (fd, &st) != 0 || fstatat (hidden_fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
    return cold_error_set_errno (error, errno, "cannot examine hidden file %s", name);
  if (st.st_dev == named.st_dev && st.st_ino == named.st_ino)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BUSY, "hidden file %s changed places with another one meanwhile", name);
  return FALSE;
}

gboolean
cold_discard_unlink (int hidden_fd, const char *name, int fd, const ColdTuple *expected, GError **error)
{
  if (!cold_lease_is_intact (fd, TRUE))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: %s: somebody opens it right now", name);
      return FALSE;
    }
  if (!leads_to (hidden_fd, name, fd, error) || !is_as_expected (fd, name, expected, error))
    return FALSE;
  COLD_CRASH_POINT ("discard-before");
  if (unlinkat (hidden_fd, name, 0) != 0)
    return cold_error_set_errno (error, errno, "cannot delete hidden file %s", name);
  COLD_CRASH_POINT ("discard-unlinked");
  return TRUE;
}

void
cold_discard_shrink (int fd)
{
  struct stat st;

  if (fstat (fd, &st) != 0 || st.st_nlink > 0)
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
cold_discard_release (int hidden_fd, int fd, GError **error)
{
  if (fsync (hidden_fd) != 0)
    return cold_error_set_errno (error, errno, "cannot sync the folder of hidden files");
  COLD_CRASH_POINT ("discard-synced");
  cold_discard_shrink (fd);
  return TRUE;
}
