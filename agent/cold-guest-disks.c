/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-disks.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cold-directory.h"
#include "cold-error.h"
#include "cold-json.h"

/* Longer chains than anybody builds on purpose; also the end of a loop. */
#define CHAIN_MAX 32

static void
guest_disk_free (ColdGuestDisk *disk)
{
  g_free (disk->path);
  g_free (disk->format);
  g_free (disk->bus);
  g_ptr_array_unref (disk->chain);
  g_free (disk);
}

static gboolean
format_is_known (const char *format)
{
  return g_str_equal (format, "raw") || g_str_equal (format, "qcow2");
}

static gboolean
block (GError **error, const char *code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
block (GError **error, const char *code, const char *format, ...)
{
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "%s: %s", code, detail);
  return FALSE;
}

/* The backing image at @path, when a domain's own definition names it as such. */
static const ColdChainMember *
find_in_definition (const ColdDisk *definition, const char *path)
{
  for (guint i = 0; definition != NULL && i < definition->chain->len; i++)
    {
      const ColdChainMember *member = g_ptr_array_index (definition->chain, i);

      if (g_strcmp0 (member->path, path) == 0)
        return member;
    }
  return NULL;
}

/* Follows the header's names; each member must be a volume of an active pool or stand in the domain's XML. */
static gboolean
resolve_chain (ColdInventory *inventory, const ColdVolume *volume, const ColdDisk *definition, GPtrArray *chain,
               GError **error)
{
  g_autofree char *path = g_strdup (volume->backing_path);
  g_autofree char *format = g_strdup (volume->backing_format);

  while (path != NULL)
    {
      const ColdVolume *base = cold_inventory_lookup_path (inventory, path);
      const ColdPool *pool = base != NULL ? cold_inventory_lookup_pool (inventory, base->pool_uuid) : NULL;
      const ColdChainMember *named = find_in_definition (definition, path);
      ColdChainMember *member;

      if (chain->len >= CHAIN_MAX)
        return block (error, "untrusted-chain", "%s has more than %d backing images", volume->path, CHAIN_MAX);
      if (named == NULL && (base == NULL || pool == NULL || !pool->active))
        return block (error, "untrusted-chain", "%s, which %s builds on, is no volume of an active pool", path,
                      volume->path);
      if (named != NULL && named->format != NULL)
        {
          g_free (format);
          format = g_strdup (named->format);
        }
      if (format == NULL && base != NULL)
        format = g_strdup (base->format);
      if (format == NULL || !format_is_known (format))
        return block (error, "unsupported-format", "backing image %s has format %s", path,
                      format != NULL ? format : "unknown");
      member = cold_chain_member_new ();
      member->path = g_strdup (path);
      member->format = g_steal_pointer (&format);
      member->file = base != NULL ? base->file : named->file;
      g_ptr_array_add (chain, member);

      g_free (path);
      path = base != NULL && g_str_equal (member->format, "qcow2") ? g_strdup (base->backing_path) : NULL;
      format = base != NULL ? g_strdup (base->backing_format) : NULL;
    }
  return TRUE;
}

static gboolean
add_disk (ColdInventory *inventory, GPtrArray *disks, const ColdVolume *volume, const ColdDisk *definition,
          GError **error)
{
  const char *format = definition != NULL && definition->format != NULL ? definition->format : volume->format;
  ColdGuestDisk *disk;

  if (!g_str_equal (volume->type, "file"))
    return block (error, "unsupported-storage", "%s is a volume of type %s, only files can be exchanged", volume->path,
                  volume->type);
  if (g_str_equal (format, "unknown"))
    return block (error, "unsupported-format", "libvirt cannot describe %s: its header is damaged, or its name is not valid UTF-8",
                  volume->path);
  if (!format_is_known (format))
    return block (error, "unsupported-format", "%s has format %s, only raw and qcow2 are upgraded", volume->path, format);

  disk = g_new0 (ColdGuestDisk, 1);
  disk->chain = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_chain_member_unref);
  disk->volume = volume->id;
  disk->path = g_strdup (volume->path);
  disk->format = g_strdup (format);
  disk->bus = definition != NULL ? g_strdup (definition->bus) : NULL;
  disk->file = volume->file;
  g_ptr_array_add (disks, disk);
  /* A raw disk has no header: what libvirt read there is the guest's own data. */
  return g_str_equal (format, "raw") || resolve_chain (inventory, volume, definition, disk->chain, error);
}

/* The path counts as well: after an exchange it leads to a new file before the domain is read again. */
static gboolean
is_disk_on (const ColdDisk *disk, const ColdVolume *volume)
{
  return cold_file_id_same_file (&disk->file, &volume->file)
         || (*volume->path != '\0' && g_strcmp0 (disk->path, volume->path) == 0);
}

static const ColdDomain *
find_owner (ColdInventory *inventory, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      for (guint j = 0; j < domain->info->disks->len; j++)
        {
          const ColdDisk *disk = g_ptr_array_index (domain->info->disks, j);

          if (!disk->readonly && is_disk_on (disk, volume))
            return domain;
        }
    }
  return NULL;
}

