/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-hibernation.h"

#include <stdio.h>
#include <string.h>

#include "cold-error.h"

#define PAGE 4096
#define FSTAB_MAX 65536
/* Exit codes of ntfs-3g.probe(8). */
#define NTFS_CORRUPT 13
#define NTFS_HIBERNATED 14
#define NTFS_UNCLEAN 15

gboolean
cold_guest_is_swap_suspended (const char *page, gsize length)
{
  /* The last ten bytes, in place of SWAPSPACE2: of the kernel's swsusp, of uswsusp, and of later kernels (libblkid's
   * swap.c has the same list). */
  static const char *const signatures[] = { "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001" };

  for (guint i = 0; length >= PAGE && i < G_N_ELEMENTS (signatures); i++)
    if (memcmp (page + PAGE - 10, signatures[i], strlen (signatures[i])) == 0)
      return TRUE;
  return FALSE;
}

void
cold_guest_check_ntfs (guestfs_h *g, const char *device, JsonObject *facts)
{
  char *feature[] = { (char *) "ntfs3g", NULL };
  g_autofree char *detail = NULL;

  /* An appliance that cannot tell must not be taken for one that says that all is well. */
  switch (guestfs_feature_available (g, feature) > 0 ? guestfs_ntfs_3g_probe (g, TRUE, device) : -1)
    {
    case 0:
      return;
    case NTFS_HIBERNATED:
      cold_guest_add_blocker (facts, "hibernated", device);
      return;
    case NTFS_UNCLEAN:
      detail = g_strdup_printf ("%s: it was not unmounted cleanly", device);
      break;
    case NTFS_CORRUPT:
      detail = g_strdup_printf ("%s: it is corrupt", device);
      break;
    default:
      detail = g_strdup_printf ("%s: nobody can tell how it was left", device);
      break;
    }
  cold_guest_add_blocker (facts, "dirty-filesystem", detail);
}

static gboolean
check_swap_file (guestfs_h *g, const char *path, JsonObject *facts, GError **error)
{
  g_autofree char *page = NULL;
  size_t length = 0;

  if (guestfs_is_file_opts (g, path, GUESTFS_IS_FILE_OPTS_FOLLOWSYMLINKS, 1, -1) <= 0)
    return TRUE;
  page = guestfs_pread (g, path, PAGE, 0, &length);
  if (page == NULL)
    return cold_guest_set_error (g, error, "cannot read a swap file");
  if (cold_guest_is_swap_suspended (page, length))
    cold_guest_add_blocker (facts, "hibernated", path);
  return TRUE;
}

static void
add_path (GPtrArray *paths, const char *path)
{
  if (!g_ptr_array_find_with_equal_func (paths, path, g_str_equal, NULL))
    g_ptr_array_add (paths, g_strdup (path));
}

static void
add_from_fstab (GPtrArray *paths, const char *fstab)
{
  g_auto (GStrv) lines = g_strsplit (fstab, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *path = g_malloc (strlen (lines[i]) + 1);
      char type[8] = "";

      /* fs_spec fs_file fs_vfstype ...: swap partitions were looked at as what they are */
      if (sscanf (lines[i], " %s %*s %7s", path, type) == 2 && g_str_equal (type, "swap") && *path == '/'
          && !g_str_has_prefix (path, "/dev/"))
        add_path (paths, path);
    }
}

gboolean
cold_guest_check_swap_files (guestfs_h *g, JsonObject *facts, GError **error)
{
  /* Of installers, and of the usual instructions: in use, perhaps, without a line in fstab. */
  static const char *const usual[] = { "/swapfile", "/swap.img", "/swap/swapfile", "/var/swap", "/var/swapfile" };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;
  g_autofree char *fstab = cold_guest_read_text (g, "/etc/fstab", FSTAB_MAX, &local);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (usual); i++)
    add_path (paths, usual[i]);
  if (fstab != NULL)
    add_from_fstab (paths, fstab);
  for (guint i = 0; i < paths->len; i++)
    if (!check_swap_file (g, g_ptr_array_index (paths, i), facts, error))
      return FALSE;
  return TRUE;
}
