/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle: a disk image with the planned packages and what the guest's own apt needs to see of their repositories, laid out
 * as common/cold-protocol.h says. A suite's Packages file is cut down to the planned packages; its InRelease stays as it
 * is. apt checks one against the other when it downloads lists, never when it reads them.
 */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-bundle-image.h"
#include "cold-deb-repository.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-package-cache.h"
#include "cold-verb.h"

#define IMAGE "bundle.iso"

typedef struct
{
  ColdBundleImage *image;
  ColdPackageCache *cache;
  JsonArray *planned;
  GHashTable *wanted;   /* (element-type utf8 gint) state of each planned package's SHA-256: 1 once its stanza was found */
  GString *sources;
} Bundle;

static void
bundle_clear (Bundle *bundle)
{
  g_clear_pointer (&bundle->image, cold_bundle_image_free);
  g_clear_pointer (&bundle->cache, cold_package_cache_free);
  g_clear_pointer (&bundle->wanted, g_hash_table_unref);
  if (bundle->sources != NULL)
    g_string_free (bundle->sources, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bundle, bundle_clear)

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
shown_uri (const ColdDebRepository *repository)
{
  g_autoptr (GUri) uri = g_uri_parse (repository->uri, G_URI_FLAGS_ENCODED, NULL);

  if (uri == NULL || g_strcmp0 (g_uri_get_scheme (uri), "file") == 0)
    return g_strconcat ("http://coldpatch.invalid/", repository->id, NULL);
  return g_uri_join (G_URI_FLAGS_ENCODED, g_uri_get_scheme (uri), NULL, g_uri_get_host (uri), g_uri_get_port (uri),
                     g_uri_get_path (uri), NULL, NULL);
}

/* apt's name of a package file in its archives folder. */
static char *
archive_name (JsonObject *package)
{
  g_autofree char *name = quote (cold_json_string (package, "name"), "_:");
  g_autofree char *version = quote (cold_json_string (package, "candidate"), "_:");
  g_autofree char *arch = quote (cold_json_string (package, "arch"), "_:.");

  return g_strdup_printf ("%s_%s_%s.deb", name, version, arch);
}

static gboolean
check_package (JsonObject *package, GError **error)
{
  static const char *const members[] = { "name", "candidate", "arch" };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    if (!cold_is_safe_path (cold_json_string (package, members[i]))
        || strchr (cold_json_string (package, members[i]), '/') != NULL)
      {
        g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan has a package without a usable %s",
                     members[i]);
        return FALSE;
      }
  if (cold_is_sha256 (cold_json_string (package, "sha256")))
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the plan has a package without SHA-256");
  return FALSE;
}

static gboolean
add_packages (Bundle *bundle, JsonArray *described, GError **error)
{
  guint n = json_array_get_length (bundle->planned);

  for (guint i = 0; i < n; i++)
    {
      JsonObject *package = cold_json_array_object (bundle->planned, i);
      JsonObject *entry;
      const char *sha256;
      g_autofree char *path = NULL;
      g_autofree char *name = NULL;
      g_autofree char *file = NULL;

      if (!check_package (package, error))
        return FALSE;
      sha256 = cold_json_string (package, "sha256");
      path = cold_package_cache_path (bundle->cache, sha256);
      name = archive_name (package);
      file = g_strconcat ("debs/", name, NULL);
      cold_verb_progress ("bundling", (double) i / n, name);
      if (!cold_bundle_image_add_file (bundle->image, file, path, sha256, error))
        return FALSE;
      g_hash_table_insert (bundle->wanted, g_strdup (sha256), GINT_TO_POINTER (0));
      entry = json_object_new ();
      json_object_set_string_member (entry, "name", cold_json_string (package, "name"));
      json_object_set_string_member (entry, "version", cold_json_string (package, "candidate"));
      json_object_set_string_member (entry, "arch", cold_json_string (package, "arch"));
      json_object_set_string_member (entry, "file", file);
      json_object_set_string_member (entry, "sha256", sha256);
      json_array_add_object_element (described, entry);
    }
  return TRUE;
}

/* Appends @stanza to @trimmed when it is that of a planned package. */
static void
take_stanza (Bundle *bundle, GString *trimmed, const char *stanza, gsize length)
{
  const char *field = g_strstr_len (stanza, length, "\nSHA256:");
  const char *end;
  g_autofree char *sha256 = NULL;

  if (field == NULL)
    return;
  field += strlen ("\nSHA256:");
  end = memchr (field, '\n', stanza + length - field);
  sha256 = g_strstrip (g_strndup (field, (end != NULL ? end : stanza + length) - field));
  if (!g_hash_table_contains (bundle->wanted, sha256))
    return;
  g_hash_table_insert (bundle->wanted, g_steal_pointer (&sha256), GINT_TO_POINTER (1));
  g_string_append_len (trimmed, stanza, length);
  g_string_append (trimmed, "\n\n");
}

static GString *
trim_index (Bundle *bundle, const ColdDebIndex *index, GError **error)
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

      take_stanza (bundle, trimmed, text, length);
      length = MIN (length + 2, left);
      text += length;
      left -= length;
    }
  return trimmed;
}

