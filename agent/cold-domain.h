/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cold-snapshot.h"

G_BEGIN_DECLS

/* A domain as the agent knows it. Owned by the inventory. */
typedef struct
{
  char *uuid;
  ColdDomainInfo *info; /* what libvirt said last: name, state, disks */
  char *policy;         /* off manual auto inherit */
  char *last_stop;      /* "" or shutdown saved migrated destroyed crashed failed from-snapshot unknown */
  gint64 last_stop_time; /* microseconds since the epoch, 0: never seen */
  gint64 last_start_time;
  gboolean stop_doubted; /* a read shows that it has stopped, and no event has told of it yet */
  gboolean claimed;     /* the hook says that it is starting or running */
  gboolean gone;
} ColdDomain;

ColdDomain *cold_domain_new (const char *uuid);
void cold_domain_free (ColdDomain *domain);

/* A run has ended just now; @how: a word of last_stop. */
void cold_domain_note_stop (ColdDomain *domain, const char *how);

/**
 * cold_domain_set_last_stop:
 *
 * Records how the last run ended, whenever that was. A start that failed is no run: a domain that was saved or migrated before
 * still waits to go on.
 *
 * Returns: whether that was not known before
 */
gboolean cold_domain_set_last_stop (ColdDomain *domain, const char *how);

/* Whether the last run has not ended but goes on elsewhere, or later from a file, with the disks as they are. */
gboolean cold_domain_is_suspended_elsewhere (const ColdDomain *domain);

/**
 * cold_domain_uses:
 * @path: "" for none
 *
 * Whether the image is a disk of the domain, or one that a disk builds on. After an exchange the path leads to a new file before
 * the domain is read again, so that both count.
 */
gboolean cold_domain_uses (const ColdDomain *domain, const char *path, const ColdFileId *file);
/* The same of a disk that is not read-only. */
gboolean cold_domain_writes (const ColdDomain *domain, const char *path, const ColdFileId *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDomain, cold_domain_free)

G_END_DECLS
