/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-nfs-exports.h"

#include <stdlib.h>
#include <string.h>

#include "cold-snapshot.h"

/* Of "\040" and the like, which stand for what would end the word. */
static char *
unescape (const char *word, gsize length)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    if (word[i] == '\\' && i + 3 < length && strspn (word + i + 1, "01234567") >= 3)
      {
        g_string_append_c (text, (char) ((word[i + 1] - '0') << 6 | (word[i + 2] - '0') << 3 | (word[i + 3] - '0')));
        i += 3;
      }
    else
      g_string_append_c (text, word[i]);
  return g_string_free (text, FALSE);
}

GStrv
cold_nfs_exports_read (const char *etab)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (etab, &text, NULL, NULL))
    return g_strv_builder_end (builder);
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *folder = unescape (*line, strcspn (*line, " \t"));

      if (*folder == '/')
        g_strv_builder_add (builder, folder);
    }
  return g_strv_builder_end (builder);
}

static const char *
find_same (const char *const *exports, const char *folder)
{
  ColdFileId file, export;

  cold_file_id_peek (folder, &file);
  for (; *exports != NULL; exports++)
    if (g_str_equal (*exports, folder)
        || (cold_file_id_peek (*exports, &export) && cold_file_id_same_file (&file, &export)))
      return *exports;
  return NULL;
}

const char *
cold_nfs_exports_find (const char *const *exports, const char *folder)
{
  char *real = *exports != NULL ? realpath (folder, NULL) : NULL;
  g_autofree char *path = g_strdup (real != NULL ? real : folder);
  const char *found = NULL;

  free (real);
  while (*exports != NULL && found == NULL)
    {
      char *above;

      found = find_same (exports, path);
      above = g_path_get_dirname (path);
      if (g_str_equal (above, path))
        {
          g_free (above);
          break;
        }
      g_free (path);
      path = above;
    }
  return found;
}
