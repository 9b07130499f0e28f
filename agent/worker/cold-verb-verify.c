/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify: whether an upgraded work copy may take its volume's place. A fresh appliance looks at what is really in the
 * files; nothing that the upgrade said counts.
 */
#include <gio/gio.h>

#include "cold-error.h"
#include "cold-guest-inspect.h"
#include "cold-json.h"
#include "cold-verb-inspect.h"
#include "cold-verb.h"

static void
add_check (JsonArray *checks, const char *name, gboolean ok, const char *detail)
{
  JsonObject *check = json_object_new ();

  json_object_set_string_member (check, "name", name);
  json_object_set_boolean_member (check, "ok", ok);
  json_object_set_string_member (check, "detail", detail);
  json_array_add_object_element (checks, check);
}

/* Whatever would keep the volume from being upgraded must not come from an upgrade. */
static void
check_blockers (JsonArray *checks, JsonObject *facts)
{
  JsonArray *blockers = cold_json_array (facts, "blockers");
  guint n = json_array_get_length (blockers);

  add_check (checks, "package-database", cold_json_string (facts, "manifest-id") != NULL,
             cold_json_string (facts, "manifest-id") != NULL ? "readable" : "not readable");
  for (guint i = 0; i < n; i++)
    {
      JsonObject *blocker = cold_json_array_object (blockers, i);

      add_check (checks, cold_json_string (blocker, "code"), FALSE, cold_json_string (blocker, "detail"));
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
  add_check (checks, "versions", wrong->len == 0, wrong->len == 0 ? all : wrong->str);
}

/* Of the names in /boot: whether a kernel's initramfs is among them, under either of its usual names. */
static gboolean
has_initramfs (const char *const *names, const char *version)
{
  g_autofree char *debian = g_strdup_printf ("initrd.img-%s", version);
  g_autofree char *fedora = g_strdup_printf ("initramfs-%s.img", version);
  g_autofree char *suse = g_strdup_printf ("initrd-%s", version);
  g_autofree char *alpine = g_strdup_printf ("initramfs-%s", version);

  return g_strv_contains (names, debian) || g_strv_contains (names, fedora) || g_strv_contains (names, suse)
         || g_strv_contains (names, alpine);
}

static gboolean
has_any_initramfs (char **names)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_has_prefix (names[i], "initrd") || g_str_has_prefix (names[i], "initramfs"))
      return TRUE;
  return FALSE;
}

static void
check_kernels (guestfs_h *g, JsonArray *checks)
{
  g_auto (GStrv) names = guestfs_is_dir (g, "/boot") > 0 ? guestfs_ls (g, "/boot") : NULL;
  g_autoptr (GString) wrong = g_string_new (NULL);
  g_autofree char *all = NULL;
  guint kernels = 0;

  /* A guest that is booted by a kernel from outside has none; one without any initramfs does not need them. */
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename ("/boot", names[i], NULL);

      if (!g_str_has_prefix (names[i], "vmlinuz-"))
        continue;
      kernels++;
      if (guestfs_filesize (g, path) <= 0)
        g_string_append_printf (wrong, "%s%s is empty", wrong->len > 0 ? ", " : "", names[i]);
      if (has_any_initramfs (names) && !has_initramfs ((const char *const *) names, names[i] + strlen ("vmlinuz-")))
        g_string_append_printf (wrong, "%s%s has no initramfs", wrong->len > 0 ? ", " : "", names[i]);
    }
  all = g_strdup_printf ("%u with what they need", kernels);
  add_check (checks, "kernels", wrong->len == 0, wrong->len == 0 ? all : wrong->str);
}

/* Adds to @missing what a menu at @path names and the guest has not. */
static void
add_missing (guestfs_h *g, GString *missing, const char *path)
{
  g_autofree char *menu = cold_guest_read_text (g, path, 4 * 1024 * 1024, NULL);
  g_autoptr (GRegex) regex
      = g_regex_new ("^\\s*(?:linux|initrd)(?:16|efi)?\\s+(/\\S+)", G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (menu == NULL)
    return;
  for (g_regex_match (regex, menu, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree char *named = g_match_info_fetch (match, 1);
      /* With /boot on a file system of its own, the menu's paths begin there. */
      g_autofree char *below = g_build_filename ("/boot", named, NULL);
      g_autofree char *valid = cold_text_make_valid (named);

      if (guestfs_exists (g, named) <= 0 && guestfs_exists (g, below) <= 0)
        g_string_append_printf (missing, "%s%s", missing->len > 0 ? ", " : "", valid);
    }
}

/* Every file that the boot menu names is there: GRUB's own, and the entries of the Boot Loader Specification. */
static void
check_boot_menu (guestfs_h *g, JsonArray *checks)
{
  const char *const menus[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg" };
  g_auto (GStrv) entries = guestfs_glob_expand (g, "/boot/loader/entries/*.conf");
  g_autoptr (GString) missing = g_string_new (NULL);
  gboolean any = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (menus); i++)
    if (guestfs_is_file (g, menus[i]) > 0)
      {
        add_missing (g, missing, menus[i]);
        any = TRUE;
      }
  for (guint i = 0; entries != NULL && entries[i] != NULL; i++)
    {
      add_missing (g, missing, entries[i]);
      any = TRUE;
    }
  if (any)
    add_check (checks, "boot-menu", missing->len == 0, missing->len == 0 ? "all that it names is there" : missing->str);
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

  json_object_set_array_member (facts, "checks", checks);
  if (cold_json_array (plan, "packages") == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "verify: a plan is needed");
      return NULL;
    }
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
  check_kernels (cold_guest_handle (guest), checks);
  check_boot_menu (cold_guest_handle (guest), checks);
  json_object_set_boolean_member (facts, "ok", all_ok (checks));
  return cold_guest_close (guest, error) ? g_steal_pointer (&facts) : NULL;
}
