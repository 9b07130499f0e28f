/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnf, as on Fedora and what is made from it, and yum, which was before it.
 */
#include "cold-dnf-modules.h"
#include "cold-error.h"
#include "cold-guest.h"
#include "cold-package-manager.h"
#include "cold-rpm-manifest.h"
#include "cold-rpm-policy.h"

#include <string.h>

#define CONFIG_MAX (1024 * 1024)
#define DROP_INS_MAX 64

typedef struct
{
  const char *config;     /* of the manager itself */
  const char *lock_config; /* of its plugin "versionlock" */
  const char *lock_list;  /* where that one looks when its configuration does not say */
  const char *lock_toml;  /* (nullable): what takes the place of the plugin in dnf 5 */
  const char *drop_ins[2]; /* (nullable): folders with more configuration of dnf 5 */
  gboolean modules;       /* whether it knows modules */
} Places;

static const Places dnf_places = { "/etc/dnf/dnf.conf", "/etc/dnf/plugins/versionlock.conf",
                                   "/etc/dnf/plugins/versionlock.list", "/etc/dnf/versionlock.toml",
                                   { "/usr/share/dnf5/libdnf.conf.d", "/etc/dnf/libdnf5.conf.d" },
                                   TRUE };
static const Places yum_places = { "/etc/yum.conf", "/etc/yum/pluginconf.d/versionlock.conf",
                                   "/etc/yum/pluginconf.d/versionlock.list", NULL, { NULL, NULL }, FALSE };

typedef void (*AddFunc) (const char *text, GPtrArray *patterns);

/* A file that is not there adds nothing. */
static gboolean
add_from (guestfs_h *g, const char *path, AddFunc add, GPtrArray *patterns, GError **error)
{
  GError *local = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, CONFIG_MAX, &local);

  if (text != NULL)
    add (text, patterns);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

/* What [main] says, of the configuration file and of its drop-ins. */
typedef struct
{
  GPtrArray *excludes;
  GPtrArray *includes;
  GPtrArray *multiversion;
  gboolean obsoletes;
  gboolean best;
  gboolean vendor_change;
} Main;

static void
main_clear (Main *main)
{
  g_ptr_array_unref (main->excludes);
  g_ptr_array_unref (main->includes);
  g_ptr_array_unref (main->multiversion);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Main, main_clear)

static gboolean
read_main (guestfs_h *g, const char *path, Main *main, GError **error)
{
  GError *local = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, CONFIG_MAX, &local);

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (text == NULL)
    return TRUE;
  cold_rpm_policy_add_excludes (text, main->excludes);
  cold_rpm_policy_add_includes (text, main->includes);
  cold_rpm_policy_add_installonly (text, main->multiversion);
  cold_rpm_policy_read_bool (text, "obsoletes", &main->obsoletes);
  cold_rpm_policy_read_bool (text, "best", &main->best);
  cold_rpm_policy_read_bool (text, "allow_vendor_change", &main->vendor_change);
  return TRUE;
}

/* Of the same name in two folders the last one is read; all in the order of their names, as dnf 5 does. */
static gboolean
read_drop_ins (guestfs_h *g, const Places *places, Main *main, GError **error)
{
  g_autoptr (GTree) paths = g_tree_new_full ((GCompareDataFunc) strcmp, NULL, g_free, g_free);
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (places->drop_ins) && places->drop_ins[i] != NULL; i++)
    {
      const char *folder = places->drop_ins[i];
      g_auto (GStrv) names = guestfs_is_dir (g, folder) > 0 ? guestfs_ls (g, folder) : NULL;

      for (guint k = 0; names != NULL && names[k] != NULL && n < DROP_INS_MAX; k++)
        if (g_str_has_suffix (names[k], ".conf"))
          {
            g_tree_replace (paths, g_strdup (names[k]), g_build_filename (folder, names[k], NULL));
            n++;
          }
    }
  for (GTreeNode *node = g_tree_node_first (paths); node != NULL; node = g_tree_node_next (node))
    if (!read_main (g, g_tree_node_value (node), main, error))
      return FALSE;
  return TRUE;
}

