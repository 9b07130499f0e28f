/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pacman.conf(5), as far as planning needs it: what a guest's admin wants left alone, and where packages come from.
 */
#pragma once

#include <gio/gio.h>

#include "cold-listed-source.h"

G_BEGIN_DECLS

typedef struct
{
  gpointer data;

  /* Returns: (transfer full) (nullable): the file's text; %NULL without @error when there is none */
  char *(*read) (gpointer data, const char *path, GError **error);

  /* Returns: (transfer full) (nullable): the files that match, %NULL-terminated */
  GStrv (*glob) (gpointer data, const char *pattern);
} ColdPacmanFiles;

/**
 * cold_pacman_config_held:
 * @path: of pacman.conf
 *
 * Files are included as pacman does it: where the word is, in the section it is in.
 *
 * Returns: (transfer full): IgnorePkg's patterns as they are and IgnoreGroup's with "group:" before them, sorted, each
 *   once; %NULL with @error (Guest)
 */
GStrv cold_pacman_config_held (const ColdPacmanFiles *files, const char *path, GError **error);

/**
 * cold_pacman_config_sources:
 * @arch: what $arch stands for
 * @sources: gets {"uri","mirrors":[s]?,"suite"} for each repository, in pacman's order: the first one that has a package has it
 * @unused: gets the names of repositories that Usage= keeps from upgrading
 *
 * Servers that the catalogue cannot ask are passed over, and unused repositories. SigLevel= is not
 * looked at.
 *
 * Returns: %FALSE with @error (Guest)
 */
gboolean cold_pacman_config_sources (const ColdPacmanFiles *files, const char *path, const char *arch, JsonArray *sources,
                                     JsonArray *unused, GError **error);

G_END_DECLS
