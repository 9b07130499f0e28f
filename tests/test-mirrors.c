/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mirrorlists and metalinks. */
#include "cold-mirrors.h"

#include "cold-error.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OLD_HASH "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void
assert_uris (const ColdMirrors *mirrors, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < mirrors->uris->len; i++)
    g_string_append_printf (found, "%s\n", (const char *) g_ptr_array_index (mirrors->uris, i));
  g_assert_cmpstr (found->str, ==, expected);
}

static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdMirrors) mirrors
      = cold_mirrors_parse_list ("# repo = x\r\n http://a.example.org/x/ \nrsync://b/\n\nhttps://c.example.org/x\nfile:///etc\n", &error);

  g_assert_no_error (error);
  assert_uris (mirrors, "http://a.example.org/x/\nhttps://c.example.org/x\n");
  g_assert_null (mirrors->hashes);
}

/* As MirrorManager makes them. */
static void
test_metalink (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdMirrors) mirrors = cold_mirrors_parse_metalink (
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
      "<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\" xmlns:mm0=\"http://fedorahosted.org/mirrormanager\">\n"
      "<files><file name=\"other.xml\"><resources><url>http://other/repodata/repomd.xml</url></resources></file>"
      "<file name=\"repomd.xml\"><mm0:timestamp>1700000000</mm0:timestamp><size>5000</size>"
      "<verification><hash type=\"md5\">00</hash><hash type=\"sha256\">" HASH "</hash></verification>"
      "<mm0:alternates><mm0:alternate><verification><hash type=\"sha256\"> " OLD_HASH " </hash></verification>"
      "</mm0:alternate></mm0:alternates>"
      "<resources maxconnections=\"1\">"
      "<url protocol=\"rsync\" preference=\"100\">rsync://r/repodata/repomd.xml</url>"
      "<url protocol=\"http\" preference=\"90\">http://second.example.org/x/repodata/repomd.xml</url>"
      "<url protocol=\"https\" preference=\"100\">https://first.example.org/x/repodata/repomd.xml</url>"
      "<url protocol=\"https\" preference=\"90\">https://third.example.org/?a=1&amp;b=2/repodata/repomd.xml</url>"
      "<url>https://no.example.org/repomd.xml</url></resources></file></files></metalink>",
      &error);

  g_assert_no_error (error);
  assert_uris (mirrors, "https://first.example.org/x/\nhttp://second.example.org/x/\nhttps://third.example.org/?a=1&b=2/\n");
  g_assert_cmpuint (g_hash_table_size (mirrors->hashes), ==, 2);
  g_assert_true (g_hash_table_contains (mirrors->hashes, HASH));
  g_assert_true (g_hash_table_contains (mirrors->hashes, OLD_HASH));
}

static void
test_refused (gconstpointer text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cold_mirrors_parse_metalink (text, &error));
  g_assert_true (error->domain == COLD_ERROR);
  g_clear_error (&error);
  g_assert_null (cold_mirrors_parse_list (text, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
}

static void
test_limits (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (ColdMirrors) mirrors = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "http://m%u.example.org/\n", i);
  mirrors = cold_mirrors_parse_list (text->str, NULL);
  g_assert_cmpuint (mirrors->uris->len, ==, COLD_MIRRORS_MAX);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mirrors/list", test_list);
  g_test_add_func ("/mirrors/metalink", test_metalink);
  g_test_add_func ("/mirrors/limits", test_limits);
  g_test_add_data_func ("/mirrors/empty/refused", "", test_refused);
  g_test_add_data_func ("/mirrors/no-metalink/refused", "<html><body>not found</body></html>", test_refused);
  g_test_add_data_func ("/mirrors/no-place/refused",
                        "<metalink><files><file name=\"repomd.xml\"><url>ftp://x/repodata/repomd.xml</url></file></files></metalink>",
                        test_refused);
  g_test_add_data_func ("/mirrors/cut-off/refused", "<metalink><files><file name=\"repomd.xml\">", test_refused);
  g_test_add_data_func ("/mirrors/entities/refused", "<!DOCTYPE m [<!ENTITY a \"b\">]><metalink>&a;</metalink>", test_refused);
  return g_test_run ();
}
