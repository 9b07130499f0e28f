/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables of a guest's package manager: the first line is one of them, the second is where it is used, the third is the release
 * that the guest's packages provide.
 */
#include "cold-rpm-variables.h"
#include "fuzz.h"

static JsonObject *
make_manifest (const char *release)
{
  JsonObject *manifest = json_object_new ();
  JsonArray *installed = json_array_new ();
  JsonObject *package = json_object_new ();
  JsonArray *provides = json_array_new ();
  g_autofree char *provide = g_strdup_printf ("system-release(releasever) = %s", release);

  json_array_add_string_element (provides, provide);
  json_object_set_array_member (package, "provides", provides);
  json_array_add_object_element (installed, package);
  json_object_set_array_member (manifest, "installed", installed);
  json_object_set_string_member (manifest, "release", release);
  json_object_set_string_member (manifest, "arch", release);
  return manifest;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  guint n = g_strv_length (lines);
  g_autoptr (JsonObject) manifest = make_manifest (n > 2 ? lines[2] : "9.3");
  g_autoptr (GHashTable) variables = cold_rpm_variables_new (manifest);
  g_autofree char *expanded = NULL;

  cold_rpm_variables_add (variables, n > 0 ? lines[0] : "", text);
  cold_rpm_variables_add (variables, "value", n > 0 ? lines[0] : "");
  expanded = cold_rpm_variables_expand (variables, n > 1 ? lines[1] : text);
  g_assert_true (expanded == NULL || strchr (expanded, '$') == NULL);
  return 0;
}
