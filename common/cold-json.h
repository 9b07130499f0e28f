/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading JSON that somebody else wrote (a worker, a file on disk), with types checked and nothing assumed.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_json_parse_object:
 * @text: UTF-8, not necessarily NUL-terminated
 * @length: bytes, or -1 when NUL-terminated
 *
 * Returns: (transfer full) (nullable): the object, %NULL with @error (InvalidArgument) when @text is no JSON object
 */
JsonObject *cold_json_parse_object (const char *text, gssize length, GError **error);

/**
 * cold_json_to_text:
 *
 * Returns: (transfer full): one line without a newline at its end
 */
char *cold_json_to_text (JsonObject *object);

/* The member's value when it is there and has the type; otherwise the fallback (%NULL, 0, %FALSE). */
const char *cold_json_string (JsonObject *object, const char *member);
gint64 cold_json_int (JsonObject *object, const char *member);
double cold_json_double (JsonObject *object, const char *member);
gboolean cold_json_bool (JsonObject *object, const char *member);
JsonArray *cold_json_array (JsonObject *object, const char *member);   /* (transfer none) (nullable) */
JsonObject *cold_json_object (JsonObject *object, const char *member); /* (transfer none) (nullable) */

/**
 * cold_json_strv:
 *
 * Returns: (transfer full) (not nullable): the strings of the array @member; other elements are left out
 */
GStrv cold_json_strv (JsonObject *object, const char *member);

/* Elements of an array, checked like the members above. */
JsonObject *cold_json_array_object (JsonArray *array, guint i); /* (transfer none) (nullable) */
const char *cold_json_array_string (JsonArray *array, guint i); /* (transfer none) (nullable) */

/**
 * cold_json_set_strv:
 * @strv: (nullable): set as an array of strings; %NULL sets an empty one
 */
void cold_json_set_strv (JsonObject *object, const char *member, const char *const *strv);

/**
 * cold_json_load_file, cold_json_save_file:
 *
 * A whole small file. Saving is atomic and durable: temporary file in the same folder, fsync, rename, fsync of
 * the folder; mode is 0600.
 */
JsonObject *cold_json_load_file (const char *path, GError **error);
gboolean cold_json_save_file (const char *path, JsonObject *object, GError **error);

/**
 * cold_text_make_valid:
 * @text: (nullable): bytes from a guest
 *
 * Returns: (transfer full): valid UTF-8 without control characters, for logs and the bus; "" for %NULL
 */
char *cold_text_make_valid (const char *text);

G_END_DECLS
