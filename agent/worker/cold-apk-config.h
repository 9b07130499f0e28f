/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest's /etc/apk says: where packages come from. */
#pragma once

#include "cold-listed-source.h"

G_BEGIN_DECLS

/**
 * cold_apk_config_add_sources:
 * @text: of /etc/apk/repositories, or of a file in repositories.d
 * @sources: gets {"uri"} for each repository
 *
 * Passed over are those that the catalogue cannot ask, those of the format of apk 3, those with variables, and those with a tag:
 * packages of these are only taken when /etc/apk/world asks for it by name, and are left alone (cold-apk-plan.c).
 */
void cold_apk_config_add_sources (const char *text, JsonArray *sources);

G_END_DECLS
