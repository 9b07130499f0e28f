/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NEW_BOX(Type) g_atomic_rc_box_new0 (Type)

static GPtrArray *
array_of (gpointer unref)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) unref);
}

ColdVolumeInfo *
cold_volume_info_new (void)
{
  return NEW_BOX (ColdVolumeInfo);
}

static void
volume_info_clear (ColdVolumeInfo *info)
{
  g_free (info->name);
  g_free (info->key);
  g_free (info->path);
  g_free (info->type);
  g_free (info->format);
  g_free (info->backing_path);
  g_free (info->backing_format);
}

void
cold_volume_info_unref (ColdVolumeInfo *info)
{
  g_atomic_rc_box_release_full (info, (GDestroyNotify) volume_info_clear);
}

void
cold_known_volume_free (ColdKnownVolume *known)
{
  g_free (known->backing_path);
  g_free (known);
}

ColdPoolInfo *
cold_pool_info_new (void)
{
  ColdPoolInfo *info = NEW_BOX (ColdPoolInfo);

  info->volumes = array_of (cold_volume_info_unref);
  return info;
}

static void
pool_info_clear (ColdPoolInfo *info)
{
  g_free (info->uri);
  g_free (info->uuid);
  g_free (info->name);
  g_free (info->type);
  g_free (info->path);
  g_free (info->exported);
  g_ptr_array_unref (info->volumes);
}

void
cold_pool_info_unref (ColdPoolInfo *info)
{
  g_atomic_rc_box_release_full (info, (GDestroyNotify) pool_info_clear);
}

ColdDisk *
cold_disk_new (void)
{
  ColdDisk *disk = NEW_BOX (ColdDisk);

  disk->chain = array_of (cold_chain_member_unref);
  return disk;
}

static void
disk_clear (ColdDisk *disk)
{
  g_free (disk->target);
  g_free (disk->device);
  g_free (disk->type);
  g_free (disk->path);
  g_free (disk->pool);
  g_free (disk->volume);
  g_free (disk->format);
  g_free (disk->bus);
  g_ptr_array_unref (disk->chain);
}

void
cold_disk_unref (ColdDisk *disk)
{
  g_atomic_rc_box_release_full (disk, (GDestroyNotify) disk_clear);
}

ColdChainMember *
cold_chain_member_new (void)
{
  return NEW_BOX (ColdChainMember);
}

static void
chain_member_clear (ColdChainMember *member)
{
  g_free (member->path);
  g_free (member->format);
}

void
cold_chain_member_unref (ColdChainMember *member)
{
  g_atomic_rc_box_release_full (member, (GDestroyNotify) chain_member_clear);
}

ColdDomainInfo *
cold_domain_info_new (void)
{
  ColdDomainInfo *info = NEW_BOX (ColdDomainInfo);

  info->disks = array_of (cold_disk_unref);
  return info;
}

ColdDomainInfo *
cold_domain_info_ref (ColdDomainInfo *info)
{
  return g_atomic_rc_box_acquire (info);
}

static void
domain_info_clear (ColdDomainInfo *info)
{
  g_free (info->uri);
  g_free (info->uuid);
  g_free (info->name);
  g_free (info->state);
  g_free (info->arch);
  g_ptr_array_unref (info->disks);
}

void
cold_domain_info_unref (ColdDomainInfo *info)
{
  g_atomic_rc_box_release_full (info, (GDestroyNotify) domain_info_clear);
}

ColdSnapshot *
cold_snapshot_new (void)
{
  ColdSnapshot *snapshot = NEW_BOX (ColdSnapshot);

  snapshot->pools = array_of (cold_pool_info_unref);
  snapshot->domains = array_of (cold_domain_info_unref);
  return snapshot;
}

static void
snapshot_clear (ColdSnapshot *snapshot)
{
  g_free (snapshot->uri);
  g_ptr_array_unref (snapshot->pools);
  g_ptr_array_unref (snapshot->domains);
}

void
cold_snapshot_unref (ColdSnapshot *snapshot)
{
  g_atomic_rc_box_release_full (snapshot, (GDestroyNotify) snapshot_clear);
}

gboolean
cold_file_id_stat (const char *path, ColdFileId *id)
{
  struct stat st;

  *id = (ColdFileId){ 0 };
  if (path == NULL || stat (path, &st) < 0)
    return FALSE;
  id->device = st.st_dev;
  id->inode = st.st_ino;
  id->rdev = S_ISBLK (st.st_mode) ? st.st_rdev : 0;
  id->size = st.st_size;
  id->mtime_ns = (gint64) st.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + st.st_mtim.tv_nsec;
  id->nlink = st.st_nlink;
  return TRUE;
}

