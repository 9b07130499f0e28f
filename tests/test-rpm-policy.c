/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-policy.h"

typedef void (*AddFunc) (const char *text, GPtrArray *patterns);

/* @wanted: patterns, separated by "|" */
static void
assert_adds (AddFunc add, const char *text, const char *wanted)
{
  g_autoptr (GPtrArray) patterns = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *got = NULL;

  add (text, patterns);
  g_ptr_array_add (patterns, NULL);
  got = g_strjoinv ("|", (char **) patterns->pdata);
  g_assert_cmpstr (got, ==, wanted);
}

static void
test_versionlock (void)
{
  assert_adds (cold_rpm_policy_add_versionlock,
               "\n# Added lock on Mon Nov 23\ncold-held-0:1-1.*\n!cold-bad-0:2-1.*\n  bash-*  \n", "cold-held-0:1-1.*|!cold-bad-0:2-1.*|bash-*");
  assert_adds (cold_rpm_policy_add_versionlock, "", "");
}

static void
test_versionlock_toml (void)
{
  assert_adds (cold_rpm_policy_add_versionlock_toml,
               "version = \"1.0\"\n[[packages]]\nname = \"one\"\ncomment = \"Added\"\n[[packages.conditions]]\n"
               "key = \"evr\"\ncomparator = \"=\"\nvalue = \"0:5.2-1\"\n\n[[packages]]\nname = 'two'\n"
               "[[packages.conditions]]\nkey = \"evr\"\ncomparator = \"<\"\nvalue = \"2\"\n",
               "one-0:5.2-1.*|=two");
}

static void
test_zypp_locks (void)
{
  assert_adds (cold_rpm_policy_add_zypp_locks,
               "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: cold-held\n\n"
               "type: patch\nmatch_type: glob\nsolvable_name: openSUSE-1\n\nmatch_type: glob\nsolvable_name: kernel-*\n",
               "cold-held|kernel-*");
}

static void
test_zypp_lock_forms (void)
{
  assert_adds (cold_rpm_policy_add_zypp_locks,
               "\n# comment: nothing\ntype: package\nmatch_type: glob\nquery_string: by-query\n\n"
               "match_type: exact\nsolvable_name: versioned > 2.0\nversion: == 1\n\n\n"
               "kind: package\nstring_type: regex\nglobal_string: ^re.*\n\n"
               "query_string: part\n\n"
               "type: package\nmatch_type: glob\ncomplex: AttrMatchData solvable:name complicated C SolvableRange\\ >\\ 60\n\n"
               "type: package\nmatch_type: glob\nsolvable_name: one\nsolvable_name: two.x86_64\n\n"
               "type: package\ntype: pattern\nmatch_type: glob\nsolvable_name: both\n"
               "type: pattern\n",
               "by-query|versioned|/^re.*/|*part*|complicated|one|two.x86_64|both");
}

static void
test_multiversion (void)
{
  assert_adds (cold_rpm_policy_add_installonly, "[main]\ninstallonlypkgs=kernel-azure, kmod*\n[x]\ninstallonlypkgs=no\n",
               "provides:kernel-azure|provides:kmod*");
  assert_adds (cold_rpm_policy_add_multiversion, "## text\n[main]\nmultiversion = provides:multiversion(kernel),foo\nmultiversion.kernels = latest\n",
               "provides:multiversion(kernel)|foo");
  assert_adds (cold_rpm_policy_add_lines, "# text\n\n foo \nprovides:bar\n", "foo|provides:bar");
}

static void
test_vendors (void)
{
  assert_adds (cold_rpm_policy_add_vendors, "[main]\nvendors = openSUSE, SUSE LLC <https://www.suse.com/> ,,obs://x\n[y]\nvendors=z\n",
               "openSUSE|SUSE LLC <https://www.suse.com/>|obs://x");
}

static void
test_excludes (void)
{
  assert_adds (cold_rpm_policy_add_excludes,
               "[main]\nexclude=a b*,c\n  d\ngpgcheck=1\n  e\nexcludepkgs = f\n[repo]\nexclude=g\n",
               "a|b*|c|d|f");
  assert_adds (cold_rpm_policy_add_excludes, "exclude=a\n[main]\n#exclude=b\nexclude=\n", "");
}

static void
test_includes (void)
{
  assert_adds (cold_rpm_policy_add_includes, "[main]\nincludepkgs = a*, b\nexclude=c\n[repo]\nincludepkgs=d\n", "a*|b");
}

static void
test_bool (void)
{
  static const struct
  {
    const char *text;
    gboolean before, after;
  } rows[] = {
    { "[main]\nobsoletes=0\n", TRUE, FALSE },      { "[main]\nobsoletes = No\n", TRUE, FALSE },
    { "[main]\nobsoletes=false\n", TRUE, FALSE },  { "[main]\nobsoletes=on\n", FALSE, TRUE },
    { "[main]\nobsoletes=0\nobsoletes=1\n", FALSE, TRUE }, { "[main]\nobsoletes=maybe\n", TRUE, TRUE },
    { "[main]\nbest=0\n", TRUE, TRUE },            { "[repo]\nobsoletes=0\n", TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gboolean value = rows[i].before;

      cold_rpm_policy_read_bool (rows[i].text, "obsoletes", &value);
      g_assert_cmpint (value, ==, rows[i].after);
    }
}

static void
test_main (void)
{
  const char *text = "[main]\nenabled=1\nlocklist = /a\nlocklist = /b \n[other]\nlocklist=/c\n";
  g_autofree char *list = cold_rpm_policy_get_main (text, "locklist");
  g_autofree char *none = cold_rpm_policy_get_main (text, "lock");

  g_assert_cmpstr (list, ==, "/b");
  g_assert_null (none);
}

static void
test_invalid_text (void)
{
  g_autoptr (GPtrArray) patterns = g_ptr_array_new_with_free_func (g_free);

  cold_rpm_policy_add_versionlock ("a\xff\n", patterns);
  g_assert_true (g_utf8_validate (g_ptr_array_index (patterns, 0), -1, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpm-policy/versionlock", test_versionlock);
  g_test_add_func ("/rpm-policy/versionlock-toml/one-version-or-all", test_versionlock_toml);
  g_test_add_func ("/rpm-policy/zypp-locks/packages-alone", test_zypp_locks);
  g_test_add_func ("/rpm-policy/zypp-locks/each-form", test_zypp_lock_forms);
  g_test_add_func ("/rpm-policy/multiversion", test_multiversion);
  g_test_add_func ("/rpm-policy/vendors", test_vendors);
  g_test_add_func ("/rpm-policy/excludes/of-main-alone", test_excludes);
  g_test_add_func ("/rpm-policy/includes/of-main-alone", test_includes);
  g_test_add_func ("/rpm-policy/bool", test_bool);
  g_test_add_func ("/rpm-policy/main/last-counts", test_main);
  g_test_add_func ("/rpm-policy/invalid-text/made-valid", test_invalid_text);
  return g_test_run ();
}
