/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-job.h"

#include "cold-bus-objects.h"
#include "cold-dbus.h"
#include "cold-json.h"

typedef struct
{
  ColdJob *job;
  ColdDbusJob *skeleton;
  gulong changed;
} Shown;

struct _ColdBusJobs
{
  const ColdBusContext *context;
  GHashTable *shown; /* (element-type ColdJob Shown) */
  gulong added;
  gulong removed;
};

static void
shown_free (gpointer user_data)
{
  Shown *shown = user_data;

  g_signal_handler_disconnect (shown->job, shown->changed);
  g_signal_handlers_disconnect_by_data (shown->skeleton, shown);
  g_object_unref (shown->skeleton);
  g_object_unref (shown->job);
  g_free (shown);
}

static gboolean
on_cancel (ColdDbusJob *skeleton, GDBusMethodInvocation *invocation, Shown *shown)
{
  cold_job_cancel (shown->job, "cancelled");
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

/* Not more often than ColdJob::changed comes: four times a second for progress alone. */
static void
on_changed (ColdJob *job, Shown *shown)
{
  g_autofree char *message = cold_text_make_valid (cold_job_get_error_message (job));
  ColdDbusJob *skeleton = shown->skeleton;

  cold_dbus_job_set_state (skeleton, cold_job_get_state (job));
  cold_dbus_job_set_phase (skeleton, cold_job_get_phase (job));
  cold_dbus_job_set_progress (skeleton, cold_job_get_progress (job));
  cold_dbus_job_set_started (skeleton, cold_job_get_started (job));
  cold_dbus_job_set_finished (skeleton, cold_job_get_finished (job));
  cold_dbus_job_set_outcome (skeleton, cold_job_get_outcome (job));
  cold_dbus_job_set_error_name (skeleton, cold_job_get_error_name (job));
  cold_dbus_job_set_error_message (skeleton, message);
  cold_dbus_job_set_log (skeleton, cold_job_get_log (job));
}

static void
on_added (ColdScheduler *scheduler, ColdJob *job, ColdBusJobs *self)
{
  g_autofree char *path = cold_bus_job_path (cold_job_get_number (job));
  g_autofree char *volume = cold_bus_volume_path (cold_job_get_volume (job));
  Shown *shown = g_new0 (Shown, 1);

  shown->job = g_object_ref (job);
  shown->skeleton = cold_dbus_job_skeleton_new ();
  cold_dbus_job_set_kind (shown->skeleton, cold_job_get_kind (job));
  cold_dbus_job_set_volume (shown->skeleton, volume);
  on_changed (job, shown);
  shown->changed = g_signal_connect (job, "changed", G_CALLBACK (on_changed), shown);
  g_signal_connect (shown->skeleton, "handle-cancel", G_CALLBACK (on_cancel), shown);
  g_hash_table_insert (self->shown, job, shown);
  cold_bus_objects_export (self->context->objects, path, G_DBUS_INTERFACE_SKELETON (shown->skeleton));
}

static void
on_removed (ColdScheduler *scheduler, ColdJob *job, ColdBusJobs *self)
{
  g_autofree char *path = cold_bus_job_path (cold_job_get_number (job));

  cold_bus_objects_unexport (self->context->objects, path);
  g_hash_table_remove (self->shown, job);
}

void
cold_bus_jobs_flush (ColdBusJobs *self, ColdJob *job)
{
  const Shown *shown = g_hash_table_lookup (self->shown, job);

  if (shown != NULL)
    g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (shown->skeleton));
}

ColdBusJobs *
cold_bus_jobs_new (const ColdBusContext *context)
{
  ColdBusJobs *self = g_new0 (ColdBusJobs, 1);
  GPtrArray *jobs = cold_scheduler_get_jobs (context->scheduler);

  self->context = context;
  self->shown = g_hash_table_new_full (NULL, NULL, NULL, shown_free);
  self->added = g_signal_connect (context->scheduler, "job-added", G_CALLBACK (on_added), self);
  self->removed = g_signal_connect (context->scheduler, "job-removed", G_CALLBACK (on_removed), self);
  for (guint i = 0; i < jobs->len; i++)
    on_added (context->scheduler, g_ptr_array_index (jobs, i), self);
  return self;
}

void
cold_bus_jobs_free (ColdBusJobs *self)
{
  g_signal_handler_disconnect (self->context->scheduler, self->added);
  g_signal_handler_disconnect (self->context->scheduler, self->removed);
  g_hash_table_unref (self->shown);
  g_free (self);
}
