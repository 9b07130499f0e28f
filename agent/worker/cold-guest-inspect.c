/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-inspect.h"

#include <string.h>
#include <sys/utsname.h>

#include "cold-error.h"
#include "cold-fstab.h"
#include "cold-guest-hibernation.h"
#include "cold-json.h"

#define OS_RELEASE_MAX 65536
#define FSTAB_MAX 65536
#define FAT_SECTOR 512

/* --- file systems ---------------------------------------------------------------------------------------------------- */

static gboolean
is_ext (const char *type)
{
  return g_str_equal (type, "ext4") || g_str_equal (type, "ext3") || g_str_equal (type, "ext2");
}

static const char *
lookup (char **pairs, const char *key)
{
  for (guint i = 0; pairs[i] != NULL; i += 2)
    if (g_str_equal (pairs[i], key))
      return pairs[i + 1];
  return "";
}

/* The bit that fsck.fat(8) clears is in the boot sector, elsewhere with 32 bits: those have no size of a FAT in 16 bits. */
static char *
find_dirt_of_fat (guestfs_h *g, const char *device)
{
  size_t length = 0;
  g_autofree char *sector = guestfs_pread_device (g, device, FAT_SECTOR, 0, &length);

  if (sector == NULL || length < FAT_SECTOR)
    return g_strdup ("its boot sector cannot be read");
  if ((sector[sector[22] == 0 && sector[23] == 0 ? 0x41 : 0x25] & 1) == 0)
    return NULL;
  return g_strdup ("it was not unmounted cleanly; a guest that does not mend that when it starts lacks fsck.vfat (dosfstools)");
}

/* Returns: (transfer full) (nullable): how the file system was left, when it was not unmounted cleanly */
static char *
find_dirt (guestfs_h *g, const char *device, const char *type)
{
  g_autofree char *path = cold_guest_appliance_path (device);
  g_autofree char *quoted = g_shell_quote (path);
  g_autofree char *command = NULL;
  g_autofree char *output = NULL;

  if (is_ext (type))
    {
      g_auto (GStrv) superblock = guestfs_tune2fs_l (g, device);

      if (superblock == NULL)
        return g_strdup ("its superblock cannot be read");
      if (strstr (lookup (superblock, "Filesystem features"), "needs_recovery") != NULL)
        return g_strdup ("its journal has to be replayed");
      if (!g_str_equal (lookup (superblock, "Filesystem state"), "clean"))
        return g_strdup_printf ("its state is \"%s\"", lookup (superblock, "Filesystem state"));
      return NULL;
    }
  if (g_str_equal (type, "vfat"))
    return find_dirt_of_fat (g, device);
  if (g_str_equal (type, "xfs"))
    command = g_strdup_printf ("command -v xfs_repair && "
                               "{ xfs_repair -n %s 2>&1 | grep -o 'valuable metadata changes in a log' || true; }",
                               quoted);
  else if (g_str_equal (type, "btrfs"))
    command = g_strdup_printf ("command -v btrfs && "
                               "{ btrfs inspect-internal dump-super %s | grep -E '^log_root[[:space:]]+[1-9]' || true; }",
                               quoted);
  if (command == NULL)
    return NULL;
  output = cold_guest_appliance_sh (g, command, NULL);
  /* What nobody looked at is not clean. The first line is the tool's path. */
  if (output == NULL)
    return g_strdup ("the appliance has no tool to look at it (xfs: package libguestfs-xfs, btrfs: btrfs-progs)");
  return strchr (g_strstrip (output), '\n') != NULL ? g_strdup ("its log has to be replayed") : NULL;
}

static void
check_filesystem (guestfs_h *g, const char *device, const char *type, JsonObject *facts)
{
  g_autofree char *dirt = NULL;
  g_autofree char *detail = NULL;

  if (g_str_equal (type, "crypto_LUKS") || g_str_equal (type, "BitLocker"))
    {
      detail = g_strdup_printf ("%s: %s", device, type);
      cold_guest_add_blocker (facts, "encrypted", detail);
    }
  /* blkid's names of swap space that holds the image of a suspended system */
  else if (g_str_equal (type, "swsuspend") || g_str_equal (type, "swsusp"))
    {
      cold_guest_add_blocker (facts, "hibernated", device);
    }
  else if (g_str_equal (type, "ntfs"))
    {
      cold_guest_check_ntfs (g, device, facts);
    }
  else if ((dirt = find_dirt (g, device, type)) != NULL)
    {
      detail = g_strdup_printf ("%s: %s", device, dirt);
      cold_guest_add_blocker (facts, "dirty-filesystem", detail);
    }
}