static gboolean
add_list (Bundle *bundle, const char *uri, const char *path, const char *text, gsize length, const char *file,
          GError **error)
{
  g_autofree char *name = list_name (uri, path);
  g_autofree char *inside = g_strconcat ("lists/", name, NULL);

  if (file != NULL)
    return cold_bundle_image_add_file (bundle->image, inside, file, NULL, error);
  return cold_bundle_image_add_text (bundle->image, inside, text, length, error);
}

/* Indexes of one suite follow each other's components; a list that would be empty is left out: apt gives up on those. */
static gboolean
add_suite (Bundle *bundle, GPtrArray *indexes, const char *suite, GError **error)
{
  g_autoptr (GString) components = g_string_new (NULL);
  g_autofree char *uri = NULL;
  const ColdDebIndex *last = NULL;

  for (guint i = 0; i < indexes->len; i++)
    {
      const ColdDebIndex *index = g_ptr_array_index (indexes, i);
      g_autofree char *path = NULL;
      GString *trimmed;
      gboolean added;

      if (!g_str_equal (index->suite, suite))
        continue;
      trimmed = trim_index (bundle, index, error);
      if (trimmed == NULL)
        return FALSE;
      path = g_strdup_printf ("dists/%s/%s/binary-%s/Packages", suite, index->component, index->arch);
      if (uri == NULL)
        uri = shown_uri (index->repository);
      added = trimmed->len == 0 || add_list (bundle, uri, path, trimmed->str, trimmed->len, NULL, error);
      if (trimmed->len > 0)
        {
          last = index;
          if (strstr (components->str, index->component) == NULL)
            g_string_append_printf (components, " %s", index->component);
        }
      g_string_free (trimmed, TRUE);
      if (!added)
        return FALSE;
    }
  if (last == NULL)
    return TRUE;
  g_string_append_printf (bundle->sources, "deb %s %s%s\n", uri, suite, components->str);
  {
    g_autofree char *path = g_strdup_printf ("dists/%s/InRelease", suite);

    return add_list (bundle, uri, path, NULL, 0, last->inrelease, error);
  }
}

static gboolean
add_repository (Bundle *bundle, const ColdDebRepository *repository, const char *catalogue, GError **error)
{
  g_autoptr (GPtrArray) indexes = cold_deb_repository_open (repository, catalogue, error);

  if (indexes == NULL)
    return FALSE;
  for (guint i = 0; repository->suites[i] != NULL; i++)
    if (!add_suite (bundle, indexes, repository->suites[i], error))
      return FALSE;
  return TRUE;
}

/* A refresh between plan and bundle can take a planned version away. */
static gboolean
check_complete (Bundle *bundle, GError **error)
{
  for (guint i = 0; i < json_array_get_length (bundle->planned); i++)
    {
      JsonObject *package = cold_json_array_object (bundle->planned, i);

      if (g_hash_table_lookup (bundle->wanted, cold_json_string (package, "sha256")) == NULL)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND,
                       "%s %s is no longer in the catalogue: the guest has to be planned again",
                       cold_json_string (package, "name"), cold_json_string (package, "candidate"));
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
fill (Bundle *bundle, JsonObject *request, GError **error)
{
  g_autoptr (GPtrArray) repositories = cold_deb_repositories_parse (request, error);
  g_autoptr (JsonObject) description = json_object_new ();
  g_autofree char *text = NULL;
  JsonArray *described = json_array_new ();

  json_object_set_int_member (description, "version", 1);
  json_object_set_string_member (description, "manager", "apt");
  json_object_set_array_member (description, "packages", described);
  if (repositories == NULL || !add_packages (bundle, described, error))
    return FALSE;
  for (guint i = 0; i < repositories->len; i++)
    if (!add_repository (bundle, g_ptr_array_index (repositories, i), cold_verb_catalogue (request), error))
      return FALSE;
  if (!check_complete (bundle, error))
    return FALSE;
  text = cold_json_to_text (description);
  return cold_bundle_image_add_text (bundle->image, "sources.list", bundle->sources->str, bundle->sources->len, error)
         && cold_bundle_image_add_text (bundle->image, "bundle.json", text, strlen (text), error)
         && cold_bundle_image_finish (bundle->image, error);
}

JsonObject *
cold_verb_bundle (JsonObject *request, GError **error)
{
  g_autofree char *path = g_build_filename (cold_verb_scratch (request), IMAGE, NULL);
  g_auto (Bundle) bundle = { NULL };
  JsonObject *result;
  struct stat st;

  bundle.planned = cold_json_array (cold_json_object (request, "plan"), "packages");
  if (bundle.planned == NULL || json_array_get_length (bundle.planned) == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "bundle: the plan has no packages");
      return NULL;
    }
  bundle.cache = cold_package_cache_new (cold_verb_catalogue (request));
  bundle.wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  bundle.sources = g_string_new (NULL);
  bundle.image = cold_bundle_image_new (path, error);
  if (bundle.image == NULL)
    return NULL;
  if (!fill (&bundle, request, error) || g_stat (path, &st) < 0)
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "the bundle %s is gone", path);
      g_unlink (path);
      return NULL;
    }
  result = json_object_new ();
  json_object_set_string_member (result, "bundle", IMAGE);
  json_object_set_int_member (result, "bytes", st.st_size);
  return result;
}
