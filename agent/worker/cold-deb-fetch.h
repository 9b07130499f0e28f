/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash chain of a Debian repository, from a verified InRelease to an unpacked Packages file.
 */
#pragma once

#include "cold-deb-release.h"
#include "cold-download.h"

G_BEGIN_DECLS

/**
 * cold_deb_fetch_index:
 * @suite_uri: of the suite's folder
 * @component, @arch: which index
 * @path: where the unpacked Packages file is to be
 * @scratch: folder for the compressed one
 *
 * Takes the smallest form that the release lists; what it is compressed with is read from its first bytes, not from its
 * name.
 *
 * Returns: %FALSE with @error; @path is gone then
 */
gboolean cold_deb_fetch_index (ColdDownload *download, const ColdDebRelease *release, const char *suite_uri,
                               const char *component, const char *arch, const char *path, const char *scratch,
                               GError **error);

/* Returns: (nullable): the hash that stands for that index in a generation's name; %NULL: the release has no such index */
const char *cold_deb_fetch_index_hash (const ColdDebRelease *release, const char *component, const char *arch);

G_END_DECLS
