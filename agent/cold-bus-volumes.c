/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-volumes.h"

#include "cold-bus-objects.h"
#include "cold-bus-volume-properties.h"
#include "cold-bus-volume.h"
#include "cold-dbus.h"
#include "cold-names.h"

#define INTERFACE "org.coldpatch1.Volume"
/* A turn of the main loop that shows changes. */
#define SLICE_US 5000
/* After the scheduler's look at a new volume: its first signal has state and blockers already. */
#define PRIORITY (G_PRIORITY_DEFAULT_IDLE + 10)

/* What clients have been told. */
typedef struct
{
  GVariant *packed;
  gboolean managed; /* in GetManagedObjects */
  gboolean gone;
} Shown;

struct _ColdBusVolumes
{
  const ColdBusContext *context;
  ColdBusVolumesShown callback;
  gpointer user_data;
  guint registration;
  GHashTable *shown; /* (element-type gint64* Shown) */
  GHashTable *dirty; /* (element-type gint64*) */
  GHashTable *there; /* (element-type gint64*): what is not gone: each has its object at once */
  guint source;
  gboolean links;
  gboolean synced;
  gboolean announces;
};

static void
shown_free (gpointer user_data)
{
  Shown *shown = user_data;

  g_clear_pointer (&shown->packed, g_variant_unref);
  g_free (shown);
}

static gint64 *
dup_id (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static void
emit_changes (ColdBusVolumes *self, const char *path, GVariant *changes)
{
  g_dbus_connection_emit_signal (self->context->connection, NULL, path, "org.freedesktop.DBus.Properties",
                                 "PropertiesChanged", g_variant_new ("(s@a{sv}as)", INTERFACE, changes, NULL),
                                 NULL);
}

static Shown *
show_new (ColdBusVolumes *self, const ColdVolume *volume)
{
  Shown *shown = g_new0 (Shown, 1);

  shown->gone = TRUE;
  g_hash_table_insert (self->shown, dup_id (volume->id), shown);
  self->links = TRUE;
  return shown;
}

static void
show (ColdBusVolumes *self, const ColdVolume *volume)
{
  g_autofree char *path = cold_bus_volume_path (volume->id);
  g_autoptr (GVariant) now = cold_bus_volume_pack (self->context, volume);
  Shown *shown = g_hash_table_lookup (self->shown, &volume->id);
  gboolean managed = !volume->gone && volume->facts != NULL && volume->facts->has_guest;
  gboolean is_new = shown == NULL;
  GVariant *changes;

  if (is_new)
    shown = show_new (self, volume);
  changes = cold_bus_volume_compare (shown->packed, now);
  if (changes == NULL && shown->managed == managed)
    return;
  if (shown->packed != NULL && cold_bus_volume_differs (shown->packed, now, "Path"))
    self->links = TRUE;
  self->links |= shown->gone != volume->gone;
  g_clear_pointer (&shown->packed, g_variant_unref);
  shown->packed = g_steal_pointer (&now);
  shown->gone = volume->gone;

  /* What the first resync finds is the state of things, not news. */
  if (changes != NULL && (!is_new || (self->announces && !managed)))
    emit_changes (self, path, g_steal_pointer (&changes));
  if (changes != NULL)
    g_variant_unref (g_variant_ref_sink (changes));
  if (managed && !shown->managed)
    cold_bus_objects_emit_added (self->context->objects, path, INTERFACE,
                                 cold_bus_volume_unpack (shown->packed, volume->last_seen));
  else if (!managed && shown->managed)
    cold_bus_objects_emit_removed (self->context->objects, path, INTERFACE);
  shown->managed = managed;
}

static void
show_id (ColdBusVolumes *self, gint64 id)
{
  const ColdVolume *volume = cold_inventory_lookup_volume (self->context->inventory, id);

  if (volume != NULL)
    show (self, volume);
}

static gboolean
on_slice (gpointer user_data)
{
  ColdBusVolumes *self = user_data;
  gint64 end = g_get_monotonic_time () + SLICE_US;
  gboolean links;
  GHashTableIter iter;
  gpointer key;

  /* One iterator a slice: to begin anew for each would pass all that was removed before, each time. */
  g_hash_table_iter_init (&iter, self->dirty);
  while (g_get_monotonic_time () < end && g_hash_table_iter_next (&iter, &key, NULL))
    {
      gint64 id = *(gint64 *) key;

      g_hash_table_iter_remove (&iter);
      show_id (self, id);
    }
  if (g_hash_table_size (self->dirty) > 0)
    return G_SOURCE_CONTINUE;
  self->source = 0;
  self->announces = self->synced;
  links = self->links;
  self->links = FALSE;
  self->callback (links, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
schedule (ColdBusVolumes *self)
{
  if (self->source == 0)
    self->source = g_idle_add_full (PRIORITY, on_slice, self, NULL);
}

/* Returns: whether another number of volumes is there now */
static gboolean
mark (ColdBusVolumes *self, gint64 id)
{
  const ColdVolume *volume = cold_inventory_lookup_volume (self->context->inventory, id);

  g_hash_table_add (self->dirty, dup_id (id));
  schedule (self);
  if (volume == NULL || volume->gone)
    return g_hash_table_remove (self->there, &id);
  return g_hash_table_add (self->there, dup_id (id));
}

void
cold_bus_volumes_changed (ColdBusVolumes *self, gint64 id)
{
  if (mark (self, id))
    self->callback (FALSE, self->user_data);
}

void
cold_bus_volumes_show_now (ColdBusVolumes *self, gint64 id)
{
  g_hash_table_remove (self->dirty, &id);
  show_id (self, id);
}

void
cold_bus_volumes_set_synced (ColdBusVolumes *self)
{
  self->synced = TRUE;
  schedule (self);
}

guint
cold_bus_volumes_get_count (ColdBusVolumes *self)
{
  return g_hash_table_size (self->there);
}

/* What a caller sees is never older than what the agent knows. */
static Shown *
lookup_fresh (ColdBusVolumes *self, gint64 id)
{
  if (g_hash_table_contains (self->dirty, &id) || !g_hash_table_contains (self->shown, &id))
    cold_bus_volumes_show_now (self, id);
  return g_hash_table_lookup (self->shown, &id);
}

static GVariant *
expand (GVariant *wrapped)
{
  g_autoptr (GVariant) packed = NULL;
  guint64 last_seen;

  g_variant_get (wrapped, "(vt)", &packed, &last_seen);
  return cold_bus_volume_unpack (packed, last_seen);
}

static void
collect (GPtrArray *managed, gpointer user_data)
{
  ColdBusVolumes *self = user_data;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->shown);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const Shown *shown = value;
      const ColdVolume *volume = cold_inventory_lookup_volume (self->context->inventory, *(gint64 *) key);

      if (shown->managed && volume != NULL)
        cold_bus_managed_add (managed, cold_bus_volume_path (volume->id), INTERFACE,
                              g_variant_new ("(vt)", shown->packed, (guint64) volume->last_seen), expand);
    }
}

static char **
on_enumerate (GDBusConnection *connection, const char *sender, const char *path, gpointer user_data)
{
  ColdBusVolumes *self = user_data;
  GHashTable *volumes = cold_inventory_get_volumes (self->context->inventory);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, volumes);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      char name[24];

      g_snprintf (name, sizeof name, "%" G_GINT64_FORMAT, *(gint64 *) key);
      g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}

