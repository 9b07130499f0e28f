/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-arch-database.h"

#include <archive.h>
#include <archive_entry.h>

#include "cold-error.h"

/* All of Arch Linux has some 15,000. */
#define PACKAGES_MAX 200000

typedef struct archive Archive;

static void
archive_close_and_free (Archive *archive)
{
  archive_read_free (archive);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_close_and_free)

static gboolean
refuse (const char *why, GError **error)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "the repository's database is refused: %s", why);
  return FALSE;
}

static gboolean
read_entry (Archive *archive, struct archive_entry *entry, ColdArchDatabaseFunc func, gpointer data, GError **error)
{
  gint64 size = archive_entry_size (entry);
  g_autofree char *text = NULL;
  g_autoptr (ColdPacmanDesc) desc = NULL;
  g_autoptr (GError) unusable = NULL;

  if (archive_entry_filetype (entry) != AE_IFREG || size <= 0 || size > COLD_PACMAN_DESC_MAX)
    return refuse ("a description is no file, empty, or too large", error);
  text = g_malloc (size + 1);
  if (archive_read_data (archive, text, size) != size)
    return refuse ("it ends within a description", error);
  text[size] = '\0';
  desc = cold_pacman_desc_parse (text, size, &unusable);
  return desc != NULL ? func (desc, text, size, data, error) : refuse (unusable->message, error);
}

gboolean
cold_arch_database_read (const char *path, ColdArchDatabaseFunc func, gpointer data, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  struct archive_entry *entry;
  guint n = 0;
  int result;

  archive_read_support_format_tar (archive);
  if (archive_read_open_filename (archive, path, 65536) != ARCHIVE_OK)
    return refuse ("it is no tar archive", error);
  while ((result = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);

      if (name == NULL || !g_str_has_suffix (name, "/desc"))
        continue;
      if (++n > PACKAGES_MAX)
        return refuse ("it has more packages than is usable", error);
      if (!read_entry (archive, entry, func, data, error))
        return FALSE;
    }
  return result == ARCHIVE_EOF || refuse ("it is no tar archive, or ends too early", error);
}
