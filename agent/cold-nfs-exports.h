/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folders that this host's NFS server exports: other hosts may use what lies below them, and no lock of theirs is seen here.
 * Read from the server's state file (nfs-utils, exportfs(8)): /etc/exports says what is wanted, that one what is.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLD_NFS_ETAB "/var/lib/nfs/etab"

/* Returns: (transfer full): the exported folders; empty without an NFS server */
GStrv cold_nfs_exports_read (const char *etab);

/**
 * cold_nfs_exports_find:
 *
 * Folders are compared by what they are, so that bind mounts and symbolic links do not hide one. May block (network file
 * systems).
 *
 * Returns: (transfer none) (nullable): the export that @folder lies in, or is
 */
const char *cold_nfs_exports_find (const char *const *exports, const char *folder);

G_END_DECLS
