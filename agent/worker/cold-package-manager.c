/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-package-manager.h"

static const ColdPackageManager *const managers[] = { &cold_apk, &cold_apt, &cold_dnf, &cold_pacman, &cold_yum, &cold_zypper };

const ColdPackageManager *
cold_package_manager_find (const char *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (managers); i++)
    if (g_str_equal (managers[i]->name, name))
      return managers[i];
  return NULL;
}
