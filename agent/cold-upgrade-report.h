/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an upgrade leaves behind for people: the report in its job, and the package manager's log. */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-job.h"

G_BEGIN_DECLS

/* Takes over what the upgrade worker said of the run (common/cold-protocol.h). */
void cold_upgrade_report_add (JsonObject *report, JsonObject *answer);

/* Takes over what the verify worker found: its checks, and where plan and guest differ. */
void cold_upgrade_report_add_verified (JsonObject *report, JsonObject *verified);

/* Adds to "evicted": an old image that was deleted to make room, as cold_rollback_evict_finish() tells of it. */
void cold_upgrade_report_add_evicted (JsonObject *report, JsonObject *evicted);

/* Returns: (transfer full): the checks of a verify answer that failed, in one line */
char *cold_upgrade_report_failed_checks (JsonObject *verified);

/* Keeps the worker's log in COLD_LOG_DIR and names it in the job; a failure is only logged. */
void cold_upgrade_report_keep_log (ColdJob *job, const char *scratch);

G_END_DECLS
