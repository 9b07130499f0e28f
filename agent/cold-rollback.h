/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going back to the old image that is kept after an exchange (design section 6).
 */
#pragma once

#include "cold-job.h"
#include "cold-parts.h"

G_BEGIN_DECLS

/* @options: (nullable): a{sv}: discard-changes b. InvalidArgument for anything else. */
gboolean cold_rollback_options_parse (GVariant *options, gboolean *discard_changes, GError **error);

/**
 * cold_rollback_run_async:
 * @discard_changes: go back even if the image was written to since the upgrade; what is discarded is kept for the
 *   retention time
 */
void cold_rollback_run_async (const ColdParts *parts, gint64 volume, ColdJob *job, gboolean discard_changes,
                              GAsyncReadyCallback callback, gpointer user_data);
/* Fails with NotFound (no old image), Blocked, Yielded, Io. */
gboolean cold_rollback_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
