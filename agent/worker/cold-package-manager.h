/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's package manager: how to read what is installed, and how to upgrade it from a bundle. One file each, all
 * listed in cold_package_managers.
 */
#pragma once

#include <guestfs.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;   /* libguestfs' word: apt dnf yum zypper pacman apk */
  const char *format; /* libguestfs' word: deb rpm pacman apk */

  /**
   * manifest:
   * @g: launched; the guest's file systems are mounted, read-only is enough
   * @facts: as inspected; gets "packages" and, where something is wrong, the blocker interrupted-transaction
   *
   * Returns: (transfer full): the manifest as common/cold-protocol.h says; %NULL with @error
   */
  JsonObject *(*manifest) (guestfs_h *g, JsonObject *facts, GError **error);

  /* Resource with the shell script that upgrades the guest from inside, in the frame of scripts/frame.sh. */
  const char *script;

  const char *library; /* (nullable): resource with functions for that script */

  /* Shell command that prints every path that a package owns, one a line. */
  const char *owned;

  /* Paths below which the manager's own tools and triggers write what no package owns; %NULL-terminated. */
  const char *const *generated;

  /* What it appends to the name of the packaged version of a configuration file that was kept; %NULL-terminated. */
  const char *const *kept_suffixes;

  /* What it appends to the name of the admin's version where the packaged one took its place; %NULL-terminated. */
  const char *const *replaced_suffixes;
} ColdPackageManager;

/* (nullable): none of that name is supported */
const ColdPackageManager *cold_package_manager_find (const char *name);

extern const ColdPackageManager cold_apk;
extern const ColdPackageManager cold_apt;
extern const ColdPackageManager cold_dnf;
extern const ColdPackageManager cold_pacman;
extern const ColdPackageManager cold_yum;
extern const ColdPackageManager cold_zypper;

G_END_DECLS
