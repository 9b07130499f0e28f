/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-bundle.h"

#include "cold-bundle.h"
#include "cold-deb-repository.h"
#include "cold-json.h"

typedef struct
{
  ColdBundle *bundle;
  GHashTable *replaced; /* (element-type utf8) "name version" of what is installed of planned packages */
  GString *sources;
} Lists;

/* As apt's QuoteString() does it. */
static char *
quote (const char *text, const char *bad)
{
  GString *quoted = g_string_new (NULL);

  for (const guchar *p = (const guchar *) text; *p != '\0'; p++)
    if (strchr (bad, *p) != NULL || !g_ascii_isprint (*p) || *p == 0x25 || *p <= 0x20)
      g_string_append_printf (quoted, "%%%02x", *p);
    else
      g_string_append_c (quoted, *p);
  return g_string_free (quoted, FALSE);
}

/* Name of a list file under apt's lists folder, as apt's URItoFileName() makes it of a URI. */
static char *
list_name (const char *uri, const char *path)
{
  g_autofree char *whole = cold_uri_append (uri, path);
  g_autoptr (GUri) parsed = g_uri_parse (whole, G_URI_FLAGS_ENCODED, NULL);
  const char *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;
  g_autofree char *port = parsed != NULL && g_uri_get_port (parsed) > 0 ? g_strdup_printf (":%d", g_uri_get_port (parsed))
                                                                        : g_strdup ("");
  g_autofree char *bare = g_strconcat (host != NULL ? host : "", port, parsed != NULL ? g_uri_get_path (parsed) : whole,
                                       NULL);
  char *name = quote (bare, "\\|{}[]<>\"^~_=!@#$%^&*");

  return g_strdelimit (name, "/", '_');
}

/* What the guest's apt is told that the repository's URI is: "apt-get --no-download" does not take files. No password. */
static char *
shown_uri (const ColdSource *repository)
{
  g_autoptr (GUri) uri = g_uri_parse (repository->uri, G_URI_FLAGS_ENCODED, NULL);

  if (uri == NULL || g_strcmp0 (g_uri_get_scheme (uri), "file") == 0)
    return g_strconcat ("http://coldpatch.invalid/", repository->id, NULL);
  return g_uri_join (G_URI_FLAGS_ENCODED, g_uri_get_scheme (uri), NULL, g_uri_get_host (uri), g_uri_get_port (uri),
                     g_uri_get_path (uri), NULL, NULL);
}

char *
cold_deb_bundle_file_name (JsonObject *package)
{
  g_autofree char *name = quote (cold_json_string (package, "name"), "_:");
  g_autofree char *version = quote (cold_json_string (package, "candidate"), "_:");
  g_autofree char *arch = quote (cold_json_string (package, "arch"), "_:.");

  return g_strdup_printf ("%s_%s_%s.deb", name, version, arch);
}

/* Returns: (transfer full) (nullable): the value of the field @name */
static char *
field_of (const char *stanza, gsize length, const char *name)
{
  gsize size = strlen (name);
  const char *end = stanza + length;

  for (const char *line = stanza; line != NULL && (gsize) (end - line) > size;)
    {
      const char *newline = memchr (line, '\n', end - line);

      if (g_ascii_strncasecmp (line, name, size) == 0)
        return g_strstrip (g_strndup (line + size, (newline != NULL ? newline : end) - line - size));
      line = newline != NULL ? newline + 1 : NULL;
    }
  return NULL;
}

/* What is installed of a planned package is listed where it comes from: pins may give it another priority for that. */
static gboolean
is_replaced (Lists *lists, const char *stanza, gsize length)
{
  g_autofree char *name = field_of (stanza, length, "Package:");
  g_autofree char *version = NULL;
  g_autofree char *both = NULL;

  if (name == NULL || !g_hash_table_contains (lists->replaced, name))
    return FALSE;
  version = field_of (stanza, length, "Version:");
  both = version != NULL ? g_strconcat (name, " ", version, NULL) : NULL;
  return both != NULL && g_hash_table_contains (lists->replaced, both);
}

/* Appends @stanza to @trimmed when it is that of a planned package, or of what it takes the place of. */
static void
take_stanza (Lists *lists, GString *trimmed, const char *stanza, gsize length)
{
  g_autofree char *sha256 = field_of (stanza, length, "SHA256:");

  if (sha256 == NULL || (!cold_bundle_wants (lists->bundle, sha256) && !is_replaced (lists, stanza, length)))
    return;
  g_string_append_len (trimmed, stanza, length);
  g_string_append (trimmed, "\n\n");
}

