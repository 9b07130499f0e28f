/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all objects on the bus need to answer a call: paths, errors as the bus names them, and answers that
 * are too heavy for the main loop.
 */
#pragma once

#include "cold-appliance.h"
#include "cold-catalogue.h"
#include "cold-error.h"
#include "cold-scheduler.h"

G_BEGIN_DECLS

typedef struct _ColdBusObjects ColdBusObjects;

/* What the objects show and act on; everything is borrowed and outlives them. */
typedef struct
{
  GDBusConnection *connection;
  ColdScheduler *scheduler;
  ColdInventory *inventory;
  ColdStore *store;
  ColdCatalogue *catalogue;
  ColdAppliance *appliance;
  ColdBusObjects *objects;
} ColdBusContext;

/* Object paths (transfer full). */
char *cold_bus_pool_path (const char *uuid);
char *cold_bus_volume_path (gint64 id);
char *cold_bus_domain_path (const char *uuid);
char *cold_bus_job_path (guint number); /* 0: none, which is "/" */

/* Returns: the id in a volume's path, 0 when it is none */
gint64 cold_bus_parse_volume_path (const char *path);

/* Returns: (transfer floating): what a guest, a file system or libvirt calls something, in valid UTF-8 */
GVariant *cold_bus_text (const char *text);

/**
 * cold_bus_return_error:
 * @invocation: (transfer full)
 * @error: (transfer full): of any domain
 *
 * The one place where errors of other domains become org.coldpatch1.Error.*.
 */
void cold_bus_return_error (GDBusMethodInvocation *invocation, GError *error);

/* The same for an error that has no GError yet. */
void cold_bus_return_new_error (GDBusMethodInvocation *invocation, ColdError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * cold_bus_return_job:
 * @invocation: (transfer full)
 * @job: (nullable): %NULL with @error
 * @error: (transfer full) (nullable)
 */
void cold_bus_return_job (GDBusMethodInvocation *invocation, ColdJob *job, GError *error);

/* Answers a method without result, or with @error when @ok is %FALSE. */
void cold_bus_return_done (GDBusMethodInvocation *invocation, gboolean ok, GError *error);

/**
 * ColdBusMake:
 * @data: own copies of what the answer is made of
 *
 * Runs on a thread. Returns: (transfer floating) (nullable): the tuple of the answer, %NULL with @error
 */
typedef GVariant *(*ColdBusMake) (gpointer data, GError **error);

/* Makes, serialises and sends an answer on a thread. Takes @invocation and @data. */
void cold_bus_return_made (GDBusMethodInvocation *invocation, ColdBusMake make, gpointer data,
                           GDestroyNotify data_free);

G_END_DECLS
