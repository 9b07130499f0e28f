/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * g_file_set_contents() writes <name>.XXXXXX and renames it; who is killed in between leaves that for good. The letters are
 * mkstemp()'s: six of A-Z, a-z and 0-9.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_half_written_sweep:
 * @folder: where nobody writes meanwhile; may be missing
 * @suffix: of the files that are written there, e.g. ".json"
 *
 * Deletes what was left there. Names that end in ".broken" are those of files that were set aside, and stay.
 */
void cold_half_written_sweep (const char *folder, const char *suffix);

G_END_DECLS