static GString *
trim_index (Lists *lists, const ColdDebIndex *index, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (index->packages, FALSE, error);
  const char *text = file != NULL ? g_mapped_file_get_contents (file) : NULL;
  gsize left = file != NULL ? g_mapped_file_get_length (file) : 0;
  GString *trimmed;

  if (file == NULL)
    return NULL;
  trimmed = g_string_new (NULL);
  while (left > 0)
    {
      const char *end = memmem (text, left, "\n\n", 2);
      gsize length = end != NULL ? (gsize) (end - text) : left;

      take_stanza (lists, trimmed, text, length);
      length = MIN (length + 2, left);
      text += length;
      left -= length;
    }
  return trimmed;
}

static gboolean
add_list (Lists *lists, const char *uri, const char *path, const char *text, gsize length, const char *file,
          GError **error)
{
  g_autofree char *name = list_name (uri, path);
  g_autofree char *inside = g_strconcat ("lists/", name, NULL);

  if (file != NULL)
    return cold_bundle_image_add_file (lists->bundle->image, inside, file, NULL, error);
  return cold_bundle_image_add_text (lists->bundle->image, inside, text, length, error);
}

/* Indexes of one suite follow each other's components; a list that would be empty is left out: apt gives up on those. */
static gboolean
add_suite (Lists *lists, GPtrArray *indexes, const char *suite, GError **error)
{
  g_autoptr (GPtrArray) components = g_ptr_array_new ();
  g_autofree char *words = NULL;
  g_autofree char *uri = NULL;
  const ColdDebIndex *last = NULL;

  for (guint i = 0; i < indexes->len; i++)
    {
      const ColdDebIndex *index = g_ptr_array_index (indexes, i);
      g_autofree char *path = NULL;
      GString *trimmed;
      gboolean added;

      /* What others have it for is nothing to this guest. */
      if (!g_str_equal (index->suite, suite)
          || !g_strv_contains ((const char *const *) index->repository->architectures, index->arch))
        continue;
      trimmed = trim_index (lists, index, error);
      if (trimmed == NULL)
        return FALSE;
      path = g_strdup_printf ("dists/%s/%s/binary-%s/Packages", suite, index->component, index->arch);
      if (uri == NULL)
        uri = shown_uri (index->repository);
      added = trimmed->len == 0 || add_list (lists, uri, path, trimmed->str, trimmed->len, NULL, error);
      if (trimmed->len > 0)
        {
          last = index;
          if (!g_ptr_array_find_with_equal_func (components, index->component, g_str_equal, NULL))
            g_ptr_array_add (components, index->component);
        }
      g_string_free (trimmed, TRUE);
      if (!added)
        return FALSE;
    }
  if (last == NULL)
    return TRUE;
  g_ptr_array_add (components, NULL);
  words = g_strjoinv (" ", (GStrv) components->pdata);
  g_string_append_printf (lists->sources, "deb %s %s %s\n", uri, suite, words);
  {
    g_autofree char *path = g_strdup_printf ("dists/%s/InRelease", suite);

    return add_list (lists, uri, path, NULL, 0, last->inrelease, error);
  }
}

static gboolean
add_repository (Lists *lists, const ColdSource *repository, const char *catalogue, GError **error)
{
  g_autoptr (GPtrArray) indexes = cold_deb_repository_open (repository, catalogue, error);

  if (indexes == NULL)
    return FALSE;
  for (guint i = 0; repository->suites[i] != NULL; i++)
    if (!add_suite (lists, indexes, repository->suites[i], error))
      return FALSE;
  return TRUE;
}

/* Returns: (transfer full): names too, each by itself */
static GHashTable *
list_replaced (ColdBundle *bundle)
{
  GHashTable *replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < json_array_get_length (bundle->planned); i++)
    {
      JsonObject *package = cold_json_array_object (bundle->planned, i);
      const char *name = cold_json_string (package, "name");
      const char *installed = cold_json_string (package, "installed");

      if (installed == NULL || *installed == '\0')
        continue;
      g_hash_table_add (replaced, g_strdup (name));
      g_hash_table_add (replaced, g_strconcat (name, " ", installed, NULL));
    }
  return replaced;
}

gboolean
cold_deb_bundle_fill (ColdBundle *bundle, GError **error)
{
  g_autoptr (GString) sources = g_string_new (NULL);
  g_autoptr (GHashTable) replaced = list_replaced (bundle);
  Lists lists = { bundle, replaced, sources };

  for (guint i = 0; i < bundle->sources->len; i++)
    if (!add_repository (&lists, g_ptr_array_index (bundle->sources, i), bundle->catalogue, error))
      return FALSE;
  return cold_bundle_image_add_text (bundle->image, "sources.list", sources->str, sources->len, error);
}
