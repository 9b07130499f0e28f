/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-scheduler.h"

#include "cold-error.h"
#include "cold-guest-disks.h"
#include "cold-inhibitors.h"
#include "cold-job-queue.h"
#include "cold-parts.h"
#include "cold-planner.h"
#include "cold-policy.h"
#include "cold-rollback.h"
#include "cold-upgrade.h"

/* Less than that cannot hold an operating system: no appliance is started for it. */
/* Volumes looked at in one turn of the main loop. */
#define EVALUATE_SLICE 200
/* After a failure nothing is tried again by itself for so long, unless content or catalogue change. */
#define RETRY_SECONDS 3600
#define EXPIRE_SECONDS 3600

struct _ColdScheduler
{
  GObject parent_instance;

  ColdParts parts;
  ColdInhibitors *inhibitors;
  ColdPlanner *planner;
  ColdJobQueue *queue;

  GHashTable *dirty;      /* (element-type gint64*): ids to look at */
  guint dirty_source;
  GHashTable *backing;    /* (nullable) cold_blockers_find_backing(), until a volume or domain changes */
  GHashTable *not_before; /* (element-type gint64* gint64*): monotonic time before which policy leaves a volume alone */
  GHashTable *unreadable; /* (element-type gint64* ColdFileId): content whose inspection failed */
  gboolean announcing;    /* the change that is being signalled is our own */
  guint refresh_timer;
  guint expire_timer;
  guint pending_count;
};

enum
{
  JOB_ADDED,
  JOB_REMOVED,
  UPGRADE_STARTED,
  UPGRADE_FINISHED,
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdScheduler, cold_scheduler, G_TYPE_OBJECT)

