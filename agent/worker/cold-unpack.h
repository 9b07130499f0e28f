/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed files from repositories, which can be made to grow without end. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The largest real index has some 60 MiB (deb) or 300 MiB (rpm, with texts and changes). */
#define COLD_INDEX_MAX (G_GUINT64_CONSTANT (1) << 30)

/**
 * cold_unpack:
 * @from: compressed by gzip, xz or zstd, or not at all: known by its first bytes, not by its name
 * @to: replaced when it is there
 * @size: bytes that the signed metadata names; read with @sha256 only
 * @sha256: (nullable): hash that it names; without it anything up to COLD_INDEX_MAX is taken
 *
 * Returns: %FALSE with @error (Signature); @to is gone then
 */
gboolean cold_unpack (const char *from, const char *to, guint64 size, const char *sha256, GError **error);

G_END_DECLS
