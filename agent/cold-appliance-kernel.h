/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The appliance's kernel, unpacked once in place of at every start: under TCG the unpacking is half of a start.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Puts in the place of the file kernel of @folder the ELF image that is packed in it, which QEMU (4.0 or later) starts by its PVH
 * entry; the packed one is kept as kernel.packed. Blocks.
 *
 * Returns: %FALSE with @error, and the kernel as it was, when it is no bzImage of x86 or holds no image with such an entry
 */
gboolean cold_appliance_kernel_unpack (const char *folder, GError **error);

gboolean cold_appliance_kernel_is_unpacked (const char *folder);

/* Puts the packed one back, where a QEMU does not start the other. Returns: whether there was one */
gboolean cold_appliance_kernel_pack (const char *folder);

G_END_DECLS
