/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-mirrors.h"

#include <string.h>

#include "cold-download.h"
#include "cold-error.h"
#include "cold-listed-source.h"

/* What a metalink's places end in: the file that it is about. */
#define FILE_NAME "repodata/repomd.xml"

#define HASHES_MAX 64

static ColdMirrors *
mirrors_new (void)
{
  ColdMirrors *mirrors = g_new0 (ColdMirrors, 1);

  mirrors->uris = g_ptr_array_new_with_free_func (g_free);
  return mirrors;
}

void
cold_mirrors_free (ColdMirrors *mirrors)
{
  g_ptr_array_unref (mirrors->uris);
  g_clear_pointer (&mirrors->hashes, g_hash_table_unref);
  g_free (mirrors);
}

static ColdMirrors *
check (ColdMirrors *mirrors, const char *what, GError **error)
{
  if (mirrors->uris->len > 0)
    return mirrors;
  g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND, "the %s names no place over http or https", what);
  cold_mirrors_free (mirrors);
  return NULL;
}

static void
add_uri (ColdMirrors *mirrors, const char *uri)
{
  if (mirrors->uris->len < COLD_MIRRORS_MAX && cold_listed_is_uri (uri))
    g_ptr_array_add (mirrors->uris, g_strdup (uri));
}

ColdMirrors *
cold_mirrors_parse_list (const char *text, GError **error)
{
  ColdMirrors *mirrors = mirrors_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    add_uri (mirrors, g_strstrip (lines[i]));
  return check (mirrors, "mirrorlist", error);
}

typedef struct
{
  char *uri;
  gint64 preference; /* 100 is the best */
} Place;

typedef struct
{
  GPtrArray *places; /* (element-type Place) */
  GHashTable *hashes;
  GString *text;     /* (nullable): of the element that is read, when it counts */
  gint64 preference;
  gboolean inside;   /* of the file that the metalink is about */
  gboolean seen;     /* a metalink at all */
} Parser;

static void
place_free (gpointer data)
{
  Place *place = data;

  g_free (place->uri);
  g_free (place);
}

static void
drop_text (Parser *parser)
{
  if (parser->text != NULL)
    g_string_free (parser->text, TRUE);
  parser->text = NULL;
}

static const char *
attribute (const char **names, const char **values, const char *name)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], name))
      return values[i];
  return "";
}

static void
on_start (GMarkupParseContext *context, const char *element, const char **names, const char **values, gpointer data,
          GError **error)
{
  Parser *parser = data;

  if (g_str_equal (element, "metalink"))
    parser->seen = TRUE;
  else if (g_str_equal (element, "file"))
    parser->inside = g_str_equal (attribute (names, values, "name"), "repomd.xml");
  else if (parser->inside
           && (g_str_equal (element, "url")
               || (g_str_equal (element, "hash") && g_str_equal (attribute (names, values, "type"), "sha256"))))
    {
      drop_text (parser);
      parser->text = g_string_new (NULL);
      parser->preference = g_ascii_strtoll (attribute (names, values, "preference"), NULL, 10);
    }
}

static void
on_text (GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
  Parser *parser = data;

  if (parser->text != NULL)
    g_string_append_len (parser->text, text, length);
}

static void
add_place (Parser *parser, const char *text)
{
  gsize length = strlen (text), rest = strlen (FILE_NAME);
  Place *place;

  if (!g_str_has_suffix (text, FILE_NAME) || length == rest || text[length - rest - 1] != '/')
    return;
  place = g_new0 (Place, 1);
  place->uri = g_strndup (text, length - rest);
  place->preference = parser->preference;
  g_ptr_array_add (parser->places, place);
}

static void
on_end (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  Parser *parser = data;

  if (g_str_equal (element, "file"))
    parser->inside = FALSE;
  if (parser->text == NULL)
    return;
  g_strstrip (parser->text->str);
  if (g_str_equal (element, "url"))
    add_place (parser, parser->text->str);
  else if (g_str_equal (element, "hash") && cold_is_sha256 (parser->text->str)
           && g_hash_table_size (parser->hashes) < HASHES_MAX)
    g_hash_table_add (parser->hashes, g_strdup (parser->text->str));
  drop_text (parser);
}

static int
compare_places (gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const Place *const *) a)->preference, other = (*(const Place *const *) b)->preference;

  return one > other ? -1 : one < other;
}

static void
parser_clear (Parser *parser)
{
  g_ptr_array_unref (parser->places);
  g_hash_table_unref (parser->hashes);
  drop_text (parser);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parser, parser_clear)

ColdMirrors *
cold_mirrors_parse_metalink (const char *text, GError **error)
{
  static const GMarkupParser functions = { on_start, on_end, on_text, NULL, NULL };
  g_auto (Parser) parser = { g_ptr_array_new_with_free_func (place_free), g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&functions, 0, &parser, NULL);
  g_autoptr (GError) local = NULL;
  ColdMirrors *mirrors;

  if (!g_markup_parse_context_parse (context, text, -1, &local) || !g_markup_parse_context_end_parse (context, &local)
      || !parser.seen)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "this is no metalink: %s",
                   local != NULL ? local->message : "it has no such element");
      return NULL;
    }
  mirrors = mirrors_new ();
  g_ptr_array_sort (parser.places, compare_places);
  for (guint i = 0; i < parser.places->len; i++)
    add_uri (mirrors, ((const Place *) g_ptr_array_index (parser.places, i))->uri);
  if (g_hash_table_size (parser.hashes) > 0)
    mirrors->hashes = g_hash_table_ref (parser.hashes);
  return check (mirrors, "metalink", error);
}
