/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commit tuple: everything about a file that says whether somebody touched it (design section 6, step 1), and safe
 * access to its folder.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct ColdTuple ColdTuple;

/* @fd may be O_PATH; xattrs are then read through /proc/self/fd. */
ColdTuple *cold_tuple_read (int fd, GError **error);
/* Opens @name in @directory_fd with O_PATH|O_NOFOLLOW and reads it. */
ColdTuple *cold_tuple_read_at (int directory_fd, const char *name, GError **error);
ColdTuple *cold_tuple_copy (const ColdTuple *tuple);
void cold_tuple_free (ColdTuple *tuple);

/* Compares every part. @difference: (out) (optional) (transfer full): what differs, for a log */
gboolean cold_tuple_equal (const ColdTuple *a, const ColdTuple *b, char **difference);

guint64 cold_tuple_get_device (const ColdTuple *tuple);
guint64 cold_tuple_get_inode (const ColdTuple *tuple);
guint64 cold_tuple_get_size (const ColdTuple *tuple); /* bytes */
guint64 cold_tuple_get_links (const ColdTuple *tuple);

/* The journal keeps tuples as JSON. */
JsonObject *cold_tuple_to_json (const ColdTuple *tuple);                    /* (transfer full) */
ColdTuple *cold_tuple_from_json (JsonObject *object, GError **error);       /* (transfer full) */

/**
 * cold_directory_open:
 * @path: absolute
 *
 * openat2() with RESOLVE_NO_SYMLINKS from the root. Every component must belong to root and be writable by root alone
 * (the last may also belong to, and be writable by, the user or group that libvirt runs QEMU as: @allow_last_uid).
 *
 * Returns: a descriptor, or -1 with Blocked: "untrusted-directory: ...", NotFound or Io
 */
int cold_directory_open (const char *path, GError **error);

/**
 * cold_directory_open_hidden:
 * @directory_fd: a volume's folder
 *
 * Opens (and makes, mode 0700, root's) the folder for work copies: COLD_HIDDEN_DIR as a sibling of the volume's folder
 * where that is the same file system, else inside it.
 *
 * @path: (out) (optional) (transfer full): its path
 */
int cold_directory_open_hidden (const char *directory_path, int directory_fd, char **path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdTuple, cold_tuple_free)

G_END_DECLS
