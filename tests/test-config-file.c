/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file as such, whatever is in it. */
#include <glib/gstdio.h>
#include <string.h>

#include "cold-config-file.h"
#include "cold-error.h"

static char *path;

/* @wanted: (nullable): a part of the message; %NULL: it loads */
static void
load (const char *text, const char *wanted)
{
  g_auto (ColdConfigFile) file = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  if (wanted == NULL)
    {
      g_assert_true (cold_config_file_load (&file, path, &error));
      g_assert_no_error (error);
      return;
    }
  g_assert_false (cold_config_file_load (&file, path, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_CONFIG);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_assert_nonnull (strstr (error->message, wanted));
}

/* GKeyFile would take the last one. */
static void
test_key_twice (void)
{
  load ("[a]\nk=1\nl=1\n k = 2\n", ":4: k stands on line 2 already");
  load ("[a]\nk=1\n[b]\nk=1\n", NULL);
  load ("[a]\n#k=1\nk=1\n# k=1\n", NULL);
  load ("[a]\nk=l=1\nl=k=1\n", NULL);
}

/* GKeyFile would make one of two. */
static void
test_group_twice (void)
{
  load ("[a]\nk=1\n[b]\n[a] \nl=1\n", ":4: [a] stands on line 1 already");
  load ("[a]\n[b]\n[a.b]\n#[a]\n", NULL);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("test-config-file-XXXXXX", NULL);
  int status;

  g_test_init (&argc, &argv, NULL);
  path = g_build_filename (folder, "x.conf", NULL);
  g_test_add_func ("/config-file/key-twice/is-refused", test_key_twice);
  g_test_add_func ("/config-file/group-twice/is-refused", test_group_twice);
  status = g_test_run ();
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  return status;
}
