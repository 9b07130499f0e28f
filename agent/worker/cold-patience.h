/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of one's patience with a server that says little, or says it slowly: a thread that cancels a transfer, whatever
 * the transfer waits for (a name, a connection, the next byte of a header or of the content).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdPatience ColdPatience;

/**
 * cold_patience_new:
 * @cancellable: cancelled when it is over
 * @quiet: seconds in which at least @quiet * 100 bytes have to come
 * @deadline: monotonic time at which all has to be there
 */
ColdPatience *cold_patience_new (GCancellable *cancellable, guint quiet, gint64 deadline);
void cold_patience_free (ColdPatience *self);

/* Tells that @bytes came. */
void cold_patience_feed (ColdPatience *self, gsize bytes);

/* Returns: (nullable): why the transfer was cancelled; %NULL when it was not */
const char *cold_patience_get_end (ColdPatience *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPatience, cold_patience_free)

G_END_DECLS
