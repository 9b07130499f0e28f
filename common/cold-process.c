/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-process.h"

char *
cold_boot_id (void)
{
  char *text = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("");
  return g_strstrip (text);
}

guint64
cold_process_start_time (gint64 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/stat", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *rest;

  if (pid <= 0 || !g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  /* The second field is the program's name in brackets, which may hold anything: count from its end, field 3. */
  rest = strrchr (text, ')');
  if (rest == NULL || rest[1] != ' ')
    return 0;
  fields = g_strsplit (rest + 2, " ", -1);
  if (g_strv_length (fields) <= 22 - 3)
    return 0;
  return g_ascii_strtoull (fields[22 - 3], NULL, 10);
}
