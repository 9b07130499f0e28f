/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What inspect and verify have in common.
 */
#pragma once

#include "cold-guest.h"

G_BEGIN_DECLS

/**
 * cold_inspect_collect:
 * @guest: opened read-only, nothing mounted
 * @facts: gets everything that common/cold-protocol.h says of inspect
 *
 * Writes the manifest to the scratch folder. The guest stays mounted, when it has one operating system.
 */
gboolean cold_inspect_collect (ColdGuest *guest, JsonObject *request, JsonObject *facts, GError **error);

G_END_DECLS
