/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-half-written.h"

#include <glib/gstdio.h>

static char *
make (const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "x", -1, NULL));
  return path;
}

static void
test_sweep (void)
{
  static const char *const kept[] = { "7.json", "7.json.broken", "7.log.Ab12Xy", "7.json.Ab12X", "7.json.Ab12Xyz", "7.json.Ab-2Xy",
                                      "x7json.Ab12Xy", "Ab12Xy", "7.jsonAb12Xy" };
  static const char *const swept[] = { "7.json.Ab12Xy", ".json.000000", "catalogue.json.brokeN" };
  g_autofree char *folder = g_dir_make_tmp ("test-half-written-XXXXXX", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    g_free (make (folder, kept[i]));
  for (guint i = 0; i < G_N_ELEMENTS (swept); i++)
    g_free (make (folder, swept[i]));
  cold_half_written_sweep (folder, ".json");
  for (guint i = 0; i < G_N_ELEMENTS (swept); i++)
    {
      g_autofree char *path = g_build_filename (folder, swept[i], NULL);

      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    }
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autofree char *path = g_build_filename (folder, kept[i], NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_no_folder (void)
{
  cold_half_written_sweep ("/nonexistent/folder", ".json");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/half-written/sweep/spares-the-others", test_sweep);
  g_test_add_func ("/half-written/no-folder/is-nothing", test_no_folder);
  return g_test_run ();
}
