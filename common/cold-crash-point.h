/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places where tests kill the process: only in the variant of the libraries that the tests link (COLD_CRASH_POINTS), never
 * in an installed program. COLDPATCH_CRASH_AT=<name> kills at the first passing of that point, <name>:<n> at the n-th.
 */
#pragma once

#ifdef COLD_CRASH_POINTS
void cold_crash_point (const char *name);
#define COLD_CRASH_POINT(name) cold_crash_point (name)
#else
#define COLD_CRASH_POINT(name) ((void) 0)
#endif
