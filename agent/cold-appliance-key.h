/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_appliance_key:
 * @maker: the program that makes appliances
 *
 * Returns: (transfer full): the SHA-256, in hexadecimal, of what goes into an appliance of this host: path, size and time of
 *   libguestfs's, supermin's and QEMU's programs, and of the kernels in /boot. One that changed wants a new appliance.
 */
char *cold_appliance_key (const char *maker);

G_END_DECLS
