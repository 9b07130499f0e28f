/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-appliance-folder.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "cold-appliance-kernel.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-folders.h"
#include "cold-half-written.h"

static const char *const parts[] = { "kernel", "initrd", "root" };

gboolean
cold_appliance_folder_is_whole (const char *folder)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *path = g_build_filename (folder, parts[i], NULL);

      if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return FALSE;
    }
  return TRUE;
}

/* Kernels are root's alone on some distributions; the worker has to read its copy. */
gboolean
cold_appliance_folder_publish (const char *new_folder, const char *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autofree char *cache = g_build_filename (new_folder, COLD_APPLIANCE_MAKER_CACHE, NULL);
  g_autoptr (GError) packed = NULL;

  cold_folders_remove_tree (cache, TRUE);
  if (!cold_appliance_kernel_unpack (new_folder, &packed))
    g_info ("the appliance's kernel stays packed: %s", packed->message);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *path = g_build_filename (new_folder, parts[i], NULL);

      if (g_chmod (path, 0644) < 0)
        return cold_error_set_errno (error, errno, "cannot make %s readable", path);
      if (!cold_fd_sync_path (path, error))
        return FALSE;
    }
  /* The names in it, too, before its own. */
  if (!cold_fd_sync_path (new_folder, error))
    return FALSE;
  if (g_chmod (new_folder, 0755) < 0 || g_rename (new_folder, folder) < 0)
    return cold_error_set_errno (error, errno, "cannot put the appliance at %s", folder);
  return cold_fd_sync_path (parent, error);
}

void
cold_appliance_folder_sweep (const char *parent, const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  g_autofree char *wanted = g_path_get_basename (folder);
  gboolean whole = cold_appliance_folder_is_whole (folder);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, COLD_APPLIANCE_NEW) || g_str_equal (name, wanted) != whole)
      {
        g_autofree char *path = g_build_filename (parent, name, NULL);

        cold_folders_remove_tree (path, TRUE);
      }
  cold_half_written_sweep (folder, ".json");
}