static gint64 *
dup_id (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static void evaluate (ColdScheduler *self, ColdVolume *volume);

static gboolean
on_dirty (gpointer user_data)
{
  ColdScheduler *self = user_data;
  GHashTableIter iter;
  gpointer key;

  for (guint i = 0; i < EVALUATE_SLICE; i++)
    {
      ColdVolume *volume;

      g_hash_table_iter_init (&iter, self->dirty);
      if (!g_hash_table_iter_next (&iter, &key, NULL))
        {
          self->dirty_source = 0;
          return G_SOURCE_REMOVE;
        }
      volume = cold_inventory_lookup_volume (self->parts.inventory, *(gint64 *) key);
      g_hash_table_iter_remove (&iter);
      if (volume != NULL)
        evaluate (self, volume);
    }
  return G_SOURCE_CONTINUE;
}

static void
mark_dirty (ColdScheduler *self, gint64 id)
{
  g_hash_table_add (self->dirty, dup_id (id));
  if (self->dirty_source == 0)
    self->dirty_source = g_idle_add (on_dirty, self);
}

static void
mark_all_dirty (ColdScheduler *self)
{
  GHashTableIter iter;
  gpointer value;

  g_clear_pointer (&self->backing, g_hash_table_unref);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts.inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    mark_dirty (self, ((ColdVolume *) value)->id);
}

typedef struct
{
  ColdScheduler *scheduler;
  gint64 volume;
} Later;

static gboolean
on_later (gpointer user_data)
{
  Later *later = user_data;

  mark_dirty (later->scheduler, later->volume);
  return G_SOURCE_REMOVE;
}

static void
later_free (gpointer user_data)
{
  Later *later = user_data;

  g_object_unref (later->scheduler);
  g_free (later);
}

static void
look_later (ColdScheduler *self, gint64 volume, gint64 wait_us)
{
  Later *later = g_new0 (Later, 1);

  later->scheduler = g_object_ref (self);
  later->volume = volume;
  g_timeout_add_full (G_PRIORITY_DEFAULT, wait_us / 1000 + 1, on_later, later, later_free);
}

/* How long the guest must still be left alone after its last run or its last change; 0: it has settled. */
static gint64
settle_time_left (ColdScheduler *self, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (self->parts.inventory, volume);
  gint64 quiet_since = volume->file.mtime_ns / 1000;
  gint64 now = g_get_real_time ();
  gint64 wait = self->parts.config->settle_seconds * (gint64) G_USEC_PER_SEC;

  for (guint i = 0; i < domains->len; i++)
    quiet_since = MAX (quiet_since, ((ColdDomain *) g_ptr_array_index (domains, i))->last_stop_time);
  /* A file from the future (clock stepped) is not waited for longer than one settle time. */
  return CLAMP (quiet_since + wait - now, 0, wait);
}

static gboolean
has_any_blocker (const ColdVolume *volume, const char *const *codes)
{
  for (; *codes != NULL; codes++)
    if (cold_volume_has_blocker (volume, *codes))
      return TRUE;
  return FALSE;
}

/* The volume that carries the facts of the guest which @volume belongs to. */
static ColdVolume *
find_leader (ColdScheduler *self, ColdVolume *volume)
{
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (self->parts.inventory, volume, NULL);
  ColdVolume *leader = NULL;

  if (disks != NULL && disks->len > 0)
    leader = cold_inventory_lookup_volume (self->parts.inventory, ((ColdGuestDisk *) g_ptr_array_index (disks, 0))->volume);
  return leader != NULL ? leader : volume;
}

static gboolean
can_be_inspected (const ColdVolume *volume)
{
  static const char *const hindrances[]
      = { "in-use", "claimed", "pool-inactive", "missing-disk", "untrusted-chain", "unsupported-storage",
          "unsupported-format", "policy-off", "several-names", NULL };

  return g_str_equal (volume->type, "file") && !cold_volume_is_too_small (volume)
         && (g_str_equal (volume->format, "raw") || g_str_equal (volume->format, "qcow2"))
         && !has_any_blocker (volume, hindrances);
}

static gboolean
is_unreadable (ColdScheduler *self, const ColdVolume *volume)
{
  const ColdFileId *content = g_hash_table_lookup (self->unreadable, &volume->id);

  return content != NULL && cold_file_id_same_content (content, &volume->file);
}

static ColdVolumeState
find_state (ColdScheduler *self, const ColdVolume *volume)
{
  ColdJob *job = volume->job != 0 ? cold_scheduler_lookup_job (self, volume->job) : NULL;

  if (volume->gone)
    return COLD_VOLUME_GONE;
  if (job != NULL && !cold_job_is_finished (job))
    return g_str_equal (cold_job_get_kind (job), "inspect") ? COLD_VOLUME_INSPECTING : COLD_VOLUME_UPGRADING;
  if (is_unreadable (self, volume) || (volume->failures > 0 && cold_volume_inspection_is_fresh (volume)))
    return COLD_VOLUME_FAILED;
  if (volume->facts == NULL)
    {
      if (!g_str_equal (volume->type, "file") || cold_volume_is_too_small (volume)
          || cold_volume_has_blocker (volume, "unsupported-format"))
        return COLD_VOLUME_UNSUPPORTED;
      return volume->blockers->len > 0 && !can_be_inspected (volume) ? COLD_VOLUME_BLOCKED : COLD_VOLUME_NEW;
    }
  if (!volume->facts->has_guest || cold_volume_has_blocker (volume, "unsupported-os"))
    return COLD_VOLUME_UNSUPPORTED;
  if (volume->facts->blockers->len > 0 || cold_volume_has_blocker (volume, "no-catalogue"))
    return COLD_VOLUME_BLOCKED;
  if (volume->pending_count == 0)
    return COLD_VOLUME_CURRENT;
  return volume->blockers->len > 0 ? COLD_VOLUME_BLOCKED : COLD_VOLUME_PENDING;
}

static gboolean
blockers_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const ColdBlocker *left = g_ptr_array_index (a, i), *right = g_ptr_array_index (b, i);

      if (!g_str_equal (left->code, right->code) || g_strcmp0 (left->detail, right->detail) != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
serves (const ColdFacts *facts, gpointer user_data)
{
  return cold_catalogue_serves (user_data, facts);
}

static GPtrArray *
find_blockers (ColdScheduler *self, ColdVolume *volume)
{
  ColdBlockerContext context = {
    .gate_live = cold_gate_proof_is_live (self->parts.gate),
    .gate_problem = cold_gate_proof_get_problem (self->parts.gate),
    .host_policy = self->parts.policy,
    .serves = serves,
    .user_data = self->parts.catalogue,
  };

  if (self->backing == NULL)
    self->backing = cold_blockers_find_backing (self->parts.inventory);
  context.backing = self->backing;
  return cold_blockers_find (self->parts.inventory, volume, &context);
}

static void
update_pending_count (ColdScheduler *self, ColdVolumeState before, ColdVolumeState now)
{
  gboolean counted = before == COLD_VOLUME_PENDING, counts = now == COLD_VOLUME_PENDING;

  if (counted == counts)
    return;
  self->pending_count += counts ? 1 : -1;
  g_signal_emit (self, signals[CHANGED], 0);
}

/* Shows state and blockers as they are now. */
static void
show (ColdScheduler *self, ColdVolume *volume)
{
  GPtrArray *blockers = find_blockers (self, volume);
  gboolean same = blockers_equal (blockers, volume->blockers);
  ColdVolumeState state;

  g_ptr_array_unref (volume->blockers);
  volume->blockers = blockers;
  state = find_state (self, volume);
  if (same && state == volume->state)
    return;
  update_pending_count (self, volume->state, state);
  volume->state = state;
  self->announcing = TRUE;
  g_signal_emit_by_name (self->parts.inventory, "volume-changed", volume);
  self->announcing = FALSE;
}

/* Policy auto acts after a clean shutdown, or on a guest that was never seen running. */
static gboolean
ended_cleanly (ColdScheduler *self, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (self->parts.inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (*domain->last_stop != '\0' && !g_str_equal (domain->last_stop, "shutdown"))
        return FALSE;
    }
  return TRUE;
}

static void
act_by_policy (ColdScheduler *self, ColdVolume *volume)
{
  const gint64 *not_before = g_hash_table_lookup (self->not_before, &volume->id);
  gint64 now = g_get_monotonic_time ();

  if (volume->state != COLD_VOLUME_PENDING || cold_inhibitors_is_active (self->inhibitors)
      || !g_str_equal (cold_policy_effective (self->parts.inventory, volume, self->parts.policy), "auto")
      || !ended_cleanly (self, volume))
    return;
  if (not_before != NULL && *not_before > now)
    {
      look_later (self, volume->id, *not_before - now);
      return;
    }
  g_message ("%s: %u packages are pending, upgrading by policy", volume->path, volume->pending_count);
  cold_scheduler_upgrade (self, volume, NULL, NULL);
}

static void
evaluate (ColdScheduler *self, ColdVolume *volume)
{
  ColdVolume *leader;
  gint64 wait;

  show (self, volume);
  if (volume->gone || volume->job != 0 || cold_job_queue_is_stopping (self->queue))
    return;
  leader = find_leader (self, volume);
  if (leader != volume)
    {
      /* Its content is inspected together with its leader's. */
      if (!cold_volume_inspection_is_fresh (volume) && can_be_inspected (volume) && leader->job == 0
          && cold_volume_inspection_is_fresh (leader))
        {
          leader->inspected = 0;
          mark_dirty (self, leader->id);
        }
      return;
    }
  if (cold_planner_is_stale (self->planner, volume))
    cold_planner_request (self->planner, volume->id);

  wait = settle_time_left (self, volume);
  if (wait > 0)
    {
      look_later (self, volume->id, wait);
      return;
    }
  if (!cold_volume_inspection_is_fresh (volume))
    {
      if (can_be_inspected (volume) && !is_unreadable (self, volume))
        cold_scheduler_inspect (self, volume, NULL);
      return;
    }
  act_by_policy (self, volume);
}

static void
on_volume_changed (ColdInventory *inventory, ColdVolume *volume, ColdScheduler *self)
{
  if (self->announcing)
    return;
  g_clear_pointer (&self->backing, g_hash_table_unref);
  mark_dirty (self, volume->id);
}

static void
mark_domain_dirty (ColdScheduler *self, const ColdDomain *domain)
{
  GHashTableIter iter;
  gpointer value;

  g_clear_pointer (&self->backing, g_hash_table_unref);
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      const ColdVolume *volume = cold_inventory_lookup_file (self->parts.inventory, &disk->file);

      if (volume != NULL)
        mark_dirty (self, volume->id);
      for (guint j = 0; j < disk->chain->len; j++)
        {
          volume = cold_inventory_lookup_file (self->parts.inventory,
                                               &((ColdChainMember *) g_ptr_array_index (disk->chain, j))->file);
          if (volume != NULL)
            mark_dirty (self, volume->id);
        }
    }
  /* Disks that the domain had before show its name until they are looked at again. */
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts.inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const ColdVolume *volume = value;

      for (guint i = 0; i < volume->blockers->len; i++)
        if (g_strcmp0 (((ColdBlocker *) g_ptr_array_index (volume->blockers, i))->detail, domain->info->name) == 0)
          mark_dirty (self, volume->id);
    }
}

