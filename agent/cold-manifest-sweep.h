/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes manifests that no volume refers to any more, files and rows: each inspection after an upgrade makes another one. At
 * start, and once a day.
 */
#pragma once

#include "cold-parts.h"

G_BEGIN_DECLS

typedef struct _ColdManifestSweep ColdManifestSweep;

/* @parts: borrowed, outlives it; the inventory knows already which volumes there were before. */
ColdManifestSweep *cold_manifest_sweep_new (const ColdParts *parts);
void cold_manifest_sweep_free (ColdManifestSweep *self);

G_END_DECLS
