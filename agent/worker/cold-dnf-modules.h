/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which streams of modules a guest's dnf has enabled: /etc/dnf/modules.d, and what else its choice depends on.
 */
#pragma once

#include <guestfs.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * cold_dnf_modules_add:
 * @module: the file's name without ".module"
 * @text: of the file
 * @enabled: (element-type utf8): gets "module:stream"
 * @disabled: (element-type utf8): gets "module"
 *
 * A module that was reset is in neither.
 *
 * Returns: %FALSE when it is no such file
 */
gboolean cold_dnf_modules_add (const char *module, const char *text, GPtrArray *enabled, GPtrArray *disabled);

/**
 * cold_dnf_modules_read:
 * @config: (nullable): text of dnf.conf
 *
 * Returns: (transfer full): "modules" of the manifest (common/cold-protocol.h)
 */
JsonObject *cold_dnf_modules_read (guestfs_h *g, const char *config);

G_END_DECLS
