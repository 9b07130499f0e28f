/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes to look at: soon, in slices of the main loop, or later. A volume that is on it already is looked at once.
 * Main context only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ColdAgenda ColdAgenda;

typedef void (*ColdAgendaFunc) (gint64 volume, gpointer user_data);

ColdAgenda *cold_agenda_new (ColdAgendaFunc look, gpointer user_data);
/* Nothing is looked at any more. */
void cold_agenda_free (ColdAgenda *agenda);

void cold_agenda_add (ColdAgenda *agenda, gint64 volume);
/* @wait_us: microseconds from now, at least; an earlier look that is due anyway stands for this one */
void cold_agenda_add_later (ColdAgenda *agenda, gint64 volume, gint64 wait_us);

G_END_DECLS