/* Whoever works on a disk of the domain gives it up at once. */
static void
yield_to (ColdScheduler *self, const ColdDomain *domain)
{
  GPtrArray *jobs = cold_job_queue_get_jobs (self->queue);

  for (guint i = 0; i < jobs->len; i++)
    {
      ColdJob *job = g_ptr_array_index (jobs, i);
      ColdVolume *volume = cold_inventory_lookup_volume (self->parts.inventory, cold_job_get_volume (job));
      g_autoptr (GPtrArray) domains = NULL;

      if (cold_job_is_finished (job) || volume == NULL)
        continue;
      domains = cold_inventory_domains_of (self->parts.inventory, volume);
      if (g_ptr_array_find (domains, domain, NULL))
        {
          g_message ("job %u yields to domain %s", cold_job_get_number (job), domain->info->name);
          cold_job_cancel (job, "yielded");
        }
    }
}

static void
on_domain_changed (ColdInventory *inventory, ColdDomain *domain, ColdScheduler *self)
{
  /* The claim may have come before libvirt told us of the domain. */
  domain->claimed = cold_claim_watch_contains (self->parts.claims, domain->uuid);
  if (domain->info->active || domain->claimed)
    yield_to (self, domain);
  mark_domain_dirty (self, domain);
}

static void
on_domain_started (ColdInventory *inventory, ColdDomain *domain, ColdScheduler *self)
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
set_claimed (ColdScheduler *self, const char *uuid, gboolean claimed)
{
  ColdDomain *domain = cold_inventory_lookup_domain (self->parts.inventory, uuid);

  /* A domain that is not known yet is read when libvirt says that it was started; an exchange asks for its claim. */
  if (domain == NULL || domain->claimed == claimed)
    return;
  domain->claimed = claimed;
  if (claimed)
    yield_to (self, domain);
  cold_inventory_domain_touch (self->parts.inventory, domain);
}

