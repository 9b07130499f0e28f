/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-manifest.h"

#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-rpm-db.h"
#include "cold-rpm-sources.h"
#include "cold-rpm-variables.h"

#define SMALL_MAX (1024 * 1024)
#define FILES_MAX 256
#define DATABASE_MAX (512 * 1024 * 1024)

/* --- a copy of the database ------------------------------------------------------------------------------------------ */

/* Fedora since 36 and SUSE have it below /usr/lib, with a link from where it has always been. */
static const char *const folders[] = { "/usr/lib/sysimage/rpm", "/var/lib/rpm" };

/* Returns: (transfer full) (nullable): path of the database's one file in the guest; sets @folder, @name */
static char *
find_database (guestfs_h *g, const char **folder, const char **name)
{
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    for (guint j = 0; cold_rpm_db_files[j] != NULL; j++)
      {
        g_autofree char *path = g_build_filename (folders[i], cold_rpm_db_files[j], NULL);

        if (guestfs_is_file_opts (g, path, GUESTFS_IS_FILE_OPTS_FOLLOWSYMLINKS, 1, -1) > 0)
          {
            *folder = folders[i];
            *name = cold_rpm_db_files[j];
            return g_steal_pointer (&path);
          }
      }
  return NULL;
}

static gboolean
copy_file (guestfs_h *g, const char *path, const char *to, GError **error)
{
  gint64 size = guestfs_filesize (g, path);

  if (size < 0)
    return cold_guest_set_error (g, error, path);
  if (size <= DATABASE_MAX)
    return cold_guest_download (g, path, to, error);
  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s in the guest is larger than is usable", path);
  return FALSE;
}

static gboolean
copy_database (guestfs_h *g, const char *to, GError **error)
{
  const char *folder, *name;
  g_autofree char *path = find_database (g, &folder, &name);
  g_autofree char *copy = NULL;
  g_autofree char *wal = NULL;
  g_autofree char *wal_copy = NULL;

  if (path == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest has no rpm database");
      return FALSE;
    }
  copy = g_build_filename (to, name, NULL);
  if (!copy_file (g, path, copy, error))
    return FALSE;
  /* What sqlite has not yet written into the database itself. */
  wal = g_strconcat (path, "-wal", NULL);
  wal_copy = g_strconcat (copy, "-wal", NULL);
  return guestfs_is_file (g, wal) <= 0 || copy_file (g, wal, wal_copy, error);
}

static void
remove_copy (const char *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
}

static GPtrArray *
read_database (guestfs_h *g, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("rpm-XXXXXX", error);
  GPtrArray *packages = NULL;

  if (folder == NULL)
    return NULL;
  if (copy_database (g, folder, error))
    packages = cold_rpm_db_read (folder, error);
  remove_copy (folder);
  return packages;
}

/* --- the manifest ---------------------------------------------------------------------------------------------------- */

static void
add_package (const ColdRpmPackage *package, JsonArray *installed, JsonArray *listed)
{
  JsonObject *object = json_object_new ();
  JsonArray *row = json_array_new ();

  json_object_set_string_member (object, "name", package->name);
  json_object_set_string_member (object, "evr", package->evr);
  json_object_set_string_member (object, "arch", package->arch);
  if (package->vendor != NULL)
    json_object_set_string_member (object, "vendor", package->vendor);
  if (package->module != NULL)
    json_object_set_string_member (object, "module", package->module);
  cold_json_set_strv (object, "provides", (const char *const *) package->provides);
  cold_json_set_strv (object, "requires", (const char *const *) package->requires);
  cold_json_set_strv (object, "conflicts", (const char *const *) package->conflicts);
  cold_json_set_strv (object, "obsoletes", (const char *const *) package->obsoletes);
  if (package->recommends[0] != NULL)
    cold_json_set_strv (object, "recommends", (const char *const *) package->recommends);
  if (package->suggests[0] != NULL)
    cold_json_set_strv (object, "suggests", (const char *const *) package->suggests);
  json_array_add_object_element (installed, object);
  json_array_add_string_element (row, package->name);
  json_array_add_string_element (row, package->evr);
  json_array_add_string_element (row, package->arch);
  json_array_add_string_element (row, package->source);
  json_array_add_array_element (listed, row);
}

