/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-objects.h"

#include "cold-bus-call.h"
#include "cold-names.h"

#define INTERFACE "org.freedesktop.DBus.ObjectManager"

static const char introspection[] = "<node>"
                                    "  <interface name='" INTERFACE "'>"
                                    "    <method name='GetManagedObjects'>"
                                    "      <arg type='a{oa{sa{sv}}}' name='objects' direction='out'/>"
                                    "    </method>"
                                    "    <signal name='InterfacesAdded'>"
                                    "      <arg type='o' name='path'/>"
                                    "      <arg type='a{sa{sv}}' name='interfaces'/>"
                                    "    </signal>"
                                    "    <signal name='InterfacesRemoved'>"
                                    "      <arg type='o' name='path'/>"
                                    "      <arg type='as' name='interfaces'/>"
                                    "    </signal>"
                                    "  </interface>"
                                    "</node>";

struct _ColdBusObjects
{
  GDBusConnection *connection;
  guint registration;
  GHashTable *skeletons; /* (element-type utf8 GDBusInterfaceSkeleton): by path */
  ColdBusCollect collect;
  gpointer collect_data;
};

static void
managed_free (gpointer user_data)
{
  ColdBusManaged *managed = user_data;

  g_free (managed->path);
  g_variant_unref (managed->properties);
  g_free (managed);
}

void
cold_bus_managed_add (GPtrArray *managed, char *path, const char *interface, GVariant *properties,
                      GVariant *(*expand) (GVariant *properties))
{
  ColdBusManaged *one = g_new0 (ColdBusManaged, 1);

  one->path = path;
  one->interface = interface;
  one->properties = g_variant_ref_sink (properties);
  one->expand = expand;
  g_ptr_array_add (managed, one);
}

static GVariant *
make_managed_objects (gpointer data, GError **error)
{
  GPtrArray *managed = data;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  for (guint i = 0; i < managed->len; i++)
    {
      const ColdBusManaged *one = g_ptr_array_index (managed, i);

      g_variant_builder_open (&builder, G_VARIANT_TYPE ("{oa{sa{sv}}}"));
      g_variant_builder_add (&builder, "o", one->path);
      g_variant_builder_open (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
      g_variant_builder_add (&builder, "{s@a{sv}}", one->interface,
                             one->expand != NULL ? one->expand (one->properties) : one->properties);
      g_variant_builder_close (&builder);
      g_variant_builder_close (&builder);
    }
  return g_variant_new ("(a{oa{sa{sv}}})", &builder);
}

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  ColdBusObjects *self = user_data;
  GPtrArray *managed = g_ptr_array_new_with_free_func (managed_free);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->skeletons);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      g_autoptr (GVariant) properties = g_dbus_interface_skeleton_get_properties (value);

      cold_bus_managed_add (managed, g_strdup (key), g_dbus_interface_skeleton_get_info (value)->name,
                            properties, NULL);
    }
  if (self->collect != NULL)
    self->collect (managed, self->collect_data);
  cold_bus_return_made (invocation, make_managed_objects, managed, (GDestroyNotify) g_ptr_array_unref);
}

ColdBusObjects *
cold_bus_objects_new (GDBusConnection *connection)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (introspection, NULL);
  g_autoptr (GError) error = NULL;
  ColdBusObjects *self = g_new0 (ColdBusObjects, 1);

  self->connection = g_object_ref (connection);
  self->skeletons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->registration = g_dbus_connection_register_object (connection, COLD_BUS_ROOT,
                                                          g_dbus_node_info_lookup_interface (info, INTERFACE),
                                                          &vtable, self, NULL, &error);
  if (self->registration == 0)
    g_critical ("%s is not on the bus: %s", INTERFACE, error->message);
  return self;
}

void
cold_bus_objects_free (ColdBusObjects *self)
{
  GHashTableIter iter;
  gpointer value;

  if (self->registration != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration);
  g_hash_table_iter_init (&iter, self->skeletons);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_dbus_interface_skeleton_unexport (value);
  g_hash_table_unref (self->skeletons);
  g_object_unref (self->connection);
  g_free (self);
}

void
cold_bus_objects_set_collect (ColdBusObjects *self, ColdBusCollect collect, gpointer user_data)
{
  self->collect = collect;
  self->collect_data = user_data;
}

void
cold_bus_objects_export (ColdBusObjects *self, const char *path, GDBusInterfaceSkeleton *skeleton)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) properties = g_dbus_interface_skeleton_get_properties (skeleton);

  if (!g_dbus_interface_skeleton_export (skeleton, self->connection, path, &error))
    {
      g_critical ("%s is not on the bus: %s", path, error->message);
      return;
    }
  g_hash_table_replace (self->skeletons, g_strdup (path), g_object_ref (skeleton));
  cold_bus_objects_emit_added (self, path, g_dbus_interface_skeleton_get_info (skeleton)->name, properties);
}

void
cold_bus_objects_unexport (ColdBusObjects *self, const char *path)
{
  g_autoptr (GDBusInterfaceSkeleton) skeleton = NULL;

  if (!g_hash_table_contains (self->skeletons, path))
    return;
  skeleton = g_object_ref (g_hash_table_lookup (self->skeletons, path));
  g_dbus_interface_skeleton_flush (skeleton);
  g_dbus_interface_skeleton_unexport (skeleton);
  g_hash_table_remove (self->skeletons, path);
  cold_bus_objects_emit_removed (self, path, g_dbus_interface_skeleton_get_info (skeleton)->name);
}

void
cold_bus_objects_emit_added (ColdBusObjects *self, const char *path, const char *interface,
                             GVariant *properties)
{
  GVariantBuilder interfaces;

  g_variant_builder_init (&interfaces, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&interfaces, "{s@a{sv}}", interface, properties);
  g_dbus_connection_emit_signal (self->connection, NULL, COLD_BUS_ROOT, INTERFACE, "InterfacesAdded",
                                 g_variant_new ("(oa{sa{sv}})", path, &interfaces), NULL);
}

void
cold_bus_objects_emit_removed (ColdBusObjects *self, const char *path, const char *interface)
{
  const char *const interfaces[] = { interface, NULL };

  g_dbus_connection_emit_signal (self->connection, NULL, COLD_BUS_ROOT, INTERFACE, "InterfacesRemoved",
                                 g_variant_new ("(o^as)", path, interfaces), NULL);
}
