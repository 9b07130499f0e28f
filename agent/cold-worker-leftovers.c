/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-worker-leftovers.h"

#include <signal.h>
#include <stdlib.h>

#define TRIES 150
#define TRY_MS 20

/* The real user of a process: its folder in /proc is root's when it is not dumpable. */
static gboolean
runs_as (const char *pid, uid_t uid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "status", NULL);
  g_autofree char *status = NULL;
  const char *line;

  /* A zombie does nothing any more, and waits for its parent only. */
  if (!g_file_get_contents (path, &status, NULL, NULL) || strstr (status, "\nState:\tZ") != NULL)
    return FALSE;
  line = strstr (status, "\nUid:\t");
  return line != NULL && strtoul (line + strlen ("\nUid:\t"), NULL, 10) == uid;
}

static guint
kill_all (uid_t uid)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint n = 0;

  while (proc != NULL && (name = g_dir_read_name (proc)) != NULL)
    if (g_ascii_isdigit (*name) && runs_as (name, uid))
      {
        kill (atoi (name), SIGKILL);
        n++;
      }
  return n;
}

void
cold_worker_leftovers_end (uid_t uid)
{
  g_return_if_fail (uid != 0);

  for (guint i = 0; i < TRIES && kill_all (uid) > 0; i++)
    g_usleep (TRY_MS * 1000);
}
