/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not read by createrepo_c, to which a file that is no XML is a programmer's error: a critical message, which ends the process
 * where those are fatal.
 */
#include "cold-rpm-repomd.h"

#include <string.h>

#include "cold-download.h"
#include "cold-error.h"

typedef struct
{
  ColdRepomd *repomd;
  ColdRepomdFile *file; /* (nullable): that the reader is in */
  GString *text;        /* of the element that it is in */
  gboolean is_sha256;   /* by that element's type */
  gboolean seen;        /* a repomd at all */
} Parser;

static void
file_free (gpointer data)
{
  ColdRepomdFile *file = data;

  g_free (file->type);
  g_free (file->path);
  g_free (file->sha256);
  g_free (file->open_sha256);
  g_free (file);
}

void
cold_repomd_free (ColdRepomd *self)
{
  g_free (self->revision);
  g_ptr_array_unref (self->files);
  g_free (self);
}

/* Returns: (nullable) */
static const char *
attribute (const char **names, const char **values, const char *name)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], name))
      return values[i];
  return NULL;
}

/* Whether the element that the reader is in has exactly these ones around it, from the inside: one or two. */
static gboolean
is_in (GMarkupParseContext *context, const char *inner, const char *outer)
{
  const GSList *stack = g_markup_parse_context_get_element_stack (context)->next;

  if (stack == NULL || !g_str_equal (stack->data, inner))
    return FALSE;
  stack = stack->next;
  return outer == NULL ? stack == NULL : stack != NULL && g_str_equal (stack->data, outer) && stack->next == NULL;
}

static void
begin_file (Parser *parser, const char *type)
{
  parser->file = g_new0 (ColdRepomdFile, 1);
  parser->file->type = g_strdup (type);
  g_ptr_array_add (parser->repomd->files, parser->file);
}

static void
begin_element (GMarkupParseContext *context, const char *element, const char **names, const char **values, gpointer data,
               GError **error)
{
  Parser *parser = data;

  g_string_truncate (parser->text, 0);
  if (g_markup_parse_context_get_element_stack (context)->next == NULL)
    parser->seen = g_str_equal (element, "repomd");
  else if (is_in (context, "repomd", NULL) && g_str_equal (element, "data"))
    begin_file (parser, attribute (names, values, "type"));
  else if (is_in (context, "data", "repomd") && g_str_equal (element, "location") && parser->file->path == NULL)
    {
      parser->file->path = g_strdup (attribute (names, values, "href"));
      parser->file->elsewhere = attribute (names, values, "xml:base") != NULL;
    }
  else
    parser->is_sha256 = g_strcmp0 (attribute (names, values, "type"), "sha256") == 0;
}

static void
add_text (GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
  Parser *parser = data;

  g_string_append_len (parser->text, text, length);
}

static void
take_hash (Parser *parser, char **hash)
{
  if (*hash == NULL && parser->is_sha256 && cold_is_sha256 (parser->text->str))
    *hash = g_strdup (parser->text->str);
}

static gint64
take_number (Parser *parser)
{
  return MAX (0, g_ascii_strtoll (parser->text->str, NULL, 10));
}

static void
end_in_file (Parser *parser, const char *element)
{
  ColdRepomdFile *file = parser->file;

  if (g_str_equal (element, "checksum"))
    take_hash (parser, &file->sha256);
  else if (g_str_equal (element, "open-checksum"))
    take_hash (parser, &file->open_sha256);
  else if (g_str_equal (element, "size"))
    file->size = take_number (parser);
  else if (g_str_equal (element, "open-size"))
    file->open_size = take_number (parser);
  else if (g_str_equal (element, "timestamp"))
    parser->repomd->date = MAX (parser->repomd->date, take_number (parser));
}

static void
end_element (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  Parser *parser = data;

  g_strstrip (parser->text->str);
  if (is_in (context, "data", "repomd"))
    end_in_file (parser, element);
  else if (is_in (context, "repomd", NULL) && g_str_equal (element, "revision") && parser->repomd->revision == NULL)
    parser->repomd->revision = g_strdup (parser->text->str);
  g_string_truncate (parser->text, 0);
}

ColdRepomd *
cold_repomd_parse (const char *text, GError **error)
{
  static const GMarkupParser functions = { .start_element = begin_element, .end_element = end_element, .text = add_text };
  g_autoptr (ColdRepomd) repomd = g_new0 (ColdRepomd, 1);
  g_autoptr (GString) element_text = g_string_new (NULL);
  Parser parser = { .repomd = repomd, .text = element_text };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&functions, 0, &parser, NULL);
  g_autoptr (GError) local = NULL;

  repomd->files = g_ptr_array_new_with_free_func (file_free);
  if (g_markup_parse_context_parse (context, text, -1, &local) && g_markup_parse_context_end_parse (context, &local) && parser.seen)
    return g_steal_pointer (&repomd);
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "repomd.xml is refused: it cannot be read: %s",
               local != NULL ? local->message : "its element is not called repomd");
  return NULL;
}

const ColdRepomdFile *
cold_repomd_find (const ColdRepomd *self, const char *type)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const ColdRepomdFile *file = g_ptr_array_index (self->files, i);

      if (g_strcmp0 (file->type, type) == 0)
        return file;
    }
  return NULL;
}
