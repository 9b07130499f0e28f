/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan-fixture.h"

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"

/* Returns: (transfer full): the members of @request, and "plans", which are not to be in @request itself */
static JsonObject *
surround (JsonObject *request)
{
  JsonObject *outer = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (request);
  JsonArray *guests = json_array_new ();

  for (GList *l = members; l != NULL; l = l->next)
    json_object_set_member (outer, l->data, json_object_dup_member (request, l->data));
  json_array_add_object_element (guests, json_object_ref (request));
  json_object_set_array_member (outer, "plans", guests);
  return outer;
}

JsonObject *
plan_fixture_make (JsonObject *request, GError **error)
{
  g_autoptr (JsonObject) outer = surround (request);
  g_autoptr (JsonObject) result = cold_verb_plan (outer, error);
  JsonObject *answer;

  if (result == NULL)
    return NULL;
  g_assert_cmpuint (json_array_get_length (cold_json_array (result, "plans")), ==, 1);
  answer = cold_json_array_object (cold_json_array (result, "plans"), 0);
  g_assert_cmpint (cold_json_int (answer, "index"), ==, 0);
  if (cold_json_object (answer, "plan") != NULL)
    return json_object_ref (cold_json_object (answer, "plan"));
  g_set_error_literal (error, COLD_ERROR, cold_error_from_nick (cold_json_string (answer, "code")),
                       cold_json_string (answer, "error"));
  return NULL;
}

gboolean
plan_fixture_lists (JsonObject *plan, const char *member, const char *words)
{
  JsonArray *array = cold_json_array (plan, member);

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (strstr (cold_json_array_string (array, i), words) != NULL)
      return TRUE;
  return FALSE;
}

guint
plan_fixture_count (JsonObject *plan, const char *member)
{
  return json_array_get_length (cold_json_array (plan, member));
}
