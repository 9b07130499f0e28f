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
  const char *name;            /* libguestfs' word: apt dnf yum zypper pacman apk */
  const char *format;          /* libguestfs' word: deb rpm pacman apk */

  /**
   * manifest:
   * @g: launched; the guest's file systems are mounted, read-only is enough
   * @root: the inspected root
   * @facts: gets "packages" and, where something is wrong, "blockers" (interrupted-transaction)
   *
   * Returns: (transfer full): the manifest as common/cold-protocol.h says; %NULL with @error
   */
  JsonObject *(*manifest) (guestfs_h *g, const char *root, JsonObject *facts, GError **error);

  /**
   * apply:
   * @g: launched, mounted for writing; the bundle is mounted at @bundle inside the guest's tree
   * @plan: what to upgrade
   * @log: path inside the guest's tree of the log, on tmpfs
   * @result: gets "deferred", "kept-config", ...
   */
  gboolean (*apply) (guestfs_h *g, JsonObject *plan, const char *bundle, const char *log, JsonObject *result,
                     GError **error);

  /**
   * check:
   * @checks: gets {"name","ok","detail"} for a consistent package database and for every planned version
   *
   * Returns: %FALSE with @error only when the check itself could not be made
   */
  gboolean (*check) (guestfs_h *g, JsonObject *plan, JsonArray *checks, GError **error);
} ColdPackageManager;

/* %NULL-terminated */
extern const ColdPackageManager *const cold_package_managers[];

const ColdPackageManager *cold_package_manager_find (const char *name); /* (nullable) */

extern const ColdPackageManager cold_apt;

G_END_DECLS
