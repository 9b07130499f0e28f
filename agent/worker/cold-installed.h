/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is installed after an upgrade, against what was installed before and what the plan said.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *version;
  char *arch;
} ColdInstalled;

/**
 * cold_installed_read:
 * @path: a manifest (common/cold-protocol.h)
 *
 * Returns: (transfer full) (element-type ColdInstalled): %NULL with @error
 */
GPtrArray *cold_installed_read (const char *path, GError **error);

/**
 * cold_installed_compare:
 * @gone: (element-type utf8): gets a sentence for each package that is there no more, and that no planned one replaces
 * @differences: (element-type utf8): gets a sentence for whatever else is not as planned, but for planned packages themselves
 */
void cold_installed_compare (GPtrArray *before, GPtrArray *after, JsonObject *plan, GPtrArray *gone,
                             GPtrArray *differences);

G_END_DECLS
