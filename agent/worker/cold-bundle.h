/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle in the making: what cold-verb-bundle.c, which knows no type of packages, and the functions of a type share.
 */
#pragma once

#include "cold-bundle-image.h"
#include "cold-package-cache.h"
#include "cold-repository.h"

G_BEGIN_DECLS

struct _ColdBundle
{
  const ColdRepositoryType *type;
  const char *catalogue;
  const char *scratch;
  GPtrArray *sources;   /* (element-type ColdSource) */
  ColdBundleImage *image;
  ColdPackageCache *cache;
  JsonArray *planned;
  GHashTable *wanted;   /* (element-type utf8 gint) state of each planned package's SHA-256: 1 once it was asked for */
};

/* Whether the package of that hash is planned; from then on it counts as found in the catalogue. */
gboolean cold_bundle_wants (ColdBundle *bundle, const char *sha256);

G_END_DECLS
