/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-boot-menu.h"

#include "cold-json.h"

#define MENU_MAX (4 * 1024 * 1024)
#define LISTED_MAX 1000
#define SYSROOT "/sysroot"

/* --- menus ----------------------------------------------------------------------------------------------------------- */

static void
add_options (char **words, guint from, GHashTable *options)
{
  for (guint i = from; words[i] != NULL; i++)
    /* GRUB's own note of which kernel it is. */
    if (*words[i] != '\0' && !g_str_has_prefix (words[i], "BOOT_IMAGE=") && g_hash_table_size (options) < LISTED_MAX)
      g_hash_table_add (options, cold_text_make_valid (words[i]));
}

static void
parse_line (char *line, GPtrArray *files, GHashTable *options)
{
  g_auto (GStrv) words = NULL;

  if (g_str_has_prefix (g_strstrip (line), "kernelopts="))
    line[strlen ("kernelopts")] = ' ';
  words = g_strsplit_set (line, " \t", -1);
  if (words[0] == NULL)
    return;
  if (g_strv_contains ((const char *const[]){ "options", "kernelopts", NULL }, words[0]))
    {
      add_options (words, 1, options);
      return;
    }
  if (!g_strv_contains ((const char *const[]){ "linux", "linux16", "linuxefi", "initrd", "initrd16", "initrdefi", NULL },
                        words[0]))
    return;
  for (guint i = 1; words[i] != NULL; i++)
    {
      if (*words[i] == '/')
        g_ptr_array_add (files, g_strdup (words[i]));
      /* The first word after "linux" is the kernel. */
      if (*words[i] != '\0' && *line == 'l')
        {
          add_options (words, i + 1, options);
          break;
        }
    }
}

void
cold_boot_menu_parse (const char *text, GPtrArray *files, GHashTable *options)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    parse_line (lines[i], files, options);
}

GPtrArray *
cold_boot_menu_places (const char *mountinfo, const char *file)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], " ", 6);
      g_autofree char *top = NULL;
      g_autofree char *where = NULL;

      if (g_strv_length (fields) < 6)
        continue;
      top = g_strcompress (fields[3]);
      where = g_strcompress (fields[4]);
      if (!g_str_has_prefix (where, SYSROOT) || strchr ("/", where[strlen (SYSROOT)]) == NULL)
        continue;
      if (g_str_equal (top, "/"))
        *top = '\0';
      if (g_str_has_prefix (file, top) && file[strlen (top)] == '/')
        g_ptr_array_add (places, g_build_filename ("/", where + strlen (SYSROOT), file + strlen (top), NULL));
      /* GRUB can be told to begin at the subvolume. */
      if (*top != '\0')
        g_ptr_array_add (places, g_build_filename ("/", where + strlen (SYSROOT), file, NULL));
    }
  return g_steal_pointer (&places);
}

static gboolean
exists_somewhere (guestfs_h *g, const char *mountinfo, const char *file)
{
  g_autoptr (GPtrArray) places = cold_boot_menu_places (mountinfo, file);

  for (guint i = 0; i < places->len; i++)
    if (guestfs_exists (g, g_ptr_array_index (places, i)) > 0)
      return TRUE;
  return FALSE;
}

static void
read_menu (guestfs_h *g, const char *path, const char *mountinfo, JsonArray *missing, GHashTable *options)
{
  g_autoptr (GError) ignored = NULL;
  g_autofree char *text = cold_guest_read_text (g, path, MENU_MAX, &ignored);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);

  if (text != NULL)
    cold_boot_menu_parse (text, files, options);
  for (guint i = 0; i < files->len && json_array_get_length (missing) < LISTED_MAX; i++)
    if (!exists_somewhere (g, mountinfo, g_ptr_array_index (files, i)))
      {
        g_autofree char *sentence = g_strdup_printf ("%s has no %s", path, (char *) g_ptr_array_index (files, i));
        g_autofree char *valid = cold_text_make_valid (sentence);

        json_array_add_string_element (missing, valid);
      }
}

