/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-manager.h"

#include "cold-bus-report.h"
#include "cold-dbus.h"
#include "cold-json.h"
#include "cold-names.h"

#define INHIBIT_SECONDS_MAX 86400

struct _ColdBusManager
{
  const ColdBusContext *context;
  ColdDbusManager *skeleton;
  GHashTable *owners; /* (element-type utf8 guint): watches of callers that inhibit, by unique name */
};

static void
on_resynced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean ok = cold_inventory_resync_finish (COLD_INVENTORY (source), result, &error);

  cold_bus_return_done (user_data, ok, error);
}

static gboolean
on_resync (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, ColdBusManager *self)
{
  cold_inventory_resync_async (self->context->inventory, NULL, NULL, on_resynced, invocation);
  return TRUE;
}

static gboolean
on_refresh_catalogue (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, ColdBusManager *self)
{
  GError *error = NULL;
  ColdJob *job = cold_demands_refresh_catalogue (cold_scheduler_get_demands (self->context->scheduler), &error);

  cold_bus_return_job (invocation, job, error);
  return TRUE;
}

static gboolean
on_upgrade_all (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, GVariant *options,
                ColdBusManager *self)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) jobs
      = cold_demands_upgrade_all (cold_scheduler_get_demands (self->context->scheduler), options, &error);
  GVariantBuilder paths;

  if (jobs == NULL)
    {
      cold_bus_return_error (invocation, error);
      return TRUE;
    }
  g_variant_builder_init (&paths, G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  for (guint i = 0; i < jobs->len; i++)
    {
      g_autofree char *path = cold_bus_job_path (cold_job_get_number (g_ptr_array_index (jobs, i)));

      g_variant_builder_add (&paths, "o", path);
    }
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(ao)", &paths));
  return TRUE;
}

static gboolean
on_set_policy (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *policy,
               ColdBusManager *self)
{
  GError *error = NULL;
  gboolean ok = cold_scheduler_set_policy (self->context->scheduler, policy, &error);

  cold_bus_return_done (invocation, ok, error);
  return TRUE;
}

static gboolean
on_pause (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *why, ColdBusManager *self)
{
  g_autofree char *text = cold_text_make_valid (why);

  cold_inhibitors_pause (cold_scheduler_get_inhibitors (self->context->scheduler), text);
  cold_dbus_manager_complete_pause (skeleton, invocation);
  return TRUE;
}

static gboolean
on_resume (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, ColdBusManager *self)
{
  cold_inhibitors_resume (cold_scheduler_get_inhibitors (self->context->scheduler));
  cold_dbus_manager_complete_resume (skeleton, invocation);
  return TRUE;
}

static void
on_owner_gone (GDBusConnection *connection, const char *owner, gpointer user_data)
{
  ColdBusManager *self = user_data;
  guint watch = GPOINTER_TO_UINT (g_hash_table_lookup (self->owners, owner));

  cold_inhibitors_remove_owner (cold_scheduler_get_inhibitors (self->context->scheduler), owner);
  if (watch == 0)
    return;
  g_hash_table_remove (self->owners, owner);
  g_bus_unwatch_name (watch);
}

static gboolean
on_inhibit (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *why, guint seconds,
            ColdBusManager *self)
{
  const char *owner = g_dbus_method_invocation_get_sender (invocation);
  g_autofree char *text = cold_text_make_valid (why);
  guint cookie;

  if (seconds == 0 || seconds > INHIBIT_SECONDS_MAX)
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_INVALID_ARGUMENT,
                                 "%u seconds are out of range: use 1 to %u, and Pause for longer", seconds,
                                 INHIBIT_SECONDS_MAX);
      return TRUE;
    }
  cookie = cold_inhibitors_add (cold_scheduler_get_inhibitors (self->context->scheduler), text, seconds, owner);
  /* A caller that left before this is told of at once as well. */
  if (!g_hash_table_contains (self->owners, owner))
    g_hash_table_insert (self->owners, g_strdup (owner),
                         GUINT_TO_POINTER (g_bus_watch_name_on_connection (self->context->connection, owner,
                                                                           G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                                           NULL, on_owner_gone, self, NULL)));
  cold_dbus_manager_complete_inhibit (skeleton, invocation, cookie);
  return TRUE;
}

