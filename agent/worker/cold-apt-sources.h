/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The repositories that a guest's apt reads: sources.list(5), in both of its styles. Whoever owns the guest wrote this; what
 * it says of keys ("signed-by", "trusted") is not even looked at.
 */
#pragma once

#include "cold-listed-source.h"

G_BEGIN_DECLS

/**
 * cold_apt_sources_parse_list:
 * @text: of a *.list file
 * @native: dpkg's word for the guest's architecture
 * @sources: gets {"uri","suite","components":[s],"architectures":[s]?} for each suite of binary packages for that architecture,
 *   with all that it is for, when the source says it
 *
 * Lines that apt would not understand are passed over, and so is what the catalogue cannot fetch: other schemes than http and
 * https, repositories without components.
 */
void cold_apt_sources_parse_list (const char *text, const char *native, JsonArray *sources);

/* The same for a *.sources file (deb822). */
void cold_apt_sources_parse_deb822 (const char *text, const char *native, JsonArray *sources);

G_END_DECLS
