/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an upgrade leaves behind for people: the report in its job, and the package manager's log. */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-job.h"

G_BEGIN_DECLS

/* Bytes of JSON that one member of a worker's answer may take up in a report. */
#define COLD_UPGRADE_REPORT_MEMBER_MAX (128 * 1024)

/* Takes over what the upgrade worker said of the run (common/cold-protocol.h). */
void cold_upgrade_report_add (JsonObject *report, JsonObject *answer);

/* Takes over what the verify worker found: its checks, and where plan and guest differ. */
void cold_upgrade_report_add_verified (JsonObject *report, JsonObject *verified);

/* Returns: (transfer full): the checks of a verify answer that failed, in one line */
char *cold_upgrade_report_failed_checks (JsonObject *verified);

/* Keeps the worker's log in COLD_LOG_DIR and names it in the job; a failure is only logged. */
void cold_upgrade_report_keep_log (ColdJob *job, const char *scratch);

/* What the plan leaves as it is, and why: "held", "kept-back" and "problems" of @plan (nullable), empty ones too, into @report. */
void cold_upgrade_report_add_left (JsonObject *report, JsonObject *plan);

G_END_DECLS