/* Takes the strings of @names that are not in @taken yet. */
static void
take_devices (GPtrArray *devices, char **names, GHashTable *taken)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (g_hash_table_contains (taken, names[i]))
      g_free (names[i]);
    else
      g_ptr_array_add (devices, names[i]);
  g_free (names);
}

/*
 * Everything that can hold a file system: partitions, disks without any, software RAID, logical volumes.
 * guestfs_list_filesystems() says nothing of encrypted ones, and mounts btrfs for its subvolumes, which replays its log.
 *
 * Returns: (transfer full) (element-type utf8)
 */
static GPtrArray *
list_devices (guestfs_h *g, GError **error)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) disks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  char **partitions = guestfs_list_partitions (g);
  char **whole = guestfs_list_devices (g);
  char **raids = guestfs_list_md_devices (g);
  char **volumes = guestfs_lvs (g);

  for (guint i = 0; partitions != NULL && partitions[i] != NULL; i++)
    {
      char *disk = guestfs_part_to_dev (g, partitions[i]);

      if (disk != NULL)
        g_hash_table_add (disks, disk);
    }
  if (partitions == NULL || whole == NULL || raids == NULL || volumes == NULL)
    {
      cold_guest_set_error (g, error, "cannot list the guest's disks");
      g_strfreev (partitions);
      g_strfreev (whole);
      g_strfreev (raids);
      g_strfreev (volumes);
      return NULL;
    }
  take_devices (devices, partitions, disks);
  take_devices (devices, whole, disks);
  take_devices (devices, raids, disks);
  take_devices (devices, volumes, disks);
  return g_steal_pointer (&devices);
}

gboolean
cold_guest_check_filesystems (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autoptr (GPtrArray) devices = list_devices (g, error);

  if (devices == NULL)
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      const char *device = g_ptr_array_index (devices, i);
      g_autofree char *type = guestfs_vfs_type (g, device);

      /* No file system at all is no error. */
      if (type != NULL && *type != '\0')
        check_filesystem (g, device, type, facts);
    }
  return TRUE;
}

static void
fsck (guestfs_h *g, const char *device, const char *type, JsonArray *checks)
{
  g_autofree char *path = cold_guest_appliance_path (device);
  g_autofree char *quoted = g_shell_quote (path);
  g_autofree char *command = NULL;
  g_autofree char *output = NULL;
  g_autofree char *name = g_strconcat ("filesystem ", device, NULL);
  g_autoptr (GError) problem = NULL;

  if (is_ext (type))
    command = g_strdup_printf ("e2fsck -f -n %s 2>&1", quoted);
  else if (g_str_equal (type, "xfs"))
    command = g_strdup_printf ("xfs_repair -n %s 2>&1", quoted);
  else if (g_str_equal (type, "btrfs"))
    command = g_strdup_printf ("btrfs check --readonly %s 2>&1", quoted);
  if (command == NULL)
    return;
  output = cold_guest_appliance_sh (g, command, &problem);
  cold_guest_add_check (checks, name, output != NULL, output != NULL ? type : problem->message);
}

gboolean
cold_guest_fsck (guestfs_h *g, JsonArray *checks, GError **error)
{
  g_autoptr (GPtrArray) devices = list_devices (g, error);

  if (devices == NULL)
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      g_autofree char *type = guestfs_vfs_type (g, g_ptr_array_index (devices, i));

      if (type != NULL)
        fsck (g, g_ptr_array_index (devices, i), type, checks);
    }
  return TRUE;
}

/* --- the operating system -------------------------------------------------------------------------------------------- */

/* @text: taken over; libguestfs says "unknown" for what it does not know */
static void
set_text (JsonObject *facts, const char *member, char *text)
{
  g_autofree char *valid = cold_text_make_valid (text);

  if (*valid != '\0' && !g_str_equal (valid, "unknown"))
    json_object_set_string_member (facts, member, valid);
  free (text);
}

