/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-json.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "cold-error.h"

JsonObject *
cold_json_parse_object (const char *text, gssize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local = NULL;
  JsonNode *root;

  if (!g_utf8_validate (text, length, NULL))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not valid UTF-8");
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
  int fd;
  gboolean synced;

  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 error))
    return FALSE;
  /* GLib syncs the file before the rename, not the folder after it. */
  fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  synced = fd >= 0 && fsync (fd) == 0;
  if (!synced)
    cold_error_set_errno (error, errno, "cannot sync folder %s", folder);
  if (fd >= 0)
    close (fd);
  return synced;
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