static gboolean
on_uninhibit (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, guint cookie,
              ColdBusManager *self)
{
  GError *error = NULL;
  gboolean ok = cold_inhibitors_remove (cold_scheduler_get_inhibitors (self->context->scheduler), cookie, &error);

  cold_bus_return_done (invocation, ok, error);
  return TRUE;
}

static gboolean
on_list_volumes (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, GVariant *filter, guint offset,
                 guint limit, ColdBusManager *self)
{
  cold_bus_report_list (self->context, filter, offset, limit, invocation);
  return TRUE;
}

static void
return_volume (GDBusMethodInvocation *invocation, const ColdVolume *volume)
{
  g_autofree char *path = cold_bus_volume_path (volume->id);

  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", path));
}

static void
stat_on_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColdFileId file;

  /* A path that leads nowhere leaves it zero, which is no volume's. */
  cold_file_id_stat (task_data, &file);
  g_task_return_pointer (task, g_memdup2 (&file, sizeof file), g_free);
}

static void
on_statted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree ColdFileId *file = g_task_propagate_pointer (G_TASK (result), NULL);
  const char *path = g_task_get_task_data (G_TASK (result));
  const ColdVolume *volume = cold_inventory_lookup_file (COLD_INVENTORY (source), file);

  if (volume != NULL)
    return_volume (user_data, volume);
  else
    cold_bus_return_new_error (
        user_data, COLD_ERROR_NOT_FOUND,
        "no volume of a pool is the file %s: define a pool for its folder, or call Resync", path);
}

static gboolean
on_lookup_volume (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *path,
                  ColdBusManager *self)
{
  const ColdVolume *volume = cold_inventory_lookup_path (self->context->inventory, path);
  g_autoptr (GTask) task = NULL;

  if (volume != NULL)
    {
      return_volume (invocation, volume);
      return TRUE;
    }
  if (!g_path_is_absolute (path))
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_INVALID_ARGUMENT, "'%s' is no absolute path", path);
      return TRUE;
    }
  /* A file on a network that does not answer must not hold up others. */
  task = g_task_new (self->context->inventory, NULL, on_statted, invocation);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, stat_on_thread);
  return TRUE;
}

static gboolean
on_lookup_volume_by_name (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *pool,
                          const char *name, ColdBusManager *self)
{
  const ColdVolume *volume = cold_inventory_lookup_name (self->context->inventory, pool, name);

  if (volume != NULL)
    return_volume (invocation, volume);
  else
    cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND,
                               "there is no volume '%s' in a pool '%s': virsh vol-list names them", name,
                               pool);
  return TRUE;
}

static gboolean
on_lookup_domain (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *name,
                  ColdBusManager *self)
{
  const ColdDomain *domain = cold_inventory_lookup_domain (self->context->inventory, name);
  g_autofree char *path = NULL;

  if (domain == NULL || domain->gone)
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND,
                                 "there is no domain '%s': virsh list --all names them", name);
      return TRUE;
    }
  path = cold_bus_domain_path (domain->uuid);
  cold_dbus_manager_complete_lookup_domain (skeleton, invocation, path);
  return TRUE;
}

static gboolean
on_find_package (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, const char *name,
                 const char *below, ColdBusManager *self)
{
  cold_bus_report_find (self->context, name, below, invocation);
  return TRUE;
}

static gboolean
on_get_report (ColdDbusManager *skeleton, GDBusMethodInvocation *invocation, GVariant *options,
               ColdBusManager *self)
{
  cold_bus_report_guests (self->context, options, invocation);
  return TRUE;
}

