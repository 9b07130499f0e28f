/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads of single pools and domains: of each, one at a time; whatever is asked for while it runs makes it run once more.
 * Main context only.
 */
#pragma once

#include "cold-connection.h"
#include "cold-records.h"

G_BEGIN_DECLS

typedef struct ColdReads ColdReads;

/* @snapshot: (transfer full): of pool or domain @uuid */
typedef void (*ColdReadsFunc) (GObject *owner, ColdSnapshot *snapshot, const char *uuid, gboolean is_domain);

/**
 * cold_reads_new:
 * @owner: borrowed; referenced while a read is under way; frees the reads when it ends
 * @records: borrowed
 */
ColdReads *cold_reads_new (GObject *owner, ColdRecords *records, ColdReadsFunc done);
void cold_reads_free (ColdReads *reads);

/* A read that fails is not told of: the connection's resync follows. */
void cold_reads_request_domain (ColdReads *reads, ColdConnection *connection, const char *uuid);
/* @refresh: libvirt looks into the pool first */
void cold_reads_request_pool (ColdReads *reads, ColdConnection *connection, const char *uuid, gboolean refresh);

G_END_DECLS