static void
read_menus (guestfs_h *g, JsonObject *state, JsonArray *missing)
{
  const char *const patterns[]
      = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/efi/EFI/*/grub.cfg", "/boot/grub2/grubenv",
          "/boot/loader/entries/*.conf", "/efi/loader/entries/*.conf", "/boot/efi/loader/entries/*.conf" };
  g_autofree char *mountinfo = cold_guest_appliance_sh (g, "cat /proc/self/mountinfo", NULL);
  g_autoptr (GHashTable) options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree const char **words = NULL;
  guint menus = 0;

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_auto (GStrv) found = guestfs_glob_expand (g, patterns[i]);

      for (guint k = 0; found != NULL && found[k] != NULL; k++, menus++)
        read_menu (g, found[k], mountinfo != NULL ? mountinfo : "", missing, options);
    }
  json_object_set_int_member (state, "menus", menus);
  words = (const char **) g_hash_table_get_keys_as_array (options, NULL);
  cold_json_set_strv (state, "options", words);
}

/* --- kernels --------------------------------------------------------------------------------------------------------- */

/* Of the names in /boot: whether a kernel's initramfs is among them, under one of its usual names. */
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
read_kernels (guestfs_h *g, JsonObject *state, JsonArray *missing)
{
  g_auto (GStrv) names = guestfs_is_dir (g, "/boot") > 0 ? guestfs_ls (g, "/boot") : NULL;
  guint kernels = 0;

  /* A guest that is booted by a kernel from outside has none; one without any initramfs does not need them. */
  for (guint i = 0; names != NULL && names[i] != NULL && json_array_get_length (missing) < LISTED_MAX; i++)
    {
      g_autofree char *path = g_build_filename ("/boot", names[i], NULL);
      g_autofree char *sentence = NULL;
      g_autofree char *valid = NULL;

      if (!g_str_has_prefix (names[i], "vmlinuz-"))
        continue;
      kernels++;
      if (guestfs_filesize (g, path) <= 0)
        sentence = g_strdup_printf ("%s is empty", names[i]);
      else if (has_any_initramfs (names) && !has_initramfs ((const char *const *) names, names[i] + strlen ("vmlinuz-")))
        sentence = g_strdup_printf ("%s has no initramfs", names[i]);
      if (sentence == NULL)
        continue;
      valid = cold_text_make_valid (sentence);
      json_array_add_string_element (missing, valid);
    }
  json_object_set_int_member (state, "kernels", kernels);
}

/* A menu that names a device comes to name the file system when it is made anew, where its makers find out which. */
static void
read_root (guestfs_h *g, JsonObject *state)
{
  g_auto (GStrv) pairs = guestfs_mountpoints (g);

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i += 2)
    if (g_str_equal (pairs[i + 1], "/"))
      {
        g_autofree char *uuid = guestfs_vfs_uuid (g, pairs[i]);
        g_autofree char *word = uuid != NULL && *uuid != '\0' ? g_strconcat ("root=UUID=", uuid, NULL) : NULL;

        if (word != NULL)
          json_object_set_string_member (state, "root", word);
      }
}

JsonObject *
cold_boot_read (guestfs_h *g)
{
  JsonObject *state = json_object_new ();
  JsonArray *missing = json_array_new ();

  json_object_set_array_member (state, "missing", missing);
  read_kernels (g, state, missing);
  read_menus (g, state, missing);
  read_root (g, state);
  return state;
}

/* --- before and after ------------------------------------------------------------------------------------------------ */

/* Returns: (transfer full): the strings of @member that are in @after only */
static GPtrArray *
find_new (JsonObject *before, JsonObject *after, const char *member)
{
  g_auto (GStrv) old = before != NULL ? cold_json_strv (before, member) : g_new0 (char *, 1);
  g_auto (GStrv) now = cold_json_strv (after, member);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; now[i] != NULL; i++)
    if (!g_strv_contains ((const char *const *) old, now[i]))
      g_ptr_array_add (found, g_strdup (now[i]));
  return g_steal_pointer (&found);
}

static void
append (GString *text, const char *more)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", more);
}

static void
check_missing (JsonObject *before, JsonObject *after, JsonArray *checks)
{
  g_autoptr (GPtrArray) missing = find_new (before, after, "missing");
  g_autoptr (GString) wrong = g_string_new (NULL);
  g_autofree char *all = NULL;
  guint lacking = json_array_get_length (cold_json_array (after, "missing"));

  for (guint i = 0; i < missing->len; i++)
    append (wrong, g_ptr_array_index (missing, i));
  all = lacking == 0 ? g_strdup_printf ("%u kernels and %u menus with what they need", (guint) cold_json_int (after, "kernels"),
                                        (guint) cold_json_int (after, "menus"))
                     : g_strdup_printf ("nothing is missing that was not missing before (%u)", lacking);
  cold_guest_add_check (checks, "boot", wrong->len == 0, wrong->len == 0 ? all : wrong->str);
}

/* What decides whether a guest finds itself. An upgrade keeps it; tools that make a menu take it from the devices or the
 * command line that they see, which may be the appliance's. */
static gboolean
is_of_root (const char *word)
{
  return g_str_has_prefix (word, "root=") || g_str_has_prefix (word, "rootflags=");
}

void
cold_boot_check (JsonObject *before, JsonObject *after, const char *appliance, JsonArray *checks, JsonArray *differences)
{
  g_autoptr (GPtrArray) options = find_new (before, after, "options");
  g_auto (GStrv) own = g_strsplit_set (appliance, " \n", -1);
  g_autoptr (GString) wrong = g_string_new (NULL);
  gboolean had_menu = before != NULL && cold_json_int (before, "menus") > 0;

  check_missing (before, after, checks);
  for (guint i = 0; i < options->len; i++)
    {
      const char *word = g_ptr_array_index (options, i);
      gboolean foreign = g_strv_contains ((const char *const *) own, word);

      /* A guest that had no menu had no root in it either. */
      if (is_of_root (word) && (had_menu || foreign) && g_strcmp0 (word, cold_json_string (after, "root")) != 0)
        append (wrong, word);
      else if (had_menu)
        {
          g_autofree char *sentence = g_strconcat ("the boot menu has a new option: ", word, NULL);

          json_array_add_string_element (differences, sentence);
        }
    }
  if (cold_json_int (after, "menus") > 0)
    cold_guest_add_check (checks, "boot-options", wrong->len == 0,
                           wrong->len == 0 ? "root file systems as before" : wrong->str);
}
