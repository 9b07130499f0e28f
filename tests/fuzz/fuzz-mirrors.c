/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server says where a repository is: each input is read as a mirrorlist and as a metalink. */
#include "cold-download.h"
#include "cold-mirrors.h"
#include "fuzz.h"

static void
check (const ColdMirrors *mirrors, const GError *error)
{
  GHashTableIter iter;
  gpointer hash;

  fuzz_check_error (mirrors != NULL, error);
  if (mirrors == NULL)
    return;
  g_assert_true (mirrors->uris->len > 0 && mirrors->uris->len <= COLD_MIRRORS_MAX);
  for (guint i = 0; i < mirrors->uris->len; i++)
    g_assert_true (g_str_has_prefix (g_ptr_array_index (mirrors->uris, i), "http"));
  if (mirrors->hashes == NULL)
    return;
  g_hash_table_iter_init (&iter, mirrors->hashes);
  while (g_hash_table_iter_next (&iter, &hash, NULL))
    g_assert_true (cold_is_sha256 (hash));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) other_error = NULL;
  g_autoptr (ColdMirrors) list = cold_mirrors_parse_list (text, &error);
  g_autoptr (ColdMirrors) metalink = cold_mirrors_parse_metalink (text, &other_error);

  check (list, error);
  check (metalink, other_error);
  return 0;
}
