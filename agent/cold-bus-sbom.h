/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volume.GetSbom. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

/* @invocation: (transfer full) */
void cold_bus_sbom_answer (const ColdBusContext *context, const ColdVolume *volume, const char *format,
                           GDBusMethodInvocation *invocation);

G_END_DECLS
