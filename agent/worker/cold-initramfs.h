/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which drivers for storage and file systems an initramfs has: a guest without the one for its disk does not start.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *version; /* (nullable) of the kernel whose modules it holds */
  GStrv drivers; /* names of modules, "_" for "-", sorted: virtio_blk */
  GStrv systems; /* the same of file systems: ext4 */
} ColdInitramfs;

/**
 * cold_initramfs_read:
 * @path: as the kernel takes it (Documentation/driver-api/early-userspace/buffer-format.rst): cpio archives one after the
 *   other, "newc", of which the last may be compressed. Guest input: bounded in size, unpacked too.
 *
 * Returns: (transfer full): %NULL with @error (Guest) for what cannot be read, or holds its modules in a file system image
 */
ColdInitramfs *cold_initramfs_read (const char *path, GError **error);

void cold_initramfs_free (ColdInitramfs *initramfs);

/**
 * cold_initramfs_module_name:
 * @path: of a module, as archives, modules.dep and modules.builtin have it
 *
 * Returns: (transfer full) (nullable): its name, "_" for "-"; %NULL when it is no module
 */
char *cold_initramfs_module_name (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdInitramfs, cold_initramfs_free)

G_END_DECLS
