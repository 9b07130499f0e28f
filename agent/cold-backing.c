/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-backing.h"

/* As in cold-guest-disks.c: also the end of a loop. */
#define CHAIN_MAX 32

/* The files that something builds on, by every name that is known of them. What they name is borrowed. */
typedef struct
{
  ColdInventory *inventory;
  ColdHeaders *headers;
  GHashTable *paths;
  GHashTable *files; /* (element-type ColdFileId) */
  GPtrArray *unread;
} Finder;

static void
unread_image_free (ColdUnreadImage *image)
{
  g_free (image->path);
  g_free (image->format);
  g_free (image->why);
  g_free (image);
}

void
cold_backing_free (ColdBacking *backing)
{
  g_hash_table_unref (backing->volumes);
  g_ptr_array_unref (backing->unread);
  g_free (backing);
}

static void
add_base (Finder *self, const char *path, const ColdFileId *file)
{
  const ColdVolume *volume = path != NULL ? cold_inventory_lookup_path (self->inventory, path) : NULL;

  if (path != NULL)
    g_hash_table_add (self->paths, (gpointer) path);
  if (volume != NULL)
    g_hash_table_add (self->files, (gpointer) &volume->file);
  if (file->inode != 0 || file->rdev != 0)
    g_hash_table_add (self->files, (gpointer) file);
}

static void
add_bases_of_volumes (Finder *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdVolume *volume = value;

      if (!volume->gone && volume->backing_path != NULL)
        add_base (self, volume->backing_path, &volume->backing_file);
    }
}

static gboolean
is_volume (Finder *self, const char *path, const ColdFileId *file)
{
  return cold_inventory_lookup_path (self->inventory, path) != NULL
         || cold_inventory_lookup_file (self->inventory, file) != NULL;
}

static void
add_unread (Finder *self, const ColdDomain *domain, const char *path, const char *format, const ColdFileId *file,
            const ColdHeader *header)
{
  ColdUnreadImage *image = g_new0 (ColdUnreadImage, 1);

  image->path = g_strdup (path);
  image->format = g_strdup (format);
  image->file = *file;
  image->why = g_strdup_printf ("%s, which domain %s uses, may do so: its header %s%s", path, domain->info->name,
                                header != NULL ? "cannot be read: " : "was not read yet",
                                header != NULL ? header->problem : "");
  g_ptr_array_add (self->unread, image);
}

/* From image to image, until one is a volume, which is looked at as such, or builds on nothing. */
static void
follow_headers (Finder *self, const ColdDomain *domain, const ColdDisk *disk)
{
  const char *path = disk->path, *format = disk->format;
  const ColdFileId *file = &disk->file;

  /* A raw image has no header, and libvirt takes for raw what nobody gave a format. */
  for (guint i = 0; i < CHAIN_MAX && path != NULL && format != NULL && !g_str_equal (format, "raw")
                    && !is_volume (self, path, file);
       i++)
    {
      const ColdHeader *header = self->headers != NULL ? cold_headers_lookup (self->headers, path, format, file) : NULL;

      if (header == NULL || header->problem != NULL)
        {
          add_unread (self, domain, path, format, file, header);
          return;
        }
      if (header->backing_path != NULL)
        add_base (self, header->backing_path, &header->backing_file);
      path = header->backing_path;
      format = header->backing_format;
      file = &header->backing_file;
    }
}

static void
add_bases_of_domain (Finder *self, const ColdDomain *domain)
{
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          add_base (self, member->path, &member->file);
        }
      /* Of a disk that is plugged into a running domain libvirt names the whole chain. */
      if (!disk->live || !domain->info->active)
        follow_headers (self, domain, disk);
    }
}

/* Two pools may show one file: each of its volumes counts. */
static void
collect_volumes (const Finder *self, GHashTable *volumes)
{
  GHashTableIter iter;
  gpointer value;

  if (g_hash_table_size (self->paths) == 0 && g_hash_table_size (self->files) == 0)
    return;
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdVolume *volume = value;

      if (!volume->gone
          && (g_hash_table_contains (self->paths, volume->path) || g_hash_table_contains (self->files, &volume->file)))
        g_hash_table_add (volumes, g_memdup2 (&volume->id, sizeof volume->id));
    }
}

ColdBacking *
cold_backing_find (ColdInventory *inventory, ColdHeaders *headers)
{
  g_autoptr (GHashTable) paths = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) files = g_hash_table_new (cold_file_id_hash, cold_file_id_equal);
  ColdBacking *backing = g_new0 (ColdBacking, 1);
  Finder finder = { inventory, headers, paths, files, NULL };
  GHashTableIter iter;
  gpointer value;

  backing->volumes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  backing->unread = finder.unread = g_ptr_array_new_with_free_func ((GDestroyNotify) unread_image_free);
  add_bases_of_volumes (&finder);
  g_hash_table_iter_init (&iter, cold_inventory_get_domains (inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!((ColdDomain *) value)->gone)
      add_bases_of_domain (&finder, value);
  collect_volumes (&finder, backing->volumes);
  return backing;
}