gboolean
cold_file_id_peek (const char *path, ColdFileId *id)
{
  struct statx st;

  *id = (ColdFileId){ 0 };
  if (path == NULL || statx (AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) < 0)
    return FALSE;
  id->device = makedev (st.stx_dev_major, st.stx_dev_minor);
  id->inode = st.stx_ino;
  id->rdev = S_ISBLK (st.stx_mode) ? makedev (st.stx_rdev_major, st.stx_rdev_minor) : 0;
  id->size = st.stx_size;
  id->mtime_ns = st.stx_mtime.tv_sec * G_GINT64_CONSTANT (1000000000) + st.stx_mtime.tv_nsec;
  id->nlink = st.stx_nlink;
  return TRUE;
}

guint
cold_file_id_hash (gconstpointer key)
{
  const ColdFileId *file = key;

  return (guint) (file->rdev != 0 ? file->rdev : file->device * 31 + file->inode);
}

gboolean
cold_file_id_equal (gconstpointer a, gconstpointer b)
{
  return cold_file_id_same_file (a, b);
}

gint64
cold_file_id_born (const char *path)
{
  struct statx st;

  if (path == NULL || statx (AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_BTIME, &st) < 0 || (st.stx_mask & STATX_BTIME) == 0)
    return 0;
  return st.stx_btime.tv_sec * G_USEC_PER_SEC + st.stx_btime.tv_nsec / 1000;
}

gboolean
cold_file_id_same_file (const ColdFileId *a, const ColdFileId *b)
{
  if (a->rdev != 0 || b->rdev != 0)
    return a->rdev == b->rdev;
  return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

gboolean
cold_file_id_same_content (const ColdFileId *a, const ColdFileId *b)
{
  /* Not ctime: libvirt changes owner and labels at every start and stop. */
  return cold_file_id_same_file (a, b) && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

static gboolean
disks_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const ColdDisk *left = g_ptr_array_index (a, i), *right = g_ptr_array_index (b, i);

      if (g_strcmp0 (left->target, right->target) != 0 || g_strcmp0 (left->path, right->path) != 0
          || g_strcmp0 (left->format, right->format) != 0 || g_strcmp0 (left->bus, right->bus) != 0
          || !cold_file_id_same_file (&left->file, &right->file)
          || left->readonly != right->readonly || left->shareable != right->shareable
          || left->transient != right->transient || left->chain->len != right->chain->len)
        return FALSE;
      for (guint j = 0; j < left->chain->len; j++)
        {
          const ColdChainMember *below = g_ptr_array_index (left->chain, j);
          const ColdChainMember *other = g_ptr_array_index (right->chain, j);

          if (g_strcmp0 (below->path, other->path) != 0 || g_strcmp0 (below->format, other->format) != 0
              || !cold_file_id_same_file (&below->file, &other->file))
            return FALSE;
        }
    }
  return TRUE;
}

gboolean
cold_domain_info_equal (const ColdDomainInfo *a, const ColdDomainInfo *b)
{
  return g_strcmp0 (a->name, b->name) == 0 && g_strcmp0 (a->state, b->state) == 0 && a->active == b->active
         && g_strcmp0 (a->shutoff, b->shutoff) == 0 && a->persistent == b->persistent && a->managed_save == b->managed_save
         && a->snapshots == b->snapshots && a->memory_snapshots == b->memory_snapshots && a->external_snapshots == b->external_snapshots
         && a->checkpoints == b->checkpoints && g_strcmp0 (a->arch, b->arch) == 0 && disks_equal (a->disks, b->disks);
}

/* A file that is missing is the same as one that was missing before. */
static gboolean
same_state (const ColdFileId *a, const ColdFileId *b)
{
  return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

gboolean
cold_domain_info_same_contents (const ColdDomainInfo *a, const ColdDomainInfo *b)
{
  for (guint i = 0; i < a->disks->len && i < b->disks->len; i++)
    {
      const ColdDisk *left = g_ptr_array_index (a->disks, i), *right = g_ptr_array_index (b->disks, i);

      if (!same_state (&left->file, &right->file))
        return FALSE;
      for (guint j = 0; j < left->chain->len && j < right->chain->len; j++)
        if (!same_state (&((ColdChainMember *) g_ptr_array_index (left->chain, j))->file,
                         &((ColdChainMember *) g_ptr_array_index (right->chain, j))->file))
          return FALSE;
    }
  return TRUE;
}
