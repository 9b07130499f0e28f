/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb plan, asked for one guest. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* @request: with "repositories", and of the guest "manifest", "security-only" and "exclude". Returns: (transfer full): its plan;
 * %NULL with @error */
JsonObject *plan_fixture_make (JsonObject *request, GError **error);

/* Whether one of the texts that @plan has in the array @member contains @words */
gboolean plan_fixture_lists (JsonObject *plan, const char *member, const char *words);
guint plan_fixture_count (JsonObject *plan, const char *member);

G_END_DECLS
