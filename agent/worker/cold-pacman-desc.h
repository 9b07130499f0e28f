/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "desc": how pacman describes a package, in its own database and in a repository's. Fields are "%NAME%" on a line of its
 * own, then one value a line, up to an empty line.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* More than any package of a distribution needs. */
#define COLD_PACMAN_DESC_MAX (1024 * 1024)

typedef struct _ColdPacmanDesc ColdPacmanDesc;

/**
 * cold_pacman_desc_parse:
 *
 * Fields that are there twice count as one. What a package must have is checked: NAME and VERSION of the letters that
 * makepkg allows. Values are valid UTF-8.
 *
 * Returns: (transfer full): %NULL with @error (InvalidArgument)
 */
ColdPacmanDesc *cold_pacman_desc_parse (const char *text, gsize length, GError **error);
void cold_pacman_desc_free (ColdPacmanDesc *self);

/* @field: without percent signs. Returns: (transfer none) (nullable): its first value */
const char *cold_pacman_desc_get (ColdPacmanDesc *self, const char *field);

/* Returns: (transfer none) (element-type utf8) (nullable): all its values */
GPtrArray *cold_pacman_desc_get_all (ColdPacmanDesc *self, const char *field);

/* Returns: its first value as a number; -1 when it has none or is no number */
gint64 cold_pacman_desc_get_number (ColdPacmanDesc *self, const char *field);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPacmanDesc, cold_pacman_desc_free)

G_END_DECLS
