/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's dnf, yum or zypper needs to see of planned packages: functions of ColdRepositoryType. /repodata is made
 * by createrepo_c from the package files, whose hashes were checked against the signed metadata.
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

gboolean cold_rpm_bundle_fill (ColdBundle *bundle, GError **error);

/* NAME-[EPOCH_]VERSION-RELEASE.ARCH.rpm: packages can differ in the epoch alone. */
char *cold_rpm_bundle_file_name (JsonObject *package);

G_END_DECLS