static gboolean
add_locks (guestfs_h *g, const Places *places, GPtrArray *held, GError **error)
{
  GError *local = NULL;
  g_autofree char *config = cold_guest_read_text (g, places->lock_config, CONFIG_MAX, &local);
  g_autofree char *enabled = config != NULL ? cold_rpm_policy_get_main (config, "enabled") : NULL;
  g_autofree char *list = config != NULL ? cold_rpm_policy_get_main (config, "locklist") : NULL;

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  /* Without its configuration, a plugin is not there. */
  if (config == NULL || (enabled != NULL && (g_str_equal (enabled, "0") || g_ascii_strcasecmp (enabled, "false") == 0
                                             || g_ascii_strcasecmp (enabled, "no") == 0)))
    return TRUE;
  return add_from (g, list != NULL && *list == '/' ? list : places->lock_list, cold_rpm_policy_add_versionlock, held,
                   error);
}

static JsonObject *
make_manifest (guestfs_h *g, JsonObject *facts, const char *manager, const Places *places, GError **error)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  g_auto (Main) main = { g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (g_free),
                         g_ptr_array_new_with_free_func (g_free), TRUE, FALSE, TRUE };
  ColdRpmRules rules = { held, main.excludes, NULL, NULL };
  g_autoptr (JsonObject) modules = NULL;
  JsonObject *made;

  /* Of what is said twice, the configuration file's counts. */
  if (!read_drop_ins (g, places, &main, error) || !read_main (g, places->config, &main, error)
      || !add_locks (g, places, held, error)
      || (places->lock_toml != NULL
          && !add_from (g, places->lock_toml, cold_rpm_policy_add_versionlock_toml, held, error)))
    return NULL;
  if (main.multiversion->len > 0)
    rules.multiversion = main.multiversion;
  if (places->modules)
    {
      g_autofree char *config = cold_guest_read_text (g, places->config, CONFIG_MAX, NULL);

      modules = cold_dnf_modules_read (g, config);
      rules.modules = modules;
    }
  made = cold_rpm_manifest (g, facts, manager, &rules, error);
  if (made == NULL)
    return NULL;
  /* Only what is not as everywhere: the manifest stays the same for all that have these packages. */
  if (main.includes->len > 0)
    json_object_set_array_member (made, "includes", cold_rpm_manifest_texts (main.includes));
  if (!main.obsoletes)
    json_object_set_boolean_member (made, "obsoletes", FALSE);
  if (main.best)
    json_object_set_boolean_member (made, "best", TRUE);
  if (!main.vendor_change)
    json_object_set_boolean_member (made, "allow-vendor-change", FALSE);
  return made;
}

static JsonObject *
dnf_manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  return make_manifest (g, facts, "dnf", &dnf_places, error);
}

/* yum leaves these files when it is stopped, for yum-complete-transaction. */
static void
check_yum (guestfs_h *g, JsonObject *facts)
{
  g_auto (GStrv) left = guestfs_glob_expand (g, "/var/lib/yum/transaction-all.*");

  if (left != NULL && left[0] != NULL)
    cold_guest_add_blocker (facts, "interrupted-transaction", left[0]);
}

static JsonObject *
yum_manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  JsonObject *made = make_manifest (g, facts, "yum", &yum_places, error);

  if (made != NULL)
    check_yum (g, facts);
  return made;
}

const ColdPackageManager cold_dnf = {
  .name = "dnf",
  .format = "rpm",
  .manifest = dnf_manifest,
  .script = "/org/coldpatch1/worker/dnf.sh",
  .library = COLD_RPM_LIBRARY,
  .owned = COLD_RPM_OWNED,
  .generated = cold_rpm_generated,
  .kept_suffixes = cold_rpm_kept_suffixes,
  .replaced_suffixes = cold_rpm_replaced_suffixes,
};

const ColdPackageManager cold_yum = {
  .name = "yum",
  .format = "rpm",
  .manifest = yum_manifest,
  .script = "/org/coldpatch1/worker/dnf.sh",
  .library = COLD_RPM_LIBRARY,
  .owned = COLD_RPM_OWNED,
  .generated = cold_rpm_generated,
  .kept_suffixes = cold_rpm_kept_suffixes,
  .replaced_suffixes = cold_rpm_replaced_suffixes,
};
