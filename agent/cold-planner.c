/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-planner.h"

#include "cold-json.h"
#include "cold-pending.h"

struct _ColdPlanner
{
  GObject parent_instance;

  const ColdParts *parts;
  GHashTable *asked;   /* (element-type gint64*) volumes that are being planned for */
  GHashTable *known;   /* (element-type JsonObject Known) while any are */
  GHashTable *refused; /* (element-type gint64* utf8): what no plan could be made of; forgotten with each refresh */
};

/* What is told of a plan that several guests have: worked out once, and one text. */
typedef struct
{
  GRefString *text;
  guint count;
  guint security;
  gint64 time;       /* when it was first seen: since then new packages are pending */
  GHashTable *since; /* (element-type GRefString utf8): cold_pending_merge() by what was before */
} Known;

typedef struct
{
  ColdPlanner *planner;
  gint64 volume;
  guint64 generation;
  char *manifest;
} Planning;

G_DEFINE_FINAL_TYPE (ColdPlanner, cold_planner, G_TYPE_OBJECT)

static void
known_free (Known *known)
{
  g_ref_string_release (known->text);
  g_hash_table_unref (known->since);
  g_free (known);
}

static void
cold_planner_finalize (GObject *object)
{
  ColdPlanner *self = COLD_PLANNER (object);

  g_hash_table_unref (self->asked);
  g_hash_table_unref (self->known);
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
  self->known = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) json_object_unref, (GDestroyNotify) known_free);
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

/* Plans of before the configuration was changed have something else pending. */
static void
check_kind (ColdPlanner *self)
{
  const char *kind = self->parts->config->security_only ? "only" : "all";
  g_autofree char *before = cold_store_get_setting (self->parts->store, "security");
  GHashTableIter iter;
  gpointer volume;

  if (g_strcmp0 (before != NULL ? before : "all", kind) == 0)
    return;
  cold_store_set_setting (self->parts->store, "security", kind);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &volume))
    ((ColdVolume *) volume)->plan_generation = 0;
}

ColdPlanner *
cold_planner_new (const ColdParts *parts)
{
  ColdPlanner *self = g_object_new (COLD_TYPE_PLANNER, NULL);

  self->parts = parts;
  check_kind (self);
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

static Known *
know (ColdPlanner *self, JsonObject *plan)
{
  JsonArray *packages = cold_json_array (plan, "packages");
  Known *known = g_hash_table_lookup (self->known, plan);
  g_autofree char *text = NULL;

  if (known != NULL)
    return known;
  known = g_new0 (Known, 1);
  text = cold_json_to_text (plan);
  known->text = g_ref_string_new_intern (text);
  known->count = packages != NULL ? json_array_get_length (packages) : 0;
  for (guint i = 0; i < known->count; i++)
    known->security += cold_json_bool (cold_json_array_object (packages, i), "security");
  known->time = g_get_real_time ();
  known->since = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) g_ref_string_release, g_free);
  g_hash_table_insert (self->known, json_object_ref (plan), known);
  return known;
}

/* Returns: (transfer none) (nullable) */
static const char *
find_since (Known *known, JsonObject *plan, GRefString *before)
{
  GRefString *key = before != NULL ? g_ref_string_acquire (before) : g_ref_string_new_intern ("");

  /* Equal texts are one. */
  if (g_hash_table_contains (known->since, key))
    {
      const char *since = g_hash_table_lookup (known->since, key);

      g_ref_string_release (key);
      return since;
    }
  g_hash_table_insert (known->since, key, cold_pending_merge (before, cold_json_array (plan, "packages"), known->time));
  return g_hash_table_lookup (known->since, key);
}

static void
set_plan (ColdPlanner *self, ColdVolume *volume, JsonObject *plan, guint64 generation)
{
  Known *known = know (self, plan);

  cold_volume_share_text (&volume->pending_since, find_since (known, plan, volume->pending_since));
  cold_volume_share_text (&volume->plan, known->text);
  volume->plan_generation = generation;
  volume->pending_count = known->count;
  volume->pending_bytes = cold_json_int (plan, "download-size");
  volume->pending_security = known->security;
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
          set_plan (self, volume, plan, planning->generation);
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
  if (g_hash_table_size (self->asked) == 0)
    g_hash_table_remove_all (self->known);
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
  cold_catalogue_plan_async (self->parts->catalogue, volume->facts, self->parts->config->security_only, NULL, NULL,
                             on_planned, planning);
}
