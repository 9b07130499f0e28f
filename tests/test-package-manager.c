/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>

#include "cold-package-manager.h"
#include "cold-rpm-manifest.h"

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

/* Returns: (transfer full): what rpm.sh finds in such a log, in the order of the C locale */
static char *
failed_scripts_of (const char *log)
{
  g_autofree char *folder = g_dir_make_tmp ("test-package-manager-XXXXXX", NULL);
  g_autofree char *log_path = g_build_filename (folder, "log", NULL);
  g_autoptr (GBytes) library = g_resource_lookup_data (cold_worker_get_resource (), COLD_RPM_LIBRARY, 0, NULL);
  g_autofree char *script = g_strdup_printf ("set -eu; export LC_ALL=C WORK='%s'\n%s\nfailed_scripts; cat \"$WORK/failed-scripts\"; rm -r \"$WORK\"",
                                             folder, (const char *) g_bytes_get_data (library, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) shell = NULL;
  char *found = NULL;

  g_assert_true (g_file_set_contents (log_path, log, -1, NULL));
  shell = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "sh", "-c", script, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (shell, NULL, NULL, &found, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (shell));
  return found;
}

/* In the words of rpm alone and below zypper, dnf 4 and dnf 5. */
static void
test_failed_scripts (void)
{
  static const struct
  {
    const char *log;
    const char *found;
  } rows[] = {
    { "Installing : foo\n", "" },
    { "warning: %post(foo-1-1.noarch) scriptlet failed, exit status 3\n",
      "warning: %post(foo-1-1.noarch) scriptlet failed, exit status 3\n" },
    { "error: %preun(foo-1-1.noarch) scriptlet failed, exit status 4\nerror: lua script failed: x\n",
      "error: %preun(foo-1-1.noarch) scriptlet failed, exit status 4\nerror: lua script failed: x\n" },
    { "Error in POSTIN scriptlet in rpm package foo\nError in POSTIN scriptlet in rpm package foo\n",
      "Error in POSTIN scriptlet in rpm package foo\n" },
    { "[1/2] Upgrading foo 100%\n>>> Running %post scriptlet: foo-0:1-1.noarch\n"
      ">>> Non-critical error in %post scriptlet: foo-0:1-1.noarch\n>>> Scriptlet output:\n>>> my script failed\n"
      ">>> [RPM] %post(foo-1-1.noarch) scriptlet failed, exit status 3\n>>> Finished %post scriptlet: bar-0:1-1.noarch\n",
      "%post(foo-1-1.noarch) scriptlet failed, exit status 3\nNon-critical error in %post scriptlet: foo-0:1-1.noarch\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *found = failed_scripts_of (rows[i].log);

      g_assert_cmpstr (found, ==, rows[i].found);
    }
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
  g_test_add_func ("/package-manager/rpm/failed-scripts", test_failed_scripts);
  g_test_add_func ("/package-manager/unknown/none", test_unknown);
  return g_test_run ();
}
