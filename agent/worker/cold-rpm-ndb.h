/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpm's own database format "ndb", as on SUSE: /usr/lib/sysimage/rpm/Packages.db. Debian's librpm is built without it.
 *
 * Little-endian words (lib/backend/ndb/rpmpkg.c of rpm): a header of 32 bytes, "RpmP", version 0, generation, number of
 * pages of slots, next number of a package; then slots of 16 bytes up to the end of those pages of 4096 bytes, "Slot",
 * number of the package (0: free), offset and length in blocks of 16 bytes. There lies "BlbS", number of the package,
 * generation, length in bytes, and the package's header.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @data: of @length bytes, and only for this call. Returns: %FALSE with @error to stop */
typedef gboolean (*ColdRpmNdbFunc) (const guint8 *data, gsize length, gpointer user_data, GError **error);

/**
 * cold_rpm_ndb_foreach:
 * @content: the whole file
 *
 * Returns: %FALSE with @error (Guest) when it is no such file or damaged, or that of @func
 */
gboolean cold_rpm_ndb_foreach (const guint8 *content, gsize length, ColdRpmNdbFunc func, gpointer user_data,
                               GError **error);

G_END_DECLS
