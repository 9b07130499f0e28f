/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-blockers.h"

#include "cold-error.h"
#include "cold-guest-disks.h"
#include "cold-policy.h"

static const ColdBlockerText texts[] = {
  { "in-use", "A domain that uses the volume is running, paused or being changed.",
    "Shut the domain down; the volume is looked at again as soon as it has ended." },
  { "claimed", "A domain that uses the volume is just being started.",
    "Wait until the domain runs or its start has failed; remove a stale claim with Manager.Resync." },
  { "open-elsewhere", "Another program has the image open for writing.",
    "End the program (fuser or lsof names it), or wait for it." },
  { "managed-save", "The domain has a managed save image that continues in the middle of a run.",
    "Start the domain and shut it down cleanly, or drop the image with virsh managedsave-remove." },
  { "saved-elsewhere", "The domain's last run ended by a save or a migration, not by a clean shutdown.",
    "Restore the domain and shut it down cleanly; one that will never be restored is started once and shut down, and defined again "
    "with its UUID before that if it is gone." },
  { "memory-snapshot", "The domain has a snapshot with memory that expects the disk as it was.",
    "Delete the snapshot with virsh snapshot-delete when it is not needed any more." },
  { "external-snapshot", "The domain has an external snapshot, which spreads the disk over several files.",
    "Merge it with virsh blockcommit and delete the snapshot's metadata." },
  { "has-checkpoints", "The domain has checkpoints for incremental backup, whose bitmaps would not see the upgrade.",
    "Finish the backup and delete the checkpoints with virsh checkpoint-delete." },
  { "backing-of", "Other images build on this one, or may do so, and would be corrupted by any change to it.",
    "Upgrade the images that build on it, or make them independent with virsh blockpull; where a header cannot be read, define a pool "
    "for the folder of that image, or undefine its domain." },
  { "shared", "The disk is shareable, or lies on storage that other hosts can write to.",
    "Upgrade the guest by other means." },
  { "transient-disk", "The domain throws away what it writes to this disk.", "Remove <transient/> from the disk." },
  { "several-owners", "Several domains use the volume.",
    "Remove the disk from all domains but one, or give each its own clone." },
  { "missing-disk", "A disk of the guest is not in an active pool, or cannot be reached.",
    "Define and start a pool for the disk's folder, or make the disk available." },
  { "untrusted-chain", "The image builds on a file that is neither a volume of an active pool nor named by the domain.",
    "Define and start a pool for the backing image's folder." },
  { "several-names", "The image has several names (hard links), or its name is a symbolic link.",
    "Leave the image one name in the pool." },
  { "untrusted-directory", "Others than root may change a folder on the way to the image.",
    "Take write permission for group and others away from the folders above the image." },
  { "pool-inactive", "The volume's pool is not active, or libvirt cannot be reached.",
    "Start the pool with virsh pool-start, or libvirtd." },
  { "unsupported-storage", "The storage cannot exchange files atomically, or not be handed to an unprivileged worker.",
    "Move the volume to a pool of type dir on a local file system such as ext4, XFS or btrfs." },
  { "unsupported-format", "The image's format is not supported, or the image is dirty or corrupt.",
    "Check the image with qemu-img check, or convert it to raw or qcow2." },
  { "no-operating-system", "No operating system was found in the volume.", "Nothing needs to be done." },
  { "several-operating-systems", "Several operating systems were found in the volume.",
    "Upgrade them from inside." },
  { "unsupported-os", "The operating system, its package manager, or what it mounts where packages have files, is not supported.",
    "Upgrade it from inside." },
  { "immutable-os", "The operating system replaces itself as a whole image.", "Upgrade it by its own means." },
  { "foreign-arch", "The guest is of another architecture than the host.",
    "Upgrade it on a host of its own architecture." },
  { "encrypted", "The guest's file systems are encrypted.", "Upgrade it from inside." },
  { "hibernated", "The guest is hibernated: it will go on where it was and expects its disk unchanged.",
    "Start the domain and shut it down cleanly." },
  { "dirty-filesystem", "A file system of the guest was not unmounted cleanly.",
    "Start the domain and shut it down cleanly." },
  { "interrupted-transaction", "The guest's package manager was interrupted in the middle of its work.",
    "Repair it inside the guest (dpkg --configure -a, apt-get -f install)." },
  { "no-catalogue", "No repository that the host has fetched serves this guest.",
    "Add one to /etc/coldpatch/sources.d and call Manager.RefreshCatalogue." },
  { "no-plan", "No plan could be made of what an upgrade would install.",
    "Call Manager.RefreshCatalogue, after which it is tried again, or Volume.Upgrade." },
  { "no-space",
    "The file system has no room for the work copy beside what other upgrades need and a reserve for running domains.",
    "Free space on the pool's file system, or drop old images with Volume.DropRollback." },
  { "policy-off", "The policy for this volume is off.", "Set another with SetPolicy." },
  { "outside-window", "Upgrades are not allowed at this hour.", "Wait for the maintenance window." },
  { "quarantined", "Upgrades of this volume failed too often, or one left an image that somebody else has opened.",
    "Read the log of the last job (Volume.GetHistory), mend the cause, and call Volume.Upgrade; an image that is left is examined "
    "first, deleted together with the journal that names it, and forgotten with Manager.Resync." },
  { "gate-missing", "libvirtd does not call coldpatch's hook, so that a starting domain could not be noticed in time.",
    "Install the hook at /etc/libvirt/hooks/qemu.d/coldpatch and reload libvirtd." },
};

