/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folders of appliances: which is whole, how one gets its name, and what is left over. All of it blocks, but looking.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_APPLIANCE_NEW ".new-"          /* begins the name of one that is being built */
#define COLD_APPLIANCE_MAKER_CACHE "cache"  /* in there, of no use afterwards */

/* Whether everything that libguestfs needs is there. */
gboolean cold_appliance_folder_is_whole (const char *folder);

/**
 * cold_appliance_folder_publish:
 * @new_folder: as the maker left it
 * @folder: its name from now on; there must be none yet
 *
 * Makes it readable, unpacks its kernel where that goes, and renames it when all of it is on disk. Fails with NoSpace or Io.
 */
gboolean cold_appliance_folder_publish (const char *new_folder, const char *folder, GError **error);

/**
 * cold_appliance_folder_sweep:
 * @parent: of all of them; nothing is built there meanwhile
 * @folder: the one that is wanted
 *
 * Deletes builds that were cut off, and, once @folder is whole, those of earlier versions. A @folder that is not whole, since a
 * crash or somebody took a part of it, goes as well: the next build could not get its name.
 */
void cold_appliance_folder_sweep (const char *parent, const char *folder);

G_END_DECLS
