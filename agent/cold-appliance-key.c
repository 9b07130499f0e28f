/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-appliance-key.h"

#include <glib/gstdio.h>
#include <sys/utsname.h>

static void
add_file (GChecksum *checksum, const char *path)
{
  g_autofree char *line = NULL;
  GStatBuf st;

  if (path == NULL || g_stat (path, &st) < 0)
    return;
  line = g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld\n", path, (gint64) st.st_size,
                          (gint64) st.st_mtim.tv_sec, (long) st.st_mtim.tv_nsec);
  g_checksum_update (checksum, (const guchar *) line, -1);
}

static void
add_program (GChecksum *checksum, const char *name)
{
  g_autofree char *path = g_find_program_in_path (name);

  add_file (checksum, path);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
add_kernels (GChecksum *checksum)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open ("/boot", 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "vmlinu"))
      g_ptr_array_add (names, g_build_filename ("/boot", name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    add_file (checksum, names->pdata[i]);
}

char *
cold_appliance_key (const char *maker)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *qemu = NULL;
  struct utsname name;

  uname (&name);
  qemu = g_strconcat ("qemu-system-", name.machine, NULL);
  add_program (checksum, maker);
  add_program (checksum, "guestfish"); /* of the same package as the library and its daemon */
  add_program (checksum, "supermin");
  add_program (checksum, qemu);
  add_program (checksum, "qemu-kvm");
  add_file (checksum, "/usr/libexec/qemu-kvm");
  add_kernels (checksum);
  return g_strdup (g_checksum_get_string (checksum));
}