static ColdVolume *
find_volume (ColdBusVolumes *self, const char *path)
{
  gint64 id = cold_bus_parse_volume_path (path);

  return id != 0 ? cold_inventory_lookup_volume (self->context->inventory, id) : NULL;
}

static GDBusInterfaceInfo **
on_introspect (GDBusConnection *connection, const char *sender, const char *path, const char *node,
               gpointer user_data)
{
  g_autofree char *full = node != NULL ? g_strconcat (COLD_BUS_VOLUME_PREFIX, node, NULL) : NULL;
  GDBusInterfaceInfo **infos;

  if (full == NULL || find_volume (user_data, full) == NULL)
    return NULL;
  infos = g_new0 (GDBusInterfaceInfo *, 2);
  infos[0] = g_dbus_interface_info_ref (cold_dbus_volume_interface_info ());
  return infos;
}

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  ColdBusVolumes *self = user_data;
  ColdVolume *volume = find_volume (self, path);

  if (volume == NULL)
    cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "there is no volume %s", path);
  else
    cold_bus_volume_call (self->context, volume, method, parameters, invocation);
}

static GVariant *
on_get_property (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                 const char *property, GError **error, gpointer user_data)
{
  ColdBusVolumes *self = user_data;
  const ColdVolume *volume = find_volume (self, path);
  const Shown *shown = volume != NULL ? lookup_fresh (self, volume->id) : NULL;

  if (shown != NULL)
    return cold_bus_volume_get (shown->packed, volume->last_seen, property);
  g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "there is no volume %s", path);
  return NULL;
}

static const GDBusInterfaceVTable *
on_dispatch (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
             const char *node, gpointer *out_user_data, gpointer user_data)
{
  static const GDBusInterfaceVTable vtable
      = { .method_call = on_method_call, .get_property = on_get_property };

  *out_user_data = user_data;
  return &vtable;
}

ColdBusVolumes *
cold_bus_volumes_new (const ColdBusContext *context, ColdBusVolumesShown shown, gpointer user_data)
{
  static const GDBusSubtreeVTable vtable
      = { .enumerate = on_enumerate, .introspect = on_introspect, .dispatch = on_dispatch };
  /* Without the final '/'. */
  g_autofree char *root = g_strndup (COLD_BUS_VOLUME_PREFIX, strlen (COLD_BUS_VOLUME_PREFIX) - 1);
  g_autoptr (GError) error = NULL;
  ColdBusVolumes *self = g_new0 (ColdBusVolumes, 1);
  GHashTableIter iter;
  gpointer key;

  self->context = context;
  self->callback = shown;
  self->user_data = user_data;
  self->shown = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, shown_free);
  self->dirty = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->there = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  /* Otherwise every call would list all volumes. */
  self->registration = g_dbus_connection_register_subtree (
      context->connection, root, &vtable, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, self, NULL,
      &error);
  if (self->registration == 0)
    g_critical ("no volume is on the bus: %s", error->message);
  cold_bus_objects_set_collect (context->objects, collect, self);
  g_hash_table_iter_init (&iter, cold_inventory_get_volumes (context->inventory));
  while (g_hash_table_iter_next (&iter, &key, NULL))
    mark (self, *(gint64 *) key);
  return self;
}

void
cold_bus_volumes_free (ColdBusVolumes *self)
{
  cold_bus_objects_set_collect (self->context->objects, NULL, NULL);
  if (self->registration != 0)
    g_dbus_connection_unregister_subtree (self->context->connection, self->registration);
  g_clear_handle_id (&self->source, g_source_remove);
  g_hash_table_unref (self->dirty);
  g_hash_table_unref (self->there);
  g_hash_table_unref (self->shown);
  g_free (self);
}
