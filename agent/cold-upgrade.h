/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The upgrade of one guest, from the first check to the exchange (design section 4). Until the exchange nothing but work copies is
 * written; whatever ends it early, they are deleted and the originals were never touched.
 */
#pragma once

#include "cold-job.h"
#include "cold-parts.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean dry_run;       /* everything but the exchange */
  gboolean security_only;
  gboolean keep_copy;     /* a dry run's work copy stays, under the hidden folder, until the next start of the agent */
  GStrv exclude;          /* (nullable) package names */
} ColdUpgradeOptions;

/* @options: (nullable): a{sv} as the bus gave it. InvalidArgument names an unknown key, or one of another type. */
gboolean cold_upgrade_options_parse (GVariant *options, ColdUpgradeOptions *parsed, GError **error);
void cold_upgrade_options_clear (ColdUpgradeOptions *options);

/**
 * cold_upgrade_run_async:
 * @volume: id
 * @options: (transfer full): its content is taken
 *
 * Moves @job through its phases and sets its log, report and package count.
 */
void cold_upgrade_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, ColdUpgradeOptions *options,
                             GAsyncReadyCallback callback, gpointer user_data);
/* Returns: upgraded or nothing-to-do; %NULL with Blocked, Yielded, G_IO_ERROR_CANCELLED, Guest, Worker, NoSpace, Io ... */
const char *cold_upgrade_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
