/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pacman-desc.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  /* The parser is told the length: nothing stands behind it. */
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (ColdPacmanDesc) desc = cold_pacman_desc_parse (text, size, &error);
  GPtrArray *depends;

  fuzz_check_error (desc != NULL, error);
  if (desc == NULL)
    return 0;
  g_assert_true (*cold_pacman_desc_get (desc, "NAME") != '\0' && *cold_pacman_desc_get (desc, "VERSION") != '\0');
  cold_pacman_desc_get_number (desc, "CSIZE");
  depends = cold_pacman_desc_get_all (desc, "DEPENDS");
  for (guint i = 0; depends != NULL && i < depends->len; i++)
    g_assert_true (g_utf8_validate (g_ptr_array_index (depends, i), -1, NULL));
  return 0;
}
