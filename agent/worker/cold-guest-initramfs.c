/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-initramfs.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cold-error.h"
#include "cold-initramfs.h"
#include "cold-json.h"

#define SIZE_MAX_BYTES (G_GINT64_CONSTANT (512) << 20)
#define LIST_MAX (16 * 1024 * 1024)
#define COPY "initramfs"

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* Those of kdump are made on purpose for one device, and by the running guest. */
static gboolean
is_looked_at (const char *path)
{
  return strstr (path, "kdump") == NULL && strstr (path, "rescue") == NULL;
}

/* Returns: (transfer full) (nullable): what changes when somebody writes the file anew */
static char *
get_stamp (guestfs_h *g, const char *path, gint64 *size)
{
  struct guestfs_statns *st = guestfs_statns (g, path);
  char *stamp = NULL;

  if (st != NULL && (st->st_mode & S_IFMT) == S_IFREG)
    {
      *size = st->st_size;
      stamp = g_strdup_printf ("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT,
                               (gint64) st->st_ino, (gint64) st->st_size, (gint64) st->st_mtime_sec, (gint64) st->st_mtime_nsec);
    }
  if (st != NULL)
    guestfs_free_statns (st);
  return stamp;
}

static ColdInitramfs *
read_copy (guestfs_h *g, const char *scratch, const char *path, gint64 size, GError **error)
{
  g_autofree char *copy = g_build_filename (scratch, COPY, NULL);
  ColdInitramfs *initramfs = NULL;

  if (size > SIZE_MAX_BYTES)
    g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "it is larger than an initramfs is");
  else if (cold_guest_download (g, path, copy, error))
    initramfs = cold_initramfs_read (copy, error);
  g_unlink (copy);
  return initramfs;
}

static JsonObject *
describe (guestfs_h *g, const char *scratch, const char *path, const char *stamp, gint64 size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdInitramfs) initramfs = read_copy (g, scratch, path, size, &error);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "stamp", stamp);
  cold_json_set_strv (object, "drivers", initramfs != NULL ? (const char *const *) initramfs->drivers : NULL);
  cold_json_set_strv (object, "systems", initramfs != NULL ? (const char *const *) initramfs->systems : NULL);
  if (initramfs == NULL)
    {
      g_autofree char *why = cold_text_make_valid (error->message);

      json_object_set_string_member (object, "error", why);
    }
  else if (initramfs->version != NULL)
    {
      g_autofree char *version = cold_text_make_valid (initramfs->version);

      json_object_set_string_member (object, "version", version);
    }
  return object;
}

JsonObject *
cold_guest_initramfs_read (guestfs_h *g, const char *scratch, JsonObject *before)
{
  const char *const patterns[] = { "/boot/initrd*", "/boot/initramfs*", "/boot/*/*/initrd*", "/efi/*/*/initrd*",
                                   "/boot/efi/*/*/initrd*" };
  JsonObject *all = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_auto (GStrv) found = guestfs_glob_expand (g, patterns[i]);

      for (guint k = 0; found != NULL && found[k] != NULL; k++)
        {
          gint64 size;
          g_autofree char *stamp = get_stamp (g, found[k], &size);
          g_autofree char *name = cold_text_make_valid (found[k]);
          JsonObject *old = before != NULL ? cold_json_object (before, name) : NULL;

          if (stamp != NULL && is_looked_at (name) && (old == NULL || g_strcmp0 (cold_json_string (old, "stamp"), stamp) != 0))
            json_object_set_object_member (all, name, describe (g, scratch, found[k], stamp, size));
        }
    }
  return all;
}

/* --- judging --------------------------------------------------------------------------------------------------------- */

