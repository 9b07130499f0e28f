/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's own apt needs to see of the repositories of planned packages: functions of ColdRepositoryType. A suite's
 * Packages file is cut down to the planned packages; its InRelease stays as it is. apt checks one against the other when it
 * downloads lists, never when it reads them.
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

gboolean cold_deb_bundle_fill (ColdBundle *bundle, GError **error);

/* apt's name of a package file in its archives folder. */
char *cold_deb_bundle_file_name (JsonObject *package);

G_END_DECLS
