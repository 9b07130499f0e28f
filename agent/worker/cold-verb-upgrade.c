/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * upgrade: a guest's own package manager upgrades it, on a work copy, in an appliance without network, from the bundle
 * alone. Scripts that run inside the guest do it (scripts/): what they leave in files on tmpfs becomes the result.
 */
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "cold-boot-menu.h"
#include "cold-error.h"
#include "cold-guest-initramfs.h"
#include "cold-guest-inspect.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-package-manager.h"
#include "cold-verb.h"
#include "cold-worker-resources.h"

#define WORK "/run/coldpatch"
#define BUNDLE WORK "/bundle"
#define LOG "upgrade.log"
#define LIST_MAX (16 * 1024 * 1024)
#define LISTED_MAX 1000
#define TAIL_LINES 5
/* For lists, caches and the package database, which is written anew. */
#define ROOM_MIN (1024 * 1024)

/* --- scripts --------------------------------------------------------------------------------------------------------- */

static gboolean
append_script (GString *text, const char *resource, GError **error)
{
  g_autoptr (GBytes) bytes = g_resource_lookup_data (cold_worker_get_resource (), resource, 0, error);

  if (bytes == NULL)
    return FALSE;
  g_string_append_len (text, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_string_append_c (text, '\n');
  return TRUE;
}

static gboolean
run_script (guestfs_h *g, const char *text, GError **error, const char *what)
{
  g_autofree char *output = guestfs_sh (g, text);

  return output != NULL || cold_guest_set_error (g, error, what);
}

static gboolean
prepare (guestfs_h *g, GError **error)
{
  g_autoptr (GString) text = g_string_new ("WORK=" WORK " BUNDLE=" BUNDLE "\n");
  g_autofree char *device = NULL;

  if (!append_script (text, "/org/coldpatch1/worker/prepare.sh", error)
      || !run_script (g, text->str, error, "the guest cannot be prepared"))
    return FALSE;
  device = cold_guest_last_device (g, error);
  if (device == NULL)
    return FALSE;
  if (guestfs_mount_vfs (g, "ro", "iso9660", device, BUNDLE) < 0)
    return cold_guest_set_error (g, error, "the bundle cannot be mounted");
  return TRUE;
}

/* Mount points of the guest, quoted for the shell, the "for" loop of which takes them apart again by eval. */
static char *
list_mounts (guestfs_h *g)
{
  g_auto (GStrv) pairs = guestfs_mountpoints (g);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i += 2)
    {
      const char *where = pairs[i + 1];

      /* Those of scripts/prepare.sh and the bundle are no file systems of the guest's. */
      if (g_str_has_prefix (where, "/run") || strpbrk (where, " \t\n'\"$`\\*?[") != NULL
          || !g_str_has_prefix (pairs[i], "/dev/"))
        continue;
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", where);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
make_script (guestfs_h *g, const ColdPackageManager *manager, GError **error)
{
  g_autofree char *mounts = list_mounts (g);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "WORK=%s BUNDLE=%s MOUNTS='%s'\nowned() { %s; }\n", WORK, BUNDLE, mounts, manager->owned);
  if (!append_script (text, "/org/coldpatch1/worker/frame.sh", error)
      || (manager->library != NULL && !append_script (text, manager->library, error))
      || !append_script (text, manager->script, error))
    return NULL;
  g_string_append (text, "run\n");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* --- room ------------------------------------------------------------------------------------------------------------ */

/* Returns: (transfer full): what room each file system of the guest has, in words */
static char *
describe_room (guestfs_h *g)
{
  g_autofree char *mounts = list_mounts (g);
  g_auto (GStrv) places = g_strsplit (mounts, " ", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; places[i] != NULL; i++)
    {
      struct guestfs_statvfs *room = *places[i] != '\0' ? guestfs_statvfs (g, places[i]) : NULL;

      if (room == NULL)
        continue;
      g_string_append_printf (text, "%s%s has %" G_GINT64_FORMAT " MiB of %" G_GINT64_FORMAT " free", text->len > 0 ? ", " : "",
                              places[i], room->bfree * room->frsize >> 20, room->blocks * room->frsize >> 20);
      guestfs_free_statvfs (room);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Bytes. None is unpacked into less than it was packed into. */
static gint64
find_largest (JsonObject *plan)
{
  JsonArray *packages = plan != NULL ? cold_json_array (plan, "packages") : NULL;
  gint64 largest = 0;

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    largest = MAX (largest, cold_json_int (cold_json_array_object (packages, i), "size"));
  return largest;
}

/* Asks for it, since what a file system says is free is partly kept for itself. */
static gboolean
has_room (guestfs_h *g, const char *where, gint64 bytes)
{
  g_autofree char *path = g_build_filename (where, ".coldpatch-room", NULL);
  const gboolean full = guestfs_fallocate64 (g, path, bytes) < 0 && guestfs_last_errno (g) == ENOSPC;

  guestfs_rm_f (g, path);
  return !full;
}

/* Whether there is as much as any upgrade needs, where all of them write. */
static gboolean
check_room (guestfs_h *g, JsonObject *plan, GError **error)
{
  static const char *const written[] = { "/", "/usr", "/var", NULL };
  g_autofree char *mounts = list_mounts (g);
  g_auto (GStrv) places = g_strsplit (mounts, " ", -1);
  const gboolean one = !g_strv_contains ((const char *const *) places, "/usr")
                       && !g_strv_contains ((const char *const *) places, "/opt");

  for (guint i = 0; places[i] != NULL; i++)
    {
      /* Where one file system has all that is large, the largest package must go there. */
      const gint64 needed = ROOM_MIN + (one && g_str_equal (places[i], "/") ? find_largest (plan) : 0);
      g_autofree char *room = NULL;

      if (!g_strv_contains (written, places[i]) || has_room (g, places[i], needed))
        continue;
      room = describe_room (g);
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST,
                   "the guest's file system %s is full: it has no %" G_GINT64_FORMAT
                   " MiB to give, which an upgrade needs at least (%s); nothing was begun", places[i], needed >> 20, room);
      return FALSE;
    }
  return TRUE;
}

/* --- progress -------------------------------------------------------------------------------------------------------- */

typedef struct
{
  GString *line;
} Console;

/* apt's APT::Status-Fd: "pmstatus:<package>:<percent>:<what it does>". Only ever shown. */
static void
read_status_line (const char *line)
{
  g_auto (GStrv) fields = NULL;
  g_autofree char *message = NULL;

  if (!g_str_has_prefix (line, "pmstatus:"))
    return;
  fields = g_strsplit (line, ":", 4);
  if (g_strv_length (fields) < 4)
    return;
  message = cold_text_make_valid (fields[3]);
  cold_verb_progress ("upgrading", CLAMP (g_ascii_strtod (fields[2], NULL) / 100.0, 0.0, 1.0), message);
}

static void
on_console (guestfs_h *g, void *opaque, uint64_t event, int event_handle, int flags, const char *buffer, size_t length,
            const uint64_t *array, size_t array_length)
{
  Console *console = opaque;

  for (size_t i = 0; i < length; i++)
    {
      if (buffer[i] != '\n' && buffer[i] != '\r')
        {
          /* A line that never ends is no status line. */
          if (console->line->len < 4096)
            g_string_append_c (console->line, buffer[i]);
          continue;
        }
      read_status_line (console->line->str);
      g_string_truncate (console->line, 0);
    }
}

/* --- what came of it ------------------------------------------------------------------------------------------------- */

static GStrv
read_list (guestfs_h *g, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (WORK, name, NULL);
  GError *local = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, LIST_MAX, &local);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  for (char *line = text, *next; line != NULL && *line != '\0'; line = next)
    {
      next = strchr (line, '\n');
      if (next != NULL)
        *next++ = '\0';
      if (*line != '\0')
        g_ptr_array_add (lines, cold_text_make_valid (line));
    }
  g_ptr_array_add (lines, NULL);
  return (GStrv) g_ptr_array_steal (lines, NULL);
}

static JsonArray *
add_array (JsonObject *result, const char *member)
{
  JsonArray *array = json_array_new ();

  json_object_set_array_member (result, member, array);
  return array;
}

static gboolean
add_unique (guestfs_h *g, JsonObject *result, const char *member, const char *list, GError **error)
{
  g_auto (GStrv) lines = read_list (g, list, error);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *array;

  if (lines == NULL)
    return FALSE;
  array = add_array (result, member);
  for (guint i = 0; lines[i] != NULL && json_array_get_length (array) < LISTED_MAX; i++)
    if (g_hash_table_add (seen, lines[i]))
      json_array_add_string_element (array, lines[i]);
  return TRUE;
}

static gboolean
has_prefix_of (const char *path, const char *const *prefixes)
{
  for (guint i = 0; prefixes[i] != NULL; i++)
    if (g_str_has_prefix (path, prefixes[i]))
      return TRUE;
  return FALSE;
}

/* Returns: (transfer full) (nullable): the configuration file beside which @path was put */
static char *
config_beside (const char *path, const char *const *suffixes)
{
  for (guint i = 0; suffixes[i] != NULL; i++)
    if (g_str_has_suffix (path, suffixes[i]))
      return g_strndup (path, strlen (path) - strlen (suffixes[i]));
  return NULL;
}

static void
add_listed (JsonArray *array, const char *text)
{
  if (text != NULL && json_array_get_length (array) < LISTED_MAX)
    json_array_add_string_element (array, text);
}

static gboolean
is_explained (const ColdPackageManager *manager, const char *path)
{
  g_autofree char *kept = config_beside (path, manager->kept_suffixes);
  g_autofree char *replaced = config_beside (path, manager->replaced_suffixes);

  return kept != NULL || replaced != NULL || has_prefix_of (path, manager->generated)
         || strstr (path, "/__pycache__/") != NULL;
}

static gboolean
add_changes (guestfs_h *g, const ColdPackageManager *manager, JsonObject *result, GError **error)
{
  g_auto (GStrv) changed = read_list (g, "changed", error);
  g_auto (GStrv) unattributed = changed != NULL ? read_list (g, "unattributed", error) : NULL;
  JsonArray *kept, *replaced, *others;
  gboolean kernel = FALSE;

  if (unattributed == NULL)
    return FALSE;
  kept = add_array (result, "kept-config");
  replaced = add_array (result, "replaced-config");
  for (guint i = 0; changed[i] != NULL; i++)
    {
      g_autofree char *config = config_beside (changed[i], manager->kept_suffixes);
      g_autofree char *lost = config_beside (changed[i], manager->replaced_suffixes);

      add_listed (kept, config);
      add_listed (replaced, lost);
      kernel = kernel || g_str_has_prefix (changed[i], "/boot/vmlinu") || g_str_has_prefix (changed[i], "/boot/init");
    }
  others = add_array (result, "unattributed");
  for (guint i = 0; unattributed[i] != NULL; i++)
    if (!is_explained (manager, unattributed[i]))
      add_listed (others, unattributed[i]);
  json_object_set_boolean_member (result, "kernel-changed", kernel);
  json_object_set_int_member (result, "changed-files", g_strv_length (changed));
  return TRUE;
}

static gboolean
collect (guestfs_h *g, const ColdPackageManager *manager, JsonObject *result, GError **error)
{
  json_object_set_string_member (result, "log", LOG);
  return add_unique (g, result, "deferred", "deferred", error)
         && add_unique (g, result, "restored", "restored", error)
         && add_unique (g, result, "failed-scripts", "failed-scripts", error) && add_changes (g, manager, result, error);
}

/* Returns: (nullable): the first line that says so; tools that clean up after themselves leave no other trace of it */
static const char *
find_no_space (char **lines)
{
  for (guint i = 0; lines[i] != NULL; i++)
    if (strstr (lines[i], g_strerror (ENOSPC)) != NULL)
      return g_strstrip (lines[i]);
  return NULL;
}

/* The last words of the package manager: they say more than its exit status. */
static void
explain_failure (guestfs_h *g, const char *log, GError **error)
{
  g_autofree char *text = NULL;
  g_autofree char *tail = NULL;
  g_autofree char *room = NULL;
  g_autoptr (GString) words = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  const char *no_space;
  guint n;

  if (!g_file_get_contents (log, &text, NULL, NULL))
    text = g_strdup ((*error)->message);
  g_clear_error (error);
  lines = g_strsplit (g_strstrip (text), "\n", -1);
  n = g_strv_length (lines);
  no_space = find_no_space (lines);
  if (no_space != NULL)
    {
      room = describe_room (g);
      g_string_append_printf (words, "a file system in the guest is full (%s): %s", room, no_space);
    }
  else
    {
      g_string_append (words, "the guest's package manager failed; its last words: ");
      for (guint i = n > TAIL_LINES ? n - TAIL_LINES : 0, k = 0; i < n; i++, k++)
        g_string_append_printf (words, "%s%s", k > 0 ? " | " : "", lines[i]);
    }
  tail = cold_text_make_valid (words->str);
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, tail);
}

/* Scripts may have left daemons behind, which would keep the file systems busy. Without a process for each that is looked at:
 * under emulation those took seconds. */
static void
kill_leftovers (guestfs_h *g)
{
  g_autofree char *output = cold_guest_appliance_sh (
      g, "for p in /proc/[0-9]*; do ! [ $p/root -ef /sysroot ] || { kill -9 ${p#/proc/}; left=1; }; done; "
         "[ -z \"$left\" ] || sleep 0.2", NULL);
}

static gboolean
upgrade (guestfs_h *g, JsonObject *request, const ColdPackageManager *manager, JsonObject *result, GError **error)
{
  g_autofree char *log = g_build_filename (cold_verb_scratch (request), LOG, NULL);
  g_autofree char *script = NULL;
  gboolean done;

  /* Before anything of the guest runs: what verify compares with. */
  json_object_set_object_member (result, "boot-before", cold_boot_read (g));
  json_object_set_object_member (result, "initramfs-before", cold_guest_initramfs_read (g, cold_verb_scratch (request), NULL));
  if (!prepare (g, error) || !check_room (g, cold_json_object (request, "plan"), error))
    return FALSE;
  script = make_script (g, manager, error);
  if (script == NULL)
    return FALSE;
  cold_verb_progress ("upgrading", 0.0, "starting the package manager");
  done = run_script (g, script, error, "the guest's package manager failed");
  kill_leftovers (g);
  if (guestfs_is_file (g, WORK "/log") > 0)
    guestfs_download (g, WORK "/log", log);
  if (!done)
    {
      explain_failure (g, log, error);
      return FALSE;
    }
  return collect (g, manager, result, error);
}

JsonObject *
cold_verb_upgrade (JsonObject *request, GError **error)
{
  g_autoptr (JsonObject) result = json_object_new ();
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (ColdGuest) guest = NULL;
  Console console = { line };
  const ColdPackageManager *manager;

  if (cold_json_string (request, "bundle") == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "upgrade: a bundle is needed");
      return NULL;
    }
  manager = cold_package_manager_find (cold_json_string (request, "package-manager"));
  if (manager == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "the guest's package manager is not supported");
      return NULL;
    }
  cold_verb_progress ("upgrading", 0.0, "starting the appliance");
  guest = cold_guest_open (request, TRUE, cold_json_string (request, "bundle"), error);
  if (guest == NULL
      || !cold_guest_mount (cold_guest_handle (guest), cold_json_array (request, "mountpoints"), error))
    return NULL;
  if (guestfs_set_event_callback (cold_guest_handle (guest), on_console, GUESTFS_EVENT_APPLIANCE, 0, &console) < 0)
    {
      cold_guest_set_error (cold_guest_handle (guest), error, "cannot follow the appliance's console");
      return NULL;
    }
  if (!upgrade (cold_guest_handle (guest), request, manager, result, error) || !cold_guest_close (guest, error))
    return NULL;
  return g_steal_pointer (&result);
}
