/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commit tuple: everything about a file that says whether somebody touched it (design section 6, step 1). ctime is kept
 * beside it: libvirt's labelling and our own renames change it, but while neither happens it tells of a writer that has set
 * mtime back, and of attributes that nobody else watches.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct ColdTuple ColdTuple;

/**
 * cold_tuple_read:
 * @fd: a regular file; may be O_PATH: xattrs are read through /proc/self/fd
 *
 * Device, inode, number of links, size, mtime, owner, group, mode, and of the extended attributes: the POSIX ACL, the
 * SELinux label, everything below trusted.libvirt.security. (which only root can see).
 *
 * Returns: (transfer full): %NULL with Io, AccessDenied, or Blocked ("unsupported-storage: ..." for what is no regular
 *   file, "several-names: ..." for a symbolic link)
 */
ColdTuple *cold_tuple_read (int fd, GError **error);

/* Opens @name in @directory_fd with O_PATH|O_NOFOLLOW and reads it; NotFound when there is none. */
ColdTuple *cold_tuple_read_at (int directory_fd, const char *name, GError **error);
ColdTuple *cold_tuple_copy (const ColdTuple *tuple);
void cold_tuple_free (ColdTuple *tuple);

/* Compares every part. @difference: (out) (optional) (transfer full): what differs, for a log */
gboolean cold_tuple_equal (const ColdTuple *a, const ColdTuple *b, char **difference);
/* As cold_tuple_equal(), and ctime too when @before has it: for a file that nobody has renamed in between, not even we. */
gboolean cold_tuple_is_untouched (const ColdTuple *before, const ColdTuple *now, char **difference);
/**
 * cold_tuple_same_access:
 * @difference: (out) (optional) (transfer full): what differs, for a log
 *
 * Whether @copy lets the same ones do the same as @original: owner, group, mode, ACL and SELinux label. A copy has nothing below
 * trusted.libvirt.security., whatever the original has: it is libvirt's memory of one inode.
 */
gboolean cold_tuple_same_access (const ColdTuple *original, const ColdTuple *copy, char **difference);
/* After a rename whose ctime was not seen. */
void cold_tuple_forget_ctime (ColdTuple *tuple);
/* Compares device and inode alone. */
gboolean cold_tuple_same_file (const ColdTuple *a, const ColdTuple *b);

guint64 cold_tuple_get_device (const ColdTuple *tuple);
guint64 cold_tuple_get_inode (const ColdTuple *tuple);
guint64 cold_tuple_get_size (const ColdTuple *tuple); /* bytes */
guint64 cold_tuple_get_links (const ColdTuple *tuple);

/* Device numbers are given out anew at every boot: a tuple of an earlier boot gets that of the folder it lies in. */
void cold_tuple_set_device (ColdTuple *tuple, guint64 device);

/* The journal keeps tuples as JSON; xattr values in base64. */
JsonObject *cold_tuple_to_json (const ColdTuple *tuple);                    /* (transfer full) */
/* (transfer full): %NULL with InvalidArgument */
ColdTuple *cold_tuple_from_json (JsonObject *object, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdTuple, cold_tuple_free)

G_END_DECLS