static const ColdVolume *
find_volume (ColdInventory *inventory, const ColdDisk *disk, const ColdVolume *asked)
{
  const ColdVolume *found = disk->path != NULL ? cold_inventory_lookup_path (inventory, disk->path) : NULL;

  /* Two pools may show one file under two names; the asked-for name is the one to work on. */
  if (is_disk_on (disk, asked))
    return asked;
  return found != NULL ? found : cold_inventory_lookup_file (inventory, &disk->file);
}

GPtrArray *
cold_guest_disks_resolve (ColdInventory *inventory, const ColdVolume *volume, GError **error)
{
  g_autoptr (GPtrArray) disks = g_ptr_array_new_with_free_func ((GDestroyNotify) guest_disk_free);
  const ColdDomain *owner = find_owner (inventory, volume);

  if (owner == NULL)
    return add_disk (inventory, disks, volume, NULL, error) ? g_steal_pointer (&disks) : NULL;

  for (guint i = 0; i < owner->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (owner->info->disks, i);
      const ColdVolume *found;

      if (disk->readonly || !g_str_equal (disk->device, "disk"))
        continue;
      found = find_volume (inventory, disk, volume);
      if (found == NULL)
        {
          block (error, "missing-disk", "disk %s of domain %s (%s) is no volume of an active pool", disk->target,
                 owner->info->name, disk->path != NULL ? disk->path : disk->type);
          return NULL;
        }
      if (!add_disk (inventory, disks, found, disk, error))
        return NULL;
    }
  return g_steal_pointer (&disks);
}

static gboolean
chains_equal (GPtrArray *a, GPtrArray *b)
{
  for (guint i = 0; a->len == b->len && i < a->len; i++)
    {
      const ColdChainMember *left = g_ptr_array_index (a, i), *right = g_ptr_array_index (b, i);

      if (!g_str_equal (left->path, right->path) || !g_str_equal (left->format, right->format)
          || !cold_file_id_same_content (&left->file, &right->file))
        return FALSE;
    }
  return a->len == b->len;
}

static const ColdGuestDisk *
find_disk (GPtrArray *disks, const char *path)
{
  for (guint i = 0; i < disks->len; i++)
    if (g_str_equal (((ColdGuestDisk *) g_ptr_array_index (disks, i))->path, path))
      return g_ptr_array_index (disks, i);
  return NULL;
}

gboolean
cold_guest_disks_equal (GPtrArray *a, GPtrArray *b)
{
  for (guint i = 0; a->len == b->len && i < a->len; i++)
    {
      const ColdGuestDisk *left = g_ptr_array_index (a, i);
      const ColdGuestDisk *right = find_disk (b, left->path);

      if (right == NULL || !g_str_equal (left->format, right->format) || !chains_equal (left->chain, right->chain))
        return FALSE;
    }
  return a->len == b->len;
}

void
cold_open_image_clear (ColdOpenImage *image)
{
  if (image->directory >= 0)
    g_close (image->directory, NULL);
  if (image->file >= 0)
    g_close (image->file, NULL);
  image->directory = image->file = -1;
}

gboolean
cold_open_image (const char *path, ColdOpenImage *image, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  struct stat st;

  image->file = -1;
  image->directory = cold_directory_open (folder, error);
  if (image->directory < 0)
    return FALSE;
  image->file = openat (image->directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (image->file < 0 || fstat (image->file, &st) < 0)
    {
      cold_error_set_errno (error, errno, "cannot open %s", path);
      cold_open_image_clear (image);
      return FALSE;
    }
  if (S_ISLNK (st.st_mode) || !S_ISREG (st.st_mode))
    {
      cold_open_image_clear (image);
      return S_ISLNK (st.st_mode) ? block (error, "several-names", "%s is a symbolic link", path)
                                  : block (error, "unsupported-storage", "%s is no regular file", path);
    }
  return TRUE;
}

gboolean
cold_guest_disks_hand_over (GPtrArray *disks, const int *tops, gboolean writable, ColdWorkerProcess *worker,
                            JsonObject *request, GError **error)
{
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      g_autofree char *inside = g_strdup_printf ("/disks/%u", i);
      g_autoptr (JsonObject) object = json_object_new ();
      g_autoptr (JsonArray) chain = json_array_new ();
      g_auto (ColdOpenImage) image = { -1, -1 };

      if (tops == NULL && !cold_open_image (disk->path, &image, error))
        return FALSE;
      if (!cold_worker_process_add_disk (worker, tops != NULL ? tops[i] : image.file, inside, writable, error))
        return FALSE;
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);
          g_autofree char *member_inside = g_strdup_printf ("/disks/%u.%u", i, j + 1);
          g_auto (ColdOpenImage) base = { -1, -1 };
          JsonObject *member_object;

          if (!cold_open_image (member->path, &base, error)
              || !cold_worker_process_add_disk (worker, base.file, member_inside, FALSE, error))
            return FALSE;
          member_object = json_object_new ();
          json_object_set_string_member (member_object, "path", member_inside);
          json_object_set_string_member (member_object, "format", member->format);
          json_array_add_object_element (chain, member_object);
        }
      json_object_set_string_member (object, "path", inside);
      json_object_set_string_member (object, "format", disk->format);
      json_object_set_array_member (object, "chain", g_steal_pointer (&chain));
      json_array_add_object_element (array, g_steal_pointer (&object));
    }
  json_object_set_array_member (request, "disks", g_steal_pointer (&array));
  return TRUE;
}

