/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Versions of Alpine's packages: number{.number}{letter}{_suffix{number}}{~commit}{-rNUMBER}. rpm has another
 * order, but every one of their parts can be written so that rpm's order of what is written is apk's order of what is meant.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appended to what cold_apk_version_written() gives: lower, and higher, than all versions that go on where that one ends. */
#define COLD_APK_VERSION_FIRST "~0"
#define COLD_APK_VERSION_LAST ".99"

/**
 * cold_apk_version_written:
 * @version: as apk knows it; what comes after the first thing that it does not know counts as little for apk too
 *
 * Returns: (transfer full): digits, lower case letters, dots and tildes, of which libsolv's order for DISTTYPE_RPM is the one of
 *   apk-tools 3
 */
char *cold_apk_version_written (const char *version);

G_END_DECLS
