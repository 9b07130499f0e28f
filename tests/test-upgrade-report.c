/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-json.h"
#include "cold-upgrade-report.h"

static JsonObject *
parse (const char *text)
{
  GError *error = NULL;
  JsonObject *object = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  return object;
}

/* What is for verify, or for nobody, stays out. */
static void
test_upgrade (void)
{
  g_autoptr (JsonObject) report = json_object_new ();
  g_autoptr (JsonObject) answer
      = parse ("{\"log\":\"upgrade.log\",\"deferred\":[\"a restart\"],\"kept-config\":[\"/k\"],\"replaced-config\":[\"/r\"],"
               "\"kernel-changed\":true,\"changed-files\":3,\"unattributed\":[],\"restored\":[\"/etc/machine-id\"],"
               "\"boot-before\":{},\"initramfs-before\":{}}");
  g_autofree char *text = NULL;

  cold_upgrade_report_add (report, answer);
  text = cold_json_to_text (report);
  g_assert_cmpstr (text, ==,
                   "{\"deferred\":[\"a restart\"],\"kept-config\":[\"/k\"],\"replaced-config\":[\"/r\"],"
                   "\"restored\":[\"/etc/machine-id\"],\"kernel-changed\":true,\"changed-files\":3,\"unattributed\":[]}");
}

static void
test_verify (void)
{
  g_autoptr (JsonObject) report = json_object_new ();
  g_autoptr (JsonObject) verified
      = parse ("{\"packages\":[],\"ok\":false,\"checks\":[{\"name\":\"a\",\"ok\":false,\"detail\":\"b\"},"
               "{\"name\":\"c\",\"ok\":true,\"detail\":\"d\"},{\"name\":\"e\",\"ok\":false}],\"differences\":[\"x 2 is installed\"]}");
  g_autofree char *failed = cold_upgrade_report_failed_checks (verified);
  g_auto (GStrv) differences = NULL;

  cold_upgrade_report_add_verified (report, verified);
  differences = cold_json_strv (report, "differences");
  g_assert_cmpuint (json_array_get_length (cold_json_array (report, "checks")), ==, 3);
  g_assert_cmpstr (differences[0], ==, "x 2 is installed");
  g_assert_false (json_object_has_member (report, "packages"));
  g_assert_cmpstr (failed, ==, "a (b); e ()");
}

/* What a worker says that nobody may believe any more does not fill the store. */
static void
test_long (void)
{
  g_autoptr (JsonObject) report = json_object_new ();
  g_autoptr (JsonObject) answer = json_object_new ();
  JsonArray *array = json_array_new ();
  g_autofree char *line = g_strnfill (1000, 'x');
  g_autofree char *huge = g_strnfill (2 * COLD_UPGRADE_REPORT_MEMBER_MAX, 'x');
  g_autofree char *text = NULL;
  guint kept;

  for (guint i = 0; i < 2000; i++)
    json_array_add_string_element (array, line);
  json_object_set_array_member (answer, "deferred", array);
  json_object_set_string_member (answer, "restored", huge);
  cold_upgrade_report_add (report, answer);
  text = cold_json_to_text (report);
  g_assert_cmpuint (strlen (text), <, COLD_UPGRADE_REPORT_MEMBER_MAX + 10000);
  kept = json_array_get_length (cold_json_array (report, "deferred"));
  g_assert_cmpuint (kept, >, 100);
  g_assert_cmpint (cold_json_int (report, "deferred-left-out"), ==, 2000 - kept);
  g_assert_false (json_object_has_member (report, "restored"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/upgrade-report/upgrade", test_upgrade);
  g_test_add_func ("/upgrade-report/verify", test_verify);
  g_test_add_func ("/upgrade-report/long/cut", test_long);
  return g_test_run ();
}
