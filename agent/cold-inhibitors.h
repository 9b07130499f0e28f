/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reasons not to start anything by policy: a pause that an admin set and takes back, and inhibitors that end by
 * themselves or with their owner.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_TYPE_INHIBITORS (cold_inhibitors_get_type ())
G_DECLARE_FINAL_TYPE (ColdInhibitors, cold_inhibitors, COLD, INHIBITORS, GObject)

/* Signal: changed () */

ColdInhibitors *cold_inhibitors_new (void);
gboolean cold_inhibitors_is_active (ColdInhibitors *self);
void cold_inhibitors_pause (ColdInhibitors *self, const char *why);
void cold_inhibitors_resume (ColdInhibitors *self);
/* A pause that ends by itself after @seconds, or with @owner, a unique bus name. Returns: a cookie, never 0 */
guint cold_inhibitors_add (ColdInhibitors *self, const char *why, guint seconds, const char *owner);
/* NotFound for a cookie that is not there (any more). */
gboolean cold_inhibitors_remove (ColdInhibitors *self, guint cookie, GError **error);
/* When the owner has left the bus. */
void cold_inhibitors_remove_owner (ColdInhibitors *self, const char *owner);

G_END_DECLS
