/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to a set of volumes, to be interrupted in one way or another: images of one letter, "o" before an upgrade and
 * "n" after it.
 */
#pragma once

#include "exchange-fixture.h"

#define EXCHANGE_N_MEMBERS 2

/* Returns: %FALSE with @error when it did not do its job */
typedef gboolean (*ExchangeAct) (Fixture *f, GError **error);

gboolean exchange_act_upgrade (Fixture *f, GError **error);
/* An upgrade that is not wanted any more after the exchange. */
gboolean exchange_act_back (Fixture *f, GError **error);
/* Of an upgrade that was done. */
gboolean exchange_act_rollback (Fixture *f, GError **error);
/* Of the old images of an upgrade that was done. */
gboolean exchange_act_drop (Fixture *f, GError **error);
/* Two upgrades, one straight after the other. */
gboolean exchange_act_upgrade_twice (Fixture *f, GError **error);
/* Of these. */
gboolean exchange_act_fold (Fixture *f, GError **error);
/* Of all journals. */
gboolean exchange_act_recover (Fixture *f, GError **error);

/* The volumes, not yet upgraded. */
Fixture *exchange_set_up (void);

/* The letter of all volumes, 0 when they are not of one side; fails for a torn one. */
char exchange_read_side (Fixture *f);

/* As that, after recovery: nothing is left over but old images that a journal names. */
char exchange_assert_whole (Fixture *f);

/* Whenever that is interrupted: the images are the last ones, and the first exchange's old images are kept and belong to them. */
void exchange_assert_folding (Fixture *f);
