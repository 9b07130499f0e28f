/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-dnf-modules.h"

#include <string.h>

#include "cold-guest-inspect.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-rpm-policy.h"

#define FOLDER "/etc/dnf/modules.d"
#define SUFFIX ".module"
#define DEFAULTS_FOLDER "/etc/dnf/modules.defaults.d"
#define DNF5_STATE "/usr/lib/sysimage/libdnf5/modules.toml"
#define SMALL_MAX (64 * 1024)
#define FILES_MAX 512

/* --- one file -------------------------------------------------------------------------------------------------------- */

static gboolean
is_one_of (const char *text, const char *a, const char *b, const char *c)
{
  return g_str_equal (text, a) || g_str_equal (text, b) || g_str_equal (text, c);
}

/* What lacks a key counts as a module that nobody touched, and "enabled" is how older ones said "state": parseConfig() of libdnf. */
gboolean
cold_dnf_modules_add (const char *module, const char *text, GPtrArray *enabled, GPtrArray *disabled)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *stream = NULL;
  g_autofree char *profiles = NULL;
  g_autofree char *state = NULL;

  if (!g_key_file_load_from_data (file, text, -1, G_KEY_FILE_NONE, NULL))
    return FALSE;
  stream = g_key_file_get_value (file, module, "stream", NULL);
  profiles = g_key_file_get_value (file, module, "profiles", NULL);
  state = g_key_file_get_value (file, module, "enabled", NULL);
  if (state == NULL)
    state = g_key_file_get_value (file, module, "state", NULL);
  if (stream == NULL || profiles == NULL || state == NULL)
    return TRUE;
  g_strstrip (state);
  if (is_one_of (state, "enabled", "1", "true"))
    {
      g_autofree char *entry = g_strdup_printf ("%s:%s", module, g_strstrip (stream));

      g_ptr_array_add (enabled, cold_text_make_valid (entry));
    }
  else if (is_one_of (state, "disabled", "0", "false"))
    {
      g_ptr_array_add (disabled, cold_text_make_valid (module));
    }
  return TRUE;
}

/* --- the guest ------------------------------------------------------------------------------------------------------- */

/* Returns: (transfer full) (nullable): the names in a folder that end with @suffix */
static GStrv
list (guestfs_h *g, const char *folder, const char *suffix)
{
  g_auto (GStrv) names = guestfs_is_dir_opts (g, folder, GUESTFS_IS_DIR_OPTS_FOLLOWSYMLINKS, 1, -1) > 0 ? guestfs_ls (g, folder) : NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (g_str_has_suffix (names[i], suffix))
      g_strv_builder_add (builder, names[i]);
  return g_strv_builder_end (builder);
}

static gboolean
is_true (const char *value)
{
  return value != NULL
         && (g_str_equal (value, "1") || g_ascii_strcasecmp (value, "yes") == 0 || g_ascii_strcasecmp (value, "true") == 0
             || g_ascii_strcasecmp (value, "on") == 0);
}

/* What makes dnf choose streams in ways that the plan does not know. Returns: (transfer full) (nullable) */
static char *
find_obstacle (guestfs_h *g, const char *config)
{
  g_autofree char *obsoletes = config != NULL ? cold_rpm_policy_get_main (config, "module_obsoletes") : NULL;
  g_auto (GStrv) defaults = list (g, DEFAULTS_FOLDER, ".yaml");

  if (is_true (obsoletes))
    return g_strdup ("the guest's dnf.conf has module_obsoletes");
  if (defaults[0] != NULL)
    return g_strdup ("the guest has defaults of its own in " DEFAULTS_FOLDER);
  if (guestfs_is_file (g, DNF5_STATE) > 0)
    return g_strdup ("the streams that the guest's dnf 5 has enabled are not known");
  return NULL;
}

/* Returns: (transfer full) (nullable): what kept it from being read */
static char *
read_states (guestfs_h *g, GPtrArray *enabled, GPtrArray *disabled)
{
  g_auto (GStrv) names = list (g, FOLDER, SUFFIX);

  if (g_strv_length (names) > FILES_MAX)
    return g_strdup ("the guest has too many files in " FOLDER);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (FOLDER, names[i], NULL);
      g_autofree char *module = g_strndup (names[i], strlen (names[i]) - strlen (SUFFIX));
      g_autofree char *text = cold_guest_read_text (g, path, SMALL_MAX, NULL);

      if (text == NULL || !cold_dnf_modules_add (module, text, enabled, disabled))
        return g_strdup_printf ("%s of the guest cannot be read", path);
    }
  return NULL;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
set_sorted (JsonObject *object, const char *member, GPtrArray *texts)
{
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  if (texts->pdata[0] != NULL)
    cold_json_set_strv (object, member, (const char *const *) texts->pdata);
}

/* dnf.conf's goes first; the release package provides the same as os-release has. Returns: (transfer full) (nullable) */
static char *
find_platform (guestfs_h *g, const char *config)
{
  char *platform = config != NULL ? cold_rpm_policy_get_main (config, "module_platform_id") : NULL;
  g_autofree char *text = NULL;

  if (platform != NULL)
    return platform;
  text = cold_guest_read_text (g, "/etc/os-release", SMALL_MAX, NULL);
  return cold_guest_os_release (text, "PLATFORM_ID");
}

JsonObject *
cold_dnf_modules_read (guestfs_h *g, const char *config)
{
  g_autoptr (GPtrArray) enabled = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) disabled = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *platform = find_platform (g, config);
  g_autofree char *obstacle = find_obstacle (g, config);
  JsonObject *state = json_object_new ();

  if (obstacle == NULL)
    obstacle = read_states (g, enabled, disabled);
  if (obstacle != NULL)
    {
      g_autofree char *valid = cold_text_make_valid (obstacle);

      json_object_set_string_member (state, "unknown", valid);
      return state;
    }
  if (platform != NULL)
    {
      g_autofree char *valid = cold_text_make_valid (platform);

      json_object_set_string_member (state, "platform", valid);
    }
  set_sorted (state, "enabled", enabled);
  set_sorted (state, "disabled", disabled);
  return state;
}