static void
on_claim_added (ColdClaimWatch *watch, const char *uuid, ColdScheduler *self)
{
  set_claimed (self, uuid, TRUE);
}

static void
on_claim_removed (ColdClaimWatch *watch, const char *uuid, ColdScheduler *self)
{
  set_claimed (self, uuid, FALSE);
}

static gboolean
domain_is_inactive (const char *uuid, gpointer user_data)
{
  ColdScheduler *self = user_data;
  const ColdDomain *domain = cold_inventory_lookup_domain (self->parts.inventory, uuid);

  return domain == NULL || domain->gone || !domain->info->active;
}

static void
on_synced (ColdInventory *inventory, ColdScheduler *self)
{
  if (!cold_inventory_is_connected (inventory))
    return;
  cold_claim_watch_clear_stale (self->parts.claims, domain_is_inactive, self);
  cold_rollback_expire (&self->parts);
}

static gboolean
on_expire (gpointer user_data)
{
  cold_rollback_expire (&((ColdScheduler *) user_data)->parts);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_refresh (gpointer user_data)
{
  cold_scheduler_refresh_catalogue (user_data, NULL);
  return G_SOURCE_CONTINUE;
}

static void
on_inhibitors_changed (ColdScheduler *self)
{
  mark_all_dirty (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_appliance_changed (ColdScheduler *self)
{
  /* What could not be read may have been the appliance's fault. */
  if (g_str_equal (cold_appliance_get_state (self->parts.appliance), "ready"))
    {
      g_hash_table_remove_all (self->unreadable);
      mark_all_dirty (self);
    }
}

static void
leave_alone (ColdScheduler *self, gint64 volume, gint64 wait_us)
{
  gint64 until = g_get_monotonic_time () + wait_us;

  g_hash_table_insert (self->not_before, dup_id (volume), g_memdup2 (&until, sizeof until));
}

static void
note_upgrade (ColdScheduler *self, ColdVolume *volume, ColdJob *job)
{
  const char *outcome = cold_job_get_outcome (job);

  g_free (volume->last_outcome);
  volume->last_outcome = g_strdup (outcome);
  g_free (volume->last_error);
  volume->last_error = g_strdup (cold_job_get_error_message (job));
  if (g_str_equal (outcome, "upgraded") || g_str_equal (outcome, "nothing-to-do"))
    {
      volume->failures = 0;
      g_hash_table_remove (self->not_before, &volume->id);
    }
  else if (g_str_equal (outcome, "failed"))
    {
      volume->failures++;
      leave_alone (self, volume->id, RETRY_SECONDS * (gint64) G_USEC_PER_SEC);
    }
  else if (g_str_equal (outcome, "rolled-back"))
    {
      /* Policy must not upgrade again at once what an admin has just taken back. */
      volume->failures = COLD_FAILURES_MAX;
      g_free (volume->last_error);
      volume->last_error = g_strdup ("the last upgrade was rolled back");
    }
  else
    leave_alone (self, volume->id, MAX (self->parts.config->settle_seconds, 1) * (gint64) G_USEC_PER_SEC);
}

static void
on_job_finished (ColdJobQueue *queue, ColdJob *job, ColdScheduler *self)
{
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts.inventory, cold_job_get_volume (job));
  const char *kind = cold_job_get_kind (job);

  if (volume != NULL)
    {
      volume->job = 0;
      if (g_str_equal (kind, "upgrade") || g_str_equal (kind, "rollback"))
        note_upgrade (self, volume, job);
      else if (g_str_equal (cold_job_get_state (job), "failed"))
        g_hash_table_insert (self->unreadable, dup_id (volume->id), g_memdup2 (&volume->file, sizeof volume->file));
      cold_inventory_volume_touch (self->parts.inventory, volume);
      if (g_str_equal (kind, "upgrade"))
        g_signal_emit (self, signals[UPGRADE_FINISHED], 0, volume, job);
    }
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_job_added (ColdJobQueue *queue, ColdJob *job, ColdScheduler *self)
{
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts.inventory, cold_job_get_volume (job));

  g_signal_emit (self, signals[JOB_ADDED], 0, job);
  if (volume != NULL)
    {
      volume->job = cold_job_get_number (job);
      show (self, volume);
    }
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_job_started (ColdJobQueue *queue, ColdJob *job, ColdScheduler *self)
{
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts.inventory, cold_job_get_volume (job));

  if (volume != NULL && g_str_equal (cold_job_get_kind (job), "upgrade"))
    g_signal_emit (self, signals[UPGRADE_STARTED], 0, volume, job);
}

static void
on_job_removed (ColdJobQueue *queue, ColdJob *job, ColdScheduler *self)
{
  g_signal_emit (self, signals[JOB_REMOVED], 0, job);
}

static void
cold_scheduler_dispose (GObject *object)
{
  ColdScheduler *self = COLD_SCHEDULER (object);

  g_clear_handle_id (&self->dirty_source, g_source_remove);
  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  g_clear_handle_id (&self->expire_timer, g_source_remove);
  g_clear_object (&self->queue);
  g_clear_object (&self->planner);
  g_clear_object (&self->inhibitors);
  g_clear_object (&self->parts.gate);
  G_OBJECT_CLASS (cold_scheduler_parent_class)->dispose (object);
}

static void
cold_scheduler_finalize (GObject *object)
{
  ColdScheduler *self = COLD_SCHEDULER (object);

  g_hash_table_unref (self->dirty);
  g_clear_pointer (&self->backing, g_hash_table_unref);
  g_hash_table_unref (self->not_before);
  g_hash_table_unref (self->unreadable);
  g_free (self->parts.policy);
  G_OBJECT_CLASS (cold_scheduler_parent_class)->finalize (object);
}

static guint
new_signal (const char *name, guint n_pointers)
{
  return n_pointers == 0
             ? g_signal_new (name, COLD_TYPE_SCHEDULER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0)
         : n_pointers == 1
             ? g_signal_new (name, COLD_TYPE_SCHEDULER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                             COLD_TYPE_JOB)
             : g_signal_new (name, COLD_TYPE_SCHEDULER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                             G_TYPE_POINTER, COLD_TYPE_JOB);
}

static void
cold_scheduler_class_init (ColdSchedulerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cold_scheduler_dispose;
  G_OBJECT_CLASS (klass)->finalize = cold_scheduler_finalize;
  signals[JOB_ADDED] = new_signal ("job-added", 1);
  signals[JOB_REMOVED] = new_signal ("job-removed", 1);
  signals[UPGRADE_STARTED] = new_signal ("upgrade-started", 2);
  signals[UPGRADE_FINISHED] = new_signal ("upgrade-finished", 2);
  signals[CHANGED] = new_signal ("changed", 0);
}

static void
cold_scheduler_init (ColdScheduler *self)
{
  self->dirty = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->not_before = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->unreadable = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->inhibitors = cold_inhibitors_new ();
}

ColdScheduler *
cold_scheduler_new (ColdConfig *config, ColdStore *store, ColdInventory *inventory, ColdCatalogue *catalogue,
                    ColdAppliance *appliance, ColdClaimWatch *claims)
{
  ColdScheduler *self = g_object_new (COLD_TYPE_SCHEDULER, NULL);

  self->parts.config = config;
  self->parts.store = store;
  self->parts.inventory = inventory;
  self->parts.catalogue = catalogue;
  self->parts.appliance = appliance;
  self->parts.gate = cold_gate_proof_new (inventory);
  self->parts.claims = claims;
  self->parts.policy = cold_store_get_setting (store, "policy");
  if (self->parts.policy == NULL)
    self->parts.policy = g_strdup (config->policy);
  self->planner = cold_planner_new (&self->parts);
  self->queue = cold_job_queue_new (&self->parts);

  g_signal_connect_object (inventory, "volume-changed", G_CALLBACK (on_volume_changed), self, 0);
  g_signal_connect_object (inventory, "domain-changed", G_CALLBACK (on_domain_changed), self, 0);
  g_signal_connect_object (inventory, "domain-started", G_CALLBACK (on_domain_started), self, 0);
  g_signal_connect_object (inventory, "pool-changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inventory, "connection-changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inventory, "synced", G_CALLBACK (on_synced), self, 0);
  g_signal_connect_object (catalogue, "changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (appliance, "changed", G_CALLBACK (on_appliance_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->parts.gate, "changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->parts.claims, "claim-added", G_CALLBACK (on_claim_added), self, 0);
  g_signal_connect_object (self->parts.claims, "claim-removed", G_CALLBACK (on_claim_removed), self, 0);
  g_signal_connect_object (self->inhibitors, "changed", G_CALLBACK (on_inhibitors_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->queue, "job-added", G_CALLBACK (on_job_added), self, 0);
  g_signal_connect_object (self->queue, "job-started", G_CALLBACK (on_job_started), self, 0);
  g_signal_connect_object (self->queue, "job-finished", G_CALLBACK (on_job_finished), self, 0);
  g_signal_connect_object (self->queue, "job-removed", G_CALLBACK (on_job_removed), self, 0);
  return self;
}

void
cold_scheduler_start (ColdScheduler *self)
{
  const ColdConfig *config = self->parts.config;
  gint64 age = g_get_real_time () - cold_catalogue_get_time (self->parts.catalogue);
  g_auto (GStrv) claims = cold_claim_watch_list (self->parts.claims);

  for (guint i = 0; claims[i] != NULL; i++)
    set_claimed (self, claims[i], TRUE);
  cold_gate_proof_start (self->parts.gate);
  self->expire_timer = g_timeout_add_seconds (EXPIRE_SECONDS, on_expire, self);
  if (config->repositories->len > 0)
    {
      self->refresh_timer = g_timeout_add_seconds (config->refresh_seconds, on_refresh, self);
      if (age < 0 || age > config->refresh_seconds * (gint64) G_USEC_PER_SEC)
        cold_scheduler_refresh_catalogue (self, NULL);
    }
  mark_all_dirty (self);
}

void
cold_scheduler_stop_async (ColdScheduler *self, GAsyncReadyCallback callback, gpointer user_data)
{
  cold_job_queue_stop_async (self->queue, callback, user_data);
}

gboolean
cold_scheduler_stop_finish (ColdScheduler *self, GAsyncResult *result, GError **error)
{
  return cold_job_queue_stop_finish (self->queue, result, error);
}

GPtrArray *
cold_scheduler_get_jobs (ColdScheduler *self)
{
  return cold_job_queue_get_jobs (self->queue);
}

ColdJob *
cold_scheduler_lookup_job (ColdScheduler *self, guint number)
{
  return cold_job_queue_lookup (self->queue, number);
}

/* The guest's leader, when nobody works on the guest. */
static ColdVolume *
claim_leader (ColdScheduler *self, ColdVolume *volume, GError **error)
{
  ColdVolume *leader = find_leader (self, volume);

  if (volume->gone)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "volume %s is gone", volume->path);
      return NULL;
    }
  if (leader->job == 0 && volume->job == 0)
    return leader;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BUSY, "job %u already works on %s: wait for it, or cancel it",
               leader->job != 0 ? leader->job : volume->job, volume->path);
  return NULL;
}

