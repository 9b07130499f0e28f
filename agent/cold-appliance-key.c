/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-appliance-key.h"

#include <glib/gstdio.h>
#include <glob.h>
#include <sys/utsname.h>

/* Who knows the versions of the host's packages, told by its database. What is not installed is left out, or said to be so. */
static const struct
{
  const char *database;
  const char *command[5];
} managers[] = {
  { "/var/lib/dpkg/status",
    { "dpkg-query", "--show", "--showformat=${Package} ${Architecture} ${Version} ${db:Status-Abbrev}\\n" } },
  { "/usr/lib/sysimage/rpm", { "rpm", "-q" } },
  { "/var/lib/rpm", { "rpm", "-q" } },
  { "/var/lib/pacman/local", { "pacman", "-Q" } },
};

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

/* @prefix: of the files' names. Returns: (transfer full) (element-type utf8): their paths, in order */
static GPtrArray *
list_files (const char *path, const char *prefix)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, prefix))
      g_ptr_array_add (files, g_build_filename (path, name, NULL));
  g_ptr_array_sort (files, compare_names);
  return files;
}

static void
add_files (GChecksum *checksum, const char *path, const char *prefix)
{
  g_autoptr (GPtrArray) files = list_files (path, prefix);

  for (guint i = 0; i < files->len; i++)
    add_file (checksum, files->pdata[i]);
}

/* Lists of packages: one word a line. More lists come with packages such as libguestfs-xfs. */
static void
add_packages (GChecksum *checksum, const char *supermin_dir)
{
  g_autoptr (GPtrArray) lists = list_files (supermin_dir, "packages");
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *versions = NULL;
  guint manager = 0;

  while (manager < G_N_ELEMENTS (managers) && !g_file_test (managers[manager].database, G_FILE_TEST_EXISTS))
    manager++;
  if (manager == G_N_ELEMENTS (managers))
    return;
  for (guint i = 0; managers[manager].command[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (managers[manager].command[i]));
  for (guint i = 0; i < lists->len; i++)
    {
      g_autofree char *text = NULL;
      g_auto (GStrv) words = NULL;

      if (!g_file_get_contents (lists->pdata[i], &text, NULL, NULL))
        continue;
      words = g_strsplit_set (text, " \t\n", -1);
      for (char **word = words; *word != NULL; word++)
        if (g_ascii_isalnum (**word))
          g_ptr_array_add (argv, g_strdup (*word));
    }
  g_ptr_array_add (argv, NULL);
  /* A package that is missing makes it fail, after it has told of the others. */
  if (g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                    &versions, NULL, NULL, NULL)
      && versions != NULL)
    g_checksum_update (checksum, (const guchar *) versions, -1);
}

static void
add_supermin (GChecksum *checksum, const char *supermin_dir)
{
  add_files (checksum, supermin_dir, "");
  add_packages (checksum, supermin_dir);
}

static void
add_installed_supermin (GChecksum *checksum)
{
  glob_t found = { 0 };

  glob ("/usr/lib/guestfs/supermin.d", 0, NULL, &found);
  glob ("/usr/lib64/guestfs/supermin.d", GLOB_APPEND, NULL, &found);
  glob ("/usr/lib/*/guestfs/supermin.d", GLOB_APPEND, NULL, &found);
  for (gsize i = 0; i < found.gl_pathc; i++)
    add_supermin (checksum, found.gl_pathv[i]);
  globfree (&found);
}

char *
cold_appliance_key (const char *maker, const char *supermin_dir)
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
  add_files (checksum, "/boot", "vmlinu");
  if (supermin_dir != NULL)
    add_supermin (checksum, supermin_dir);
  else
    add_installed_supermin (checksum);
  return g_strdup (g_checksum_get_string (checksum));
}