char *
cold_guest_os_release (const char *text, const char *key)
{
  g_auto (GStrv) lines = text != NULL ? g_strsplit (text, "\n", -1) : NULL;

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    {
      char *equals = strchr (lines[i], '=');

      if (equals == NULL)
        continue;
      *equals = '\0';
      if (g_str_equal (lines[i], key))
        {
          char *value = g_shell_unquote (equals + 1, NULL);

          return value != NULL ? value : g_strdup (equals + 1);
        }
    }
  return NULL;
}

/* Alpine's VERSION_ID is that of a package, "3.18.4", which upgrades change; its repositories are of "3.18". */
static void
cut_point_release (char *version)
{
  char *dot = strchr (version, '.');

  dot = dot != NULL ? strchr (dot + 1, '.') : NULL;
  if (dot != NULL)
    *dot = '\0';
}

/* As its makers name it, and the release: "12", "22.04"; for one without number its code name. */
static void
set_release (guestfs_h *g, const char *root, JsonObject *facts)
{
  g_autoptr (GError) ignored = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/etc/os-release", OS_RELEASE_MAX, &ignored);
  g_autofree char *version = cold_guest_os_release (text, "VERSION_ID");
  int major = guestfs_inspect_get_major_version (g, root);
  int minor = guestfs_inspect_get_minor_version (g, root);

  if (version != NULL && g_strcmp0 (cold_json_string (facts, "distribution"), "alpinelinux") == 0)
    cut_point_release (version);
  if (version == NULL)
    version = cold_guest_os_release (text, "VERSION_CODENAME");
  /* "rolling", for Arch Linux. */
  if (version == NULL && major <= 0 && minor <= 0)
    version = cold_guest_os_release (text, "BUILD_ID");
  if (version == NULL)
    version = minor > 0 ? g_strdup_printf ("%d.%d", major, minor) : g_strdup_printf ("%d", MAX (major, 0));
  if (!json_object_has_member (facts, "distribution"))
    set_text (facts, "distribution", cold_guest_os_release (text, "ID"));
  set_text (facts, "product", guestfs_inspect_get_product_name (g, root));
  set_text (facts, "product", cold_guest_os_release (text, "PRETTY_NAME"));
  set_text (facts, "version", g_steal_pointer (&version));
  json_object_set_int_member (facts, "major", MAX (major, 0));
  json_object_set_int_member (facts, "minor", MAX (minor, 0));
}

static void
check_kind (guestfs_h *g, JsonObject *facts)
{
  struct utsname host;
  const char *os = cold_json_string (facts, "os");
  const char *arch = cold_json_string (facts, "arch");

  uname (&host);
  if (g_strcmp0 (os, "linux") != 0)
    cold_guest_add_blocker (facts, "unsupported-os", os != NULL ? os : "unknown");
  else if (g_strcmp0 (arch, host.machine) != 0)
    cold_guest_add_blocker (facts, "foreign-arch", arch != NULL ? arch : "unknown");
  if (guestfs_is_dir (g, "/ostree/repo") > 0)
    cold_guest_add_blocker (facts, "immutable-os", "/ostree/repo");
  else if (guestfs_exists (g, "/etc/NIXOS") > 0)
    cold_guest_add_blocker (facts, "immutable-os", "/etc/NIXOS");
  else if (guestfs_exists (g, "/usr/sbin/transactional-update") > 0)
    cold_guest_add_blocker (facts, "immutable-os", "/usr/sbin/transactional-update");
}

typedef struct
{
  char *where;
  char *device;
} Mount;

static void
clear_mount (gpointer data)
{
  Mount *mount = data;

  g_free (mount->where);
  g_free (mount->device);
}

static int
compare_mounts (gconstpointer a, gconstpointer b)
{
  const Mount *one = a;
  const Mount *other = b;
  gsize length = strlen (one->where), other_length = strlen (other->where);

  return length != other_length ? (length < other_length ? -1 : 1) : strcmp (one->where, other->where);
}

/* Returns: whether the guest can do without a mount that failed; the handle's last error says why it failed. */
static gboolean
mount_one (guestfs_h *g, const Mount *mount)
{
  return guestfs_mount_options (g, "noatime", mount->device, mount->where) == 0 || !cold_fstab_is_of_system (mount->where);
}

