/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-upgrade.h"

#include "cold-commit.h"
#include "cold-copying.h"
#include "cold-error.h"
#include "cold-inspection.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-old-images.h"
#include "cold-protocol.h"
#include "cold-upgrade-report.h"

typedef struct
{
  const ColdParts *parts;
  gint64 volume;
  ColdJob *job;
  ColdUpgradeOptions options;
  GPtrArray *disks;
  ColdWorkSet *set;
  ColdWorkerProcess *worker;
  JsonObject *plan;
  JsonObject *report;
  JsonObject *verified;   /* what the verify worker answered */
  ColdStoredBundle *bundle;
  char *package_manager;  /* and what it mounts: of the content that was copied */
  JsonArray *mountpoints;
  gboolean planned_again; /* the catalogue changed under the first plan */
  char *manifest;         /* id, of the content that was copied */
  JsonObject *before;     /* (nullable): what the upgrade worker saw before it began, which verify compares with */
  gint64 phase_began;     /* monotonic */
} Upgrade;

static void
upgrade_free (Upgrade *self)
{
  g_clear_object (&self->worker);
  if (self->set != NULL)
    cold_work_set_discard (self->set);
  g_clear_pointer (&self->bundle, cold_stored_bundle_release);
  g_free (self->package_manager);
  g_free (self->manifest);
  g_clear_pointer (&self->before, json_object_unref);
  g_clear_pointer (&self->mountpoints, json_array_unref);
  cold_upgrade_options_clear (&self->options);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_clear_pointer (&self->plan, json_object_unref);
  g_clear_pointer (&self->verified, json_object_unref);
  json_object_unref (self->report);
  g_object_unref (self->job);
  g_free (self);
}

static void
enter_phase (Upgrade *self, const char *phase)
{
  gint64 now = g_get_monotonic_time ();
  JsonObject *seconds = cold_json_object (self->report, "seconds");
  const char *before = cold_job_get_phase (self->job);

  if (*before != '\0' && !g_str_equal (before, phase))
    json_object_set_double_member (seconds, before,
                                   cold_json_double (seconds, before) + (now - self->phase_began) / 1e6);
  self->phase_began = now;
  cold_job_set_phase (self->job, phase);
}

static void
fail (GTask *task, GError *error)
{
  Upgrade *self = g_task_get_task_data (task);
  g_autofree char *text = NULL;

  enter_phase (self, "");
  text = cold_json_to_text (self->report);
  cold_job_set_report (self->job, text);
  g_task_return_error (task, error);
}

static void
succeed (GTask *task, const char *outcome)
{
  Upgrade *self = g_task_get_task_data (task);
  g_autofree char *text = NULL;

  enter_phase (self, "");
  text = cold_json_to_text (self->report);
  cold_job_set_report (self->job, text);
  g_task_return_pointer (task, (gpointer) outcome, NULL);
}

/* The volume, when it is still there; otherwise the task is ended. */
static ColdVolume *
get_volume (GTask *task)
{
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, self->volume);

  if (volume != NULL && !volume->gone)
    return volume;
  fail (task, g_error_new_literal (COLD_ERROR, COLD_ERROR_NOT_FOUND, "the volume is gone"));
  return NULL;
}

static void
on_worker_progress (ColdWorkerProcess *worker, const char *phase, double fraction, const char *message, ColdJob *job)
{
  cold_job_set_progress (job, fraction);
}

static ColdWorkerProcess *
new_worker (Upgrade *self, const char *verb)
{
  g_clear_object (&self->worker);
  self->worker = cold_worker_process_new (verb, NULL);
  g_signal_connect_object (self->worker, "progress", G_CALLBACK (on_worker_progress), self->job, 0);
  return self->worker;
}

/* What the work copies are measured by: what was installed, what an upgrade worker saw before it began, and the devices that the
 * guest has. */
