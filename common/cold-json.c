/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-json.h"

#include "cold-error.h"
#include "cold-fd.h"

/* What we write is nested seven deep at most. */
#define DEPTH_MAX 64

/* Returns: the number that four hexadecimal digits stand for, or -1 */
static int
code_unit (const char *text, gsize length)
{
  int unit = 0;

  for (gsize i = 0; i < 4; i++)
    {
      int digit = i < length ? g_ascii_xdigit_value (text[i]) : -1;

      if (digit < 0)
        return -1;
      unit = unit << 4 | digit;
    }
  return unit;
}

/*
 * json-glib 1.6 takes escapes that only C has, and half surrogate pairs: what it makes of them need not be UTF-8, and a
 * string that holds a NUL ends there.
 * @text: after a backslash
 * Returns: how long the escape is (RFC 8259, section 7), 0 when it is none
 */
static gsize
escape_length (const char *text, gsize length)
{
  int unit;

  if (length == 0 || text[0] == '\0' || strchr ("\"\\/bfnrtu", text[0]) == NULL)
    return 0;
  if (text[0] != 'u')
    return 1;
  unit = code_unit (text + 1, length - 1);
  if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
    return 0;
  if (unit < 0xd800 || unit > 0xdfff)
    return 5;
  if (length < 11 || text[5] != '\\' || text[6] != 'u')
    return 0;
  unit = code_unit (text + 7, length - 7);
  return unit >= 0xdc00 && unit <= 0xdfff ? 11 : 0;
}

/*
 * json-glib 1.6 calls itself for each level, so that a text of brackets ends the process that reads it; of several values
 * in a row it takes the last and leaks the others; and it reads comments and single quotes. Texts from workers come here,
 * and whoever may have taken one over must not end the agent. Returns: (nullable): what is wrong
 */
static const char *
find_fault (const char *text, gsize length)
{
  gboolean in_string = FALSE;
  gboolean ended = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < length; i++)
    {
      if (in_string)
        {
          if (text[i] == '\\')
            {
              gsize escape = escape_length (text + i + 1, length - i - 1);

              if (escape == 0)
                return "a string with an escape that JSON does not have";
              i += escape;
            }
          else if (text[i] == '"')
            in_string = FALSE;
          continue;
        }
      if (strchr (" \t\r\n", text[i]) != NULL && text[i] != '\0')
        continue;
      if (ended)
        return "something follows the value";
      if (text[i] == '{' || text[i] == '[')
        {
          if (++depth > DEPTH_MAX)
            return "nested too deeply";
        }
      else if (depth == 0)
        return "not a JSON object";
      else if (text[i] == '}' || text[i] == ']')
        ended = --depth == 0;
      else if (text[i] == '"')
        in_string = TRUE;
      else if (!g_ascii_isalnum (text[i]) && (text[i] == '\0' || strchr (",:+-.", text[i]) == NULL))
        return "a character that stands only in strings";
    }
  return ended ? NULL : "it has no end";
}

JsonObject *
cold_json_parse_object (const char *text, gssize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  const char *fault;
  JsonNode *root;

  if (!g_utf8_validate (text, length, NULL))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not valid UTF-8");
      return NULL;
    }
  fault = find_fault (text, length >= 0 ? (gsize) length : strlen (text));
  if (fault != NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not JSON: %s", fault);
      return NULL;
    }
  if (!json_parser_load_from_data (parser, text, length, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not JSON: %s", local->message);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not a JSON object");
      return NULL;
    }
  return json_node_dup_object (root);
}

char *
cold_json_to_text (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);

  return json_to_string (node, FALSE);
}

static JsonNode *
get_value (JsonObject *object, const char *member, GType type)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node : NULL;
}

const char *
cold_json_string (JsonObject *object, const char *member)
{
  JsonNode *node = get_value (object, member, G_TYPE_STRING);

  return node != NULL ? json_node_get_string (node) : NULL;
}

gint64
cold_json_int (JsonObject *object, const char *member)
{
  JsonNode *node = get_value (object, member, G_TYPE_INT64);

  return node != NULL ? json_node_get_int (node) : 0;
}

double
cold_json_double (JsonObject *object, const char *member)
{
  JsonNode *node = get_value (object, member, G_TYPE_DOUBLE);

  return node != NULL ? json_node_get_double (node) : (double) cold_json_int (object, member);
}

gboolean
cold_json_bool (JsonObject *object, const char *member)
{
  JsonNode *node = get_value (object, member, G_TYPE_BOOLEAN);

  return node != NULL && json_node_get_boolean (node);
}

JsonArray *
cold_json_array (JsonObject *object, const char *member)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

JsonObject *
cold_json_object (JsonObject *object, const char *member)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

GStrv
cold_json_strv (JsonObject *object, const char *member)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array = cold_json_array (object, member);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (cold_json_array_string (array, i) != NULL)
      g_strv_builder_add (builder, cold_json_array_string (array, i));
  return g_strv_builder_end (builder);
}

JsonObject *
cold_json_array_object (JsonArray *array, guint i)
{
  JsonNode *node = i < json_array_get_length (array) ? json_array_get_element (array, i) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

const char *
cold_json_array_string (JsonArray *array, guint i)
{
  JsonNode *node = i < json_array_get_length (array) ? json_array_get_element (array, i) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

void
cold_json_set_strv (JsonObject *object, const char *member, const char *const *strv)
{
  JsonArray *array = json_array_new ();

  for (; strv != NULL && *strv != NULL; strv++)
    json_array_add_string_element (array, *strv);
  json_object_set_array_member (object, member, array);
}

JsonObject *
cold_json_load_file (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;
  JsonObject *object;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  object = cold_json_parse_object (text, length, error);
  if (object == NULL)
    g_prefix_error (error, "%s: ", path);
  return object;
}

gboolean
cold_json_save_file (const char *path, JsonObject *object, GError **error)
{
  g_autofree char *text = cold_json_to_text (object);
  g_autofree char *folder = g_path_get_dirname (path);

  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 error))
    return FALSE;
  /* GLib syncs the file before the rename, not the folder after it. */
  return cold_fd_sync_path (folder, error);
}

char *
cold_text_make_valid (const char *text)
{
  char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);

  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p) && *p != '\n' && *p != '\t')
      *p = '?';
  return valid;
}
