/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-upgrade.h"

#include "cold-error.h"

static gboolean
parse_one (const char *key, GVariant *value, ColdUpgradeOptions *parsed, GError **error)
{
  const struct
  {
    const char *key;
    gboolean *flag;
  } flags[] = {
    { "dry-run", &parsed->dry_run },
    { "security-only", &parsed->security_only },
    { "keep-copy", &parsed->keep_copy },
  };

  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      if (!g_str_equal (key, flags[i].key))
        continue;
      if (!g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "option %s must be a boolean (b)", key);
          return FALSE;
        }
      *flags[i].flag = g_variant_get_boolean (value);
      return TRUE;
    }
  if (!g_str_equal (key, "exclude"))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "unknown option '%s': use dry-run, security-only, keep-copy (b) or exclude (as)", key);
      return FALSE;
    }
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                           "option exclude must be an array of package names (as)");
      return FALSE;
    }
  g_strfreev (parsed->exclude);
  parsed->exclude = g_variant_dup_strv (value, NULL);
  return TRUE;
}

gboolean
cold_upgrade_options_parse (GVariant *options, ColdUpgradeOptions *parsed, GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  *parsed = (ColdUpgradeOptions){ 0 };
  if (options == NULL)
    return TRUE;
  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!parse_one (key, owned, parsed, error))
        {
          cold_upgrade_options_clear (parsed);
          return FALSE;
        }
    }
  return TRUE;
}

void
cold_upgrade_options_clear (ColdUpgradeOptions *options)
{
  g_clear_pointer (&options->exclude, g_strfreev);
}
