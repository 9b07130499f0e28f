/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's pacman needs besides the packages: a database of exactly these.
 */
#include <archive.h>
#include <archive_entry.h>
#include <glib/gstdio.h>

#include "cold-arch-database.h"
#include "cold-arch-repository.h"
#include "cold-bundle.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-signature.h"

#define NAME "coldpatch.db"

typedef struct
{
  ColdBundle *bundle;
  const ColdSource *source;
  struct archive *archive; /* the database in the making */
} Fill;

/* The database that names this package is not signed: the package has to be. */
static gboolean
check_signature (Fill *fill, ColdPacmanDesc *desc, const char *sha256, GError **error)
{
  const char *name = cold_pacman_desc_get (desc, "NAME");
  const char *encoded = cold_pacman_desc_get (desc, "PGPSIG");
  g_autofree char *package = cold_package_cache_path (fill->bundle->cache, sha256);
  g_autofree char *path = g_build_filename (fill->bundle->scratch, "package.sig", NULL);
  g_autofree guchar *signature = NULL;
  gsize length = 0;
  gboolean good;

  if (encoded != NULL)
    signature = g_base64_decode (encoded, &length);
  if (length == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE,
                   "%s of repository %s is refused: neither the package nor the database that names it is signed", name,
                   fill->source->id);
      return FALSE;
    }
  if (!g_file_set_contents (path, (const char *) signature, length, error))
    return FALSE;
  good = cold_signature_verify (package, path, name, fill->source->signed_by, fill->bundle->scratch, NULL, error);
  g_unlink (path);
  return good;
}

/* Returns: (nullable) (transfer none): the planned package of that hash */
static JsonObject *
find_planned (Fill *fill, const char *sha256)
{
  for (guint i = 0; i < json_array_get_length (fill->bundle->planned); i++)
    {
      JsonObject *package = cold_json_array_object (fill->bundle->planned, i);

      if (g_strcmp0 (cold_json_string (package, "sha256"), sha256) == 0)
        return package;
    }
  return NULL;
}

/* Whether "NAME<VERSION" is of what the plan replaces. */
static gboolean
is_replaced (const char *const *replaced, const char *line, gsize length)
{
  g_autofree char *name = g_strndup (line, length);

  name[strcspn (name, "<>=")] = '\0';
  return g_strv_contains (replaced, name);
}

/* Without what the package would replace if pacman saw it alone: where it asks another repository first, something that is there does
 * not count. Returns: (transfer full) */
static GString *
trim_replaces (const char *text, gsize length, const char *const *replaced)
{
  static const char header[] = "%REPLACES%";
  GString *trimmed = g_string_new (NULL);
  gboolean within = FALSE;
  gboolean written = FALSE;

  for (const char *line = text; line < text + length;)
    {
      const char *newline = memchr (line, '\n', text + length - line);
      gsize size = (newline != NULL ? newline : text + length) - line;
      gboolean begins = size == strlen (header) && strncmp (line, header, size) == 0;

      within = begins || (within && size > 0);
      if (!within)
        g_string_append_len (trimmed, line, size + (newline != NULL));
      else if (!begins && is_replaced (replaced, line, size))
        {
          g_string_append_printf (trimmed, "%s%.*s\n", written ? "" : "%REPLACES%\n", (int) size, line);
          written = TRUE;
        }
      line += size + 1;
    }
  return trimmed;
}

static gboolean
write_desc (Fill *fill, ColdPacmanDesc *desc, const char *text, gsize length, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s-%s/desc", cold_pacman_desc_get (desc, "NAME"),
                                           cold_pacman_desc_get (desc, "VERSION"));
  struct archive_entry *entry = archive_entry_new ();
  gboolean written;

  archive_entry_set_pathname (entry, path);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, length);
  written = archive_write_header (fill->archive, entry) == ARCHIVE_OK
            && archive_write_data (fill->archive, text, length) == (gssize) length;
  archive_entry_free (entry);
  if (!written)
    g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "cannot write the bundle's database: %s",
                 archive_error_string (fill->archive));
  return written;
}

static gboolean
take (ColdPacmanDesc *desc, const char *text, gsize length, gpointer data, GError **error)
{
  Fill *fill = data;
  const char *sha256 = cold_pacman_desc_get (desc, "SHA256SUM");
  g_auto (GStrv) replaced = NULL;
  g_autoptr (GString) trimmed = NULL;

  if (sha256 == NULL || g_hash_table_lookup (fill->bundle->wanted, sha256) != NULL
      || !cold_bundle_wants (fill->bundle, sha256))
    return TRUE;
  replaced = cold_json_strv (find_planned (fill, sha256), "replaces");
  trimmed = trim_replaces (text, length, (const char *const *) replaced);
  return (!fill->source->unsigned_database || check_signature (fill, desc, sha256, error))
         && write_desc (fill, desc, trimmed->str, trimmed->len, error);
}

static gboolean
fill_database (Fill *fill, GError **error)
{
  for (guint i = 0; i < fill->bundle->sources->len; i++)
    {
      g_autoptr (ColdArchDatabase) database = NULL;

      fill->source = g_ptr_array_index (fill->bundle->sources, i);
      if (fill->source->type != fill->bundle->type)
        continue;
      database = cold_arch_repository_open (fill->source, fill->bundle->catalogue, error);
      if (database == NULL || !cold_arch_database_read (database->tar, take, fill, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
cold_arch_bundle_fill (ColdBundle *bundle, GError **error)
{
  g_autofree char *path = g_build_filename (bundle->scratch, NAME, NULL);
  Fill fill = { bundle, NULL, archive_write_new () };
  gboolean done;

  archive_write_set_format_pax_restricted (fill.archive);
  done = archive_write_open_filename (fill.archive, path) == ARCHIVE_OK;
  if (!done)
    g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "cannot create %s: %s", path, archive_error_string (fill.archive));
  done = done && fill_database (&fill, error);
  if (archive_write_close (fill.archive) != ARCHIVE_OK && done)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "cannot write %s: %s", path, archive_error_string (fill.archive));
      done = FALSE;
    }
  archive_write_free (fill.archive);
  done = done && cold_bundle_image_add_file (bundle->image, NAME, path, NULL, error);
  g_unlink (path);
  return done;
}

/* pacman looks for it in its cache under the name that the database gives it. */
char *
cold_arch_bundle_file_name (JsonObject *package)
{
  return g_path_get_basename (cold_json_string (package, "path"));
}
