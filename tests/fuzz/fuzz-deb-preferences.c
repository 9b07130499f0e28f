/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-preferences.h"
#include "cold-json.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const ColdSource repository = { .id = (char *) "fuzz", .uri = (char *) "http://mirror.example.org/debian" };
  const ColdDebIndex index = { .repository = &repository, .suite = (char *) "bookworm", .component = (char *) "main",
                               .arch = (char *) "amd64", .origin = (char *) "Debian", .label = (char *) "Debian",
                               .archive = (char *) "stable", .codename = (char *) "bookworm", .release = (char *) "12.1" };
  g_autofree char *raw = fuzz_text (data, size);
  g_autofree char *text = cold_text_make_valid (raw);
  g_autoptr (JsonArray) files = json_array_new ();
  JsonObject *file = json_object_new ();
  g_autoptr (GPtrArray) indexes = g_ptr_array_new ();
  g_autoptr (ColdDebPreferences) preferences = NULL;
  gboolean unknown = FALSE;
  int priority = 0;

  json_object_set_string_member (file, "text", text);
  json_array_add_object_element (files, file);
  preferences = cold_deb_preferences_new (files, "amd64", text);
  g_ptr_array_add (indexes, (gpointer) &index);
  g_ptr_array_add (indexes, NULL);
  cold_deb_preferences_get_general (preferences, &index);
  cold_deb_preferences_get_general (preferences, NULL);
  cold_deb_preferences_get_specific (preferences, "libssl3", "amd64", "openssl", "3.0.17-1~deb12u2", indexes, &priority, &unknown);
  return 0;
}
