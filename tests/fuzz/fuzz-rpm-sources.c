/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's *.repo files, from its disk to what the agent makes of them. What comes before the first line that is empty is the
 * file of a variable.
 */
#include "cold-guest-source.h"
#include "cold-rpm-sources.h"
#include "cold-rpm-variables.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (JsonObject) manifest = json_object_new ();
  g_autoptr (GHashTable) variables = NULL;
  g_autoptr (JsonArray) array = json_array_new ();
  g_autoptr (JsonArray) repositories = json_array_new ();
  g_autoptr (GPtrArray) sources = NULL;
  const char *rest = strstr (text, "\n\n");

  json_object_set_string_member (manifest, "release", "9.3");
  json_object_set_string_member (manifest, "arch", "x86_64");
  variables = cold_rpm_variables_new (manifest);
  cold_rpm_variables_add (variables, "value", text);
  cold_rpm_sources_parse (rest != NULL ? rest : text, variables, FALSE, array, repositories);
  g_assert_cmpuint (json_array_get_length (array), <=, COLD_LISTED_SOURCES_MAX);
  sources = cold_guest_sources_from_json (array);
  for (guint i = 0; i < sources->len; i++)
    {
      const ColdGuestSource *source = g_ptr_array_index (sources, i);

      g_assert_cmpstr (source->suite, ==, "");
      g_assert_true (source->components[0] == NULL && source->priority >= 0);
      for (guint k = 0; source->uris[k] != NULL; k++)
        g_assert_true (g_str_has_prefix (source->uris[k], "http") && strpbrk (source->uris[k], "@$#") == NULL
                       && (source->list != NULL || strchr (source->uris[k], '?') == NULL));
    }
  return 0;
}