static gboolean
fail_to_mount (guestfs_h *g, const Mount *mount, GError **error)
{
  g_autofree char *what = g_strdup_printf ("%s cannot be mounted on %s", mount->device, mount->where);

  return cold_guest_set_error (g, error, what);
}

/*
 * The root that was found, and below it what its fstab names. Of the root itself that may name what is not there: a disk of
 * the guest's old host, or nothing at all.
 *
 * Returns: (transfer full) (element-type Mount): the shortest path first; %NULL with @error
 */
static GArray *
list_mounts (guestfs_h *g, const char *root, GError **error)
{
  g_autofree char *names = cold_guest_kernel_names (g, error);
  g_auto (GStrv) pairs = names != NULL ? guestfs_inspect_get_mountpoints (g, root) : NULL;
  Mount top;
  GArray *mounts;

  if (names != NULL && pairs == NULL)
    cold_guest_set_error (g, error, "cannot find out what the guest mounts");
  if (pairs == NULL)
    return NULL;
  top = (Mount){ g_strdup ("/"), g_strdup (root) };
  mounts = g_array_new (FALSE, FALSE, sizeof (Mount));
  g_array_set_clear_func (mounts, clear_mount);
  g_array_append_val (mounts, top);
  for (guint i = 0; pairs[i] != NULL; i += 2)
    {
      Mount mount = { cold_text_make_valid (pairs[i]), cold_guest_mountable (names, pairs[i + 1]) };

      /* "/home/" */
      for (gsize n = strlen (mount.where); n > 1 && mount.where[n - 1] == '/'; n--)
        mount.where[n - 1] = '\0';
      if (g_str_equal (mount.where, "/"))
        clear_mount (&mount);
      else
        g_array_append_val (mounts, mount);
    }
  g_array_sort (mounts, compare_mounts);
  return mounts;
}

static gboolean
is_listed (GArray *mounts, const char *where)
{
  for (guint i = 0; i < mounts->len; i++)
    if (g_str_equal (g_array_index (mounts, Mount, i).where, where))
      return TRUE;
  return FALSE;
}

static void
add_partitions (GArray *mounts, const char *fstab)
{
  g_auto (GStrv) pairs = cold_fstab_list_partitions (fstab);

  for (guint i = 0; pairs[i] != NULL; i += 2)
    {
      Mount mount = { cold_text_make_valid (pairs[i]), cold_text_make_valid (pairs[i + 1]) };

      if (is_listed (mounts, mount.where))
        clear_mount (&mount);
      else
        g_array_append_val (mounts, mount);
    }
  g_array_sort (mounts, compare_mounts);
}

static void
add_pair (JsonArray *listed, const Mount *mount)
{
  JsonArray *pair = json_array_new ();

  json_array_add_string_element (pair, mount->where);
  json_array_add_string_element (pair, mount->device);
  json_array_add_array_element (listed, pair);
}

/* What the guest's fstab says, read-only. What cannot be mounted is seen at every inspection: nothing that trying again would
 * mend. */
static gboolean
mount_found (guestfs_h *g, const char *root, JsonObject *facts, GError **error)
{
  g_autoptr (GArray) mounts = list_mounts (g, root, error);
  g_autoptr (GPtrArray) mounted = g_ptr_array_new ();
  g_autofree char *fstab = NULL;
  JsonArray *listed = json_array_new ();
  GError *local = NULL;

  json_object_set_array_member (facts, "mountpoints", listed);
  if (mounts == NULL)
    return FALSE;
  for (guint i = 0; i < mounts->len; i++)
    {
      const Mount *mount = &g_array_index (mounts, Mount, i);

      if (guestfs_mount_ro (g, mount->device, mount->where) == 0)
        {
          add_pair (listed, mount);
          g_ptr_array_add (mounted, mount->where);
        }
      else if (i == 0)
        {
          return fail_to_mount (g, mount, error);
        }
      /* The root is the first, and has it. */
      if (i == 0)
        {
          fstab = cold_guest_read_text (g, "/etc/fstab", FSTAB_MAX, &local);
          add_partitions (mounts, fstab);
        }
      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
    }
  g_ptr_array_add (mounted, NULL);
  cold_fstab_check (fstab, (const char *const *) mounted->pdata, facts);
  return TRUE;
}

