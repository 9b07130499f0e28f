/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-source.h"

#include <gio/gio.h>

#include "cold-json.h"

#define LENGTH_MAX 256
#define COMPONENTS_MAX 16
#define ARCHITECTURES_MAX 16
#define ARCHITECTURE_LENGTH_MAX 32
#define MIRRORS_MAX 8
#define PATTERNS_MAX 256

void
cold_guest_source_free (ColdGuestSource *source)
{
  g_strfreev (source->uris);
  g_free (source->suite);
  g_strfreev (source->components);
  g_strfreev (source->architectures);
  g_free (source->list);
  g_strfreev (source->excludes);
  g_strfreev (source->includes);
  g_free (source);
}

static gboolean
has_only (const char *text, const char *others)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (others, *p) == NULL)
      return FALSE;
  return *text != '\0' && strlen (text) <= LENGTH_MAX;
}

static gboolean
have_only (GStrv texts, guint max, const char *others)
{
  for (guint i = 0; texts[i] != NULL; i++)
    if (!has_only (texts[i], others))
      return FALSE;
  return g_strv_length (texts) <= max;
}

gboolean
cold_guest_source_is_architecture (const char *text)
{
  return has_only (text, "-") && g_ascii_isalnum (*text) && strlen (text) <= ARCHITECTURE_LENGTH_MAX;
}

/* A part of a path below a repository. */
static gboolean
is_name (const char *text)
{
  return text != NULL && has_only (text, "-_.+~/") && g_ascii_isalnum (text[0]) && strstr (text, "..") == NULL
         && strstr (text, "//") == NULL && strstr (text, "/.") == NULL && !g_str_has_suffix (text, "/");
}

/* Returns: (transfer full) (nullable) */
static char *
usable_uri (const char *text, gboolean query)
{
  g_autoptr (GUri) uri = NULL;
  char *copy;

  if (text == NULL || !has_only (text, query ? "-_.+~/:[]%?&=,;" : "-_.+~/:[]%"))
    return NULL;
  uri = g_uri_parse (text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
  if (uri == NULL || (!g_str_equal (g_uri_get_scheme (uri), "http") && !g_str_equal (g_uri_get_scheme (uri), "https"))
      || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' || g_uri_get_user (uri) != NULL
      || strstr (text, "..") != NULL)
    return NULL;
  copy = g_strdup (text);
  if (query)
    return copy;
  for (gsize n = strlen (copy); n > 0 && copy[n - 1] == '/'; n--)
    copy[n - 1] = '\0';
  return copy;
}

/* Those of the places that are usable. Returns: (transfer full) */
static GStrv
usable_uris (JsonObject *object, gboolean query)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) mirrors = cold_json_strv (object, "mirrors");
  g_autofree char *uri = usable_uri (cold_json_string (object, "uri"), query);

  if (uri != NULL)
    g_strv_builder_add (builder, uri);
  for (guint i = 0; mirrors[i] != NULL && i < MIRRORS_MAX; i++)
    {
      g_autofree char *mirror = usable_uri (mirrors[i], query);

      if (mirror != NULL)
        g_strv_builder_add (builder, mirror);
    }
  return g_strv_builder_end (builder);
}

static gboolean
is_usable (const ColdGuestSource *source)
{
  guint n = g_strv_length (source->components);

  if (source->uris[0] == NULL || n > COMPONENTS_MAX || (n > 0 && *source->suite == '\0')
      || (*source->suite != '\0' && !is_name (source->suite)))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!is_name (source->components[i]))
      return FALSE;
  if (!have_only (source->architectures, ARCHITECTURES_MAX, "-"))
    return FALSE;
  return (source->list == NULL || g_str_equal (source->list, "mirrorlist") || g_str_equal (source->list, "metalink"))
         && have_only (source->excludes, PATTERNS_MAX, "-_.+~^:*?[]!,") && have_only (source->includes, PATTERNS_MAX, "-_.+~^:*?[]!,");
}

static ColdGuestSource *
from_json (JsonObject *object)
{
  g_autoptr (ColdGuestSource) source = g_new0 (ColdGuestSource, 1);
  const char *suite = cold_json_string (object, "suite");

  source->list = g_strdup (cold_json_string (object, "list"));
  source->uris = usable_uris (object, source->list != NULL);
  source->suite = g_strdup (suite != NULL ? suite : "");
  source->components = cold_json_strv (object, "components");
  source->architectures = cold_json_strv (object, "architectures");
  source->priority = CLAMP (cold_json_int (object, "priority"), 0, COLD_GUEST_SOURCE_PRIORITY_MAX);
  source->excludes = cold_json_strv (object, "excludes");
  source->includes = cold_json_strv (object, "includes");
  return is_usable (source) ? g_steal_pointer (&source) : NULL;
}

GPtrArray *
cold_guest_sources_from_json (JsonArray *array)
{
  GPtrArray *sources = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_guest_source_free);

  for (guint i = 0; array != NULL && i < json_array_get_length (array) && sources->len < COLD_GUEST_SOURCES_MAX; i++)
    {
      ColdGuestSource *source = from_json (cold_json_array_object (array, i));

      if (source != NULL)
        g_ptr_array_add (sources, source);
    }
  return sources;
}

static void
set_strv (JsonObject *object, const char *member, GStrv texts)
{
  if (texts[0] != NULL)
    cold_json_set_strv (object, member, (const char *const *) texts);
}

JsonArray *
cold_guest_sources_to_json (GPtrArray *sources)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < sources->len; i++)
    {
      const ColdGuestSource *source = g_ptr_array_index (sources, i);
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "uri", source->uris[0]);
      set_strv (object, "mirrors", source->uris + 1);
      if (*source->suite != '\0')
        json_object_set_string_member (object, "suite", source->suite);
      set_strv (object, "components", source->components);
      set_strv (object, "architectures", source->architectures);
      if (source->list != NULL)
        json_object_set_string_member (object, "list", source->list);
      if (source->priority != 0)
        json_object_set_int_member (object, "priority", source->priority);
      set_strv (object, "excludes", source->excludes);
      set_strv (object, "includes", source->includes);
      json_array_add_object_element (array, object);
    }
  return array;
}
