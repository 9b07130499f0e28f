/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database of a pacman repository: a tar archive with one folder a package, in which a file "desc" describes it.
 */
#pragma once

#include "cold-pacman-desc.h"

G_BEGIN_DECLS

/* @text: the description as it is in the database. Returns: %FALSE with @error to stop */
typedef gboolean (*ColdArchDatabaseFunc) (ColdPacmanDesc *desc, const char *text, gsize length, gpointer data,
                                          GError **error);

/**
 * cold_arch_database_read:
 * @path: not compressed
 *
 * Calls @func for each package. Number and size of descriptions are limited.
 *
 * Returns: %FALSE with @error: @func's, or Signature when it is no such database
 */
gboolean cold_arch_database_read (const char *path, ColdArchDatabaseFunc func, gpointer data, GError **error);

G_END_DECLS