static void
add_measures (Upgrade *self, ColdWorkerProcess *worker, JsonObject *request)
{
  const char *const members[] = { "boot-before", "initramfs-before" };
  g_autofree char *manifest = g_build_filename (COLD_MANIFEST_DIR, self->manifest, NULL);
  g_autofree char *inside = g_strconcat ("/manifests/", self->manifest, NULL);
  g_auto (GStrv) needed = cold_guest_disks_needed_drivers (self->disks);

  cold_json_set_strv (request, "needed", (const char *const *) needed);
  cold_worker_process_add_bind (worker, manifest, inside);
  json_object_set_string_member (request, "manifest", inside);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (json_object_has_member (self->before, members[i]))
      json_object_set_member (request, members[i], json_node_copy (json_object_get_member (self->before, members[i])));
}

/* Hands the work copies (or, without any, the volumes) to a worker and runs it. */
static gboolean
run_on_disks (GTask *task, const char *verb, gboolean copies, gboolean writable, GAsyncReadyCallback callback,
              GError **error)
{
  Upgrade *self = g_task_get_task_data (task);
  ColdAppliance *appliance = self->parts->appliance;
  ColdWorkerProcess *worker = new_worker (self, verb);
  g_autoptr (JsonObject) request = json_object_new ();

  if (!cold_guest_disks_hand_over (self->disks, copies ? cold_work_set_get_copies (self->set) : NULL, writable, worker,
                                   request, error))
    return FALSE;
  cold_worker_process_set_appliance (worker, cold_appliance_get_folder (appliance));
  json_object_set_string_member (request, "accelerator", cold_appliance_get_accelerator (appliance));
  if (self->plan != NULL)
    json_object_set_object_member (request, "plan", json_object_ref (self->plan));
  if (self->before != NULL)
    add_measures (self, worker, request);
  if (writable)
    {
      cold_worker_process_add_bind (worker, cold_stored_bundle_get_path (self->bundle), "/bundle");
      json_object_set_string_member (request, "bundle", "/bundle");
      json_object_set_string_member (request, "package-manager", self->package_manager);
      json_object_set_array_member (request, "mountpoints", json_array_ref (self->mountpoints));
    }
  cold_worker_process_run_async (worker, request, cold_job_get_cancellable (self->job), callback, task);
  return TRUE;
}

/* Step 6: the volumes are what the work copies were. */
static void
on_absorbed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  /* The exchange has happened; a manifest that could not be kept is read again by the next inspection. */
  if (!cold_inspection_absorb_finish (result, &error))
    g_warning ("%s", error->message);
  succeed (task, "upgraded");
}

static void
on_folded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);

  cold_old_images_fold_finish (result, NULL);
  cold_inspection_absorb_async (self->parts, self->disks, self->verified, cold_worker_process_get_scratch (self->worker),
                                on_absorbed, g_steal_pointer (&task));
}

static void
exchanged (GTask *task)
{
  Upgrade *self = g_task_get_task_data (task);
  const ColdJournal *journal = cold_work_set_get_journal (self->set);
  gboolean awaits_boot = cold_json_bool (self->report, "kernel-changed")
                         || (cold_json_array (self->report, "deferred") != NULL
                             && json_array_get_length (cold_json_array (self->report, "deferred")) > 0);

  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      ColdVolume *volume = cold_inventory_lookup_path (self->parts->inventory, path);

      if (volume == NULL)
        continue;
      cold_file_id_stat (volume->path, &volume->file);
      volume->upgraded = g_get_real_time ();
      volume->awaits_boot = awaits_boot;
    }
  g_clear_pointer (&self->set, cold_work_set_free);
  cold_old_images_fold_async (self->parts, cold_job_get_number (self->job), on_folded, task);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (cold_commit_run_finish (result, &error))
    exchanged (g_steal_pointer (&task));
  else
    fail (task, error);
}