gboolean
cold_guest_mount (guestfs_h *g, JsonArray *mountpoints, GError **error)
{
  for (guint i = 0; mountpoints != NULL && i < json_array_get_length (mountpoints); i++)
    {
      JsonNode *node = json_array_get_element (mountpoints, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      const Mount mount = { pair != NULL && json_array_get_length (pair) == 2 ? (char *) cold_json_array_string (pair, 0) : NULL,
                            pair != NULL && json_array_get_length (pair) == 2 ? (char *) cold_json_array_string (pair, 1) : NULL };

      if (mount.where == NULL || *mount.where != '/' || mount.device == NULL)
        break;
      if (!mount_one (g, &mount))
        return fail_to_mount (g, &mount, error);
    }
  if (guestfs_is_dir (g, "/etc") > 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's root file system is not where it was inspected");
  return FALSE;
}

/* The subvolume that a file system has by default is called by the device alone. */
static gboolean
is_root (GPtrArray *roots, const char *mountable)
{
  for (guint i = 0; i < roots->len; i++)
    {
      const char *root = g_ptr_array_index (roots, i);
      g_autofree char *subvolumes = g_strconcat ("btrfsvol:", root, "/", NULL);

      if (g_str_equal (root, mountable) || g_str_has_prefix (mountable, subvolumes))
        return TRUE;
    }
  return FALSE;
}

/* A snapshot of a root is a root like it, but for its fstab, which still names the other. */
static gboolean
is_snapshot (guestfs_h *g, const char *names, GPtrArray *roots, const char *root)
{
  g_auto (GStrv) pairs = g_str_has_prefix (root, "btrfsvol:") ? guestfs_inspect_get_mountpoints (g, root) : NULL;

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i += 2)
    if (g_str_equal (pairs[i], "/"))
      {
        g_autofree char *named = cold_guest_mountable (names, pairs[i + 1]);

        return !g_str_equal (named, root) && is_root (roots, named);
      }
  return FALSE;
}

/* Returns: (transfer full) (nullable): those that are no snapshots of another; %NULL with @error */
static GStrv
list_roots (guestfs_h *g, GError **error)
{
  g_autofree char *names = cold_guest_kernel_names (g, error);
  g_auto (GStrv) found = names != NULL ? guestfs_inspect_os (g) : NULL;
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (names != NULL && found == NULL)
    cold_guest_set_error (g, error, "the guest cannot be inspected");
  if (found == NULL)
    return NULL;
  for (guint i = 0; found[i] != NULL; i++)
    g_ptr_array_add (roots, cold_guest_mountable (names, found[i]));
  for (guint i = 0; i < roots->len; i++)
    if (!is_snapshot (g, names, roots, g_ptr_array_index (roots, i)))
      g_strv_builder_add (builder, g_ptr_array_index (roots, i));
  return g_strv_builder_end (builder);
}

/* Returns: (transfer full) (nullable): the one root */
static char *
find_root (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_auto (GStrv) roots = list_roots (g, error);
  guint n;

  if (roots == NULL)
    return NULL;
  n = g_strv_length (roots);
  json_object_set_int_member (facts, "roots", n);
  if (n == 1)
    return g_strdup (roots[0]);
  if (n > 1)
    {
      g_autofree char *all = g_strjoinv (", ", roots);

      cold_guest_add_blocker (facts, "several-operating-systems", all);
    }
  else
    {
      cold_guest_add_blocker (facts, "no-operating-system", "no file system has one");
    }
  return NULL;
}

char *
cold_guest_inspect (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autofree char *root = find_root (g, facts, error);

  if (root == NULL)
    return NULL;
  set_text (facts, "os", guestfs_inspect_get_type (g, root));
  set_text (facts, "distribution", guestfs_inspect_get_distro (g, root));
  set_text (facts, "arch", guestfs_inspect_get_arch (g, root));
  set_text (facts, "hostname", guestfs_inspect_get_hostname (g, root));
  set_text (facts, "package-format", guestfs_inspect_get_package_format (g, root));
  set_text (facts, "package-manager", guestfs_inspect_get_package_management (g, root));
  if (!mount_found (g, root, facts, error) || !cold_guest_check_swap_files (g, facts, error))
    return NULL;
  set_release (g, root, facts);
  check_kind (g, facts);
  return g_steal_pointer (&root);
}
