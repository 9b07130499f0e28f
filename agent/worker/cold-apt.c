/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apt and dpkg, as on Debian and Ubuntu.
 */
#include "cold-apt-config.h"
#include "cold-apt-sources.h"
#include "cold-dpkg-status.h"
#include "cold-error.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-package-manager.h"

#define STATUS_MAX (64 * 1024 * 1024)
#define SMALL_MAX (1024 * 1024)
#define PREFERENCES_MAX 256
#define SOURCES_FILES_MAX 64
#define CONFIG_FILES_MAX 256

/* dpkg's own architecture first, then those that were added: /var/lib/dpkg/arch, which many guests do not have. */
static gboolean
add_architectures (guestfs_h *g, GPtrArray *packages, JsonObject *manifest, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/var/lib/dpkg/arch", SMALL_MAX, &local);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  JsonArray *foreign = json_array_new ();
  const char *native = NULL;

  if (local != NULL)
    {
      json_array_unref (foreign);
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  /* dpkg itself is always of the native architecture. */
  for (guint i = 0; i < packages->len; i++)
    {
      const ColdDpkgPackage *package = g_ptr_array_index (packages, i);

      if (g_str_equal (package->name, "dpkg"))
        native = package->arch;
    }
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_strstrip (lines[i]);
      if (*lines[i] == '\0')
        continue;
      if (native == NULL)
        native = lines[i];
      if (!g_str_equal (lines[i], native) && g_utf8_validate (lines[i], -1, NULL))
        json_array_add_string_element (foreign, lines[i]);
    }
  json_object_set_array_member (manifest, "foreign", foreign);
  if (native == NULL || !g_utf8_validate (native, -1, NULL))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST,
                           "the guest's architecture is unknown: neither dpkg is installed nor /var/lib/dpkg/arch there");
      return FALSE;
    }
  json_object_set_string_member (manifest, "native", native);
  return TRUE;
}

static void
add_package (const ColdDpkgPackage *package, JsonArray *packages)
{
  const char *const texts[] = { package->name, package->version, package->arch, package->source };
  JsonArray *row = json_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *valid = cold_text_make_valid (texts[i]);

      json_array_add_string_element (row, valid);
    }
  json_array_add_array_element (packages, row);
}

static void
add_name (JsonArray *array, const ColdDpkgPackage *package, const char *more)
{
  g_autofree char *name = g_strdup_printf ("%s:%s%s%s", package->name, package->arch != NULL ? package->arch : "",
                                           more != NULL ? " " : "", more != NULL ? more : "");
  g_autofree char *valid = cold_text_make_valid (name);

  json_array_add_string_element (array, valid);
}

static void
describe_packages (GPtrArray *packages, JsonObject *manifest, JsonObject *facts)
{
  g_autoptr (GString) status = g_string_new (NULL);
  JsonArray *listed = json_array_new ();
  JsonArray *held = json_array_new ();
  JsonArray *broken = json_array_new ();

  for (guint i = 0; i < packages->len; i++)
    {
      const ColdDpkgPackage *package = g_ptr_array_index (packages, i);

      if (package->held)
        add_name (held, package, NULL);
      if (package->broken)
        {
          if (json_array_get_length (broken) == 0)
            {
              g_autofree char *detail = g_strdup_printf ("%s is %s", package->name, package->state);

              cold_guest_add_blocker (facts, "interrupted-transaction", detail);
            }
          add_name (broken, package, package->state);
          continue;
        }
      add_package (package, listed);
      g_string_append_printf (status, "%s\n", package->stanza);
    }
  json_object_set_string_member (manifest, "status", status->str);
  json_object_set_array_member (manifest, "held", held);
  json_object_set_array_member (manifest, "broken", broken);
  json_object_set_array_member (facts, "packages", listed);
}

/* For the agent, which has the catalogue fetch these too: those of which something is installed. */
static void
describe_foreign (GPtrArray *packages, JsonObject *manifest, JsonObject *facts)
{
  g_auto (GStrv) archs = cold_json_strv (manifest, "foreign");
  JsonArray *used = json_array_new ();

  for (guint i = 0; archs[i] != NULL; i++)
    for (guint k = 0; k < packages->len; k++)
      if (g_strcmp0 (((ColdDpkgPackage *) packages->pdata[k])->arch, archs[i]) == 0)
        {
          json_array_add_string_element (used, archs[i]);
          break;
        }
  json_object_set_array_member (facts, "foreign", used);
}