static void
on_verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->verified = cold_worker_process_run_finish (self->worker, result, &error);
  if (self->verified == NULL)
    {
      fail (task, error);
      return;
    }
  cold_upgrade_report_add_verified (self->report, self->verified);
  if (!cold_json_bool (self->verified, "ok"))
    {
      g_autofree char *failed = cold_upgrade_report_failed_checks (self->verified);

      fail (task, g_error_new (COLD_ERROR, COLD_ERROR_GUEST,
                               "the upgraded copy did not pass its checks and was thrown away: %s", failed));
      return;
    }
  if (self->options.dry_run)
    {
      json_object_set_boolean_member (self->report, "dry-run", TRUE);
      if (self->options.keep_copy)
        {
          const ColdJournalMember *member
              = g_ptr_array_index (cold_work_set_get_journal (self->set)->members, 0);
          g_autofree char *path = g_build_filename (member->hidden_directory, member->hidden_name, NULL);

          json_object_set_string_member (self->report, "work-copy", path);
          g_clear_pointer (&self->set, cold_work_set_free);
        }
      succeed (task, "nothing-to-do");
      return;
    }
  enter_phase (self, "exchanging");
  cold_commit_run_async (self->parts, self->volume, self->set, self->disks, self->job, on_committed, g_steal_pointer (&task));
}

static void
on_upgraded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  g_autoptr (JsonObject) answer = NULL;
  GError *error = NULL;

  answer = cold_worker_process_run_finish (self->worker, result, &error);
  cold_upgrade_report_keep_log (self->job, cold_worker_process_get_scratch (self->worker));
  if (answer == NULL)
    {
      fail (task, error);
      return;
    }
  cold_upgrade_report_add (self->report, answer);
  self->before = g_steal_pointer (&answer);
  enter_phase (self, "verifying");
  if (!run_on_disks (task, COLD_VERB_VERIFY, TRUE, FALSE, on_verified, &error))
    {
      fail (task, error);
      return;
    }
  g_steal_pointer (&task);
}

static void plan (GTask *owned);

/* A refresh took a planned version away after it was planned. That is not the guest's failure. */
static void
plan_again (GTask *owned, GError *error)
{
  g_autoptr (GTask) task = owned;
  g_autoptr (GError) reason = error;
  Upgrade *self = g_task_get_task_data (task);

  if (self->planned_again)
    {
      fail (task, g_error_new (COLD_ERROR, COLD_ERROR_YIELDED, "the catalogue was refreshed meanwhile: %s", reason->message));
      return;
    }
  self->planned_again = TRUE;
  g_clear_pointer (&self->plan, json_object_unref);
  plan (g_steal_pointer (&task));
}

static void
on_bundled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->bundle = cold_catalogue_bundle_finish (self->parts->catalogue, result, &error);
  if (g_error_matches (error, COLD_ERROR, COLD_ERROR_NOT_FOUND))
    {
      plan_again (g_steal_pointer (&task), error);
      return;
    }
  if (self->bundle == NULL)
    {
      fail (task, error);
      return;
    }
  enter_phase (self, "upgrading");
  if (!run_on_disks (task, COLD_VERB_UPGRADE, TRUE, TRUE, on_upgraded, &error))
    {
      fail (task, error);
      return;
    }
  g_steal_pointer (&task);
}

static void
bundle (GTask *owned)
{
  g_autoptr (GTask) task = owned;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);

  if (volume == NULL)
    return;
  enter_phase (self, "bundling");
  cold_catalogue_bundle_async (self->parts->catalogue, volume->facts, self->plan,
                               cold_job_get_cancellable (self->job), on_bundled, g_steal_pointer (&task));
}

static void
take_facts (Upgrade *self, const ColdFacts *facts)
{
  g_autoptr (JsonObject) details = cold_json_parse_object (facts->details, -1, NULL);
  JsonArray *mountpoints = cold_json_array (details, "mountpoints");

  self->package_manager = g_strdup (facts->package_manager);
  self->manifest = g_strdup (facts->manifest);
  self->mountpoints = mountpoints != NULL ? json_array_ref (mountpoints) : json_array_new ();
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  GError *error = NULL;

  if (volume == NULL)
    return;
  self->set = cold_copying_run_finish (result, &error);
  if (self->set == NULL)
    {
      fail (task, error);
      return;
    }
  /* The copy did not change while it was made; it must also be what was inspected and planned for. */
  cold_file_id_stat (volume->path, &volume->file);
  if (!cold_volume_inspection_is_fresh (volume))
    {
      fail (task, g_error_new (COLD_ERROR, COLD_ERROR_YIELDED, "%s changed since it was inspected", volume->path));
      return;
    }
  take_facts (self, volume->facts);
  bundle (g_steal_pointer (&task));
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  GError *error = NULL;

  if (volume == NULL)
    return;
  if (!cold_catalogue_fetch_finish (self->parts->catalogue, result, &error)
      || !cold_parts_check_blockers (self->parts, volume, &error))
    {
      fail (task, error);
      return;
    }
  if (self->planned_again)
    {
      bundle (g_steal_pointer (&task));
      return;
    }
  enter_phase (self, "copying");
  cold_copying_run_async (self->parts, self->volume, self->disks, self->job, self->report, on_copied, g_steal_pointer (&task));
}

