/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-retention.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cold-fd.h"
#include "cold-guest-disks.h"

#define EXTENTS 256 /* asked for at a time */

typedef enum
{
  IN_PLACE,
  REPLACED, /* deleted, or made anew */
  UNKNOWN,  /* it cannot be told now */
} Standing;

static gboolean
stat_hidden (const ColdJournalMember *member, struct stat *st)
{
  g_autofree char *path = g_build_filename (member->hidden_directory, member->hidden_name, NULL);

  return lstat (path, st) == 0;
}

guint64
cold_retention_hidden_bytes (const ColdJournalMember *member)
{
  struct stat st;

  return stat_hidden (member, &st) ? (guint64) st.st_blocks * 512 : 0;
}

/* What the path leads to, without regard to later exchanges. */
static Standing
look_at (const ColdJournalMember *member)
{
  g_autofree char *path = cold_journal_member_path (member);
  struct stat st;

  if (lstat (path, &st) != 0)
    return errno == ENOENT ? REPLACED : UNKNOWN;
  /* Another file system is mounted there, or the same one with another number. */
  if (st.st_dev != cold_tuple_get_device (member->replacement))
    return UNKNOWN;
  return st.st_ino == cold_tuple_get_inode (member->replacement) ? IN_PLACE : REPLACED;
}

gboolean
cold_retention_is_current (const ColdJournalMember *member)
{
  return look_at (member) == IN_PLACE;
}

/* Whether @later exchanged what @earlier had put there. */
static gboolean
builds_on (const ColdJournalMember *later, const ColdJournalMember *earlier)
{
  return later != NULL && later->original != NULL && earlier->replacement != NULL
         && cold_tuple_same_file (later->original, earlier->replacement);
}

static Standing
find_standing (GPtrArray *journals, const ColdJournal *journal, const ColdJournalMember *member)
{
  g_autofree char *path = cold_journal_member_path (member);
  Standing standing = look_at (member);

  for (guint i = 0; standing == REPLACED && i < journals->len; i++)
    {
      const ColdJournal *later = g_ptr_array_index (journals, i);
      const ColdJournalMember *other = cold_journal_find_member (later, path);

      if (later->state == COLD_JOURNAL_DONE && later->job > journal->job && builds_on (other, member))
        standing = find_standing (journals, later, other);
    }
  return standing;
}

static gboolean
has_job (const ColdVolume *volume, guint but)
{
  return volume->job != 0 && volume->job != but;
}

/* Whether a job other than @but is at one of the guests whose images these are: it may be a rollback to them. */
static gboolean
is_worked_on (ColdInventory *inventory, const ColdJournal *journal, guint but)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *path = cold_journal_member_path (g_ptr_array_index (journal->members, i));
      ColdVolume *volume = cold_inventory_lookup_path (inventory, path);

      if (volume != NULL
          && (has_job (volume, but) || has_job (cold_guest_disks_find_leader (inventory, volume), but)))
        return TRUE;
    }
  return FALSE;
}

/* Whether the guest has run since the exchange, so that the new image has proven itself. */
static gboolean
has_run_since (ColdInventory *inventory, const ColdVolume *volume, gint64 since)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (domain->last_start_time < since || domain->last_stop_time < domain->last_start_time
          || !g_str_equal (domain->last_stop, "shutdown"))
        return FALSE;
    }
  return TRUE;
}

/* Wiped: nothing is left of the guest, and it was not the guest itself, which has not run. */
static gboolean
was_wiped (ColdInventory *inventory, const ColdVolume *volume, const ColdJournalMember *member, gint64 since)
{
  g_autoptr (GPtrArray) domains = NULL;

  if (!cold_volume_is_too_small (volume)
      && (!cold_volume_inspection_is_fresh (volume) || volume->facts == NULL || volume->facts->has_guest))
    return FALSE;
  domains = cold_inventory_domains_of (inventory, volume);
  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (domain->info->active || domain->last_start_time >= since)
        return FALSE;
    }
  return volume->file.inode == cold_tuple_get_inode (member->replacement);
}

/* The members whose old image is still there: of a set whose deletion was cut off, the rest. Returns: (transfer container):
 * %NULL when it cannot be told: a folder is missing, its file system may not be mounted */
static GPtrArray *
list_kept (const ColdJournal *journal)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  for (guint i = 0; i < journal->members->len; i++)
    {
      ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      struct stat st;

      if (stat_hidden (member, &st))
        g_ptr_array_add (kept, member);
      else if (errno != ENOENT || lstat (member->hidden_directory, &st) != 0)
        return NULL;
    }
  return g_steal_pointer (&kept);
}

/* What has become of the volumes: one that is lost makes the old images of the whole set useless. */
static Standing
judge_volumes (ColdInventory *inventory, GPtrArray *journals, const ColdJournal *journal, GPtrArray *kept)
{
  Standing worst = IN_PLACE;

  for (guint i = 0; i < kept->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (kept, i);
      g_autofree char *path = cold_journal_member_path (member);
      const ColdVolume *volume = cold_inventory_lookup_path (inventory, path);
      Standing standing = find_standing (journals, journal, member);

      if (standing == UNKNOWN)
        return UNKNOWN;
      if (standing == REPLACED
          || (journal->members->len == 1 && volume != NULL && was_wiped (inventory, volume, member, journal->time)))
        worst = REPLACED;
    }
  return worst;
}

