/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Safe access to the folders of volumes. Root renames and deletes by name in them, so nobody else may be able to lead these
 * names elsewhere.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cold_directory_open:
 * @path: absolute, without ".", ".." or symbolic links
 *
 * Walks from the root with openat2() and RESOLVE_NO_SYMLINKS. The rule: every component belongs to root and is writable by
 * root alone (user or group 0). The last one, the pool's own folder, may also belong to a user, and be writable for a
 * group, that libvirt runs QEMU as or gives its images to: libvirt-qemu, qemu, kvm, libvirt. World-writable folders, sticky
 * ones too, folders with an ACL that lets somebody else write, and symbolic links are never trusted.
 *
 * Returns: a descriptor that can be synced, or -1 with Blocked ("untrusted-directory: ..."), NotFound or Io
 */
int cold_directory_open (const char *path, GError **error);

/**
 * cold_directory_open_below:
 * @base: a folder that is taken for trusted as it is, "/" in production; an own folder of the caller in tests
 * @path: absolute; below @base, components are examined as above (the caller's own count as root's)
 */
int cold_directory_open_below (const char *base, const char *path, GError **error);

/**
 * cold_directory_open_hidden:
 * @directory_path: the volume's folder
 * @directory_fd: the same, open
 * @path: (out) (optional) (transfer full): the hidden folder's path
 *
 * Opens (and makes, mode 0700, root's) the folder for work copies and old images: <parent>/.coldpatch-<name of folder>
 * where the parent is trusted and the same file system, else COLD_HIDDEN_DIR inside it. A pool's scan is flat: beside the
 * volumes nothing shows up, inside them one folder.
 *
 * Returns: a descriptor, or -1 with Blocked ("untrusted-directory: ...") or Io
 */
int cold_directory_open_hidden (const char *directory_path, int directory_fd, char **path, GError **error);
int cold_directory_open_hidden_below (const char *base, const char *directory_path, int directory_fd, char **path,
                                      GError **error);

/* Opens a hidden folder that a journal names: it must exist, belong to us alone (0700) and pass the rule above it. */
int cold_directory_open_private (const char *base, const char *path, GError **error);

G_END_DECLS