gboolean
cold_guest_disks_check_headers (GPtrArray *disks, JsonObject *probed, GError **error)
{
  JsonArray *array = cold_json_array (probed, "disks");

  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      JsonObject *header = array != NULL ? cold_json_array_object (array, i) : NULL;
      const char *backing = header != NULL ? cold_json_string (header, "backing-file") : NULL;
      const char *why = NULL;
      const char *code = "unsupported-format";

      if (header == NULL)
        why = "its header could not be read";
      else if (cold_json_bool (header, "corrupt"))
        why = "its header says that it is corrupt";
      else if (cold_json_bool (header, "dirty"))
        why = "it was not closed cleanly";
      else if (cold_json_bool (header, "data-file"))
        why = "its data is in another file";
      else if (cold_json_bool (header, "encrypted"))
        code = "encrypted", why = "the image is encrypted";
      else if (cold_json_int (header, "memory-snapshots") > 0)
        code = "memory-snapshot", why = "it holds a snapshot with memory";
      else if (cold_json_int (header, "bitmaps") > 0)
        code = "has-checkpoints", why = "it holds dirty bitmaps";
      else if ((backing != NULL) != (disk->chain->len > 0))
        code = "untrusted-chain", why = "its header and libvirt disagree about what it builds on";
      if (why != NULL)
        return block (error, code, "%s: %s", disk->path, why);
    }
  return TRUE;
}

GStrv
cold_guest_disks_needed_drivers (GPtrArray *disks)
{
  static const struct
  {
    const char *bus;
    const char *drivers[2];
  } devices[] = {
    { "virtio", { "virtio_blk", "virtio_pci" } },
    { "virtio-scsi", { "virtio_scsi", "virtio_pci" } },
    { "sata", { "ahci" } },
    { "ide", { "ata_piix" } },
    { "nvme", { "nvme" } },
    { "usb", { "usb_storage" } },
  };
  g_autoptr (GPtrArray) drivers = g_ptr_array_new ();

  for (guint i = 0; i < disks->len; i++)
    for (guint k = 0; k < G_N_ELEMENTS (devices); k++)
      {
        const ColdGuestDisk *disk = g_ptr_array_index (disks, i);

        for (guint n = 0; n < 2 && g_strcmp0 (disk->bus, devices[k].bus) == 0 && devices[k].drivers[n] != NULL; n++)
          if (!g_ptr_array_find_with_equal_func (drivers, devices[k].drivers[n], g_str_equal, NULL))
            g_ptr_array_add (drivers, g_strdup (devices[k].drivers[n]));
      }
  g_ptr_array_add (drivers, NULL);
  return (GStrv) g_ptr_array_steal (drivers, NULL);
}

ColdVolume *
cold_guest_disks_find_leader (ColdInventory *inventory, ColdVolume *volume)
{
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (inventory, volume, NULL);
  ColdVolume *leader = NULL;

  if (disks != NULL && disks->len > 0)
    leader = cold_inventory_lookup_volume (inventory, ((ColdGuestDisk *) g_ptr_array_index (disks, 0))->volume);
  return leader != NULL ? leader : volume;
}

GArray *
cold_guest_disks_list_ids (GPtrArray *disks)
{
  GArray *ids;

  if (disks->len < 2)
    return NULL;
  ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), disks->len);
  for (guint i = 0; i < disks->len; i++)
    g_array_append_val (ids, ((ColdGuestDisk *) g_ptr_array_index (disks, i))->volume);
  return ids;
}

static gboolean
ids_equal (const GArray *a, const GArray *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return a->len == b->len && memcmp (a->data, b->data, a->len * sizeof (gint64)) == 0;
}

gboolean
cold_guest_disks_are_as_inspected (ColdInventory *inventory, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) disks = volume->facts != NULL ? cold_guest_disks_resolve (inventory, volume, NULL) : NULL;
  g_autoptr (GArray) now = disks != NULL ? cold_guest_disks_list_ids (disks) : NULL;

  if (disks == NULL)
    return TRUE;
  if (!ids_equal (now, volume->facts->disks))
    return FALSE;
  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      const ColdVolume *one = cold_inventory_lookup_volume (inventory, disk->volume);

      if (one != NULL && one->facts != NULL && one->facts->format != NULL && !g_str_equal (one->facts->format, disk->format))
        return FALSE;
    }
  return TRUE;
}