ColdJob *
cold_scheduler_inspect (ColdScheduler *self, ColdVolume *volume, GError **error)
{
  ColdVolume *leader = claim_leader (self, volume, error);

  if (leader == NULL)
    return NULL;
  g_hash_table_remove (self->unreadable, &leader->id);
  return cold_job_queue_add_inspection (self->queue, leader->id);
}

ColdJob *
cold_scheduler_upgrade (ColdScheduler *self, ColdVolume *volume, GVariant *options, GError **error)
{
  ColdVolume *leader = claim_leader (self, volume, error);
  ColdUpgradeOptions parsed;
  guint failures;

  if (leader == NULL || !cold_upgrade_options_parse (options, &parsed, error))
    return NULL;
  /* Whoever asks for it ends the quarantine. */
  failures = leader->failures;
  leader->failures = 0;
  if (!cold_parts_check_blockers (&self->parts, leader, error))
    {
      leader->failures = failures;
      cold_upgrade_options_clear (&parsed);
      return NULL;
    }
  return cold_job_queue_add_upgrade (self->queue, leader->id, &parsed);
}

ColdJob *
cold_scheduler_rollback (ColdScheduler *self, ColdVolume *volume, GVariant *options, GError **error)
{
  ColdVolume *leader = claim_leader (self, volume, error);
  gboolean discard_changes;

  if (leader == NULL || !cold_rollback_options_parse (options, &discard_changes, error))
    return NULL;
  if (leader->rollback_until == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no old image is kept for %s, there is nothing to go back to",
                   leader->path);
      return NULL;
    }
  return cold_job_queue_add_rollback (self->queue, leader->id, discard_changes);
}

