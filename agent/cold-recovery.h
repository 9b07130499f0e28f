/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a crash or a power cut left behind: journals of jobs that no longer run.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Brings every journal to an end: exchanges are finished, work copies deleted. Blocking: before the main loop runs. */
void cold_recovery_run (void);

/* The part that must come before any domain starts: sets of which some names were exchanged are made whole, and exchanges that a
 * full disk kept from being journalled as done are. Deletes nothing, since that may take long. Blocking; takes the gate, so that
 * the exchanges of jobs that run are not disturbed. */
void cold_recovery_settle (void);

G_END_DECLS