JsonArray *
cold_rpm_manifest_texts (GPtrArray *texts)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < texts->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (texts, i));
  return array;
}

static void
copy_text (JsonObject *to, const char *member, JsonObject *from, const char *source)
{
  const char *text = cold_json_string (from, source);

  json_object_set_string_member (to, member, text != NULL ? text : "");
}

/* --- where packages come from ---------------------------------------------------------------------------------------- */

typedef struct
{
  GHashTable *variables;
  gboolean zypper;
  JsonArray *sources;
  JsonArray *repositories;
} Listed;

/* Calls @read for each file of a folder, in the order of their names. What cannot be read is passed over, as everything is
 * here that the package manager would complain of. */
static void
for_files (guestfs_h *g, const char *folder, const char *suffix,
           void (*read) (const char *name, const char *text, const Listed *listed), const Listed *listed)
{
  g_auto (GStrv) names = guestfs_is_dir_opts (g, folder, GUESTFS_IS_DIR_OPTS_FOLLOWSYMLINKS, 1, -1) > 0 ? guestfs_ls (g, folder)
                                                                                                      : NULL;

  for (guint i = 0; names != NULL && names[i] != NULL && i < FILES_MAX; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      g_autofree char *text = g_str_has_suffix (names[i], suffix) ? cold_guest_read_text (g, path, SMALL_MAX, NULL) : NULL;

      if (text != NULL)
        read (names[i], text, listed);
    }
}

static void
read_variable (const char *name, const char *text, const Listed *listed)
{
  cold_rpm_variables_add (listed->variables, name, text);
}

static void
read_sources (const char *name, const char *text, const Listed *listed)
{
  cold_rpm_sources_parse (text, listed->variables, listed->zypper, listed->sources, listed->repositories);
}

static gboolean
has_settings (JsonArray *repositories)
{
  for (guint i = 0; i < json_array_get_length (repositories); i++)
    {
      JsonObject *repository = cold_json_array_object (repositories, i);

      if (json_object_has_member (repository, "priority") || json_object_has_member (repository, "excludes")
          || json_object_has_member (repository, "includes") || json_object_has_member (repository, "module-hotfixes"))
        return TRUE;
    }
  return FALSE;
}

/* "sources" is for the agent alone, which decides what of it is fetched: the manifest stays the same for all that have these
 * packages. Only where the guest takes less than everything from one of them, the manifest says so. */
static void
add_sources (guestfs_h *g, JsonObject *manifest, const char *manager, JsonObject *facts)
{
  static const char *const dnf_variables[] = { "/etc/yum/vars", "/etc/dnf/vars", NULL };
  static const char *const dnf_folders[] = { "/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d", NULL };
  static const char *const zypper_variables[] = { "/etc/zypp/vars.d", NULL };
  static const char *const zypper_folders[] = { "/etc/zypp/repos.d", NULL };
  gboolean zypper = g_str_equal (manager, "zypper");
  const char *const *names = zypper ? zypper_variables : dnf_variables;
  g_autoptr (GHashTable) variables = cold_rpm_variables_new (manifest);
  g_autoptr (JsonArray) repositories = json_array_new ();
  g_autofree char *main = NULL;
  const Listed listed = { variables, zypper, json_array_new (), repositories };

  json_object_set_array_member (facts, "sources", listed.sources);
  for (guint i = 0; names[i] != NULL; i++)
    for_files (g, names[i], "", read_variable, &listed);
  if (!zypper)
    {
      main = cold_guest_read_text (g, "/etc/dnf/dnf.conf", SMALL_MAX, NULL);
      if (main == NULL)
        main = cold_guest_read_text (g, "/etc/yum.conf", SMALL_MAX, NULL);
    }
  if (main != NULL)
    read_sources (NULL, main, &listed);
  names = zypper ? zypper_folders : dnf_folders;
  for (guint i = 0; names[i] != NULL; i++)
    for_files (g, names[i], ".repo", read_sources, &listed);
  if (has_settings (repositories))
    json_object_set_array_member (manifest, "repositories", json_array_ref (repositories));
}

