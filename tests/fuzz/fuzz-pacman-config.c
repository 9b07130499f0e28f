/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's pacman.conf. Whatever it includes is the same file once more: an endless circle, if the reader lets it.
 */
#include "cold-guest-source.h"
#include "cold-pacman-config.h"
#include "fuzz.h"

typedef struct
{
  const char *text;
  guint reads;
} Files;

static char *
read_file (gpointer data, const char *path, GError **error)
{
  Files *files = data;

  g_assert_cmpuint (++files->reads, <, 10000);
  return g_strdup (files->text);
}

static GStrv
glob_files (gpointer data, const char *pattern)
{
  const char *const found[] = { pattern, NULL };

  return g_strdupv ((GStrv) found);
}

/* @readable: whether the file has an end */
static void
check_sources (const ColdPacmanFiles *reader, gboolean readable)
{
  g_autoptr (JsonArray) array = json_array_new ();
  g_autoptr (JsonArray) unused = json_array_new ();
  g_autoptr (GPtrArray) sources = NULL;
  g_autoptr (GError) error = NULL;
  gboolean read;

  ((Files *) reader->data)->reads = 0;
  read = cold_pacman_config_sources (reader, "/etc/pacman.conf", "x86_64", array, unused, &error);
  fuzz_check_error (read, error);
  g_assert_true (read || !readable);
  g_assert_cmpuint (json_array_get_length (array), <=, COLD_LISTED_SOURCES_MAX);
  sources = cold_guest_sources_from_json (array);
  for (guint i = 0; i < sources->len; i++)
    {
      const ColdGuestSource *source = g_ptr_array_index (sources, i);

      g_assert_true (*source->suite != '\0' && strstr (source->suite, "..") == NULL && source->components[0] == NULL);
      g_assert_true (g_str_has_prefix (source->uris[0], "http") && strpbrk (source->uris[0], "@$?") == NULL);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  Files files = { text, 0 };
  const ColdPacmanFiles reader = { &files, read_file, glob_files };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) held = cold_pacman_config_held (&reader, "/etc/pacman.conf", &error);

  fuzz_check_error (held != NULL, error);
  for (guint i = 0; held != NULL && held[i] != NULL; i++)
    g_assert_true (i == 0 || strcmp (held[i - 1], held[i]) < 0);
  check_sources (&reader, held != NULL);
  return 0;
}
