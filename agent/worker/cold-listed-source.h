/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One repository that a guest's own source lists name, on its way to "sources" of the facts (common/cold-protocol.h). Whoever
 * owns the guest wrote it; what it says of keys and signatures is not even looked at.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Of one guest; what comes after is left out. */
#define COLD_LISTED_SOURCES_MAX 32

/* Other places of the same repository; what comes after is left out. */
#define COLD_LISTED_MIRRORS_MAX 8

/* Whether @text is printable ASCII without blanks, of a length that somebody could mean. */
gboolean cold_listed_is_word (const char *text);

/* Whether it is that, and begins as an http or https URI does. */
gboolean cold_listed_is_uri (const char *text);

/**
 * cold_listed_source_add:
 * @sources: gets @source, when there is room
 * @source: (transfer full): gets "uri", the first usable one, and "mirrors", those after it
 * @uris: %NULL-terminated; those that the catalogue cannot fetch are passed over
 */
void cold_listed_source_add (JsonArray *sources, JsonObject *source, const char *const *uris);

G_END_DECLS
