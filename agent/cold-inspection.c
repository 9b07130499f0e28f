/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-inspection.h"

#include "cold-error.h"
#include "cold-guest-source.h"
#include "cold-json.h"
#include "cold-manifest-store.h"
#include "cold-names.h"
#include "cold-protocol.h"

typedef struct
{
  const ColdParts *parts;
  gint64 volume;
  ColdJob *job;
  GPtrArray *disks;
  ColdWorkerProcess *worker;
} Inspection;

static void
inspection_free (Inspection *self)
{
  g_object_unref (self->job);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_clear_object (&self->worker);
  g_free (self);
}

static char *
dup_member (JsonObject *object, const char *member)
{
  return cold_text_make_valid (cold_json_string (object, member));
}

/* Of a result, what is kept apart, and what is only about an upgrade. */
static const char *const not_details[] = { "packages", "sources", "foreign", "type", "checks", "differences", "ok", NULL };

static ColdFacts *
facts_from_result (JsonObject *result)
{
  ColdFacts *facts = cold_facts_new ();
  g_autoptr (GList) members = json_object_get_members (result);
  g_autoptr (JsonObject) details = json_object_new ();
  JsonArray *blockers = cold_json_array (result, "blockers");
  JsonArray *packages = cold_json_array (result, "packages");

#define SET(field, member) g_free (facts->field), facts->field = dup_member (result, member)
  SET (os, "distribution");
  SET (os_version, "version");
  SET (os_product, "product");
  SET (arch, "arch");
  SET (hostname, "hostname");
  SET (package_format, "package-format");
  SET (package_manager, "package-manager");
  SET (manifest, "manifest-id");
#undef SET
  g_ptr_array_unref (facts->sources);
  facts->sources = cold_guest_sources_from_json (cold_json_array (result, "sources"));
  cold_facts_take_foreign (facts, result);
  facts->has_guest = cold_json_int (result, "roots") > 0;
  facts->package_count = packages != NULL ? json_array_get_length (packages) : 0;
  for (guint i = 0; blockers != NULL && i < json_array_get_length (blockers); i++)
    {
      JsonObject *blocker = cold_json_array_object (blockers, i);
      g_autofree char *detail = dup_member (blocker, "detail");

      if (cold_json_string (blocker, "code") != NULL)
        g_ptr_array_add (facts->blockers, cold_blocker_new (cold_json_string (blocker, "code"), detail));
    }
  for (GList *l = members; l != NULL; l = l->next)
    if (!g_strv_contains (not_details, l->data))
      json_object_set_member (details, l->data, json_node_copy (json_object_get_member (result, l->data)));
  g_free (facts->details);
  facts->details = cold_json_to_text (details);
  return facts;
}

/* A data disk of a guest whose system is on another one. */
static ColdFacts *
facts_of_other_disk (const ColdGuestDisk *leader)
{
  ColdFacts *facts = cold_facts_new ();
  g_autofree char *detail = g_strdup_printf ("the system of this guest is on %s", leader->path);

  g_ptr_array_add (facts->blockers, cold_blocker_new ("no-operating-system", detail));
  return facts;
}

static void
set_facts (const ColdParts *parts, GPtrArray *disks, JsonObject *result)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, disk->volume);
      ColdFacts *facts;

      if (volume == NULL)
        continue;
      facts = i == 0 ? facts_from_result (result) : facts_of_other_disk (g_ptr_array_index (disks, 0));
      facts->disks = cold_guest_disks_list_ids (disks);
      facts->format = g_intern_string (disk->format);
      cold_volume_take_facts (volume, facts);
      volume->inspected = g_get_real_time ();
      volume->inspected_file = volume->file;
      cold_inventory_volume_touch (parts->inventory, volume);
    }
}

typedef struct
{
  const ColdParts *parts;
  GPtrArray *disks;
  JsonObject *result;
} Absorption;

static void
absorption_free (Absorption *self)
{
  g_ptr_array_unref (self->disks);
  json_object_unref (self->result);
  g_free (self);
}

static void
on_manifest_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Absorption *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!cold_manifest_store_put_finish (result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  cold_store_save_manifest (self->parts->store, cold_json_string (self->result, "manifest-id"),
                            cold_json_string (self->result, "package-format"),
                            cold_json_array (self->result, "packages"));
  set_facts (self->parts, self->disks, self->result);
  g_task_return_boolean (task, TRUE);
}

