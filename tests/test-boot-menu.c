/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-boot-menu.h"
#include "cold-json.h"

#define MENU_DEBIAN                                                                                                    \
  "menuentry 'Debian' {\n"                                                                                             \
  "\tsearch --no-floppy --fs-uuid --set=root 1234\n"                                                                   \
  "\tlinux\t/@rootfs/boot/vmlinuz-6.1.0-9-amd64 root=UUID=12 ro rootflags=subvol=@rootfs  quiet\n"                     \
  "\tinitrd\t/@rootfs/boot/initrd.img-6.1.0-9-amd64\n"                                                                 \
  "}\n"

static const char mountinfo[]
    = "22 1 0:21 / /proc rw - proc proc rw\n"
      "40 30 0:35 /@rootfs /sysroot rw,noatime - btrfs /dev/sda2 rw\n"
      "41 40 0:35 /@home\\040of\\040all /sysroot/home rw - btrfs /dev/sda2 rw\n"
      "42 40 8:1 / /sysroot/boot/efi rw - vfat /dev/sda1 rw\n"
      "43 40 0:36 / /sysroot2 rw - tmpfs tmpfs rw\n";

static void
check_strv (GPtrArray *found, const char *const *expected)
{
  guint n = g_strv_length ((char **) expected);

  for (guint i = 0; i < n; i++)
    g_assert_true (g_ptr_array_find_with_equal_func (found, expected[i], g_str_equal, NULL));
  g_assert_cmpuint (found->len, ==, n);
}

static void
parse (const char *text, const char *const *expected_files, const char *const *expected_options)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer word;

  cold_boot_menu_parse (text, files, options);
  g_hash_table_iter_init (&iter, options);
  while (g_hash_table_iter_next (&iter, &word, NULL))
    g_ptr_array_add (words, word);
  check_strv (files, expected_files);
  check_strv (words, expected_options);
}

static void
test_grub (void)
{
  parse (MENU_DEBIAN "  linux16 /memtest.bin BOOT_IMAGE=x\n  linux ($root)/vmlinuz once\n  echo 'Loading Linux /no ...'\n",
         (const char *const[]){ "/@rootfs/boot/vmlinuz-6.1.0-9-amd64", "/@rootfs/boot/initrd.img-6.1.0-9-amd64",
                                "/memtest.bin", NULL },
         (const char *const[]){ "root=UUID=12", "ro", "rootflags=subvol=@rootfs", "quiet", "once", NULL });
}

static void
test_entry (void)
{
  parse ("title Arch\nlinux   /vmlinuz-linux\ninitrd\t/amd-ucode.img /initramfs-linux.img $tuned\r\noptions root=LABEL=x rw\n",
         (const char *const[]){ "/vmlinuz-linux", "/amd-ucode.img", "/initramfs-linux.img", NULL },
         (const char *const[]){ "root=LABEL=x", "rw", NULL });
  parse ("# GRUB Environment Block\nkernelopts=root=/dev/vda2 ro\n####", (const char *const[]){ NULL },
         (const char *const[]){ "root=/dev/vda2", "ro", NULL });
}

static void
test_places (void)
{
  g_autoptr (GPtrArray) subvolume = cold_boot_menu_places (mountinfo, "/@rootfs/boot/vmlinuz");
  g_autoptr (GPtrArray) plain = cold_boot_menu_places (mountinfo, "/vmlinuz");
  g_autoptr (GPtrArray) other = cold_boot_menu_places (mountinfo, "/@home of all/vmlinuz");

  check_strv (subvolume, (const char *const[]){ "/boot/vmlinuz", "/@rootfs/boot/vmlinuz", "/home/@rootfs/boot/vmlinuz",
                                                "/boot/efi/@rootfs/boot/vmlinuz", NULL });
  /* A name that only begins like the subvolume is not below it. */
  check_strv (plain, (const char *const[]){ "/vmlinuz", "/home/vmlinuz", "/boot/efi/vmlinuz", NULL });
  g_assert_true (g_ptr_array_find_with_equal_func (other, "/home/vmlinuz", g_str_equal, NULL));
}

