/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-half-written.h"

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#define N_LETTERS 6

static gboolean
is_half_written (const char *name, const char *suffix)
{
  gsize length = strlen (name), suffix_length = strlen (suffix);
  const char *end = name + length - N_LETTERS;

  if (length < suffix_length + 1 + N_LETTERS || g_str_has_suffix (name, ".broken"))
    return FALSE;
  for (const char *p = end; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      return FALSE;
  return end[-1] == '.' && strncmp (end - 1 - suffix_length, suffix, suffix_length) == 0;
}

void
cold_half_written_sweep (const char *folder, const char *suffix)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_half_written (name, suffix))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        if (g_unlink (path) == 0)
          g_info ("deleted %s, which was left half-written", path);
        else if (errno != ENOENT)
          g_warning ("cannot delete %s, which was left half-written: %s", path, g_strerror (errno));
      }
}
