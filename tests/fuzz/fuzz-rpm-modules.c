/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was made of a repository's modules.yaml, from which streams are chosen; each input is read as the file of a guest's choice, too.
 * Not modules.yaml itself: libmodulemd, which reads it in a process of its own, dies of some of what a fuzzer makes up.
 */
#include "cold-dnf-modules.h"
#include "cold-json.h"
#include "cold-rpm-modules.h"
#include "cold-rpm-streams.h"
#include "fuzz.h"

static void
choose (GVariant *modules)
{
  static const char *const states[] = { "{}", "{\"platform\":\"platform:el9\",\"enabled\":[\"foo:1\",\"base:a\"],\"disabled\":[\"bar\"]}" };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (ColdRpmStreams) streams = cold_rpm_streams_new ();
      g_autoptr (JsonObject) state = cold_json_parse_object (states[i], -1, NULL);
      g_autofree char *problem = NULL;

      cold_rpm_streams_add (streams, modules);
      if (!cold_rpm_streams_activate (streams, state, "x86_64", &problem))
        g_assert_nonnull (problem);
      for (guint k = 0; k < streams->contexts->len; k++)
        {
          const ColdRpmContext *context = streams->contexts->pdata[k];

          g_assert_true (cold_rpm_streams_has (streams, context->module, context->stream));
          g_assert_false (i == 1 && context->active && g_str_equal (context->module, "bar"));
        }
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("modules");
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GPtrArray) enabled = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) disabled = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) modules = NULL;

  fuzz_write (path, data, size);
  modules = cold_rpm_modules_load (path, NULL);
  g_assert_nonnull (modules);
  choose (modules);
  cold_dnf_modules_add ("foo", text, enabled, disabled);
  g_assert_cmpuint (enabled->len + disabled->len, <=, 1);
  for (guint i = 0; i < enabled->len; i++)
    g_assert_true (g_utf8_validate (enabled->pdata[i], -1, NULL));
  return 0;
}
