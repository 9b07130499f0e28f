/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's initramfs: what is found in it are names of modules.
 */
#include "cold-initramfs.h"
#include "fuzz.h"

#include <string.h>

static void
check_names (GStrv names)
{
  for (guint i = 0; names[i] != NULL; i++)
    g_assert_true (*names[i] != '\0' && strpbrk (names[i], "/-") == NULL
                   && (i == 0 || strcmp (names[i - 1], names[i]) < 0));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("initramfs");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdInitramfs) initramfs = NULL;

  fuzz_write (path, data, size);
  initramfs = cold_initramfs_read (path, &error);
  fuzz_check_error (initramfs != NULL, error);
  if (initramfs != NULL)
    {
      check_names (initramfs->drivers);
      check_names (initramfs->systems);
    }
  return 0;
}
