/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-copying.h"

#include "cold-error.h"
#include "cold-old-images.h"

typedef struct
{
  const ColdParts *parts;
  gint64 volume;
  GPtrArray *disks;
  ColdJob *job;
  JsonObject *report;
  ColdWorkSet *set; /* (nullable): until it is handed over */
  GError *no_space; /* (nullable): while room is made */
} Copying;

static void
copying_free (Copying *self)
{
  if (self->set != NULL)
    cold_work_set_discard (self->set);
  g_clear_error (&self->no_space);
  g_ptr_array_unref (self->disks);
  json_object_unref (self->report);
  g_object_unref (self->job);
  g_free (self);
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Copying *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (cold_work_set_copy_finish (result, &error))
    g_task_return_pointer (task, g_steal_pointer (&self->set), (GDestroyNotify) cold_work_set_discard);
  else
    g_task_return_error (task, error);
}

/* The volume, when it is still there; otherwise the task is ended. */
static ColdVolume *
get_volume (GTask *task)
{
  Copying *self = g_task_get_task_data (task);
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, self->volume);

  if (volume != NULL && !volume->gone)
    return volume;
  g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND, "the volume is gone");
  return NULL;
}

static void open_set (GTask *owned);

static void
on_evicted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Copying *self = g_task_get_task_data (task);
  g_autoptr (JsonArray) evicted = cold_old_images_evict_finish (result, NULL);

  if (evicted == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&self->no_space));
      return;
    }
  g_clear_error (&self->no_space);
  json_object_set_array_member (self->report, "evicted", g_steal_pointer (&evicted));
  open_set (g_steal_pointer (&task));
}

/* Consumes @error, which says why the set could not be opened. */
static void
make_room (GTask *owned, GError *error)
{
  g_autoptr (GTask) task = owned;
  Copying *self = g_task_get_task_data (task);
  const char *path;
  guint64 missing;

  if (!g_error_matches (error, COLD_ERROR, COLD_ERROR_BLOCKED) || !g_str_has_prefix (error->message, "no-space: "))
    {
      g_task_return_error (task, error);
      return;
    }
  path = cold_work_set_find_short (self->parts->room, self->disks, &missing);
  /* Once: where the gain was less than it seemed, the rest of the old images would go for nothing as well. */
  if (path == NULL || json_object_has_member (self->report, "evicted"))
    {
      g_task_return_error (task, error);
      return;
    }
  self->no_space = error;
  cold_old_images_evict_async (self->parts, path, missing, cold_job_get_number (self->job), on_evicted, g_steal_pointer (&task));
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Copying *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (get_volume (task) == NULL)
    return;
  self->set = cold_work_set_open_finish (result, &error);
  if (self->set == NULL)
    {
      make_room (g_steal_pointer (&task), error);
      return;
    }
  cold_work_set_copy_async (self->set, cold_job_get_cancellable (self->job), on_copied, g_steal_pointer (&task));
}

static void
open_set (GTask *owned)
{
  g_autoptr (GTask) task = owned;
  Copying *self = g_task_get_task_data (task);
  ColdVolume *volume = get_volume (task);
  g_autoptr (GPtrArray) domains = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) uuids = NULL;

  if (volume == NULL)
    return;
  domains = cold_inventory_domains_of (self->parts->inventory, volume);
  for (guint i = 0; i < domains->len; i++)
    g_strv_builder_add (builder, ((ColdDomain *) g_ptr_array_index (domains, i))->uuid);
  uuids = g_strv_builder_end (builder);
  cold_work_set_open_async (self->parts->room, cold_job_get_number (self->job), self->disks, (const char *const *) uuids,
                            on_opened, g_steal_pointer (&task));
}

void
cold_copying_run_async (const ColdParts *parts, gint64 volume, GPtrArray *disks, ColdJob *job, JsonObject *report,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Copying *self = g_new0 (Copying, 1);

  self->parts = parts;
  self->volume = volume;
  self->disks = g_ptr_array_ref (disks);
  self->job = g_object_ref (job);
  self->report = json_object_ref (report);
  g_task_set_task_data (task, self, (GDestroyNotify) copying_free);
  open_set (task);
}

ColdWorkSet *
cold_copying_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