ColdJob *
cold_scheduler_refresh_catalogue (ColdScheduler *self, GError **error)
{
  if (self->parts.config->repositories->len == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED,
                           "no repository is configured: add one to /etc/coldpatch/sources.d and restart coldpatchd");
      return NULL;
    }
  return cold_job_queue_add_catalogue (self->queue);
}

GPtrArray *
cold_scheduler_upgrade_all (ColdScheduler *self, GVariant *options, GError **error)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new ();
  g_autoptr (GPtrArray) pending = g_ptr_array_new ();
  ColdUpgradeOptions parsed;
  GHashTableIter iter;
  gpointer value;

  if (!cold_upgrade_options_parse (options, &parsed, error))
    return NULL;
  cold_upgrade_options_clear (&parsed);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts.inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((ColdVolume *) value)->state == COLD_VOLUME_PENDING)
      g_ptr_array_add (pending, value);
  for (guint i = 0; i < pending->len; i++)
    {
      g_autoptr (GError) local = NULL;
      ColdVolume *volume = g_ptr_array_index (pending, i);
      ColdJob *job = cold_scheduler_upgrade (self, volume, options, &local);

      if (job != NULL)
        g_ptr_array_add (jobs, job);
      else
        g_message ("%s is left out: %s", volume->path, local->message);
    }
  return g_steal_pointer (&jobs);
}

