/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers about many volumes at once: copied on the main loop, made and sent on a thread. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

/* Manager.ListVolumes. @invocation: (transfer full) */
void cold_bus_report_list (const ColdBusContext *context, GVariant *filter, guint offset, guint limit,
                           GDBusMethodInvocation *invocation);

/* Manager.FindPackage. @invocation: (transfer full) */
void cold_bus_report_find (const ColdBusContext *context, const char *name, const char *below,
                           GDBusMethodInvocation *invocation);

/* Manager.GetReport. @invocation: (transfer full) */
void cold_bus_report_guests (const ColdBusContext *context, GVariant *options,
                             GDBusMethodInvocation *invocation);

G_END_DECLS