static void
on_planned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  JsonArray *packages;
  GError *error = NULL;

  if (volume == NULL)
    return;
  self->plan = cold_catalogue_plan_finish (self->parts->catalogue, result, &error);
  if (self->plan == NULL)
    {
      fail (task, error);
      return;
    }
  cold_upgrade_report_add_left (self->report, self->plan);
  packages = cold_json_array (self->plan, "packages");
  if (packages == NULL || json_array_get_length (packages) == 0)
    {
      succeed (task, "nothing-to-do");
      return;
    }
  json_object_set_array_member (self->report, "packages", json_array_ref (packages));
  cold_job_set_packages (self->job, json_array_get_length (packages));
  enter_phase (self, "fetching");
  cold_catalogue_fetch_async (self->parts->catalogue, volume->facts, self->plan, cold_job_get_cancellable (self->job),
                              on_fetched, g_steal_pointer (&task));
}

static void
plan (GTask *owned)
{
  g_autoptr (GTask) task = owned;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);

  if (volume == NULL)
    return;
  cold_catalogue_plan_async (self->parts->catalogue, volume->facts, self->options.security_only,
                             (const char *const *) self->options.exclude, cold_job_get_cancellable (self->job),
                             on_planned, g_steal_pointer (&task));
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  g_autoptr (JsonObject) probed = NULL;
  GError *error = NULL;

  if (volume == NULL)
    return;
  probed = cold_worker_process_run_finish (self->worker, result, &error);
  if (probed == NULL || !cold_guest_disks_check_headers (self->disks, probed, &error))
    {
      fail (task, error);
      return;
    }
  plan (g_steal_pointer (&task));
}

static void
check_image (GTask *owned)
{
  g_autoptr (GTask) task = owned;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  GError *error = NULL;

  if (volume == NULL)
    return;
  if (!cold_parts_check_blockers (self->parts, volume, &error)
      || (self->disks = cold_guest_disks_resolve (self->parts->inventory, volume, &error)) == NULL
      || !run_on_disks (task, COLD_VERB_PROBE, FALSE, FALSE, on_probed, &error))
    {
      fail (task, error);
      return;
    }
  g_steal_pointer (&task);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!cold_inspection_run_finish (result, &error))
    {
      fail (task, error);
      return;
    }
  check_image (g_steal_pointer (&task));
}

static void
on_appliance (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Upgrade *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  GError *error = NULL;

  if (volume == NULL)
    return;
  if (!cold_appliance_ensure_finish (self->parts->appliance, result, &error))
    {
      fail (task, error);
      return;
    }
  cold_file_id_stat (volume->path, &volume->file);
  if (cold_volume_inspection_is_fresh (volume))
    {
      check_image (g_steal_pointer (&task));
      return;
    }
  cold_inspection_run_async (self->parts, self->volume, self->job, on_inspected, g_steal_pointer (&task));
}

void
cold_upgrade_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, ColdUpgradeOptions *options,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Upgrade *self = g_new0 (Upgrade, 1);

  self->parts = parts;
  self->volume = volume;
  self->job = g_object_ref (job);
  self->options = *options;
  *options = (ColdUpgradeOptions){ 0 };
  self->report = json_object_new ();
  json_object_set_object_member (self->report, "seconds", json_object_new ());
  g_task_set_task_data (task, self, (GDestroyNotify) upgrade_free);
  enter_phase (self, "checking");
  cold_appliance_ensure_async (parts->appliance, cold_job_get_cancellable (job), on_appliance, task);
}

const char *
cold_upgrade_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