/* Packages that apt may remove once nothing needs them. */
static gboolean
add_auto (guestfs_h *g, JsonObject *manifest, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/var/lib/apt/extended_states", STATUS_MAX, &local);
  g_auto (GStrv) stanzas = g_strsplit (text != NULL ? text : "", "\n\n", -1);
  g_autoptr (GRegex) package = g_regex_new ("^Package:\\s*(\\S+)", G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GRegex) arch = g_regex_new ("^Architecture:\\s*(\\S+)", G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  JsonArray *names = json_array_new ();

  for (guint i = 0; stanzas[i] != NULL; i++)
    {
      g_autoptr (GMatchInfo) name_match = NULL;
      g_autoptr (GMatchInfo) arch_match = NULL;
      g_autofree char *name = NULL;
      g_autofree char *of = NULL;
      g_autofree char *both = NULL;
      g_autofree char *valid = NULL;

      if (strstr (stanzas[i], "Auto-Installed: 1") == NULL || !g_regex_match (package, stanzas[i], 0, &name_match)
          || !g_regex_match (arch, stanzas[i], 0, &arch_match))
        continue;
      name = g_match_info_fetch (name_match, 1);
      of = g_match_info_fetch (arch_match, 1);
      both = g_strdup_printf ("%s:%s", name, of);
      valid = cold_text_make_valid (both);
      json_array_add_string_element (names, valid);
    }
  json_object_set_array_member (manifest, "auto", names);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
add_preference (guestfs_h *g, const char *path, JsonArray *preferences, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, SMALL_MAX, &local);
  g_autofree char *valid = NULL;
  g_autofree char *file = NULL;
  JsonObject *preference;

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (text == NULL)
    return TRUE;
  valid = g_utf8_make_valid (text, -1);
  file = cold_text_make_valid (path);
  preference = json_object_new ();
  json_object_set_string_member (preference, "file", file);
  json_object_set_string_member (preference, "text", valid);
  json_array_add_object_element (preferences, preference);
  return TRUE;
}

/* Which files of preferences.d apt reads: apt_preferences(5). */
static gboolean
is_read_by_apt (const char *name)
{
  const char *dot = strchr (name, '.');

  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("_-.", *p) == NULL)
      return FALSE;
  return *name != '\0' && *name != '.' && (dot == NULL || g_str_equal (dot, ".pref"));
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
add_preferences (guestfs_h *g, JsonObject *manifest, GError **error)
{
  const char *folder = "/etc/apt/preferences.d";
  JsonArray *preferences = json_array_new ();
  g_auto (GStrv) names = NULL;
  guint n;

  json_object_set_array_member (manifest, "preferences", preferences);
  if (!add_preference (g, "/etc/apt/preferences", preferences, error))
    return FALSE;
  if (guestfs_is_dir (g, folder) <= 0)
    return TRUE;
  names = guestfs_ls (g, folder);
  if (names == NULL)
    return cold_guest_set_error (g, error, folder);
  n = g_strv_length (names);
  if (n > PREFERENCES_MAX)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s in the guest has %u files: more than is usable", folder, n);
      return FALSE;
    }
  qsort (names, n, sizeof *names, compare_strings);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      if (is_read_by_apt (names[i]) && !add_preference (g, path, preferences, error))
        return FALSE;
    }
  return TRUE;
}

/* Which files of apt.conf.d apt reads: apt.conf(5). */
static gboolean
is_config_file (const char *name)
{
  const char *dot = strchr (name, '.');

  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("_-.", *p) == NULL)
      return FALSE;
  return *name != '\0' && *name != '.' && (dot == NULL || g_str_equal (dot, ".conf"));
}

static gboolean
add_config_file (guestfs_h *g, const char *path, GHashTable *config, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, SMALL_MAX, &local);

  if (text != NULL)
    cold_apt_config_add (config, text);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The parts in the order of their names, then apt.conf. */
static gboolean
read_config (guestfs_h *g, GHashTable *config, GError **error)
{
  const char *folder = "/etc/apt/apt.conf.d";
  g_auto (GStrv) names = guestfs_is_dir (g, folder) > 0 ? guestfs_ls (g, folder) : NULL;
  guint n = names != NULL ? g_strv_length (names) : 0;

  if (n > 0)
    qsort (names, n, sizeof *names, compare_strings);
  for (guint i = 0; i < MIN (n, CONFIG_FILES_MAX); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      if (is_config_file (names[i]) && !add_config_file (g, path, config, error))
        return FALSE;
    }
  return add_config_file (g, "/etc/apt/apt.conf", config, error);
}

/* What of it decides about versions; most guests have none of it. */
static gboolean
add_config (guestfs_h *g, JsonObject *manifest, GError **error)
{
  g_autoptr (GHashTable) config = cold_apt_config_new ();
  const char *release;

  if (!read_config (g, config, error))
    return FALSE;
  release = cold_apt_config_get (config, "apt::default-release");
  if (release != NULL && *release != '\0')
    {
      g_autofree char *valid = cold_text_make_valid (release);

      json_object_set_string_member (manifest, "default-release", valid);
    }
  if (cold_apt_config_get_bool (config, "apt::get::always-include-phased-updates")
      || cold_apt_config_get_bool (config, "update-manager::always-include-phased-updates"))
    json_object_set_boolean_member (manifest, "phased", TRUE);
  return TRUE;
}

