/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-scheduler.h"

#include "cold-agenda.h"
#include "cold-follower.h"
#include "cold-guest-disks.h"
#include "cold-job-queue.h"
#include "cold-judge.h"
#include "cold-manifest-sweep.h"
#include "cold-old-images.h"
#include "cold-parts.h"
#include "cold-planner.h"
#include "cold-policy.h"
#include "cold-retries.h"

#define EXPIRE_SECONDS 3600

struct _ColdScheduler
{
  GObject parent_instance;

  ColdParts parts;
  ColdInhibitors *inhibitors;
  ColdPlanner *planner;
  ColdJobQueue *queue;
  ColdAgenda *agenda; /* volumes to be evaluated */
  ColdRetries *retries;
  ColdDemands *demands;
  ColdJudge *judge;
  ColdFollower *follower;
  ColdManifestSweep *sweep;
  guint refresh_timer;
  guint expire_timer;
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

/* Shows state and blockers as they are now. */
static void
show (ColdScheduler *self, ColdVolume *volume)
{
  guint before = cold_judge_get_pending_count (self->judge);

  cold_judge_show (self->judge, volume);
  if (cold_judge_get_pending_count (self->judge) != before)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
act_by_policy (ColdScheduler *self, ColdVolume *volume)
{
  gint64 wait = cold_retries_time_left (self->retries, volume);
  g_autoptr (GVariant) options = NULL;

  if (volume->state != COLD_VOLUME_PENDING || cold_inhibitors_is_active (self->inhibitors)
      || !g_str_equal (cold_policy_effective (self->parts.inventory, volume, self->parts.policy), "auto")
      || !cold_judge_ended_cleanly (self->judge, volume))
    return;
  if (wait > 0)
    {
      cold_agenda_add_later (self->agenda, volume->id, wait);
      return;
    }
  g_message ("%s: %u packages are pending, upgrading by policy", volume->path, volume->pending_count);
  if (self->parts.config->security_only)
    options = g_variant_ref_sink (g_variant_new_parsed ("{'security-only': <true>}"));
  cold_demands_upgrade (self->demands, volume, options, NULL);
}

static void
forget_guest (ColdScheduler *self, ColdVolume *volume)
{
  cold_volume_take_facts (volume, NULL);
  cold_volume_share_text (&volume->pending_since, NULL);
  volume->inspected = 0;
  volume->awaits_boot = FALSE;
  cold_inventory_volume_touch (self->parts.inventory, volume);
}

/* A guest that got, or lost, a disk since it was inspected, or has one that is taken for another format. */
static void
forget_disks (ColdScheduler *self, ColdVolume *volume)
{
  const GArray *disks = volume->facts->disks;

  /* All that is known is that it was a disk of another guest. */
  if (disks != NULL && g_array_index (disks, gint64, 0) != volume->id)
    forget_guest (self, volume);
  else
    volume->inspected_file = (ColdFileId){ 0 };
}

static void
evaluate (gint64 id, gpointer user_data)
{
  ColdScheduler *self = user_data;
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts.inventory, id);
  ColdVolume *leader;
  gint64 wait;

  if (volume == NULL)
    return;
  show (self, volume);
  /* What it was refused for is shown for so long. */
  if (cold_retries_get_refusal (self->retries, volume) != NULL)
    cold_agenda_add_later (self->agenda, volume->id, cold_retries_time_left (self->retries, volume));
  if (volume->gone || volume->job != 0 || cold_job_queue_is_stopping (self->queue))
    return;
  leader = cold_guest_disks_find_leader (self->parts.inventory, volume);
  if (leader != volume)
    {
      /* Its content is inspected together with its leader's. */
      if (!cold_volume_inspection_is_fresh (volume) && cold_judge_allows_inspection (volume) && leader->job == 0
          && cold_volume_inspection_is_fresh (leader))
        {
          leader->inspected_file = (ColdFileId){ 0 };
          cold_agenda_add (self->agenda, leader->id);
        }
      return;
    }
  if (!cold_guest_disks_are_as_inspected (self->parts.inventory, volume))
    forget_disks (self, volume);
  if (!volume->gone && volume->facts != NULL && cold_catalogue_lacks (self->parts.catalogue, volume->facts))
    cold_demands_refresh_catalogue (self->demands, NULL);
  if (cold_planner_is_stale (self->planner, volume))
    cold_planner_request (self->planner, volume->id);

  wait = cold_judge_settle_time_left (self->judge, volume);
  if (wait > 0)
    {
      cold_agenda_add_later (self->agenda, volume->id, wait);
      return;
    }
  if (cold_judge_has_lost_guest (volume))
    {
      forget_guest (self, volume);
      return;
    }
  if (!cold_volume_inspection_is_fresh (volume))
    {
      if (cold_judge_allows_inspection (volume) && !cold_retries_is_unreadable (self->retries, volume))
        cold_demands_inspect (self->demands, volume, NULL);
      return;
    }
  act_by_policy (self, volume);
}

static void
mark_all_dirty (ColdScheduler *self)
{
  GHashTableIter iter;
  gpointer value;

  cold_judge_forget_backing (self->judge);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts.inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    cold_agenda_add (self->agenda, ((ColdVolume *) value)->id);
}

static void
on_volume_changed (ColdInventory *inventory, ColdVolume *volume, ColdScheduler *self)
{
  g_autoptr (GPtrArray) domains = NULL;

  if (cold_judge_is_announcing (self->judge))
    return;
  cold_judge_forget_backing (self->judge);
  cold_agenda_add (self->agenda, volume->id);
  /* What stands against one disk stands against the guest. */
  domains = cold_inventory_domains_of (inventory, volume);
  for (guint i = 0; i < domains->len; i++)
    {
      g_autoptr (GPtrArray) others = cold_inventory_images_of (inventory, g_ptr_array_index (domains, i));

      for (guint j = 0; j < others->len; j++)
        cold_agenda_add (self->agenda, ((ColdVolume *) g_ptr_array_index (others, j))->id);
    }
}

static void
on_synced (ColdInventory *inventory, ColdScheduler *self)
{
  if (!cold_inventory_is_connected (inventory))
    return;
  cold_follower_clear_stale_claims (self->follower);
  if (cold_headers_retry (self->parts.headers))
    cold_judge_forget_backing (self->judge);
  cold_old_images_expire (&self->parts);
}

static void
on_header_read (gpointer user_data)
{
  cold_judge_forget_backing (((ColdScheduler *) user_data)->judge);
}

static gboolean
on_expire (gpointer user_data)
{
  cold_old_images_expire (&((ColdScheduler *) user_data)->parts);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_refresh (gpointer user_data)
{
  cold_demands_refresh_catalogue (((ColdScheduler *) user_data)->demands, NULL);
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
      cold_retries_forget_unreadable (self->retries, NULL);
      mark_all_dirty (self);
    }
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
        cold_retries_note_upgrade (self->retries, volume, job);
      else if (g_str_equal (cold_job_get_state (job), "failed"))
        cold_retries_note_unreadable (self->retries, volume, job);
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

  g_clear_object (&self->follower);
  g_clear_pointer (&self->sweep, cold_manifest_sweep_free);
  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  g_clear_handle_id (&self->expire_timer, g_source_remove);
  g_clear_object (&self->queue);
  g_clear_object (&self->planner);
  g_clear_object (&self->inhibitors);
  g_clear_object (&self->parts.gate);
  g_clear_pointer (&self->agenda, cold_agenda_free);
  G_OBJECT_CLASS (cold_scheduler_parent_class)->dispose (object);
}

static void
cold_scheduler_finalize (GObject *object)
{
  ColdScheduler *self = COLD_SCHEDULER (object);

  cold_headers_free (self->parts.headers);
  cold_judge_free (self->judge);
  cold_demands_free (self->demands);
  cold_retries_free (self->retries);
  g_clear_pointer (&self->parts.room, cold_room_unref);
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
  self->parts.headers = cold_headers_new (on_header_read, self);
  self->parts.claims = claims;
  self->parts.room = cold_room_new ();
  self->parts.policy = cold_store_get_setting (store, "policy");
  if (self->parts.policy == NULL || !cold_policy_check (self->parts.policy, FALSE, NULL))
    {
      g_free (self->parts.policy);
      self->parts.policy = g_strdup (config->policy);
    }
  self->planner = cold_planner_new (&self->parts);
  self->queue = cold_job_queue_new (&self->parts);
  self->retries = cold_retries_new (MAX (config->settle_seconds, 1) * (gint64) G_USEC_PER_SEC);
  self->demands = cold_demands_new (&self->parts, self->queue, self->retries);
  self->agenda = cold_agenda_new (evaluate, self);
  self->judge = cold_judge_new (&self->parts, self->queue, self->retries, self->agenda);

  self->follower = cold_follower_new (&self->parts, self->queue, self->agenda, self->judge);
  g_signal_connect_object (inventory, "volume-changed", G_CALLBACK (on_volume_changed), self, 0);
  g_signal_connect_object (inventory, "pool-changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inventory, "connection-changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (inventory, "synced", G_CALLBACK (on_synced), self, 0);
  g_signal_connect_object (catalogue, "changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (appliance, "changed", G_CALLBACK (on_appliance_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->parts.gate, "changed", G_CALLBACK (mark_all_dirty), self, G_CONNECT_SWAPPED);
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

  cold_follower_start (self->follower);
  cold_gate_proof_start (self->parts.gate);
  self->sweep = cold_manifest_sweep_new (&self->parts);
  self->expire_timer = g_timeout_add_seconds (EXPIRE_SECONDS, on_expire, self);
  if (cold_config_has_repositories (config))
    {
      self->refresh_timer = g_timeout_add_seconds (config->refresh_seconds, on_refresh, self);
      if (age < 0 || age > config->refresh_seconds * (gint64) G_USEC_PER_SEC)
        cold_demands_refresh_catalogue (self->demands, NULL);
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

const char *
cold_scheduler_get_policy (ColdScheduler *self)
{
  return self->parts.policy;
}

gboolean
cold_scheduler_set_policy (ColdScheduler *self, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, FALSE, error))
    return FALSE;
  g_free (self->parts.policy);
  self->parts.policy = g_strdup (policy);
  cold_store_set_setting (self->parts.store, "policy", policy);
  mark_all_dirty (self);
  g_signal_emit (self, signals[CHANGED], 0);
  return TRUE;
}

ColdDemands *
cold_scheduler_get_demands (ColdScheduler *self)
{
  return self->demands;
}

ColdInhibitors *
cold_scheduler_get_inhibitors (ColdScheduler *self)
{
  return self->inhibitors;
}

guint
cold_scheduler_get_pending_count (ColdScheduler *self)
{
  return cold_judge_get_pending_count (self->judge);
}

guint
cold_scheduler_get_job_count (ColdScheduler *self)
{
  return cold_job_queue_get_unfinished (self->queue);
}
