/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of one guest: every writable disk of the domain that uses a volume, or the volume alone when no domain
 * does, each with its backing chain. Formats come from domain definitions first, then from the pool: libvirt's word for a volume in a
 * directory is read from the image, which a guest can write.
 */
#pragma once

#include "cold-inventory.h"
#include "cold-worker-process.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 volume;    /* id */
  char *path;
  char *format;     /* raw or qcow2 */
  char *bus;        /* (nullable): of the domain's disk, as in ColdDisk */
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

/**
 * cold_guest_disks_equal:
 *
 * Whether both are one guest still: the same images in the same formats, that build on the same images, whose content has not
 * changed. The content of the disks themselves does not count.
 */
gboolean cold_guest_disks_equal (GPtrArray *a, GPtrArray *b);

/**
 * cold_guest_disks_hand_over:
 * @disks: (element-type ColdGuestDisk)
 * @tops: (nullable): descriptors to hand over in place of the volumes themselves, one a disk (work copies); borrowed
 * @writable: the tops, never the chains
 * @request: gets "disks" as common/cold-protocol.h says
 *
 * Opens every image without following symbolic links and gives it to the worker.
 * Fails with Blocked (untrusted-directory, unsupported-storage) or NotFound.
 */
gboolean cold_guest_disks_hand_over (GPtrArray *disks, const int *tops, gboolean writable, ColdWorkerProcess *worker,
                                     JsonObject *request, GError **error);

/**
 * cold_guest_disks_check_headers:
 * @probed: what a probe worker answered for @disks
 *
 * Headers are guest input: what they say must agree with what libvirt was told. Fails with Blocked.
 */
gboolean cold_guest_disks_check_headers (GPtrArray *disks, JsonObject *probed, GError **error);

/**
 * cold_guest_disks_needed_drivers:
 *
 * Returns: (transfer full): the drivers of Linux for the devices that the domain shows the disks as, each once; empty without domain
 */
GStrv cold_guest_disks_needed_drivers (GPtrArray *disks);

/* Descriptors of one disk's volume. Both are -1 when unset. */
typedef struct
{
  int directory; /* the volume's folder */
  int file;      /* the image, O_PATH */
} ColdOpenImage;

/* Opens the folder and the image at @path; fails as above. Close with cold_open_image_clear(). */
gboolean cold_open_image (const char *path, ColdOpenImage *image, GError **error);
void cold_open_image_clear (ColdOpenImage *image);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColdOpenImage, cold_open_image_clear)

/* Returns: (transfer none): the volume that carries the facts of the guest which @volume belongs to; itself if no other does */
ColdVolume *cold_guest_disks_find_leader (ColdInventory *inventory, ColdVolume *volume);

/* Returns: (transfer full) (nullable) (element-type gint64): ids of the volumes, for ColdFacts.disks */
GArray *cold_guest_disks_list_ids (GPtrArray *disks);

/* Whether what is known of @volume, the first disk of a guest, was found with the disks that the guest has now, in
 * the formats that they are taken for now; also when nothing is known, or it cannot be told. */
gboolean cold_guest_disks_are_as_inspected (ColdInventory *inventory, const ColdVolume *volume);

G_END_DECLS