/* A file that cannot be read is passed over, as everything is here that apt would complain of. */
static void
add_sources_of (guestfs_h *g, const char *path, const char *native, JsonArray *sources)
{
  g_autofree char *text = cold_guest_read_text (g, path, SMALL_MAX, NULL);

  if (text == NULL)
    return;
  if (g_str_has_suffix (path, ".sources"))
    cold_apt_sources_parse_deb822 (text, native, sources);
  else
    cold_apt_sources_parse_list (text, native, sources);
}

/* Which files of sources.list.d apt reads: sources.list(5). */
static gboolean
is_sources_file (const char *name)
{
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("_-.", *p) == NULL)
      return FALSE;
  return g_str_has_suffix (name, ".list") || g_str_has_suffix (name, ".sources");
}

/* For the agent alone, which decides what of it is fetched: the manifest stays the same for all that have these packages. */
static void
add_sources (guestfs_h *g, JsonObject *manifest, JsonObject *facts)
{
  const char *folder = "/etc/apt/sources.list.d";
  const char *native = cold_json_string (manifest, "native");
  g_auto (GStrv) names = guestfs_is_dir (g, folder) > 0 ? guestfs_ls (g, folder) : NULL;
  JsonArray *sources = json_array_new ();
  guint n = names != NULL ? g_strv_length (names) : 0;

  json_object_set_array_member (facts, "sources", sources);
  add_sources_of (g, "/etc/apt/sources.list", native, sources);
  if (n > 0)
    qsort (names, n, sizeof *names, compare_strings);
  for (guint i = 0; i < MIN (n, SOURCES_FILES_MAX); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      if (is_sources_file (names[i]))
        add_sources_of (g, path, native, sources);
    }
}

/* dpkg writes its database anew at the end of its work; until then the changes are in small files. */
static void
check_updates (guestfs_h *g, JsonObject *facts)
{
  g_auto (GStrv) names = guestfs_is_dir (g, "/var/lib/dpkg/updates") > 0 ? guestfs_ls (g, "/var/lib/dpkg/updates") : NULL;

  if (names != NULL && names[0] != NULL)
    cold_guest_add_blocker (facts, "interrupted-transaction", "/var/lib/dpkg/updates is not empty");
}

static void
copy_text (JsonObject *to, const char *member, JsonObject *from, const char *source)
{
  const char *text = cold_json_string (from, source);

  json_object_set_string_member (to, member, text != NULL ? text : "");
}

static JsonObject *
manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/var/lib/dpkg/status", STATUS_MAX, &local);
  g_autoptr (JsonObject) result = json_object_new ();
  g_autoptr (GPtrArray) packages = NULL;

  if (text == NULL)
    {
      if (local == NULL)
        g_set_error_literal (&local, COLD_ERROR, COLD_ERROR_GUEST, "the guest has no /var/lib/dpkg/status");
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  packages = cold_dpkg_status_parse (text, error);
  if (packages == NULL)
    return NULL;
  json_object_set_int_member (result, "version", 1);
  json_object_set_string_member (result, "format", "deb");
  copy_text (result, "distribution", facts, "distribution");
  copy_text (result, "release", facts, "version");
  copy_text (result, "arch", facts, "arch");
  if (!add_architectures (g, packages, result, error) || !add_auto (g, result, error)
      || !add_preferences (g, result, error) || !add_config (g, result, error))
    return NULL;
  describe_packages (packages, result, facts);
  describe_foreign (packages, result, facts);
  add_sources (g, result, facts);
  check_updates (g, facts);
  return g_steal_pointer (&result);
}

static const char *const generated[] = {
  "/var/lib/dpkg/", "/var/lib/apt/", "/var/cache/", "/var/log/", "/var/backups/", "/etc/ssl/certs/",
  "/etc/ca-certificates.conf", "/etc/ld.so.cache", "/etc/alternatives/", "/boot/", "/var/lib/systemd/", "/var/lib/ucf/",
  "/var/lib/initramfs-tools/", "/usr/lib/udev/hwdb.bin", "/etc/udev/hwdb.bin", "/usr/share/mime/", "/var/lib/pam/",
  "/etc/pam.d/common-", "/etc/systemd/system/", "/usr/lib/locale/", "/etc/rc", "/usr/share/info/dir",
  "/usr/share/glib-2.0/schemas/", NULL
};

static const char *const kept_suffixes[] = { ".dpkg-dist", ".dpkg-new", ".ucf-dist", NULL };

static const char *const replaced_suffixes[] = { ".dpkg-old", ".dpkg-bak", ".ucf-old", NULL };

const ColdPackageManager cold_apt = {
  .name = "apt",
  .format = "deb",
  .manifest = manifest,
  .script = "/org/coldpatch1/worker/apt.sh",
  .owned = "cat /var/lib/dpkg/info/*.list",
  .generated = generated,
  .kept_suffixes = kept_suffixes,
  .replaced_suffixes = replaced_suffixes,
};
