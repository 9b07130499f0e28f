/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-follower.h"

#include "cold-guest-disks.h"

struct _ColdFollower
{
  GObject parent_instance;

  const ColdParts *parts;
  ColdJobQueue *queue;
  ColdAgenda *agenda;
  ColdJudge *judge;
  GHashTable *used; /* (element-type utf8 GArray): by UUID of the domain: the volumes that it used when it was last looked at */
};

G_DEFINE_FINAL_TYPE (ColdFollower, cold_follower, G_TYPE_OBJECT)

/* Volumes that the domain uses now, and those that it has let go of: what was said of them for its sake is over. */
static void
look_again (ColdFollower *self, const ColdDomain *domain)
{
  g_autoptr (GPtrArray) images = cold_inventory_images_of (self->parts->inventory, domain);
  const GArray *before = g_hash_table_lookup (self->used, domain->uuid);
  GArray *now = g_array_sized_new (FALSE, FALSE, sizeof (gint64), images->len);

  cold_judge_forget_backing (self->judge);
  for (guint i = 0; before != NULL && i < before->len; i++)
    cold_agenda_add (self->agenda, g_array_index (before, gint64, i));
  for (guint i = 0; i < images->len; i++)
    {
      gint64 id = ((ColdVolume *) g_ptr_array_index (images, i))->id;

      cold_agenda_add (self->agenda, id);
      g_array_append_val (now, id);
    }
  g_hash_table_replace (self->used, g_strdup (domain->uuid), now);
}

/* Whether the domain uses a disk of the guest, or writes to an image that one builds on. */
static gboolean
concerns_guest (ColdFollower *self, const ColdDomain *domain, const ColdVolume *leader)
{
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (self->parts->inventory, leader, NULL);

  for (guint i = 0; disks != NULL && i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);

      if (cold_domain_uses (domain, disk->path, &disk->file))
        return TRUE;
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          if (cold_domain_writes (domain, member->path, &member->file))
            return TRUE;
        }
    }
  return FALSE;
}

/* Whoever works on a disk of the domain gives it up at once. A domain that is gone, and claimed again, is known by the disks
 * that it had. */
static void
yield_to (ColdFollower *self, const ColdDomain *domain)
{
  GPtrArray *jobs = cold_job_queue_get_jobs (self->queue);

  for (guint i = 0; i < jobs->len; i++)
    {
      ColdJob *job = g_ptr_array_index (jobs, i);
      const ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, cold_job_get_volume (job));

      /* A job that waits resolves its disks when it begins. */
      if (cold_job_is_finished (job) || volume == NULL
          || (!cold_domain_uses (domain, volume->path, &volume->file)
              && (g_str_equal (cold_job_get_state (job), "queued") || !concerns_guest (self, domain, volume))))
        continue;
      if (!g_cancellable_is_cancelled (cold_job_get_cancellable (job)))
        g_message ("job %u yields to domain %s", cold_job_get_number (job), domain->info->name);
      cold_job_cancel (job, "yielded");
    }
}

static void
on_domain_changed (ColdInventory *inventory, ColdDomain *domain, ColdFollower *self)
{
  /* The claim may have come before libvirt told us of the domain. */
  domain->claimed = cold_claim_watch_contains (self->parts->claims, domain->uuid);
  if (domain->info->active || domain->claimed)
    yield_to (self, domain);
  look_again (self, domain);
}

static void
on_domain_started (ColdInventory *inventory, ColdDomain *domain, ColdFollower *self)
{
  g_autoptr (GPtrArray) volumes = cold_inventory_volumes_of (inventory, domain);

  yield_to (self, domain);
  for (guint i = 0; i < volumes->len; i++)
    {
      ColdVolume *volume = g_ptr_array_index (volumes, i);

      if (!volume->awaits_boot)
        continue;
      volume->awaits_boot = FALSE;
      cold_inventory_volume_touch (inventory, volume);
    }
}

static void
set_claimed (ColdFollower *self, const char *uuid, gboolean claimed)
{
  ColdDomain *domain = cold_inventory_lookup_domain (self->parts->inventory, uuid);

  /* A domain that is not known yet is read when libvirt says that it was started; an exchange asks for its claim. */
  if (domain == NULL || domain->claimed == claimed)
    return;
  domain->claimed = claimed;
  if (claimed)
    yield_to (self, domain);
  cold_inventory_domain_touch (self->parts->inventory, domain);
}

static void
on_claim_added (ColdClaimWatch *watch, const char *uuid, ColdFollower *self)
{
  set_claimed (self, uuid, TRUE);
}

static void
on_claim_removed (ColdClaimWatch *watch, const char *uuid, ColdFollower *self)
{
  set_claimed (self, uuid, FALSE);
}

static gboolean
domain_is_inactive (const char *uuid, gpointer user_data)
{
  ColdFollower *self = user_data;
  const ColdDomain *domain = cold_inventory_lookup_domain (self->parts->inventory, uuid);

  return domain == NULL || domain->gone || !domain->info->active;
}

static void
cold_follower_finalize (GObject *object)
{
  g_hash_table_unref (COLD_FOLLOWER (object)->used);
  G_OBJECT_CLASS (cold_follower_parent_class)->finalize (object);
}

static void
cold_follower_class_init (ColdFollowerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_follower_finalize;
}

static void
cold_follower_init (ColdFollower *self)
{
  self->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
}

ColdFollower *
cold_follower_new (const ColdParts *parts, ColdJobQueue *queue, ColdAgenda *agenda, ColdJudge *judge)
{
  ColdFollower *self = g_object_new (COLD_TYPE_FOLLOWER, NULL);

  self->parts = parts;
  self->queue = queue;
  self->agenda = agenda;
  self->judge = judge;
  g_signal_connect_object (parts->inventory, "domain-changed", G_CALLBACK (on_domain_changed), self, 0);
  g_signal_connect_object (parts->inventory, "domain-started", G_CALLBACK (on_domain_started), self, 0);
  g_signal_connect_object (parts->claims, "claim-added", G_CALLBACK (on_claim_added), self, 0);
  g_signal_connect_object (parts->claims, "claim-removed", G_CALLBACK (on_claim_removed), self, 0);
  return self;
}

void
cold_follower_start (ColdFollower *self)
{
  g_auto (GStrv) claims = cold_claim_watch_list (self->parts->claims);

  for (guint i = 0; claims[i] != NULL; i++)
    set_claimed (self, claims[i], TRUE);
}

void
cold_follower_clear_stale_claims (ColdFollower *self)
{
  cold_claim_watch_clear_stale (self->parts->claims, domain_is_inactive, self);
}
