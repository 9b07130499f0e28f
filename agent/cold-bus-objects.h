/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.freedesktop.DBus.ObjectManager at COLD_BUS_ROOT: pools, domains and jobs, which are skeletons, and the
 * volumes that carry a guest, which are not: GDBusObjectManagerServer would want a skeleton for each of them.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdBusObjects ColdBusObjects;

/* One object as GetManagedObjects shows it. */
typedef struct
{
  char *path;
  const char *interface;
  GVariant *properties;                       /* a{sv}, or what @expand makes it from */
  GVariant *(*expand) (GVariant *properties); /* (nullable); runs on a thread. Returns: (transfer floating) */
} ColdBusManaged;

/* @managed: (element-type ColdBusManaged): to be added to by cold_bus_managed_add() */
typedef void (*ColdBusCollect) (GPtrArray *managed, gpointer user_data);

/* @path: (transfer full); @properties: sunk */
void cold_bus_managed_add (GPtrArray *managed, char *path, const char *interface, GVariant *properties,
                           GVariant *(*expand) (GVariant *properties));

ColdBusObjects *cold_bus_objects_new (GDBusConnection *connection);
void cold_bus_objects_free (ColdBusObjects *self);

/* @collect: called on the main context for every GetManagedObjects; %NULL: no more */
void cold_bus_objects_set_collect (ColdBusObjects *self, ColdBusCollect collect, gpointer user_data);

/* Exports a skeleton; its properties are to be set already. */
void cold_bus_objects_export (ColdBusObjects *self, const char *path, GDBusInterfaceSkeleton *skeleton);
void cold_bus_objects_unexport (ColdBusObjects *self, const char *path);

/* Signals for objects that are not skeletons. @properties: a{sv}, floating is sunk. */
void cold_bus_objects_emit_added (ColdBusObjects *self, const char *path, const char *interface,
                                  GVariant *properties);
void cold_bus_objects_emit_removed (ColdBusObjects *self, const char *path, const char *interface);

G_END_DECLS