static void
on_rollback_dropped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (cold_rollback_drop_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
cold_scheduler_drop_rollback_async (ColdScheduler *self, ColdVolume *volume, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (claim_leader (self, volume, &error) == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  cold_rollback_drop_async (&self->parts, volume->id, on_rollback_dropped, task);
}

gboolean
cold_scheduler_drop_rollback_finish (ColdScheduler *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

const char *
cold_scheduler_get_policy (ColdScheduler *self)
{
  return self->parts.policy;
}

static void
replace_policy (char **where, const char *policy)
{
  g_free (*where);
  *where = g_strdup (policy);
}

gboolean
cold_scheduler_set_policy (ColdScheduler *self, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, FALSE, error))
    return FALSE;
  replace_policy (&self->parts.policy, policy);
  cold_store_set_setting (self->parts.store, "policy", policy);
  mark_all_dirty (self);
  g_signal_emit (self, signals[CHANGED], 0);
  return TRUE;
}

gboolean
cold_scheduler_set_volume_policy (ColdScheduler *self, ColdVolume *volume, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, TRUE, error))
    return FALSE;
  replace_policy (&volume->policy, policy);
  cold_inventory_volume_touch (self->parts.inventory, volume);
  return TRUE;
}

gboolean
cold_scheduler_set_pool_policy (ColdScheduler *self, ColdPool *pool, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, TRUE, error))
    return FALSE;
  replace_policy (&pool->policy, policy);
  cold_inventory_pool_touch (self->parts.inventory, pool);
  return TRUE;
}

