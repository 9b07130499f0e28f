/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-json.h"
#include "cold-pending.h"

static JsonArray *
make_packages (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  return json_node_dup_array (node);
}

static void
assert_since (const char *pending, const char *package, gint64 expected)
{
  g_autoptr (JsonObject) since = pending != NULL ? cold_json_parse_object (pending, -1, NULL) : NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object (package, -1, NULL);

  g_assert_cmpint (cold_pending_since (since, object), ==, expected);
}

#define BASH "{\"name\":\"bash\",\"arch\":\"amd64\",\"installed\":\"1\",\"candidate\":\"2\"}"
#define BASH_NEWER "{\"name\":\"bash\",\"arch\":\"amd64\",\"installed\":\"1\",\"candidate\":\"3\"}"
#define BASH_UPGRADED "{\"name\":\"bash\",\"arch\":\"amd64\",\"installed\":\"2\",\"candidate\":\"3\"}"
#define ZSH "{\"name\":\"zsh\",\"arch\":\"amd64\",\"installed\":\"5\",\"candidate\":\"6\"}"

static void
test_merge (void)
{
  g_autoptr (JsonArray) first = make_packages ("[" BASH "]");
  g_autoptr (JsonArray) second = make_packages ("[" BASH_NEWER "," ZSH "]");
  g_autoptr (JsonArray) third = make_packages ("[" BASH_UPGRADED "]");
  g_autofree char *one = cold_pending_merge (NULL, first, 100);
  g_autofree char *two = cold_pending_merge (one, second, 200);
  g_autofree char *three = cold_pending_merge (two, third, 300);

  assert_since (one, BASH, 100);
  /* A newer candidate does not make the delay shorter. */
  assert_since (two, BASH_NEWER, 100);
  assert_since (two, ZSH, 200);
  assert_since (three, BASH_UPGRADED, 300);
  assert_since (three, ZSH, 0);
}

static void
test_nothing (void)
{
  g_autoptr (JsonArray) some = make_packages ("[" BASH "]");
  g_autoptr (JsonArray) none = make_packages ("[]");
  g_autofree char *garbled = cold_pending_merge ("[torn", some, 7);

  g_assert_null (cold_pending_merge (NULL, none, 1));
  g_assert_null (cold_pending_merge ("{\"bash amd64 1\":5}", NULL, 1));
  assert_since (garbled, BASH, 7);
  assert_since (NULL, BASH, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pending/merge", test_merge);
  g_test_add_func ("/pending/nothing", test_nothing);
  return g_test_run ();
}
