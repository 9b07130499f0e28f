/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files in which dnf, yum and zypper are told what to leave alone: each reader reads every input.
 */
#include "cold-rpm-policy.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GPtrArray) patterns = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *value = NULL;
  gboolean obsoletes = TRUE;

  cold_rpm_policy_add_versionlock (text, patterns);
  cold_rpm_policy_add_versionlock_toml (text, patterns);
  cold_rpm_policy_add_zypp_locks (text, patterns);
  cold_rpm_policy_add_excludes (text, patterns);
  cold_rpm_policy_add_includes (text, patterns);
  cold_rpm_policy_add_installonly (text, patterns);
  cold_rpm_policy_add_multiversion (text, patterns);
  cold_rpm_policy_add_lines (text, patterns);
  cold_rpm_policy_add_vendors (text, patterns);
  for (guint i = 0; i < patterns->len; i++)
    g_assert_true (g_utf8_validate (g_ptr_array_index (patterns, i), -1, NULL));
  cold_rpm_policy_read_bool (text, "obsoletes", &obsoletes);
  value = cold_rpm_policy_get_main (text, "exclude");
  return 0;
}
