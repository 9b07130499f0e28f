/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's pins, and the priority that apt would give to a version because of them (apt_preferences(5)).
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-deb-repository.h"

G_BEGIN_DECLS

#define COLD_DEB_PRIORITY_INSTALLED 100
#define COLD_DEB_PRIORITY_DEFAULT 500
#define COLD_DEB_PRIORITY_DEFAULT_RELEASE 990
#define COLD_DEB_PRIORITY_NEVER (-32768) /* no record for a package overrides it */
#define COLD_DEB_PRIORITY_DOWNGRADE 1000 /* from here on apt goes back to older versions */

typedef struct _ColdDebPreferences ColdDebPreferences;

/**
 * cold_deb_preferences_new:
 * @files: (nullable): "preferences" of a manifest, in the order in which apt reads them
 * @native: the guest's architecture
 * @default_release: (nullable): APT::Default-Release
 */
ColdDebPreferences *cold_deb_preferences_new (JsonArray *files, const char *native, const char *default_release);
void cold_deb_preferences_free (ColdDebPreferences *self);

/* The priority of all versions of @index (nullable: %NULL for what dpkg's status file says is installed) for which no record names the
 * package. Where several have a version, the highest one counts. */
int cold_deb_preferences_get_general (ColdDebPreferences *self, const ColdDebIndex *index);

/* Returns: (nullable): what is wrong with them, for the admin, where apt would do nothing at all */
const char *cold_deb_preferences_get_refused (ColdDebPreferences *self);

/* Whether any record names packages: otherwise the call below need not be made for each of them. */
gboolean cold_deb_preferences_has_specific (ColdDebPreferences *self);

/**
 * cold_deb_preferences_get_specific:
 * @arch: of the package; the guest's own where that is "all"
 * @indexes: (element-type ColdDebIndex): all that have this version, %NULL for dpkg's status file: for apt, a record applies to a
 *   version as soon as it applies to one of them
 * @priority: set when %TRUE is returned
 * @unknown: set to %TRUE when a record names the package in a way that is not understood here; apt's choice is unknown then
 *
 * Returns: whether a record names the package and applies to this version
 */
gboolean cold_deb_preferences_get_specific (ColdDebPreferences *self, const char *name, const char *arch,
                                            const char *source, const char *version, GPtrArray *indexes, int *priority,
                                            gboolean *unknown);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDebPreferences, cold_deb_preferences_free)

G_END_DECLS
