/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_appliance_key:
 * @maker: the program that makes appliances
 * @supermin_dir: (nullable): where libguestfs keeps what its appliance is made from; %NULL: as installed
 *
 * Asks the host's package manager, so it blocks for some ten milliseconds: for a thread.
 *
 * Returns: (transfer full): the SHA-256, in hexadecimal, of what goes into an appliance of this host: path, size and time of
 *   libguestfs's, supermin's and QEMU's programs, of the kernels in /boot and of all in @supermin_dir, and the versions of the
 *   packages that the lists there name. One that changed, came or went wants a new appliance.
 */
char *cold_appliance_key (const char *maker, const char *supermin_dir);

G_END_DECLS