/* Whether the kernel's list of modules, a path at the beginning of each line, names @driver. */
static gboolean
is_listed (const char *list, const char *driver)
{
  gsize length = strlen (driver);

  for (const char *line = list; line != NULL && *line != '\0';)
    {
      const char *end = strchrnul (line, '\n');
      g_autofree char *path = g_strndup (line, MIN (strcspn (line, ":\n"), (gsize) (end - line)));
      g_autofree char *name = cold_initramfs_module_name (path);

      if (name != NULL && strlen (name) == length && g_str_equal (name, driver))
        return TRUE;
      line = *end != '\0' ? end + 1 : end;
    }
  return FALSE;
}

static gboolean
has (JsonObject *initramfs, const char *member, const char *driver)
{
  g_auto (GStrv) names = cold_json_strv (initramfs, member);

  return g_strv_contains ((const char *const *) names, driver);
}

typedef struct
{
  JsonObject *now;
  const ColdInitramfsMeasure *measure;
  GString *lacks;
  GPtrArray *notes;
} Judgement;

static void
lack (Judgement *self, const char *driver)
{
  g_string_append_printf (self->lacks, "%s%s", self->lacks->len > 0 ? ", " : "", driver);
}

/* What the old one has and the new one has not. */
static void
judge_lost (Judgement *self, JsonObject *old, const char *member, gboolean harmless)
{
  g_auto (GStrv) names = cold_json_strv (old, member);

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (has (self->now, member, names[i]) || is_listed (self->measure->built_in, names[i]))
        continue;
      if (self->measure->present != NULL && !is_listed (self->measure->present, names[i]))
        g_ptr_array_add (self->notes, g_strdup_printf ("the kernel has no driver %s any more", names[i]));
      else if (!harmless || g_strv_contains (self->measure->systems, names[i]))
        lack (self, names[i]);
      else
        g_ptr_array_add (self->notes, g_strdup_printf ("the initramfs has no driver %s any more", names[i]));
    }
}

static void
judge_needed (Judgement *self, JsonObject *old)
{
  for (guint i = 0; self->measure->needed[i] != NULL; i++)
    {
      const char *driver = self->measure->needed[i];

      if (has (self->now, "drivers", driver) || is_listed (self->measure->built_in, driver)
          || (old != NULL && has (old, "drivers", driver)))
        continue;
      /* A guest that has started without it does not need it: another driver serves the device. */
      if (old != NULL)
        g_ptr_array_add (self->notes, g_strdup_printf ("the initramfs has no driver %s, as before", driver));
      else if (self->measure->present != NULL && !is_listed (self->measure->present, driver))
        g_ptr_array_add (self->notes, g_strdup_printf ("the kernel has no driver %s", driver));
      else
        lack (self, driver);
    }
}

char *
cold_guest_initramfs_judge (JsonObject *old, JsonObject *now, const ColdInitramfsMeasure *measure, GPtrArray *notes)
{
  g_autoptr (GString) lacks = g_string_new (NULL);
  Judgement judgement = { now, measure, lacks, notes };

  if (cold_json_string (now, "error") != NULL)
    {
      /* Of a kind that cannot be looked into, as the old one. */
      if (old == NULL || cold_json_string (old, "error") == NULL)
        return g_strdup (cold_json_string (now, "error"));
      g_ptr_array_add (notes, g_strdup (cold_json_string (now, "error")));
      return NULL;
    }
  if (old != NULL && cold_json_string (old, "error") != NULL)
    old = NULL;
  if (old != NULL)
    {
      judge_lost (&judgement, old, "drivers", FALSE);
      judge_lost (&judgement, old, "systems", TRUE);
    }
  judge_needed (&judgement, old);
  return lacks->len > 0 ? g_strdup (lacks->str) : NULL;
}

JsonObject *
cold_guest_initramfs_find_old (JsonObject *before, const char *path)
{
  g_autoptr (GList) members = before != NULL ? json_object_get_members (before) : NULL;
  const char *newest = NULL;

  for (GList *l = members; l != NULL; l = l->next)
    {
      const char *name = l->data;

      if (g_str_equal (name, path))
        return cold_json_object (before, name);
      /* One that is made with all drivers says nothing about the others. */
      if (strstr (name, "fallback") == NULL && (newest == NULL || strverscmp (name, newest) > 0))
        newest = name;
    }
  return newest != NULL ? cold_json_object (before, newest) : NULL;
}

