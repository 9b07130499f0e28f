/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's boot menu: what it names are paths, and options are single words.
 */
#include "cold-boot-menu.h"
#include "fuzz.h"

#include <string.h>

static const char mountinfo[] = "31 23 0:26 /@rootfs /sysroot rw - btrfs /dev/sda1 rw\n"
                                "32 31 8:1 / /sysroot/boot/efi rw - vfat /dev/sda2 rw\n";

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) damaged = NULL;
  GHashTableIter iter;
  gpointer word;

  cold_boot_menu_parse (text, files, options);
  for (guint i = 0; i < files->len; i++)
    {
      g_autoptr (GPtrArray) places = cold_boot_menu_places (mountinfo, g_ptr_array_index (files, i));

      for (guint k = 0; k < places->len; k++)
        g_assert_true (*(const char *) g_ptr_array_index (places, k) == '/');
    }
  g_hash_table_iter_init (&iter, options);
  while (g_hash_table_iter_next (&iter, &word, NULL))
    g_assert_true (g_utf8_validate (word, -1, NULL) && *(char *) word != '\0' && strpbrk (word, " \t\n") == NULL);
  /* A mount point's name is the guest's too. */
  damaged = cold_boot_menu_places (text, "/boot/vmlinuz");
  return 0;
}
