/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zypper, as on openSUSE and SUSE Linux Enterprise.
 */
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-package-manager.h"
#include "cold-rpm-manifest.h"
#include "cold-rpm-policy.h"

#define CONFIG_MAX (1024 * 1024)
#define FILES_MAX 64

/* The distribution's, then the admin's, which goes before it. */
static const char *const configs[] = { "/usr/etc/zypp/zypp.conf", "/etc/zypp/zypp.conf" };

typedef struct
{
  GPtrArray *multiversion;
  JsonArray *vendors;
  gboolean vendor_change;
} Config;

/* Calls @read for each file of a folder, in the order of their names. */
static gboolean
for_files (guestfs_h *g, const char *folder, void (*read) (const char *text, Config *config), Config *config, GError **error)
{
  g_auto (GStrv) names = guestfs_is_dir (g, folder) > 0 ? guestfs_ls (g, folder) : NULL;

  for (guint i = 0; names != NULL && names[i] != NULL && i < FILES_MAX; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      g_autofree char *text = NULL;
      GError *local = NULL;

      if (guestfs_is_file_opts (g, path, GUESTFS_IS_FILE_OPTS_FOLLOWSYMLINKS, 1, -1) <= 0)
        continue;
      text = cold_guest_read_text (g, path, CONFIG_MAX, &local);
      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (text != NULL)
        read (text, config);
    }
  return TRUE;
}

static void
read_vendors (const char *text, Config *config)
{
  g_autoptr (GPtrArray) vendors = g_ptr_array_new_with_free_func (g_free);
  JsonArray *group = json_array_new ();

  cold_rpm_policy_add_vendors (text, vendors);
  for (guint i = 0; i < vendors->len; i++)
    json_array_add_string_element (group, g_ptr_array_index (vendors, i));
  json_array_add_array_element (config->vendors, group);
}

static void
read_multiversion (const char *text, Config *config)
{
  cold_rpm_policy_add_lines (text, config->multiversion);
}

static void
read_main (const char *text, Config *config)
{
  g_autofree char *multiversion = cold_rpm_policy_get_main (text, "multiversion");
  g_autofree char *change = cold_rpm_policy_get_main (text, "solver.allowVendorChange");

  if (multiversion != NULL)
    {
      g_ptr_array_set_size (config->multiversion, 0);
      cold_rpm_policy_add_multiversion (text, config->multiversion);
    }
  /* As libzypp reads truth values. */
  if (change != NULL)
    config->vendor_change = g_ascii_strcasecmp (change, "1") == 0 || g_ascii_strcasecmp (change, "yes") == 0
                            || g_ascii_strcasecmp (change, "true") == 0 || g_ascii_strcasecmp (change, "on") == 0
                            || g_ascii_strcasecmp (change, "always") == 0;
}

static gboolean
read_config (guestfs_h *g, Config *config, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autofree char *text = NULL;
      g_autofree char *drop_ins = g_strconcat (configs[i], ".d", NULL);
      GError *local = NULL;

      text = cold_guest_read_text (g, configs[i], CONFIG_MAX, &local);
      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (text != NULL)
        read_main (text, config);
      if (!for_files (g, drop_ins, read_main, config, error))
        return FALSE;
    }
  return for_files (g, "/etc/zypp/multiversion.d", read_multiversion, config, error)
         && for_files (g, "/etc/zypp/vendors.d", read_vendors, config, error);
}

static JsonObject *
manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) excludes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) multiversion = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonArray) vendors = json_array_new ();
  Config config = { multiversion, vendors, FALSE };
  const ColdRpmRules rules = { held, excludes, multiversion };
  GError *local = NULL;
  g_autofree char *locks = cold_guest_read_text (g, "/etc/zypp/locks", CONFIG_MAX, &local);
  JsonObject *made;

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  if (locks != NULL)
    cold_rpm_policy_add_zypp_locks (locks, held);
  if (!read_config (g, &config, error))
    return NULL;
  made = cold_rpm_manifest (g, facts, "zypper", &rules, error);
  if (made == NULL)
    return NULL;
  json_object_set_boolean_member (made, "allow-vendor-change", config.vendor_change);
  json_object_set_array_member (made, "vendors", json_array_ref (vendors));
  return made;
}

const ColdPackageManager cold_zypper = {
  .name = "zypper",
  .format = "rpm",
  .manifest = manifest,
  .script = "/org/coldpatch1/worker/zypper.sh",
  .library = COLD_RPM_LIBRARY,
  .owned = COLD_RPM_OWNED,
  .generated = cold_rpm_generated,
  .kept_suffixes = cold_rpm_kept_suffixes,
  .replaced_suffixes = cold_rpm_replaced_suffixes,
};
