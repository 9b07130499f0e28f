/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.coldpatch1.Job: one object for each job, until a while after it has ended. */
#pragma once

#include "cold-bus-call.h"

G_BEGIN_DECLS

typedef struct _ColdBusJobs ColdBusJobs;

/* Shows the scheduler's jobs as they come and go. @context: borrowed */
ColdBusJobs *cold_bus_jobs_new (const ColdBusContext *context);
void cold_bus_jobs_free (ColdBusJobs *self);
/* Signals what has changed at once, so that what is signalled next comes after it. */
void cold_bus_jobs_flush (ColdBusJobs *self, ColdJob *job);

G_END_DECLS
