/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of one guest: every writable disk of the domain that uses a volume, or the volume alone when no domain
 * does, each with its backing chain. Formats come from domain definitions first, then from the pool: libvirt's word for a volume in a
 * directory is read from the image, which a guest can write.
 */
#pragma once

#include "cold-inventory.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 volume;    /* id */
  char *path;
  char *format;     /* raw or qcow2 */
  ColdFileId file;  /* as the inventory saw it last */
  GPtrArray *chain; /* (element-type ColdChainMember) nearest first; paths absolute, formats set */
} ColdGuestDisk;

/**
 * cold_guest_disks_resolve:
 *
 * Returns: (transfer full) (element-type ColdGuestDisk): in the order of the domain's disks; %NULL with Blocked, the message beginning
 *   with missing-disk, untrusted-chain, unsupported-format or unsupported-storage
 */
GPtrArray *cold_guest_disks_resolve (ColdInventory *inventory, const ColdVolume *volume, GError **error);

G_END_DECLS
