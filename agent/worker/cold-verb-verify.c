/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify: whether an upgraded work copy may take its volume's place. A fresh appliance looks at what is really in the
 * files; nothing that the upgrade said counts.
 */
#include <gio/gio.h>

#include "cold-boot-menu.h"
#include "cold-error.h"
#include "cold-guest-initramfs.h"
#include "cold-guest-inspect.h"
#include "cold-installed.h"
#include "cold-json.h"
#include "cold-verb-inspect.h"
#include "cold-verb.h"

/* Whatever would keep the volume from being upgraded must not come from an upgrade. */
static void
check_blockers (JsonArray *checks, JsonObject *facts)
{
  JsonArray *blockers = cold_json_array (facts, "blockers");
  guint n = json_array_get_length (blockers);

  cold_guest_add_check (checks, "package-database", cold_json_string (facts, "manifest-id") != NULL,
                        cold_json_string (facts, "manifest-id") != NULL ? "readable" : "not readable");
  for (guint i = 0; i < n; i++)
    {
      JsonObject *blocker = cold_json_array_object (blockers, i);

      cold_guest_add_check (checks, cold_json_string (blocker, "code"), FALSE, cold_json_string (blocker, "detail"));
    }
}

/* Returns: @wanted, when that version is there; otherwise another one, or "not installed" */
static const char *
find_version (JsonArray *installed, const char *name, const char *arch, const char *wanted)
{
  const char *found = "not installed";

  for (guint i = 0; i < json_array_get_length (installed); i++)
    {
      JsonArray *row = json_array_get_array_element (installed, i);

      if (g_strcmp0 (cold_json_array_string (row, 0), name) == 0
          && g_strcmp0 (cold_json_array_string (row, 2), arch) == 0)
        found = cold_json_array_string (row, 1);
      /* Kernels are installed beside each other. */
      if (g_strcmp0 (found, wanted) == 0)
        break;
    }
  return found;
}

static void
check_versions (JsonArray *checks, JsonObject *facts, JsonObject *plan)
{
  JsonArray *installed = cold_json_array (facts, "packages");
  JsonArray *planned = cold_json_array (plan, "packages");
  g_autoptr (GString) wrong = g_string_new (NULL);
  g_autofree char *all = NULL;

  for (guint i = 0; i < json_array_get_length (planned); i++)
    {
      JsonObject *package = cold_json_array_object (planned, i);
      const char *name = cold_json_string (package, "name");
      const char *candidate = cold_json_string (package, "candidate");
      const char *found = installed != NULL ? find_version (installed, name, cold_json_string (package, "arch"), candidate)
                                            : "not installed";

      if (g_strcmp0 (found, candidate) != 0)
        g_string_append_printf (wrong, "%s%s is %s, not %s", wrong->len > 0 ? ", " : "", name, found, candidate);
    }
  all = g_strdup_printf ("all %u as planned", json_array_get_length (planned));
  cold_guest_add_check (checks, "versions", wrong->len == 0, wrong->len == 0 ? all : wrong->str);
}

static char *
join (GPtrArray *sentences)
{
  g_ptr_array_add (sentences, NULL);
  return g_strjoinv (", ", (char **) sentences->pdata);
}

/* What is installed against what was, and the plan: nothing goes that no plan takes away. */
static gboolean
check_installed (JsonObject *request, JsonObject *facts, JsonObject *plan, JsonArray *checks, JsonArray *differences,
                 GError **error)
{
  const char *manifest = cold_json_string (request, "manifest");
  g_autofree char *path = g_build_filename (cold_verb_scratch (request), "manifest.json", NULL);
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  g_autofree char *wrong = NULL;

  /* A database that cannot be read has failed already. */
  if (cold_json_string (facts, "manifest-id") == NULL)
    return TRUE;
  before = cold_installed_read (manifest, error);
  after = before != NULL ? cold_installed_read (path, error) : NULL;
  if (after == NULL)
    return FALSE;
  cold_installed_compare (before, after, plan, gone, others);
  for (guint i = 0; i < others->len; i++)
    json_array_add_string_element (differences, g_ptr_array_index (others, i));
  wrong = gone->len > 0 ? join (gone) : g_strdup_printf ("all %u there or replaced as planned", before->len);
  cold_guest_add_check (checks, "packages", gone->len == 0, wrong);
  return TRUE;
}

static void
check_boot (guestfs_h *g, JsonObject *request, JsonArray *checks, JsonArray *differences)
{
  g_autoptr (JsonObject) boot = cold_boot_read (g);
  g_autofree char *appliance = cold_guest_appliance_sh (g, "cat /proc/cmdline", NULL);

  cold_boot_check (cold_json_object (request, "boot-before"), boot, appliance != NULL ? appliance : "", checks, differences);
}

static void
check_initramfs (guestfs_h *g, JsonObject *request, JsonArray *checks, JsonArray *differences)
{
  g_auto (GStrv) needed = cold_json_strv (request, "needed");

  cold_guest_initramfs_check (g, cold_verb_scratch (request), cold_json_object (request, "initramfs-before"),
                              (const char *const *) needed, checks, differences);
}

static gboolean
all_ok (JsonArray *checks)
{
  for (guint i = 0; i < json_array_get_length (checks); i++)
    if (!cold_json_bool (cold_json_array_object (checks, i), "ok"))
      return FALSE;
  return TRUE;
}

JsonObject *
cold_verb_verify (JsonObject *request, GError **error)
{
  JsonObject *plan = cold_json_object (request, "plan");
  g_autoptr (JsonObject) facts = json_object_new ();
  g_autoptr (ColdGuest) guest = NULL;
  JsonArray *checks = json_array_new ();
  JsonArray *differences = json_array_new ();

  json_object_set_array_member (facts, "checks", checks);
  json_object_set_array_member (facts, "differences", differences);
  if (plan == NULL || cold_json_array (plan, "packages") == NULL || cold_json_string (request, "manifest") == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                           "verify: a plan and the manifest that it is for are needed");
      return NULL;
    }
  cold_verb_progress ("verifying", 0.0, "images");
  if (!cold_guest_check_images (request, checks, error))
    return NULL;
  cold_verb_progress ("verifying", 0.0, "starting the appliance");
  guest = cold_guest_open (request, FALSE, NULL, error);
  if (guest == NULL)
    return NULL;
  cold_verb_progress ("verifying", 0.3, "file systems");
  if (!cold_guest_fsck (cold_guest_handle (guest), checks, error)
      || !cold_inspect_collect (guest, request, facts, error))
    return NULL;
  check_blockers (checks, facts);
  check_versions (checks, facts, plan);
  if (!check_installed (request, facts, plan, checks, differences, error))
    return NULL;
  check_boot (cold_guest_handle (guest), request, checks, differences);
  check_initramfs (cold_guest_handle (guest), request, checks, differences);
  json_object_set_boolean_member (facts, "ok", all_ok (checks));
  return cold_guest_close (guest, error) ? g_steal_pointer (&facts) : NULL;
}