static const ColdBlockerText unknown_text = { "", "The reason has no description.", "Look at the agent's log." };

const ColdBlockerText *
cold_blocker_text (const char *code)
{
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (texts[i].code, code))
      return &texts[i];
  return &unknown_text;
}

const ColdBlockerText *
cold_blocker_texts (guint *n)
{
  *n = G_N_ELEMENTS (texts);
  return texts;
}

static void
add (GPtrArray *blockers, const char *code, const char *detail)
{
  for (guint i = 0; i < blockers->len; i++)
    if (g_str_equal (((ColdBlocker *) g_ptr_array_index (blockers, i))->code, code))
      return;
  g_ptr_array_add (blockers, cold_blocker_new (code, detail));
}

static void
add_from_domain (GPtrArray *blockers, const ColdVolume *volume, const ColdDomain *domain)
{
  const ColdDomainInfo *info = domain->info;

  if (info->active)
    add (blockers, "in-use", info->name);
  if (domain->claimed)
    add (blockers, "claimed", info->name);
  if (info->managed_save)
    add (blockers, "managed-save", info->name);
  if (cold_domain_is_suspended_elsewhere (domain))
    add (blockers, "saved-elsewhere", info->name);
  if (info->memory_snapshots > 0)
    add (blockers, "memory-snapshot", info->name);
  if (info->external_snapshots > 0)
    add (blockers, "external-snapshot", info->name);
  if (info->checkpoints > 0)
    add (blockers, "has-checkpoints", info->name);
  for (guint i = 0; i < info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (info->disks, i);

      if (!cold_file_id_same_file (&disk->file, &volume->file))
        continue;
      if (disk->shareable)
        add (blockers, "shared", info->name);
      if (disk->transient)
        add (blockers, "transient-disk", info->name);
    }
}

static void
add_from_guest (GPtrArray *blockers, const ColdVolume *volume, const ColdBlockerContext *context)
{
  const ColdFacts *facts = volume->facts;

  if (facts == NULL)
    {
      if (g_str_equal (volume->type, "file") && cold_volume_is_too_small (volume))
        add (blockers, "no-operating-system", "too little is written to it");
      return;
    }
  for (guint i = 0; i < facts->blockers->len; i++)
    {
      const ColdBlocker *found = g_ptr_array_index (facts->blockers, i);

      add (blockers, found->code, found->detail);
    }
  if (facts->has_guest && facts->blockers->len == 0 && !context->serves (facts, context->user_data))
    {
      g_autofree char *guest = g_strdup_printf ("%s %s %s", facts->os, facts->os_version, facts->arch);

      add (blockers, "no-catalogue", guest);
    }
}

