/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-job-logs.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "cold-half-written.h"

#define SUFFIX ".log"

typedef struct
{
  guint64 job;
  guint64 size;
} Log;

static int
compare_newest_first (gconstpointer a, gconstpointer b)
{
  const Log *left = a, *right = b;

  return left->job < right->job ? 1 : left->job > right->job ? -1 : 0;
}

static char *
log_path (const char *folder, guint64 job)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT SUFFIX, folder, job);
}

/* Returns: (transfer full) (element-type Log): newest first */
static GArray *
list_logs (const char *folder)
{
  GArray *logs = g_array_new (FALSE, FALSE, sizeof (Log));
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      char *end;
      Log log = { .job = g_ascii_strtoull (name, &end, 10) };
      g_autofree char *path = log_path (folder, log.job);
      GStatBuf st;

      if (end == name || !g_str_equal (end, SUFFIX) || g_lstat (path, &st) != 0)
        continue;
      log.size = st.st_size;
      g_array_append_val (logs, log);
    }
  g_array_sort (logs, compare_newest_first);
  return logs;
}

void
cold_job_logs_sweep (const char *folder, guint64 max)
{
  g_autoptr (GArray) logs = list_logs (folder);
  guint64 total = 0;

  for (guint i = 0; i < logs->len; i++)
    {
      const Log *log = &g_array_index (logs, Log, i);
      g_autofree char *path = NULL;

      total += log->size;
      if (i == 0 || total <= max)
        continue;
      path = log_path (folder, log->job);
      if (g_unlink (path) != 0)
        g_warning ("cannot delete the old log %s: %s", path, g_strerror (errno));
    }
  cold_half_written_sweep (folder, SUFFIX);
}
