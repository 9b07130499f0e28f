/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zypper, as on openSUSE and SUSE Linux Enterprise.
 */
#include "cold-guest.h"
#include "cold-package-manager.h"
#include "cold-rpm-manifest.h"
#include "cold-rpm-policy.h"

#define CONFIG_MAX (1024 * 1024)

static JsonObject *
manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) excludes = g_ptr_array_new_with_free_func (g_free);
  GError *local = NULL;
  g_autofree char *locks = cold_guest_read_text (g, "/etc/zypp/locks", CONFIG_MAX, &local);

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  if (locks != NULL)
    cold_rpm_policy_add_zypp_locks (locks, held);
  return cold_rpm_manifest (g, facts, "zypper", held, excludes, error);
}

const ColdPackageManager cold_zypper = {
  .name = "zypper",
  .format = "rpm",
  .manifest = manifest,
  .script = "/org/coldpatch1/worker/zypper.sh",
  .library = COLD_RPM_LIBRARY,
  .owned = COLD_RPM_OWNED,
  .generated = cold_rpm_generated,
  .kept_suffixes = cold_rpm_kept_suffixes,
  .replaced_suffixes = cold_rpm_replaced_suffixes,
};
