/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-fd.h"

/* flock() cannot wait for a bounded time; looking again every 2 ms costs nothing against a domain's start. */
#define LOOK_AGAIN_USEC 2000

int
cold_gate_take (const char *gate_file, guint wait_ms, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (gate_file);
  gint64 deadline = g_get_monotonic_time () + wait_ms * 1000;
  cold_fd_auto fd = -1;

  g_mkdir_with_parents (folder, 0755);
  fd = open (gate_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open the gate %s", gate_file);
      return -1;
    }
  while (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        {
          cold_error_set_errno (error, errno, "cannot lock the gate %s", gate_file);
          return -1;
        }
      if (g_get_monotonic_time () >= deadline)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_BUSY, "the gate %s is held by somebody else", gate_file);
          return -1;
        }
      g_usleep (LOOK_AGAIN_USEC);
    }
  return cold_fd_steal (&fd);
}