void
cold_inspection_absorb_async (const ColdParts *parts, GPtrArray *disks, JsonObject *result, const char *scratch,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Absorption *self = g_new0 (Absorption, 1);
  const char *id = cold_json_string (result, "manifest-id");
  g_autofree char *path = NULL;

  self->parts = parts;
  self->disks = g_ptr_array_ref (disks);
  self->result = json_object_ref (result);
  g_task_set_task_data (task, self, (GDestroyNotify) absorption_free);
  if (id == NULL || cold_json_array (result, "packages") == NULL)
    {
      set_facts (parts, disks, result);
      g_task_return_boolean (task, TRUE);
      return;
    }
  path = g_build_filename (scratch, "manifest.json", NULL);
  cold_manifest_store_put_async (COLD_MANIFEST_DIR, path, id, NULL, on_manifest_kept, g_steal_pointer (&task));
}

gboolean
cold_inspection_absorb_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_absorbed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (cold_inspection_absorb_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
image_is_unchanged (const char *path, const ColdFileId *file, GError **error)
{
  ColdFileId now;

  if (cold_file_id_stat (path, &now) && cold_file_id_same_content (&now, file))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s changed while it was inspected", path);
  return FALSE;
}

/* Whether every image, and what it builds on, still is what it was when the worker was given it. */
static gboolean
content_is_unchanged (GPtrArray *disks, GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const ColdGuestDisk *disk = g_ptr_array_index (disks, i);

      if (!image_is_unchanged (disk->path, &disk->file, error))
        return FALSE;
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          if (!image_is_unchanged (member->path, &member->file, error))
            return FALSE;
        }
    }
  return TRUE;
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspection *self = g_task_get_task_data (task);
  g_autoptr (JsonObject) answer = NULL;
  GError *error = NULL;

  answer = cold_worker_process_run_finish (self->worker, result, &error);
  if (answer == NULL || !content_is_unchanged (self->disks, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  cold_inspection_absorb_async (self->parts, self->disks, answer, cold_worker_process_get_scratch (self->worker),
                                on_absorbed, g_steal_pointer (&task));
}

static void
on_progress (ColdWorkerProcess *worker, const char *phase, double fraction, const char *message, ColdJob *job)
{
  cold_job_set_progress (job, fraction);
}

/* Under the inventory's picture of now: the tuples that the result will be valid for. */
static void
refresh_tuples (const ColdParts *parts, GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    {
      ColdGuestDisk *disk = g_ptr_array_index (disks, i);
      ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, disk->volume);
      ColdFileId now;

      if (cold_file_id_stat (disk->path, &now))
        {
          disk->file = now;
          if (volume != NULL)
            volume->file = now;
        }
      for (guint j = 0; j < disk->chain->len; j++)
        {
          ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          cold_file_id_stat (member->path, &member->file);
        }
    }
}

static void
on_appliance (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspection *self = g_task_get_task_data (task);
  const ColdParts *parts = self->parts;
  g_autoptr (JsonObject) request = json_object_new ();
  ColdVolume *volume = cold_inventory_lookup_volume (parts->inventory, self->volume);
  GError *error = NULL;

  if (!cold_appliance_ensure_finish (parts->appliance, result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (volume == NULL || volume->gone)
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_NOT_FOUND, "the volume is gone");
      return;
    }
  self->disks = cold_guest_disks_resolve (parts->inventory, volume, &error);
  if (self->disks == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  refresh_tuples (parts, self->disks);
  self->worker = cold_worker_process_new (COLD_VERB_INSPECT, NULL);
  cold_worker_process_set_appliance (self->worker, cold_appliance_get_folder (parts->appliance));
  json_object_set_string_member (request, "accelerator", cold_appliance_get_accelerator (parts->appliance));
  if (!cold_guest_disks_hand_over (self->disks, NULL, FALSE, self->worker, request, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_signal_connect_object (self->worker, "progress", G_CALLBACK (on_progress), self->job, 0);
  cold_worker_process_run_async (self->worker, request, cold_job_get_cancellable (self->job), on_inspected,
                                 g_steal_pointer (&task));
}

void
cold_inspection_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Inspection *self = g_new0 (Inspection, 1);

  self->parts = parts;
  self->volume = volume;
  self->job = g_object_ref (job);
  g_task_set_task_data (task, self, (GDestroyNotify) inspection_free);
  cold_appliance_ensure_async (parts->appliance, cold_job_get_cancellable (job), on_appliance, task);
}

gboolean
cold_inspection_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
