/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-planner.h"

#include "cold-json.h"
#include "cold-pending.h"

struct _ColdPlanner
{
  GObject parent_instance;

  const ColdParts *parts;
  GHashTable *asked;   /* (element-type gint64*) volumes that are being planned for */
  GHashTable *refused; /* (element-type gint64* utf8): what no plan could be made of; forgotten with each refresh */
};

typedef struct
{
  ColdPlanner *planner;
  gint64 volume;
  guint64 generation;
  char *manifest;
} Planning;

G_DEFINE_FINAL_TYPE (ColdPlanner, cold_planner, G_TYPE_OBJECT)

static void
cold_planner_finalize (GObject *object)
{
  ColdPlanner *self = COLD_PLANNER (object);

  g_hash_table_unref (self->asked);
  g_hash_table_unref (self->refused);
  G_OBJECT_CLASS (cold_planner_parent_class)->finalize (object);
}

static void
cold_planner_class_init (ColdPlannerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_planner_finalize;
}

static GHashTable *
refused_new (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
}

static void
cold_planner_init (ColdPlanner *self)
{
  self->asked = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->refused = refused_new ();
}

/* The refresh may have mended what stood in the way, whether it brought anything new or not. */
static void
on_refreshed (ColdPlanner *self)
{
  g_autoptr (GHashTable) refused = g_steal_pointer (&self->refused);
  GHashTableIter iter;
  gpointer id;

  self->refused = refused_new ();
  g_hash_table_iter_init (&iter, refused);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    cold_planner_request (self, *(gint64 *) id);
}

ColdPlanner *
cold_planner_new (const ColdParts *parts)
{
  ColdPlanner *self = g_object_new (COLD_TYPE_PLANNER, NULL);

  self->parts = parts;
  g_signal_connect_object (parts->catalogue, "refreshed", G_CALLBACK (on_refreshed), self, G_CONNECT_SWAPPED);
  return self;
}

/* Returns: (transfer full) */
static char *
describe_task (const char *manifest, guint64 generation)
{
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT, manifest, generation);
}

static gboolean
is_refused (ColdPlanner *self, const ColdVolume *volume, guint64 generation)
{
  const char *refused = g_hash_table_lookup (self->refused, &volume->id);
  g_autofree char *task = refused != NULL ? describe_task (volume->facts->manifest, generation) : NULL;

  return refused != NULL && g_str_equal (refused, task);
}

gboolean
cold_planner_is_stale (ColdPlanner *self, const ColdVolume *volume)
{
  guint64 generation = cold_catalogue_get_generation (self->parts->catalogue);

  return !volume->gone && volume->facts != NULL && volume->facts->has_guest && *volume->facts->manifest != '\0'
         && cold_catalogue_serves (self->parts->catalogue, volume->facts)
         && (volume->plan == NULL || volume->plan_generation != generation)
         && !is_refused (self, volume, generation);
}

static void
set_plan (ColdVolume *volume, JsonObject *plan, guint64 generation)
{
  JsonArray *packages = cold_json_array (plan, "packages");
  g_autofree char *before = g_steal_pointer (&volume->pending_since);

  volume->pending_since = cold_pending_merge (before, packages, g_get_real_time ());
  g_free (volume->plan);
  volume->plan = cold_json_to_text (plan);
  volume->plan_generation = generation;
  volume->pending_count = packages != NULL ? json_array_get_length (packages) : 0;
  volume->pending_bytes = cold_json_int (plan, "download-size");
  volume->pending_security = 0;
  for (guint i = 0; i < volume->pending_count; i++)
    volume->pending_security += cold_json_bool (cold_json_array_object (packages, i), "security");
}

static void
on_planned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Planning *planning = user_data;
  g_autoptr (ColdPlanner) self = planning->planner;
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, planning->volume);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) plan = cold_catalogue_plan_finish (self->parts->catalogue, result, &error);

  g_hash_table_remove (self->asked, &planning->volume);
  /* It may have been inspected again meanwhile. */
  if (volume != NULL && volume->facts != NULL && g_str_equal (volume->facts->manifest, planning->manifest))
    {
      if (plan != NULL)
        {
          g_hash_table_remove (self->refused, &planning->volume);
          g_clear_pointer (&volume->plan_error, g_free);
          set_plan (volume, plan, planning->generation);
        }
      else
        {
          g_warning ("%s: no plan could be made: %s", volume->path, error->message);
          g_hash_table_insert (self->refused, g_memdup2 (&planning->volume, sizeof (gint64)),
                               describe_task (planning->manifest, planning->generation));
          g_free (volume->plan_error);
          volume->plan_error = cold_text_make_valid (error->message);
        }
      cold_inventory_volume_touch (self->parts->inventory, volume);
    }
  cold_planner_request (self, planning->volume);
  g_free (planning->manifest);
  g_free (planning);
}

void
cold_planner_request (ColdPlanner *self, gint64 id)
{
  ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, id);
  Planning *planning;

  if (volume == NULL || g_hash_table_contains (self->asked, &id) || !cold_planner_is_stale (self, volume))
    return;
  g_hash_table_add (self->asked, g_memdup2 (&id, sizeof id));
  planning = g_new0 (Planning, 1);
  planning->planner = g_object_ref (self);
  planning->volume = id;
  planning->generation = cold_catalogue_get_generation (self->parts->catalogue);
  planning->manifest = g_strdup (volume->facts->manifest);
  cold_catalogue_plan_async (self->parts->catalogue, volume->facts, FALSE, NULL, NULL, on_planned, planning);
}
