/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether libvirtd really calls our hook (design section 7): proven after every connect and whenever the hook's folder
 * changes, by a transient domain that a live hook refuses.
 */
#pragma once

#include "cold-inventory.h"

G_BEGIN_DECLS

#define COLD_TYPE_GATE_PROOF (cold_gate_proof_get_type ())
G_DECLARE_FINAL_TYPE (ColdGateProof, cold_gate_proof, COLD, GATE_PROOF, GObject)

/* Signal: changed () */

/* @inventory: borrowed */
ColdGateProof *cold_gate_proof_new (ColdInventory *inventory);
/* Follows the inventory's connections from now on. */
void cold_gate_proof_start (ColdGateProof *self);

gboolean cold_gate_proof_is_live (ColdGateProof *self);
/* Returns: (nullable): why it is not live, %NULL when it is */
const char *cold_gate_proof_get_problem (ColdGateProof *self);

G_END_DECLS
