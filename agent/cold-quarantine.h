/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes of whose exchange something is left that nobody may delete unseen: a hidden image that somebody has opened, or a
 * set that can go neither forward nor back. An admin has to look at it before they are exchanged again.
 */
#pragma once

#include "cold-inventory.h"
#include "cold-journal.h"

G_BEGIN_DECLS

/* Sets ColdVolume.quarantine as @journals (element-type ColdJournal), which are all there are, say now. */
void cold_quarantine_update (ColdInventory *inventory, GPtrArray *journals);

G_END_DECLS
