/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-fstab.h"

#include <string.h>

#include "cold-guest.h"

static gboolean
is_below (const char *where, const char *const *folders)
{
  for (guint i = 0; folders[i] != NULL; i++)
    if (g_str_has_prefix (where, folders[i]) && strchr ("/", where[strlen (folders[i])]) != NULL)
      return TRUE;
  return FALSE;
}

gboolean
cold_fstab_is_of_system (const char *where)
{
  static const char *const data[] = { "/home", "/srv", "/mnt", "/media", "/data", NULL };

  return !is_below (where, data);
}

/* Where packages are sure to have files. */
static gboolean
is_of_packages (const char *where)
{
  static const char *const packages[] = { "/bin", "/boot", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/sbin",
                                          "/usr", "/var/lib/apk", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/pacman",
                                          "/var/lib/rpm", NULL };
  static const char *const local[] = { "/usr/local", "/usr/src", NULL };

  return (is_below (where, packages) && !is_below (where, local))
         || g_strv_contains ((const char *const[]){ "/var", "/var/lib", NULL }, where);
}

static gboolean
is_disk (const char *spec)
{
  return g_str_has_prefix (spec, "/dev/") || g_str_has_prefix (spec, "UUID=") || g_str_has_prefix (spec, "LABEL=")
         || g_str_has_prefix (spec, "PARTUUID=") || g_str_has_prefix (spec, "PARTLABEL=") || g_str_has_prefix (spec, "ID=");
}

/* Whether the guest starts without it. */
static gboolean
is_optional (const char *options)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);

  return g_strv_contains ((const char *const *) words, "nofail") || g_strv_contains ((const char *const *) words, "noauto")
         || g_strv_contains ((const char *const *) words, "_netdev");
}

static void
check_entry (const char *spec, const char *where, const char *type, const char *options, JsonObject *facts)
{
  g_autofree char *detail = NULL;

  /* What is in memory is empty at each start. */
  if (g_strv_contains ((const char *const[]){ "swap", "tmpfs", "ramfs", "ignore", NULL }, type))
    return;
  if (is_disk (spec) && (is_optional (options) ? is_of_packages (where) : cold_fstab_is_of_system (where)))
    {
      detail = g_strdup_printf ("%s, which /etc/fstab mounts on %s", spec, where);
      cold_guest_add_blocker (facts, "missing-disk", detail);
    }
  else if (!is_disk (spec) && is_of_packages (where))
    {
      detail = g_strdup_printf ("/etc/fstab mounts %s on %s, where packages have files", spec, where);
      cold_guest_add_blocker (facts, "unsupported-os", detail);
    }
}

/* Returns: (transfer full) (element-type utf8): the fields of a line, without comments */
static GPtrArray *
split_line (const char *line)
{
  g_auto (GStrv) words = g_strsplit_set (line, " \t\r", -1);
  GPtrArray *fields = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (*words[i] == '#' && fields->len == 0)
        break;
      if (*words[i] != '\0')
        g_ptr_array_add (fields, g_strdup (words[i]));
    }
  return fields;
}

/* Returns: (transfer full) (nullable) (element-type utf8): the fields of a line that mounts something below the root */
static GPtrArray *
read_entry (const char *line)
{
  g_autoptr (GPtrArray) fields = split_line (line);
  char *where;

  if (fields->len < 3)
    return NULL;
  where = g_ptr_array_index (fields, 1);
  /* "/home/" */
  for (gsize n = strlen (where); n > 1 && where[n - 1] == '/'; n--)
    where[n - 1] = '\0';
  return *where == '/' && where[1] != '\0' ? g_steal_pointer (&fields) : NULL;
}

void
cold_fstab_check (const char *text, const char *const *mounted, JsonObject *facts)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) fields = read_entry (lines[i]);

      if (fields != NULL && !g_strv_contains (mounted, g_ptr_array_index (fields, 1)))
        check_entry (g_ptr_array_index (fields, 0), g_ptr_array_index (fields, 1), g_ptr_array_index (fields, 2),
                     fields->len > 3 ? g_ptr_array_index (fields, 3) : "", facts);
    }
}

/* Returns: (transfer full) (nullable): the link that udev makes to the partition */
static char *
find_link (const char *spec)
{
  const char *name = strchr (spec, '=');
  g_auto (GStrv) parts = g_strsplit (name != NULL ? name + 1 : "", "\"", -1);
  g_autofree char *bare = g_strjoinv ("", parts);
  g_autofree char *lower = g_ascii_strdown (bare, -1);

  if (*bare == '\0' || strchr (bare, '/') != NULL)
    return NULL;
  if (g_str_has_prefix (spec, "PARTUUID="))
    return g_strconcat ("/dev/disk/by-partuuid/", lower, NULL);
  if (g_str_has_prefix (spec, "PARTLABEL="))
    return g_strconcat ("/dev/disk/by-partlabel/", bare, NULL);
  return NULL;
}

GStrv
cold_fstab_list_partitions (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) fields = read_entry (lines[i]);
      g_autofree char *link = fields != NULL ? find_link (g_ptr_array_index (fields, 0)) : NULL;

      /* The device alone is another subvolume. */
      if (link == NULL || (fields->len > 3 && strstr (g_ptr_array_index (fields, 3), "subvol") != NULL))
        continue;
      g_strv_builder_add (builder, g_ptr_array_index (fields, 1));
      g_strv_builder_add (builder, link);
    }
  return g_strv_builder_end (builder);
}
