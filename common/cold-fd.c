/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cold-error.h"

void
cold_fd_clear (int *fd)
{
  int saved_errno = errno;

  if (*fd >= 0)
    close (*fd);
  *fd = -1;
  errno = saved_errno;
}

int
cold_fd_steal (int *fd)
{
  int value = *fd;

  *fd = -1;
  return value;
}

gboolean
cold_fd_sync_path (const char *path, GError **error)
{
  cold_fd_auto fd = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

  return (fd >= 0 && fsync (fd) == 0) || cold_error_set_errno (error, errno, "cannot sync %s", path);
}

void
cold_error_prefix (GError **error, const char *what)
{
  const char *rest;
  char *message;

  if (error == NULL || *error == NULL)
    return;
  rest = g_error_matches (*error, COLD_ERROR, COLD_ERROR_BLOCKED) ? strstr ((*error)->message, ": ") : NULL;
  if (rest != NULL)
    message = g_strdup_printf ("%.*s: %s%s", (int) (rest - (*error)->message), (*error)->message, what, rest);
  else
    message = g_strdup_printf ("%s: %s", what, (*error)->message);
  g_free ((*error)->message);
  (*error)->message = message;
}
