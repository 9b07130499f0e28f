/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk image of a bundle: ISO 9660 with Rock Ridge names, which every Linux kernel can mount read-only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColdBundleImage ColdBundleImage;

/* Returns: (transfer full): a new image at @path */
ColdBundleImage *cold_bundle_image_new (const char *path, GError **error);

gboolean cold_bundle_image_add_text (ColdBundleImage *self, const char *name, const char *text, gsize length,
                                     GError **error);

/**
 * cold_bundle_image_add_file:
 * @path: what to add
 * @sha256: (nullable): what the bytes that are written must be; otherwise @error (Signature)
 */
gboolean cold_bundle_image_add_file (ColdBundleImage *self, const char *name, const char *path, const char *sha256,
                                     GError **error);

/* The image is complete only when this returned %TRUE. */
gboolean cold_bundle_image_finish (ColdBundleImage *self, GError **error);
void cold_bundle_image_free (ColdBundleImage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdBundleImage, cold_bundle_image_free)

G_END_DECLS