JsonObject *
cold_rpm_manifest (guestfs_h *g, JsonObject *facts, const char *manager, const ColdRpmRules *rules, GError **error)
{
  g_autoptr (GPtrArray) packages = read_database (g, error);
  g_autoptr (JsonObject) manifest = json_object_new ();
  g_auto (GStrv) doubles = NULL;
  JsonArray *installed, *listed;

  if (packages == NULL)
    return NULL;
  installed = json_array_new ();
  listed = json_array_new ();
  for (guint i = 0; i < packages->len; i++)
    add_package (g_ptr_array_index (packages, i), installed, listed);
  json_object_set_array_member (facts, "packages", listed);
  json_object_set_int_member (manifest, "version", 1);
  json_object_set_string_member (manifest, "format", "rpm");
  json_object_set_string_member (manifest, "manager", manager);
  copy_text (manifest, "distribution", facts, "distribution");
  copy_text (manifest, "release", facts, "version");
  copy_text (manifest, "arch", facts, "arch");
  json_object_set_array_member (manifest, "installed", installed);
  json_object_set_array_member (manifest, "held", cold_rpm_manifest_texts (rules->held));
  json_object_set_array_member (manifest, "excludes", cold_rpm_manifest_texts (rules->excludes));
  add_sources (g, manifest, manager, facts);
  if (rules->multiversion != NULL)
    {
      json_object_set_array_member (manifest, "multiversion", cold_rpm_manifest_texts (rules->multiversion));
      cold_rpm_db_allow_doubles (packages, rules->multiversion);
    }
  if (rules->modules != NULL)
    json_object_set_object_member (manifest, "modules", json_object_ref (rules->modules));
  doubles = cold_rpm_db_find_doubles (packages);
  cold_json_set_strv (manifest, "broken", (const char *const *) doubles);
  if (doubles[0] != NULL)
    {
      g_autofree char *detail = g_strdup_printf ("installed twice: %s", doubles[0]);

      cold_guest_add_blocker (facts, "interrupted-transaction", detail);
    }
  return g_steal_pointer (&manifest);
}

/* --- for ColdPackageManager ------------------------------------------------------------------------------------------ */

const char *const cold_rpm_generated[] = {
  "/var/lib/rpm/", "/usr/lib/sysimage/", "/var/lib/dnf/", "/var/lib/yum/", "/var/lib/zypp/", "/var/cache/", "/var/log/",
  "/boot/", "/etc/ld.so.cache", "/etc/alternatives/", "/var/lib/alternatives/", "/etc/pki/ca-trust/extracted/",
  "/var/lib/ca-certificates/", "/etc/ssl/certs/", "/etc/systemd/", "/var/lib/systemd/", "/etc/udev/hwdb.bin",
  "/usr/lib/udev/hwdb.bin", "/usr/lib/modules/", "/lib/modules/", "/usr/lib/locale/", "/usr/lib64/gdk-pixbuf-2.0/",
  "/usr/lib64/gio/modules/", "/usr/lib64/gtk-", "/usr/share/applications/mimeinfo.cache", "/usr/share/fonts/",
  "/usr/share/glib-2.0/schemas/", "/usr/share/icons/", "/usr/share/info/dir", "/usr/share/mime/", "/var/lib/selinux/",
  "/etc/selinux/", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/shells",
  "/.autorelabel", NULL
};

const char *const cold_rpm_kept_suffixes[] = { ".rpmnew", NULL };

const char *const cold_rpm_replaced_suffixes[] = { ".rpmsave", ".rpmorig", NULL };
