/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initramfs of a guest's kernels before and after an upgrade: what makes them looks at the devices that are there, and an
 * appliance has others than the guest.
 */
#pragma once

#include "cold-guest.h"

G_BEGIN_DECLS

/**
 * cold_guest_initramfs_read:
 * @g: the guest's file systems are mounted
 * @scratch: folder for a copy, which is gone afterwards
 * @before: (nullable): what this said earlier; those that are as they were then are left out
 *
 * Returns: (transfer full): an object for each path: {"stamp","version"?,"drivers":[name],"systems":[name],"error"?}
 */
JsonObject *cold_guest_initramfs_read (guestfs_h *g, const char *scratch, JsonObject *before);

/* What an initramfs is judged by. */
typedef struct
{
  const char *const *needed;  /* drivers of the devices that the guest has */
  const char *const *systems; /* drivers of the file systems that it starts from */
  const char *built_in;       /* (nullable): modules.builtin of its kernel */
  const char *present;        /* (nullable): modules.dep of its kernel */
} ColdInitramfsMeasure;

/**
 * cold_guest_initramfs_judge:
 * @old: (nullable): what it takes the place of, or the newest one that was there before
 * @now: as cold_guest_initramfs_read() says
 * @notes: (element-type utf8): gets what is not as before and does no harm
 *
 * A driver that is part of the kernel, or that the kernel does not have any more at all, need not be there.
 *
 * Returns: (transfer full) (nullable): what it lacks
 */
char *cold_guest_initramfs_judge (JsonObject *old, JsonObject *now, const ColdInitramfsMeasure *measure, GPtrArray *notes);

/**
 * cold_guest_initramfs_find_old:
 *
 * Returns: (transfer none) (nullable): the one of @before that a new one at @path is compared with
 */
JsonObject *cold_guest_initramfs_find_old (JsonObject *before, const char *path);

/**
 * cold_guest_initramfs_check:
 * @before: (nullable): as cold_guest_initramfs_read() said before anything of the guest ran
 * @needed: (nullable): drivers of the devices that the domain has
 * @checks: gets "initramfs", where there is one
 * @differences: gets sentences
 */
void cold_guest_initramfs_check (guestfs_h *g, const char *scratch, JsonObject *before, const char *const *needed,
                                 JsonArray *checks, JsonArray *differences);

G_END_DECLS