void
cold_bus_manager_update (ColdBusManager *self)
{
  const ColdBusContext *context = self->context;
  ColdDbusManager *skeleton = self->skeleton;

  /* The skeleton signals real changes only. */
  cold_dbus_manager_set_connected (skeleton, cold_inventory_is_connected (context->inventory));
  cold_dbus_manager_set_appliance_state (skeleton, cold_appliance_get_state (context->appliance));
  cold_dbus_manager_set_accelerator (skeleton, cold_appliance_get_accelerator (context->appliance));
  cold_dbus_manager_set_policy (skeleton, cold_scheduler_get_policy (context->scheduler));
  cold_dbus_manager_set_pending_count (skeleton, cold_scheduler_get_pending_count (context->scheduler));
  cold_dbus_manager_set_job_count (skeleton, cold_scheduler_get_job_count (context->scheduler));
  cold_dbus_manager_set_catalogue_generation (skeleton, cold_catalogue_get_generation (context->catalogue));
  cold_dbus_manager_set_catalogue_time (skeleton, cold_catalogue_get_time (context->catalogue));
}

void
cold_bus_manager_set_volume_count (ColdBusManager *self, guint count)
{
  cold_dbus_manager_set_volume_count (self->skeleton, count);
}

void
cold_bus_manager_emit_upgrade_started (ColdBusManager *self, const ColdVolume *volume, ColdJob *job)
{
  g_autofree char *volume_path = cold_bus_volume_path (volume->id);
  g_autofree char *job_path = cold_bus_job_path (cold_job_get_number (job));

  cold_dbus_manager_emit_upgrade_started (self->skeleton, volume_path, job_path);
}

void
cold_bus_manager_emit_upgrade_finished (ColdBusManager *self, const ColdVolume *volume, ColdJob *job)
{
  g_autofree char *volume_path = cold_bus_volume_path (volume->id);
  g_autofree char *job_path = cold_bus_job_path (cold_job_get_number (job));
  const char *outcome = cold_job_get_outcome (job);

  cold_dbus_manager_emit_upgrade_finished (self->skeleton, volume_path, job_path, outcome,
                                           g_str_equal (outcome, "upgraded") ? cold_job_get_packages (job)
                                                                             : 0);
}

ColdBusManager *
cold_bus_manager_new (const ColdBusContext *context)
{
  const struct
  {
    const char *signal;
    GCallback handler;
  } handlers[] = {
    { "handle-resync", G_CALLBACK (on_resync) },
    { "handle-refresh-catalogue", G_CALLBACK (on_refresh_catalogue) },
    { "handle-upgrade-all", G_CALLBACK (on_upgrade_all) },
    { "handle-set-policy", G_CALLBACK (on_set_policy) },
    { "handle-pause", G_CALLBACK (on_pause) },
    { "handle-resume", G_CALLBACK (on_resume) },
    { "handle-inhibit", G_CALLBACK (on_inhibit) },
    { "handle-uninhibit", G_CALLBACK (on_uninhibit) },
    { "handle-list-volumes", G_CALLBACK (on_list_volumes) },
    { "handle-lookup-volume", G_CALLBACK (on_lookup_volume) },
    { "handle-lookup-volume-by-name", G_CALLBACK (on_lookup_volume_by_name) },
    { "handle-lookup-domain", G_CALLBACK (on_lookup_domain) },
    { "handle-find-package", G_CALLBACK (on_find_package) },
    { "handle-get-report", G_CALLBACK (on_get_report) },
  };
  ColdBusManager *self = g_new0 (ColdBusManager, 1);
  g_autoptr (GError) error = NULL;

  self->context = context;
  self->skeleton = cold_dbus_manager_skeleton_new ();
  self->owners = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    g_signal_connect (self->skeleton, handlers[i].signal, handlers[i].handler, self);
  cold_dbus_manager_set_version (self->skeleton, COLD_VERSION);
  cold_bus_manager_update (self);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), context->connection,
                                         COLD_BUS_ROOT, &error))
    g_critical ("the manager is not on the bus: %s", error->message);
  return self;
}

void
cold_bus_manager_free (ColdBusManager *self)
{
  GHashTableIter iter;
  gpointer value;

  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_hash_table_iter_init (&iter, self->owners);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_bus_unwatch_name (GPOINTER_TO_UINT (value));
  g_hash_table_unref (self->owners);
  g_object_unref (self->skeleton);
  g_free (self);
}