gboolean
cold_scheduler_set_domain_policy (ColdScheduler *self, ColdDomain *domain, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, TRUE, error))
    return FALSE;
  replace_policy (&domain->policy, policy);
  cold_inventory_domain_touch (self->parts.inventory, domain);
  return TRUE;
}

void
cold_scheduler_pause (ColdScheduler *self, const char *why)
{
  cold_inhibitors_pause (self->inhibitors, why);
}

void
cold_scheduler_resume (ColdScheduler *self)
{
  cold_inhibitors_resume (self->inhibitors);
}

guint
cold_scheduler_inhibit (ColdScheduler *self, const char *why, guint seconds, const char *owner)
{
  return cold_inhibitors_add (self->inhibitors, why, seconds, owner);
}

gboolean
cold_scheduler_uninhibit (ColdScheduler *self, guint cookie, GError **error)
{
  return cold_inhibitors_remove (self->inhibitors, cookie, error);
}

void
cold_scheduler_owner_gone (ColdScheduler *self, const char *owner)
{
  cold_inhibitors_remove_owner (self->inhibitors, owner);
}

guint
cold_scheduler_get_pending_count (ColdScheduler *self)
{
  return self->pending_count;
}

guint
cold_scheduler_get_job_count (ColdScheduler *self)
{
  return cold_job_queue_get_unfinished (self->queue);
}
