/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of org.coldpatch1.Volume; cold-bus-volumes.c has the objects. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

/* Answers a call, at once or later. @invocation: (transfer full) */
void cold_bus_volume_call (const ColdBusContext *context, ColdVolume *volume, const char *method,
                           GVariant *parameters, GDBusMethodInvocation *invocation);

/* Returns: (transfer floating): a(sss): code, reason with what exactly it is about, remedy */
GVariant *cold_bus_volume_blockers (const ColdVolume *volume);

G_END_DECLS
