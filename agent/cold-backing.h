/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which volumes other images build on, as far as headers and definitions say.
 *
 * libvirt reads the headers of volumes. The definition of a domain that is off seldom names what its disks build on: of disks
 * that are no volumes, headers are read here (cold-headers.h). As long as one of them is unread, any volume may be its base.
 */
#pragma once

#include "cold-headers.h"
#include "cold-inventory.h"

G_BEGIN_DECLS

/* An image that may build on any volume. */
typedef struct
{
  char *path;
  char *format;
  ColdFileId file;
  char *why; /* what it is, and why it was not read */
} ColdUnreadImage;

typedef struct
{
  GHashTable *volumes; /* (element-type gint64): ids of volumes that others build on */
  GPtrArray *unread;   /* (element-type ColdUnreadImage) */
} ColdBacking;

/* @headers: (nullable): %NULL: nothing has been read */
ColdBacking *cold_backing_find (ColdInventory *inventory, ColdHeaders *headers);
void cold_backing_free (ColdBacking *backing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdBacking, cold_backing_free)

G_END_DECLS