/* What libvirt does not show may have run or not: a pool that is stopped or undefined shows none of its volumes. */
static gboolean
all_have_run (ColdInventory *inventory, const ColdJournal *journal, GPtrArray *kept)
{
  for (guint i = 0; i < kept->len; i++)
    {
      g_autofree char *path = cold_journal_member_path (g_ptr_array_index (kept, i));
      const ColdVolume *volume = cold_inventory_lookup_path (inventory, path);

      if (volume == NULL || !has_run_since (inventory, volume, journal->time))
        return FALSE;
    }
  return TRUE;
}

/* Whether an older image is kept that would seem to belong to nothing without @journal. */
static gboolean
stands_behind (ColdInventory *inventory, GPtrArray *journals, const ColdJournal *journal, gint64 now)
{
  for (guint i = 0; i < journals->len; i++)
    {
      const ColdJournal *earlier = g_ptr_array_index (journals, i);

      if (earlier->state != COLD_JOURNAL_DONE || earlier->job >= journal->job)
        continue;
      for (guint j = 0; j < earlier->members->len; j++)
        {
          const ColdJournalMember *member = g_ptr_array_index (earlier->members, j);
          g_autofree char *path = cold_journal_member_path (member);

          if (builds_on (cold_journal_find_member (journal, path), member)
              && !cold_retention_is_over (inventory, journals, earlier, now))
            return TRUE;
        }
    }
  return FALSE;
}

gboolean
cold_retention_is_over (ColdInventory *inventory, GPtrArray *journals, const ColdJournal *journal, gint64 now)
{
  g_autoptr (GPtrArray) kept = journal->state == COLD_JOURNAL_DONE ? list_kept (journal) : NULL;
  Standing standing;

  if (kept == NULL)
    return FALSE;
  standing = judge_volumes (inventory, journals, journal, kept);
  if (kept->len > 0 && standing != REPLACED
      && (standing == UNKNOWN || now < journal->keep_until || !all_have_run (inventory, journal, kept)
          || stands_behind (inventory, journals, journal, now)))
    return FALSE;
  return !is_worked_on (inventory, journal, 0);
}

/* Whether deleting the old images of @journal makes room on that device, and costs nobody the only image that is known to
 * work. */
static gboolean
can_be_evicted (ColdInventory *inventory, const ColdJournal *journal, dev_t device, guint job)
{
  g_autoptr (GPtrArray) kept = NULL;

  if (journal->state != COLD_JOURNAL_DONE || journal->quarantined || is_worked_on (inventory, journal, job))
    return FALSE;
  kept = list_kept (journal);
  for (guint i = 0; kept != NULL && i < kept->len; i++)
    {
      struct stat st;

      if (!stat_hidden (g_ptr_array_index (kept, i), &st) || st.st_dev != device)
        return FALSE;
    }
  return kept != NULL && kept->len > 0 && all_have_run (inventory, journal, kept);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const ColdJournal *one = *(const ColdJournal *const *) a, *other = *(const ColdJournal *const *) b;

  return one->time < other->time ? -1 : one->time > other->time;
}

GPtrArray *
cold_retention_list_evictable (ColdInventory *inventory, GPtrArray *journals, const char *path, guint job)
{
  GPtrArray *evictable = g_ptr_array_new ();
  struct stat st;

  for (guint i = 0; stat (path, &st) == 0 && i < journals->len; i++)
    if (can_be_evicted (inventory, g_ptr_array_index (journals, i), st.st_dev, job))
      g_ptr_array_add (evictable, g_ptr_array_index (journals, i));
  g_ptr_array_sort (evictable, compare_times);
  return evictable;
}

/* Of a clone: what the file shares with others, which deleting it does not free. 0 where the file system does not say. */
static guint64
count_shared (int fd)
{
  g_autofree struct fiemap *map = g_malloc0 (sizeof *map + EXTENTS * sizeof (struct fiemap_extent));
  guint64 shared = 0;

  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_extent_count = EXTENTS;
  while (ioctl (fd, FS_IOC_FIEMAP, map) == 0 && map->fm_mapped_extents > 0)
    {
      const struct fiemap_extent *last = &map->fm_extents[map->fm_mapped_extents - 1];

      for (guint i = 0; i < map->fm_mapped_extents; i++)
        if ((map->fm_extents[i].fe_flags & FIEMAP_EXTENT_SHARED) != 0)
          shared += map->fm_extents[i].fe_length;
      if ((last->fe_flags & FIEMAP_EXTENT_LAST) != 0)
        break;
      map->fm_start = last->fe_logical + last->fe_length;
      map->fm_length = FIEMAP_MAX_OFFSET - map->fm_start;
    }
  return shared;
}

static guint64
count_gain (const ColdJournal *journal)
{
  guint64 gain = 0;

  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = g_build_filename (member->hidden_directory, member->hidden_name, NULL);
      cold_fd_auto fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
      guint64 bytes = cold_retention_hidden_bytes (member);

      if (fd >= 0)
        gain += bytes - MIN (bytes, count_shared (fd));
    }
  return gain;
}

gboolean
cold_retention_pick (GPtrArray *evictable, guint64 bytes)
{
  guint64 gain = 0;
  guint n = 0;

  while (gain < bytes && n < evictable->len)
    gain += count_gain (g_ptr_array_index (evictable, n++));
  if (gain < bytes)
    return FALSE;
  g_ptr_array_set_size (evictable, n);
  return TRUE;
}
