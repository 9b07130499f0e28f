/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest boots with: its kernels, and what the menus of GRUB and the entries of the Boot Loader Specification say.
 * It is looked at before anything of the guest runs and again afterwards: an upgrade answers for what it changed only.
 */
#pragma once

#include "cold-guest.h"

G_BEGIN_DECLS

/**
 * cold_boot_menu_parse:
 * @text: of a grub.cfg, a grubenv or an entry
 * @files: (element-type utf8): gets the kernels and initramfs that it names, absolute
 * @options: (element-type utf8): gets the words of the kernels' command lines, as a set
 */
void cold_boot_menu_parse (const char *text, GPtrArray *files, GHashTable *options);

/**
 * cold_boot_menu_places:
 * @mountinfo: the appliance's /proc/self/mountinfo (proc_pid_mountinfo(5)), the guest being below /sysroot
 * @file: as a menu names it: it begins at the top of some file system, which may be /boot's or the ESP, or lie above the
 *   subvolume that is mounted ("/@rootfs/boot/vmlinuz")
 *
 * Returns: (transfer full) (element-type utf8): where it may be in the guest
 */
GPtrArray *cold_boot_menu_places (const char *mountinfo, const char *file);

/**
 * cold_boot_read:
 * @g: the guest's file systems are mounted
 *
 * Returns: (transfer full): {"kernels":n,"menus":n,"missing":[sentence],"options":[word],"root":word?}, the last for the
 *   file system that is the root
 */
JsonObject *cold_boot_read (guestfs_h *g);

/**
 * cold_boot_check:
 * @before: (nullable): what cold_boot_read() said before the upgrade
 * @after: and what it says now
 * @appliance: words of the appliance's own command line
 * @checks: gets "boot" and, where there is a menu, "boot-options"
 * @differences: gets a sentence for each option that is new
 */
void cold_boot_check (JsonObject *before, JsonObject *after, const char *appliance, JsonArray *checks,
                      JsonArray *differences);

G_END_DECLS
