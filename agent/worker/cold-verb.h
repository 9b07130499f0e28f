/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A verb of the worker: one file each. A verb runs on the main thread of a process of its own, may block, and never
 * prints: cold_verb_progress() does.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* @request: the request line. Returns: (transfer full): the result without "type", or %NULL with @error */
typedef JsonObject *(*ColdVerbFunc) (JsonObject *request, GError **error);

JsonObject *cold_verb_probe (JsonObject *request, GError **error);
JsonObject *cold_verb_launch (JsonObject *request, GError **error);
JsonObject *cold_verb_inspect (JsonObject *request, GError **error);
JsonObject *cold_verb_fetch (JsonObject *request, GError **error);
JsonObject *cold_verb_plan (JsonObject *request, GError **error);
JsonObject *cold_verb_bundle (JsonObject *request, GError **error);
JsonObject *cold_verb_upgrade (JsonObject *request, GError **error);
JsonObject *cold_verb_verify (JsonObject *request, GError **error);

/* Writes a progress line; cheap enough to be called for every package. */
void cold_verb_progress (const char *phase, double fraction, const char *message);

/* Where the folders of that name are: "/catalogue" and "/scratch", unless @request has another one as "catalogue" or
 * "scratch", as a run outside the sandbox does. */
const char *cold_verb_catalogue (JsonObject *request);
const char *cold_verb_scratch (JsonObject *request);

G_END_DECLS
