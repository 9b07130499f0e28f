/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apt-config.h"

static const struct
{
  const char *text;
  const char *name;
  const char *value; /* (nullable) */
} cases[] = {
  { "APT::Default-Release \"stable\";", "apt::default-release", "stable" },
  { "apt::default-RELEASE testing;\n", "apt::default-release", "testing" },
  { "APT { Default-Release \"stable\"; Get { Assume-Yes \"true\"; }; };", "apt::default-release", "stable" },
  { "APT { Get { Assume-Yes \"true\"; }; Default-Release \"stable\"; };", "apt::get::assume-yes", "true" },
  { "APT::Get { Only \"1\"; }\nAPT::Default-Release \"x\";", "apt::default-release", "x" },
  { "// APT::Default-Release \"no\";\n# APT::Default-Release \"no\";\n/* APT::Default-Release \"no\"; */", "apt::default-release", NULL },
  { "APT::Default-Release \"a\";\nAPT::Default-Release \"b\"; // last", "apt::default-release", "b" },
  { "APT::Default-Release \"a\";\n#clear APT;\n", "apt::default-release", NULL },
  { "APT::Default-Release \"a\";\n#clear APT::Default;\n", "apt::default-release", "a" },
  { "DPkg::Post-Invoke { \"if [ -x /x ]; then { y; } fi\"; \"z\"; };\nAPT::Default-Release \"a\";", "apt::default-release", "a" },
  { "APT::Default-Release \"/^x(|-security)$/\";", "apt::default-release", "/^x(|-security)$/" },
  { "APT::Default-Release \"unterminated", "apt::default-release", "unterminated" },
  { "}}};;{{{\"", "apt::default-release", NULL },
};

static void
test_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) config = cold_apt_config_new ();

      g_test_message ("%s", cases[i].text);
      cold_apt_config_add (config, cases[i].text);
      g_assert_cmpstr (cold_apt_config_get (config, cases[i].name), ==, cases[i].value);
    }
}

static void
test_files_in_order (void)
{
  g_autoptr (GHashTable) config = cold_apt_config_new ();

  cold_apt_config_add (config, "A { B \"1\"; };");
  cold_apt_config_add (config, "A::B \"off\"; C \"yes\";");
  g_assert_cmpstr (cold_apt_config_get (config, "a::b"), ==, "off");
  g_assert_false (cold_apt_config_get_bool (config, "a::b"));
  g_assert_true (cold_apt_config_get_bool (config, "c"));
  g_assert_false (cold_apt_config_get_bool (config, "d"));
}

static void
test_deep (void)
{
  g_autoptr (GHashTable) config = cold_apt_config_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 100000; i++)
    g_string_append (text, "a{");
  cold_apt_config_add (config, text->str);
  g_assert_cmpuint (g_hash_table_size (config), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apt-config/values", test_values);
  g_test_add_func ("/apt-config/later-files-count", test_files_in_order);
  g_test_add_func ("/apt-config/deep/has-an-end", test_deep);
  return g_test_run ();
}
