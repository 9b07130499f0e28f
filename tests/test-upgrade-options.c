/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cold-error.h"
#include "cold-upgrade.h"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColdUpgradeOptions, cold_upgrade_options_clear)

/* @text: a{sv} in GVariant's text format */
static gboolean
parse (const char *text, ColdUpgradeOptions *options, GError **error)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_parsed (text));

  g_assert_true (g_variant_is_of_type (variant, G_VARIANT_TYPE_VARDICT));
  return cold_upgrade_options_parse (variant, options, error);
}

static void
assert_refused (const char *text, const char *what)
{
  g_auto (ColdUpgradeOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_false (parse (text, &options, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, what));
  g_assert_null (options.exclude); /* nothing is left to be freed */
}

static void
assert_none (const ColdUpgradeOptions *options)
{
  g_assert_false (options->dry_run || options->security_only || options->keep_copy);
  g_assert_null (options->exclude);
}

static void
test_none (void)
{
  g_auto (ColdUpgradeOptions) options = { .dry_run = TRUE };
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_upgrade_options_parse (NULL, &options, &error));
  assert_none (&options);
  options.keep_copy = TRUE;
  g_assert_true (parse ("@a{sv} {}", &options, &error));
  assert_none (&options);
}

static void
test_each (void)
{
  static const char *const keys[] = { "dry-run", "security-only", "keep-copy" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_auto (ColdUpgradeOptions) options = { 0 };
      g_autofree char *on = g_strdup_printf ("{'%s': <true>}", keys[i]);
      g_autofree char *off = g_strdup_printf ("{'%s': <false>}", keys[i]);

      g_assert_true (parse (on, &options, NULL));
      g_assert_cmpint (options.dry_run, ==, i == 0);
      g_assert_cmpint (options.security_only, ==, i == 1);
      g_assert_cmpint (options.keep_copy, ==, i == 2);
      g_assert_true (parse (off, &options, NULL));
      assert_none (&options);
    }
}

static void
test_exclude (void)
{
  g_auto (ColdUpgradeOptions) options = { 0 };

  g_assert_true (parse ("{'exclude': <['linux-image-amd64', 'grub2']>, 'dry-run': <true>}", &options, NULL));
  g_assert_true (options.dry_run);
  g_assert_cmpuint (g_strv_length (options.exclude), ==, 2);
  g_assert_cmpstr (options.exclude[1], ==, "grub2");
  cold_upgrade_options_clear (&options);
  g_assert_true (parse ("{'exclude': <@as []>}", &options, NULL));
  g_assert_cmpuint (g_strv_length (options.exclude), ==, 0);
}

/* A dictionary on the bus may hold a key twice: the last one counts, and the first is not leaked. */
static void
test_twice (void)
{
  g_auto (ColdUpgradeOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  const char *const first[] = { "a", NULL };
  const char *const second[] = { "b", NULL };
  g_autoptr (GVariant) variant = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "exclude", g_variant_new_strv (first, -1));
  g_variant_builder_add (&builder, "{sv}", "exclude", g_variant_new_strv (second, -1));
  variant = g_variant_ref_sink (g_variant_builder_end (&builder));
  g_assert_true (cold_upgrade_options_parse (variant, &options, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (options.exclude), ==, 1);
  g_assert_cmpstr (options.exclude[0], ==, "b");
}

static void
test_unknown (void)
{
  assert_refused ("{'dry_run': <true>}", "unknown option 'dry_run'");
  assert_refused ("{'': <true>}", "unknown option ''");
  assert_refused ("{'exclude': <['a']>, 'force': <true>}", "unknown option 'force'");
}

static void
test_wrong_type (void)
{
  assert_refused ("{'dry-run': <'true'>}", "dry-run must be a boolean");
  assert_refused ("{'security-only': <1>}", "security-only must be a boolean");
  assert_refused ("{'keep-copy': <<true>>}", "keep-copy must be a boolean");
  assert_refused ("{'exclude': <'a'>}", "array of package names");
  assert_refused ("{'exclude': <[1, 2]>}", "array of package names");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/upgrade-options/none/are-all-off", test_none);
  g_test_add_func ("/upgrade-options/each/is-heard", test_each);
  g_test_add_func ("/upgrade-options/exclude/names", test_exclude);
  g_test_add_func ("/upgrade-options/twice/last-one-counts", test_twice);
  g_test_add_func ("/upgrade-options/unknown/is-refused", test_unknown);
  g_test_add_func ("/upgrade-options/wrong-type/is-refused", test_wrong_type);
  return g_test_run ();
}
