/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inspect: what is installed in a guest, without writing to it.
 */
#include "cold-verb-inspect.h"

#include "cold-error.h"
#include "cold-guest-inspect.h"
#include "cold-json.h"
#include "cold-package-manager.h"
#include "cold-verb.h"

#define MANIFEST "manifest.json"

/* The same packages are the same bytes: members are written in the order in which they were set. */
static gboolean
save_manifest (JsonObject *request, JsonObject *manifest, JsonObject *facts, GError **error)
{
  g_autofree char *path = g_build_filename (cold_verb_scratch (request), MANIFEST, NULL);
  g_autofree char *text = cold_json_to_text (manifest);
  g_autofree char *id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  if (!g_file_set_contents (path, text, -1, error))
    return FALSE;
  json_object_set_string_member (facts, "manifest", MANIFEST);
  json_object_set_string_member (facts, "manifest-id", id);
  return TRUE;
}

static gboolean
is_blocked (JsonObject *facts)
{
  return json_array_get_length (cold_json_array (facts, "blockers")) > 0;
}

gboolean
cold_inspect_collect (ColdGuest *guest, JsonObject *request, JsonObject *facts, GError **error)
{
  guestfs_h *g = cold_guest_handle (guest);
  const ColdPackageManager *manager;
  g_autoptr (JsonObject) manifest = NULL;
  g_autofree char *root = NULL;
  GError *local = NULL;

  json_object_set_array_member (facts, "blockers", json_array_new ());
  json_object_set_int_member (facts, "roots", 0);
  cold_verb_progress ("inspecting", 0.4, "file systems");
  if (!cold_guest_check_filesystems (g, facts, error))
    return FALSE;
  cold_verb_progress ("inspecting", 0.5, "operating system");
  root = cold_guest_inspect (g, facts, &local);
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (root == NULL)
    return TRUE;

  cold_verb_progress ("inspecting", 0.8, "packages");
  manager = cold_package_manager_find (cold_json_string (facts, "package-manager"));
  if (manager == NULL)
    {
      const char *name = cold_json_string (facts, "package-manager");

      cold_guest_add_blocker (facts, "unsupported-os", name != NULL ? name : "no known package manager");
      return TRUE;
    }
  manifest = manager->manifest (g, facts, &local);
  if (manifest != NULL)
    return save_manifest (request, manifest, facts, error);
  /* The package database may be on what is missing: that says more. */
  if (is_blocked (facts))
    {
      g_error_free (local);
      return TRUE;
    }
  g_propagate_error (error, local);
  return FALSE;
}

JsonObject *
cold_verb_inspect (JsonObject *request, GError **error)
{
  g_autoptr (JsonObject) facts = json_object_new ();
  g_autoptr (ColdGuest) guest = NULL;

  cold_verb_progress ("inspecting", 0.0, "starting the appliance");
  guest = cold_guest_open (request, FALSE, NULL, error);
  if (guest == NULL || !cold_inspect_collect (guest, request, facts, error) || !cold_guest_close (guest, error))
    return NULL;
  return g_steal_pointer (&facts);
}
