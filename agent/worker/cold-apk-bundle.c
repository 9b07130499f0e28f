/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's apk needs besides the packages: an index of exactly these.
 */
#include <archive.h>
#include <archive_entry.h>
#include <glib/gstdio.h>

#include "cold-apk-index.h"
#include "cold-apk-repository.h"
#include "cold-error.h"
#include "cold-json.h"

#define INDEX "APKINDEX"
#define INDEX_FILE INDEX ".tar.gz"

typedef struct
{
  ColdBundle *bundle;
  GString *index;
} Fill;

/* As it was published: the guest's apk compares each package with it. */
static gboolean
take (const ColdApkPackage *package, const char *text, gsize length, gpointer data, GError **error)
{
  Fill *fill = data;
  g_autofree char *key = cold_repository_key (package->identity, package->size);

  if (g_hash_table_lookup (fill->bundle->wanted, key) != NULL || !cold_bundle_wants (fill->bundle, key))
    return TRUE;
  g_string_append_len (fill->index, text, length);
  g_string_append (fill->index, g_str_has_suffix (fill->index->str, "\n") ? "\n" : "\n\n");
  return TRUE;
}

static gboolean
fill_index (Fill *fill, GError **error)
{
  for (guint i = 0; i < fill->bundle->sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (fill->bundle->sources, i);
      g_autoptr (ColdApkFiles) files = NULL;
      g_autoptr (GMappedFile) file = NULL;

      if (source->type != fill->bundle->type)
        continue;
      files = cold_apk_repository_open (source, fill->bundle->catalogue, error);
      file = files != NULL ? g_mapped_file_new (files->index, FALSE, error) : NULL;
      if (file == NULL
          || !cold_apk_index_read (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), take, fill, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
write_entry (struct archive *archive, const char *name, const char *text, gsize length)
{
  struct archive_entry *entry = archive_entry_new ();
  gboolean written;

  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, length);
  written = archive_write_header (archive, entry) == ARCHIVE_OK
            && archive_write_data (archive, text, length) == (gssize) length;
  archive_entry_free (entry);
  return written;
}

static gboolean
write_index (const GString *index, const char *path, GError **error)
{
  static const char *const description = "coldpatch";
  struct archive *archive = archive_write_new ();
  gboolean done;

  archive_write_set_format_ustar (archive);
  archive_write_add_filter_gzip (archive);
  done = archive_write_open_filename (archive, path) == ARCHIVE_OK
         && write_entry (archive, "DESCRIPTION", description, strlen (description))
         && write_entry (archive, INDEX, index->str, index->len) && archive_write_close (archive) == ARCHIVE_OK;
  if (!done)
    g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "cannot write the bundle's index: %s", archive_error_string (archive));
  archive_write_free (archive);
  return done;
}

gboolean
cold_apk_bundle_fill (ColdBundle *bundle, GError **error)
{
  g_autofree char *path = g_build_filename (bundle->scratch, INDEX_FILE, NULL);
  g_autoptr (GString) index = g_string_new (NULL);
  Fill fill = { bundle, index };
  gboolean done = fill_index (&fill, error) && write_index (index, path, error)
                  && cold_bundle_image_add_file (bundle->image, INDEX_FILE, path, NULL, error);

  g_unlink (path);
  return done;
}

/* Below the folder of its architecture, in the repository and in the bundle. */
char *
cold_apk_bundle_file_name (JsonObject *package)
{
  return g_path_get_basename (cold_json_string (package, "path"));
}