/* --- checking -------------------------------------------------------------------------------------------------------- */

/* Returns: (transfer full) (nullable) */
static char *
read_modules (guestfs_h *g, const char *version, const char *list)
{
  g_autoptr (GError) ignored = NULL;
  g_autofree char *path = g_build_filename ("/lib/modules", version, list, NULL);

  return cold_guest_read_text (g, path, LIST_MAX, &ignored);
}

/* Returns: (transfer full): drivers of the file systems that the initramfs mounts */
static GStrv
find_systems (guestfs_h *g)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) pairs = guestfs_mountpoints (g);

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i += 2)
    if (g_str_equal (pairs[i + 1], "/") || g_str_equal (pairs[i + 1], "/usr"))
      {
        g_autofree char *type = guestfs_vfs_type (g, pairs[i]);

        if (type != NULL)
          g_strv_builder_add (builder, g_str_has_prefix (type, "ext") ? "ext4" : type);
      }
  return g_strv_builder_end (builder);
}

/* Returns: (transfer full): the version in the name of a file or of its folder, for one without modules */
static char *
guess_version (const char *path)
{
  const char *const prefixes[] = { "initrd.img-", "initrd-", "initramfs-" };
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_str_has_suffix (base, ".img"))
    base[strlen (base) - strlen (".img")] = '\0';
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (base, prefixes[i]))
      return g_strdup (base + strlen (prefixes[i]));
  return g_path_get_basename (folder);
}

static char *
check_one (guestfs_h *g, const char *path, JsonObject *before, JsonObject *now, const char *const *needed,
           const char *const *systems, GPtrArray *notes)
{
  g_autofree char *version = cold_json_string (now, "version") != NULL ? g_strdup (cold_json_string (now, "version"))
                                                                       : guess_version (path);
  g_autofree char *built_in = read_modules (g, version, "modules.builtin");
  g_autofree char *present = read_modules (g, version, "modules.dep");
  const ColdInitramfsMeasure measure = { needed, systems, built_in, present };

  return cold_guest_initramfs_judge (cold_guest_initramfs_find_old (before, path), now, &measure, notes);
}

void
cold_guest_initramfs_check (guestfs_h *g, const char *scratch, JsonObject *before, const char *const *needed,
                            JsonArray *checks, JsonArray *differences)
{
  static const char *const nothing[] = { NULL };
  g_autoptr (JsonObject) changed = cold_guest_initramfs_read (g, scratch, before);
  g_autoptr (GList) members = json_object_get_members (changed);
  g_autoptr (GString) wrong = g_string_new (NULL);
  g_auto (GStrv) systems = find_systems (g);
  g_autofree char *all = g_strdup_printf ("%u new or changed, with the drivers of the old ones", json_object_get_size (changed));

  for (GList *l = members; l != NULL; l = l->next)
    {
      g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
      g_autofree char *lacks = check_one (g, l->data, before, cold_json_object (changed, l->data),
                                          needed != NULL ? needed : nothing, (const char *const *) systems, notes);

      if (lacks != NULL)
        g_string_append_printf (wrong, "%s%s lacks %s", wrong->len > 0 ? "; " : "", (char *) l->data, lacks);
      for (guint i = 0; i < notes->len; i++)
        {
          g_autofree char *sentence = g_strdup_printf ("%s: %s", (char *) l->data, (char *) g_ptr_array_index (notes, i));

          json_array_add_string_element (differences, sentence);
        }
    }
  if (members != NULL || (before != NULL && json_object_get_size (before) > 0))
    cold_guest_add_check (checks, "initramfs", wrong->len == 0, wrong->len == 0 ? all : wrong->str);
}
