/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end of the protocol of common/cold-protocol.h. cold_verb_progress() lives here too.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_channel_open:
 *
 * Takes stdin and stdout away from everybody else in the process: both move to private, close-on-exec descriptors;
 * descriptor 0 becomes /dev/null and 1 becomes stderr, so that neither a library that prints nor a child that reads can
 * break the protocol. Call it once, before anything else.
 */
gboolean cold_channel_open (GError **error);

/**
 * cold_channel_read_request:
 *
 * Blocks for the one request line. From then on a thread waits for the end of stdin and ends the process at once:
 * the agent closes it by giving up or by dying, and the worker must not outlive it.
 *
 * Returns: (transfer full): the request; %NULL with @error (InvalidArgument) when there is none
 */
JsonObject *cold_channel_read_request (GError **error);

/* For a child that was forked: nothing that it does can reach the agent any more. */
void cold_channel_leave (void);

/* The last line; @result is without "type". An answer that is too long for a line becomes an error line. */
gboolean cold_channel_send_result (JsonObject *result);

/* The last line. The message of a Blocked error must begin with the blocker's code and ": ". */
gboolean cold_channel_send_error (const GError *error);

G_END_DECLS
