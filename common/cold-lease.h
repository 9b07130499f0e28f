/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else has a file open: leases and the lock bytes of QEMU and virtlockd.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cold_lease_take_read:
 * @fd: opened O_RDONLY; the lease lives as long as its open file description
 *
 * Fails when anybody has the file open for writing; leaves readers (a pool refresh) alone. Whoever opens it for writing from
 * now on waits until the lease is given back (or lease-break-time is over), which cold_lease_is_intact() tells.
 *
 * Returns: %FALSE with Blocked: "open-elsewhere: ..." or, without leases on this file system, "unsupported-storage: ...";
 *   Io when the disk fails
 */
gboolean cold_lease_take_read (int fd, GError **error);

/**
 * cold_lease_take_write:
 * @fd: the only descriptor of the file in the system, or it fails
 *
 * Fails when anybody else has the file open. Not for files under a pool: libvirt's refresh would get EAGAIN.
 */
gboolean cold_lease_take_write (int fd, GError **error);

/**
 * cold_lease_tell_opener:
 * @error: that a lease was not given
 * @device: of the file
 *
 * Adds to an "open-elsewhere: ..." which process it is. Goes through every descriptor of every process: for when gate and leases
 * have been given back.
 */
void cold_lease_tell_opener (GError *error, guint64 device, guint64 inode);

/* Whether nobody is waiting for the lease to be given back. @write: it is a write lease */
gboolean cold_lease_is_intact (int fd, gboolean write);
void cold_lease_drop (int fd);

/* Whether somebody holds one of the bytes that QEMU (100..109, 200..209) or virtlockd (0) lock. Leaves @fd unlocked. */
gboolean cold_lock_bytes_are_held (int fd);

/**
 * cold_file_is_open_elsewhere:
 * @fd: opened O_RDONLY
 * @who: (out) (optional) (transfer full): "qemu-img (pid 17)", or what gave it away when no process could be found
 *
 * By lock bytes and a read lease that is given back at once, so that nobody ever waits for us. %FALSE where the file system
 * knows no leases and no lock is held.
 */
gboolean cold_file_is_open_elsewhere (int fd, char **who);

G_END_DECLS