static JsonObject *
state (const char *text)
{
  GError *error = NULL;
  JsonObject *object = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  return object;
}

/* Returns: (transfer full): "<check> <ok>; ..." */
static char *
verdict (const char *before_text, const char *after_text, guint *differences)
{
  g_autoptr (JsonObject) before = before_text != NULL ? state (before_text) : NULL;
  g_autoptr (JsonObject) after = state (after_text);
  g_autoptr (JsonArray) checks = json_array_new ();
  g_autoptr (JsonArray) different = json_array_new ();
  GString *text = g_string_new (NULL);

  cold_boot_check (before, after, "panic=1 root=UUID=appliance\n", checks, different);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = cold_json_array_object (checks, i);

      g_string_append_printf (text, "%s %s; ", cold_json_string (check, "name"), cold_json_bool (check, "ok") ? "ok" : "no");
    }
  *differences = json_array_get_length (different);
  return g_string_free (text, FALSE);
}

static void
test_missing_before (void)
{
  guint differences;
  g_autofree char *same = verdict ("{\"menus\":1,\"missing\":[\"a has no b\"],\"options\":[\"ro\"]}",
                                   "{\"menus\":1,\"missing\":[\"a has no b\"],\"options\":[\"ro\"]}", &differences);
  g_autofree char *more = verdict ("{\"menus\":1,\"missing\":[\"a has no b\"],\"options\":[]}",
                                   "{\"menus\":1,\"missing\":[\"a has no b\",\"a has no c\"],\"options\":[]}", &differences);

  g_assert_cmpstr (same, ==, "boot ok; boot-options ok; ");
  g_assert_cmpstr (more, ==, "boot no; boot-options ok; ");
}

static void
test_options (void)
{
  guint differences;
  g_autofree char *root = verdict ("{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=1\"]}",
                                   "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=2\"]}", &differences);
  g_autofree char *flags = verdict ("{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=1\"]}",
                                    "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=1\",\"rootflags=subvol=x\"]}",
                                    &differences);
  g_autofree char *first = verdict ("{\"menus\":0,\"missing\":[],\"options\":[]}",
                                    "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=2\"]}", &differences);
  g_autofree char *foreign = verdict ("{\"menus\":0,\"missing\":[],\"options\":[]}",
                                      "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=appliance\"]}", &differences);
  g_autofree char *named = verdict ("{\"menus\":1,\"missing\":[],\"options\":[\"root=/dev/vda1\"]}",
                                    "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=2\"],\"root\":\"root=UUID=2\"}",
                                    &differences);
  g_autofree char *other = NULL;

  g_assert_cmpstr (root, ==, "boot ok; boot-options no; ");
  g_assert_cmpstr (flags, ==, "boot ok; boot-options no; ");
  g_assert_cmpstr (first, ==, "boot ok; boot-options ok; ");
  g_assert_cmpstr (foreign, ==, "boot ok; boot-options no; ");
  g_assert_cmpstr (named, ==, "boot ok; boot-options ok; ");
  /* What an admin had set and not yet written into the menu. */
  other = verdict ("{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=1\"]}",
                   "{\"menus\":1,\"missing\":[],\"options\":[\"root=UUID=1\",\"quiet\"]}", &differences);
  g_assert_cmpstr (other, ==, "boot ok; boot-options ok; ");
  g_assert_cmpuint (differences, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/boot-menu/parse/grub", test_grub);
  g_test_add_func ("/boot-menu/parse/entry", test_entry);
  g_test_add_func ("/boot-menu/places/subvolumes-and-file-systems", test_places);
  g_test_add_func ("/boot-menu/check/only-what-was-there-before", test_missing_before);
  g_test_add_func ("/boot-menu/check/options", test_options);
  return g_test_run ();
}
