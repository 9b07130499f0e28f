/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-repomd.h"

#include "cold-error.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static ColdRepomd *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColdRepomd *repomd = cold_repomd_parse (text, &error);

  g_assert_no_error (error);
  return repomd;
}

static void
test_files (void)
{
  g_autoptr (ColdRepomd) repomd = parse (
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- by hand -->\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n"
      "<revision> 1700000000 </revision><tags><content>x</content><revision>9</revision></tags>\n"
      "<data type=\"primary\"><checksum type=\"sha256\">\n" ONE "\n</checksum><open-checksum type=\"sha256\">" TWO "</open-checksum>"
      "<header-checksum type=\"sha256\">" TWO "</header-checksum><location href=\"repodata/a&amp;b.xml.gz\"/>"
      "<timestamp>1700000001</timestamp><size>100</size><open-size>200</open-size></data>\n"
      "<data type=\"filelists\"><checksum type=\"md5\">" ONE "</checksum><location xml:base=\"http://x/\" href=\"f\"/>"
      "<timestamp>1700000002.5</timestamp><size>-1</size></data>\n"
      "<data type=\"primary\"><location href=\"second\"/></data><data/><delta><data type=\"updateinfo\"/></delta></repomd>\n");
  const ColdRepomdFile *primary = cold_repomd_find (repomd, "primary");
  const ColdRepomdFile *filelists = cold_repomd_find (repomd, "filelists");

  g_assert_cmpstr (repomd->revision, ==, "1700000000");
  g_assert_cmpint (repomd->date, ==, 1700000002);
  g_assert_cmpstr (primary->path, ==, "repodata/a&b.xml.gz");
  g_assert_cmpstr (primary->sha256, ==, ONE);
  g_assert_cmpstr (primary->open_sha256, ==, TWO);
  g_assert_cmpint (primary->size, ==, 100);
  g_assert_cmpint (primary->open_size, ==, 200);
  g_assert_false (primary->elsewhere);
  g_assert_null (filelists->sha256);
  g_assert_cmpint (filelists->size, ==, 0);
  g_assert_true (filelists->elsewhere);
  g_assert_null (cold_repomd_find (repomd, "updateinfo"));
}

static void
test_empty (void)
{
  g_autoptr (ColdRepomd) repomd = parse ("<repomd/>");

  g_assert_null (repomd->revision);
  g_assert_cmpint (repomd->date, ==, 0);
  g_assert_null (cold_repomd_find (repomd, "primary"));
}

static void
test_refused (void)
{
  static const char *const texts[] = { "", "hello", "<repomd>", "<repomd></other>", "<repomd><data type=primary/></repomd>",
                                       "<metadata/>", "<repomd>&unknown;</repomd>" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cold_repomd_parse (texts[i], &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpm-repomd/files", test_files);
  g_test_add_func ("/rpm-repomd/empty", test_empty);
  g_test_add_func ("/rpm-repomd/malformed/refused", test_refused);
  return g_test_run ();
}
