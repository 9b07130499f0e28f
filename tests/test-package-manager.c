/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>

#include "cold-package-manager.h"

/* Of a header that is made while the worker is built, maybe after this. */
GResource *cold_worker_get_resource (void);

/* Everything that a verb takes from a package manager without asking. */
static void
test_complete (gconstpointer name)
{
  const ColdPackageManager *manager = cold_package_manager_find (name);
  const char *const resources[] = { manager->script, manager->library };

  g_assert_cmpstr (manager->name, ==, name);
  g_assert_nonnull (manager->format);
  g_assert_nonnull (manager->manifest);
  g_assert_nonnull (manager->script);
  g_assert_nonnull (manager->owned);
  g_assert_nonnull (manager->generated);
  g_assert_nonnull (manager->kept_suffixes);
  g_assert_nonnull (manager->replaced_suffixes);
  for (guint i = 0; i < G_N_ELEMENTS (resources) && resources[i] != NULL; i++)
    {
      g_autoptr (GBytes) script = g_resource_lookup_data (cold_worker_get_resource (), resources[i], 0, NULL);

      g_assert_nonnull (script);
    }
}

static void
test_unknown (void)
{
  g_assert_null (cold_package_manager_find ("emerge"));
  g_assert_null (cold_package_manager_find (NULL));
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "apk", "apt", "dnf", "pacman", "yum", "zypper" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf ("/package-manager/%s/complete", names[i]);

      g_test_add_data_func (path, names[i], test_complete);
    }
  g_test_add_func ("/package-manager/unknown/none", test_unknown);
  return g_test_run ();
}
