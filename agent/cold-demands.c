/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-demands.h"

#include "cold-error.h"
#include "cold-guest-disks.h"
#include "cold-old-images.h"
#include "cold-rollback.h"

struct ColdDemands
{
  const ColdParts *parts;
  ColdJobQueue *queue;
  ColdRetries *retries;
};

ColdDemands *
cold_demands_new (const ColdParts *parts, ColdJobQueue *queue, ColdRetries *retries)
{
  ColdDemands *demands = g_new0 (ColdDemands, 1);

  demands->parts = parts;
  demands->queue = queue;
  demands->retries = retries;
  return demands;
}

void
cold_demands_free (ColdDemands *demands)
{
  g_free (demands);
}

/* The guest's leader, when nobody works on the guest. */
static ColdVolume *
claim_leader (ColdDemands *demands, ColdVolume *volume, GError **error)
{
  ColdVolume *leader = cold_guest_disks_find_leader (demands->parts->inventory, volume);

  if (volume->gone)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "volume %s is gone, only its history is kept: call Resync when it"
                   " is back", volume->path);
      return NULL;
    }
  if (leader->job == 0 && volume->job == 0)
    return leader;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BUSY, "job %u already works on %s: wait for it, or cancel it",
               leader->job != 0 ? leader->job : volume->job, volume->path);
  return NULL;
}

ColdJob *
cold_demands_inspect (ColdDemands *demands, ColdVolume *volume, GError **error)
{
  ColdVolume *leader = claim_leader (demands, volume, error);

  if (leader == NULL)
    return NULL;
  cold_retries_forget_unreadable (demands->retries, leader);
  return cold_job_queue_add_inspection (demands->queue, leader->id);
}

ColdJob *
cold_demands_upgrade (ColdDemands *demands, ColdVolume *volume, GVariant *options, GError **error)
{
  ColdVolume *leader = claim_leader (demands, volume, error);
  ColdUpgradeOptions parsed;
  guint failures;

  if (leader == NULL || !cold_upgrade_options_parse (options, &parsed, error))
    return NULL;
  /* Whoever asks for it ends the quarantine. */
  failures = leader->failures;
  leader->failures = 0;
  if (!cold_parts_check_blockers (demands->parts, leader, error))
    {
      leader->failures = failures;
      cold_upgrade_options_clear (&parsed);
      return NULL;
    }
  return cold_job_queue_add_upgrade (demands->queue, leader->id, &parsed);
}

ColdJob *
cold_demands_rollback (ColdDemands *demands, ColdVolume *volume, GVariant *options, GError **error)
{
  ColdVolume *leader = claim_leader (demands, volume, error);
  gboolean discard_changes;

  if (leader == NULL || !cold_rollback_options_parse (options, &discard_changes, error))
    return NULL;
  if (leader->rollback_until == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "no old image is kept for %s, there is nothing to go back to",
                   leader->path);
      return NULL;
    }
  return cold_job_queue_add_rollback (demands->queue, leader->id, discard_changes);
}

ColdJob *
cold_demands_refresh_catalogue (ColdDemands *demands, GError **error)
{
  if (!cold_config_has_repositories (demands->parts->config))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED,
                           "no repository is configured: add one to /etc/coldpatch/sources.d and restart coldpatchd");
      return NULL;
    }
  return cold_job_queue_add_catalogue (demands->queue);
}

/* Pending, or blocked by nothing but what an earlier upgrade was refused for: whoever asks wants that tried again. */
static gboolean
is_worth_trying (ColdDemands *demands, ColdVolume *volume)
{
  return volume->state == COLD_VOLUME_PENDING
         || (volume->state == COLD_VOLUME_BLOCKED && volume->pending_count > 0
             && cold_retries_get_refusal (demands->retries, volume) != NULL);
}

GPtrArray *
cold_demands_upgrade_all (ColdDemands *demands, GVariant *options, GError **error)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new ();
  g_autoptr (GPtrArray) pending = g_ptr_array_new ();
  ColdUpgradeOptions parsed;
  GHashTableIter iter;
  gpointer value;

  if (!cold_upgrade_options_parse (options, &parsed, error))
    return NULL;
  cold_upgrade_options_clear (&parsed);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (demands->parts->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (is_worth_trying (demands, value))
      g_ptr_array_add (pending, value);
  for (guint i = 0; i < pending->len; i++)
    {
      g_autoptr (GError) local = NULL;
      ColdVolume *volume = g_ptr_array_index (pending, i);
      ColdJob *job = cold_demands_upgrade (demands, volume, options, &local);

      if (job != NULL)
        g_ptr_array_add (jobs, job);
      else
        g_message ("%s is left out: %s", volume->path, local->message);
    }
  return g_steal_pointer (&jobs);
}

void
cold_demands_drop_rollback_async (ColdDemands *demands, ColdVolume *volume, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GError *error = NULL;

  if (claim_leader (demands, volume, &error) == NULL)
    g_task_report_error (NULL, callback, user_data, cold_demands_drop_rollback_async, error);
  else
    cold_old_images_drop_async (demands->parts, volume->id, callback, user_data);
}

gboolean
cold_demands_drop_rollback_finish (GAsyncResult *result, GError **error)
{
  return cold_old_images_drop_finish (result, error);
}
