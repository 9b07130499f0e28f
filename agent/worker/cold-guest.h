/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A libguestfs handle on the disks of one guest, launched on the fixed appliance without network.
 */
#pragma once

#include <guestfs.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ColdGuest ColdGuest;

/**
 * cold_guest_configure:
 * @g: just made
 * @accelerator: "kvm" or "tcg"; that one and no other, where libguestfs would fall back by itself
 *
 * What every appliance of ours is started with: no network, and errors that are returned and not printed.
 *
 * Returns: %FALSE with @error (InvalidArgument, Guest)
 */
gboolean cold_guest_configure (guestfs_h *g, const char *accelerator, GError **error);

/**
 * cold_guest_open:
 * @request: "disks", "accelerator" as common/cold-protocol.h says
 * @writable: %TRUE for upgrade; otherwise nothing reaches the images whatever is done to the devices
 * @extra_disk: (nullable): path of one more disk, raw and read-only (the bundle); it is the last device
 *
 * Chains are opened without locks on any member, by a qemu-nbd of their own: libguestfs switches off locking for the
 * top image only, and a lock on a base makes somebody's start fail.
 *
 * Returns: (transfer full): launched; %NULL with @error (Worker, InvalidArgument)
 */
ColdGuest *cold_guest_open (JsonObject *request, gboolean writable, const char *extra_disk, GError **error);

/* Without cold_guest_close(): what was written may be lost. */
void cold_guest_free (ColdGuest *guest);

/* Unmounts, syncs, shuts down: what was written is in the files when it returns %TRUE, and whoever wrote it ended well. */
gboolean cold_guest_close (ColdGuest *guest, GError **error);

guestfs_h *cold_guest_handle (ColdGuest *guest); /* (transfer none) */

/**
 * cold_guest_check_images:
 * @checks: gets one {"name":"image <path>","ok","detail"} for each disk whose format can be checked (qcow2)
 *
 * Reads only. Leaked clusters take space and do no harm. Returns: %FALSE with @error (Worker) when qemu-img cannot be run
 */
gboolean cold_guest_check_images (JsonObject *request, JsonArray *checks, GError **error);

/* The device of @extra_disk inside the appliance: (transfer full); %NULL with @error. */
char *cold_guest_last_device (guestfs_h *g, GError **error);

/* Adds {"code","detail"} to "blockers" of @facts; @detail is made valid UTF-8. */
void cold_guest_add_blocker (JsonObject *facts, const char *code, const char *detail);

/* Adds {"name","ok","detail"} to the checks of a verification; @detail is made valid UTF-8. */
void cold_guest_add_check (JsonArray *checks, const char *name, gboolean ok, const char *detail);

/* GError (Guest) from the handle's last error: "<what>: <libguestfs' words>". Returns: %FALSE */
gboolean cold_guest_set_error (guestfs_h *g, GError **error, const char *what);

/**
 * cold_guest_read_text:
 * @path: inside the guest; symbolic links are followed inside it
 * @max: bytes
 *
 * Returns: (transfer full) (nullable): the content of a regular file, NUL-terminated; %NULL without @error when there is
 *   no such file, with @error (Guest) when it is too large or cannot be read
 */
char *cold_guest_read_text (guestfs_h *g, const char *path, gsize max, GError **error);

/**
 * cold_guest_download:
 * @to: a file outside; made
 */
gboolean cold_guest_download (guestfs_h *g, const char *path, const char *to, GError **error);

/**
 * cold_guest_appliance_path:
 * @device: a disk or partition as libguestfs names it
 *
 * Returns: (transfer full): its name for cold_guest_appliance_sh()
 */
char *cold_guest_appliance_path (const char *device);

/**
 * cold_guest_kernel_names:
 *
 * Returns: (transfer full): a line "<name in libguestfs> <name that the appliance's kernel gave it>" for each disk and
 *   partition of the guest; %NULL with @error (Guest)
 */
char *cold_guest_kernel_names (guestfs_h *g, GError **error);

/**
 * cold_guest_mountable:
 * @kernel_names: of cold_guest_kernel_names()
 * @found: a device, or "btrfsvol:<device>/<subvolume>", as an inspection gives it
 *
 * libguestfs takes its own names in both, and answers with them in the first: a subvolume comes with the kernel's name of the
 * device, which is another one whenever the kernel finds the disks in another order (1.48). Nor does it give a subvolume the
 * same name each time where fstab has a slash before it.
 *
 * Returns: (transfer full): what libguestfs takes, valid UTF-8
 */
char *cold_guest_mountable (const char *kernel_names, const char *found);

/**
 * cold_guest_appliance_sh:
 *
 * Runs @command by the appliance's own shell, outside the guest's tree (which is at /sysroot).
 *
 * Returns: (transfer full): its output; %NULL with @error (Guest) when it fails
 */
char *cold_guest_appliance_sh (guestfs_h *g, const char *command, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdGuest, cold_guest_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (guestfs_h, guestfs_close)

G_END_DECLS
