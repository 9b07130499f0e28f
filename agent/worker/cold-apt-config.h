/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apt.conf(5): names and values, "APT::Default-Release "stable";" or in braces, as far as planning needs them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full) (element-type utf8 utf8): values by name in lower case, still empty */
GHashTable *cold_apt_config_new (void);

/* Adds what a file says; what comes later counts. What apt would complain of is passed over. */
void cold_apt_config_add (GHashTable *config, const char *text);

/* @name: in lower case. Returns: (transfer none) (nullable) */
const char *cold_apt_config_get (GHashTable *config, const char *name);

/* As apt reads truth values; %FALSE when it is not set. */
gboolean cold_apt_config_get_bool (GHashTable *config, const char *name);

G_END_DECLS
