/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-disks.h"

#include "cold-error.h"

/* Longer chains than anybody builds on purpose; also the end of a loop. */
#define CHAIN_MAX 32

static void
guest_disk_free (ColdGuestDisk *disk)
{
  g_free (disk->path);
  g_free (disk->format);
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
  if (!format_is_known (format))
    return block (error, "unsupported-format", "%s has format %s, only raw and qcow2 are upgraded", volume->path, format);

  disk = g_new0 (ColdGuestDisk, 1);
  disk->chain = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_chain_member_unref);
  disk->volume = volume->id;
  disk->path = g_strdup (volume->path);
  disk->format = g_strdup (format);
  disk->file = volume->file;
  g_ptr_array_add (disks, disk);
  /* A raw disk has no header: what libvirt read there is the guest's own data. */
  return g_str_equal (format, "raw") || resolve_chain (inventory, volume, definition, disk->chain, error);
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

          if (!disk->readonly && cold_file_id_same_file (&disk->file, &volume->file))
            return domain;
        }
    }
  return NULL;
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
      found = cold_inventory_lookup_file (inventory, &disk->file);
      if (found == NULL)
        {
          block (error, "missing-disk", "disk %s of domain %s (%s) is no volume of an active pool", disk->target,
                 owner->info->name, disk->path != NULL ? disk->path : disk->type);
          return NULL;
        }
      /* Two pools may show one file under two names; the asked-for name is the one to work on. */
      if (cold_file_id_same_file (&found->file, &volume->file))
        found = volume;
      if (!add_disk (inventory, disks, found, disk, error))
        return NULL;
    }
  return g_steal_pointer (&disks);
}