/* Of domains that were transient, or undefined: their memory may wait in a file or run on another host, and they may come
 * back. */
static void
add_from_departed (GPtrArray *blockers, ColdInventory *inventory, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_departed_of (inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);
      g_autofree char *detail = g_strdup_printf ("%s, which is gone, UUID %s", domain->info->name, domain->uuid);

      if (domain->claimed)
        add (blockers, "claimed", detail);
      if (cold_domain_is_suspended_elsewhere (domain))
        add (blockers, "saved-elsewhere", detail);
    }
}

/* What stands against one volume of the guest. */
static void
add_from_volume (GPtrArray *blockers, ColdInventory *inventory, const ColdVolume *volume,
                 const ColdBlockerContext *context)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (inventory, volume);
  const ColdPool *pool = cold_inventory_lookup_pool (inventory, volume->pool_uuid);

  for (guint i = 0; i < domains->len; i++)
    add_from_domain (blockers, volume, g_ptr_array_index (domains, i));
  add_from_departed (blockers, inventory, volume);
  if (domains->len > 1)
    {
      g_autoptr (GString) names = g_string_new (NULL);

      for (guint i = 0; i < domains->len; i++)
        g_string_append_printf (names, "%s%s", i > 0 ? ", " : "",
                                ((ColdDomain *) g_ptr_array_index (domains, i))->info->name);
      add (blockers, "several-owners", names->str);
    }
  if (g_hash_table_contains (context->backing->volumes, &volume->id))
    add (blockers, "backing-of", volume->name);
  /* A volume that no domain uses is most likely made to be built on. */
  else if (domains->len == 0 && context->backing->unread->len > 0)
    add (blockers, "backing-of", ((ColdUnreadImage *) g_ptr_array_index (context->backing->unread, 0))->why);
  if (!cold_inventory_is_connected (inventory))
    add (blockers, "pool-inactive", "libvirt is not connected");
  else if (pool == NULL || !pool->active)
    add (blockers, "pool-inactive", pool != NULL ? pool->name : volume->pool_uuid);
  if (pool != NULL && pool->exported != NULL)
    {
      g_autofree char *detail = g_strdup_printf ("NFS exports %s", pool->exported);

      add (blockers, "shared", detail);
    }
  if (volume->quarantine != NULL)
    add (blockers, "quarantined", volume->quarantine);
  if (volume->file.nlink > 1)
    add (blockers, "several-names", volume->path);
}

/* All disks of the guest, the volume's own among them. */
static void
add_from_disks (GPtrArray *blockers, ColdInventory *inventory, const ColdVolume *volume,
                const ColdBlockerContext *context)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (inventory, volume, &error);

  add_from_volume (blockers, inventory, volume, context);
  if (disks == NULL)
    {
      g_auto (GStrv) parts = g_strsplit (error->message, ": ", 2);

      add (blockers, parts[0], parts[1]);
      return;
    }
  for (guint i = 0; i < disks->len; i++)
    {
      const ColdVolume *other
          = cold_inventory_lookup_volume (inventory, ((ColdGuestDisk *) g_ptr_array_index (disks, i))->volume);

      if (other != NULL && other != volume)
        add_from_volume (blockers, inventory, other, context);
    }
}

GPtrArray *
cold_blockers_find (ColdInventory *inventory, ColdVolume *volume, const ColdBlockerContext *context)
{
  GPtrArray *blockers = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_blocker_free);

  if (volume->gone)
    {
      add (blockers, "missing-disk", volume->path);
      return blockers;
    }
  add_from_disks (blockers, inventory, volume, context);
  add_from_guest (blockers, volume, context);
  if (volume->failures >= COLD_FAILURES_MAX)
    add (blockers, "quarantined", volume->last_error);
  if (g_str_equal (cold_policy_effective (inventory, volume, context->host_policy), "off"))
    add (blockers, "policy-off", NULL);
  if (!context->gate_live)
    add (blockers, "gate-missing", context->gate_problem);
  return blockers;
}
