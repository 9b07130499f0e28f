/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's source lists, from its disk to what the agent makes of them: each input is read in both styles.
 */
#include "cold-apt-sources.h"
#include "cold-guest-source.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (JsonArray) array = json_array_new ();
  g_autoptr (GPtrArray) sources = NULL;

  cold_apt_sources_parse_list (text, "amd64", array);
  cold_apt_sources_parse_deb822 (text, "amd64", array);
  g_assert_cmpuint (json_array_get_length (array), <=, COLD_LISTED_SOURCES_MAX);
  sources = cold_guest_sources_from_json (array);
  for (guint i = 0; i < sources->len; i++)
    {
      const ColdGuestSource *source = g_ptr_array_index (sources, i);

      g_assert_true (g_str_has_prefix (source->uris[0], "http") && strchr (source->uris[0], '@') == NULL);
      g_assert_true (strstr (source->suite, "..") == NULL && source->suite[0] != '/' && source->components[0] != NULL);
    }
  return 0;
}
