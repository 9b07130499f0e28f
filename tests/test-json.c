/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-json.h"

static void
test_types_are_checked (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object
      = cold_json_parse_object ("{\"s\":\"x\",\"n\":7,\"b\":true,\"a\":[\"p\",1,\"q\"],\"o\":{}}", -1, &error);
  g_auto (GStrv) strv = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (object, "s"), ==, "x");
  g_assert_null (cold_json_string (object, "n"));
  g_assert_null (cold_json_string (object, "missing"));
  g_assert_cmpint (cold_json_int (object, "n"), ==, 7);
  g_assert_cmpint (cold_json_int (object, "s"), ==, 0);
  g_assert_true (cold_json_bool (object, "b"));
  g_assert_null (cold_json_array (object, "o"));
  g_assert_null (cold_json_object (object, "a"));
  strv = cold_json_strv (object, "a");
  g_assert_cmpuint (g_strv_length (strv), ==, 2);
  g_assert_cmpstr (strv[1], ==, "q");
}

static void
test_garbage_is_refused (void)
{
  const char *const texts[] = { "", "[1]", "{", "nonsense", "{\"a\":\xff}", "{}{}", "{} x", "{\"a\":1}}",
                                "{/* \" */}{/* \" */}", "{'a':1}", "# x\n{}", "{\"\\222\":1}", "{\"a\":\"\\ud800x\"}",
                                "{\"a\":\"\\udc00 \"}", "{\"a\":\"\\ud83d\\u0041\"}", "{\"a\":\"\\u0000\"}",
                                "{\"a\":\"\\u00zz\"}", "{\"a\":\"\\", NULL };

  for (guint i = 0; texts[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cold_json_parse_object (texts[i], -1, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
    }
}

/* Each level takes json-glib some hundred bytes of stack. */
static void
test_deep_is_refused (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 1000000; i++)
    g_string_append (text, "{\"a\":[");
  g_assert_null (cold_json_parse_object (text->str, text->len, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

static void
test_strings_may_hold_anything (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object (" {\"a\\\"{\\\\\":\"/* [[ # ' */\", \"n\":[-1.5e+3,null]} \n", -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (object, "a\"{\\"), ==, "/* [[ # ' */");
}

static void
test_escapes (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object ("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\uDE00\"}", -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (object, "a"), ==, "\"\\/\b\f\n\r\té😀");
}

static void
test_file_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cold-json-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "a.json", NULL);
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonObject) loaded = NULL;

  json_object_set_string_member (object, "name", "a \"quoted\"\nname");
  g_assert_true (cold_json_save_file (path, object, &error));
  loaded = cold_json_load_file (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (loaded, "name"), ==, "a \"quoted\"\nname");
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_guest_text_becomes_valid (void)
{
  g_autofree char *text = cold_text_make_valid ("a\xff\x1b[31m\n");

  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_null (strchr (text, 0x1b));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/types-are-checked", test_types_are_checked);
  g_test_add_func ("/json/garbage-is-refused", test_garbage_is_refused);
  g_test_add_func ("/json/nested-deeply/refused", test_deep_is_refused);
  g_test_add_func ("/json/strings/hold-anything", test_strings_may_hold_anything);
  g_test_add_func ("/json/strings/escapes", test_escapes);
  g_test_add_func ("/json/file-round-trip", test_file_round_trip);
  g_test_add_func ("/json/guest-text-becomes-valid", test_guest_text_becomes_valid);
  return g_test_run ();
}
