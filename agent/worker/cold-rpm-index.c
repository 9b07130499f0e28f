/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-index.h"

#include <errno.h>
#include <limits.h>
#include <solv/dataiterator.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_updateinfoxml.h>
#include <stdio.h>

#include "cold-error.h"

#define DECLARATION_MAX 256 /* bytes */

/* Returns: whether the XML declaration, if there is one, names no other encoding than UTF-8 */
static gboolean
is_declared_utf8 (const char *text, gsize length)
{
  const char *end = g_strstr_len (text, MIN (length, DECLARATION_MAX), "?>");
  const char *encoding = end != NULL ? g_strstr_len (text, end - text, "encoding") : NULL;

  if (length < 5 || strncmp (text, "<?xml", 5) != 0)
    return TRUE;
  if (end == NULL)
    return FALSE;
  if (encoding == NULL)
    return TRUE;
  while (encoding < end && *encoding != '"' && *encoding != '\'')
    encoding++;
  return end - encoding > 6 && g_ascii_strncasecmp (encoding + 1, "utf-8", 5) == 0 && encoding[6] == *encoding;
}

gboolean
cold_rpm_index_check (const char *path, const char *what, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  gsize length = file != NULL ? g_mapped_file_get_length (file) : 0;
  const char *text = file != NULL ? g_mapped_file_get_contents (file) : NULL;

  if (file == NULL)
    return FALSE;
  if (length > 0 && g_utf8_validate_len (text, length, NULL) && is_declared_utf8 (text, length))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s is refused: it is no text in UTF-8", what);
  return FALSE;
}

static gboolean
add_file (Repo *repo, const char *path, int (*add) (Repo *repo, FILE *file), const char *what, GError **error)
{
  FILE *file;
  int result;

  if (!cold_rpm_index_check (path, what, error))
    return FALSE;
  file = fopen (path, "re");
  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot open %s", path);
  result = add (repo, file);
  fclose (file);
  if (result == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s cannot be read: %s", what, pool_errstr (repo->pool));
  return FALSE;
}

static int
add_rpmmd (Repo *repo, FILE *file)
{
  return repo_add_rpmmd (repo, file, NULL, 0);
}

static int
add_updateinfoxml (Repo *repo, FILE *file)
{
  return repo_add_updateinfoxml (repo, file, 0);
}

gboolean
cold_rpm_index_add_primary (Repo *repo, const char *path, GError **error)
{
  if (!add_file (repo, path, add_rpmmd, "primary.xml", error))
    return FALSE;
  if (repo->nsolvables > 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "primary.xml has no package");
  return FALSE;
}

gboolean
cold_rpm_index_add_updateinfo (Repo *repo, const char *path, GError **error)
{
  return add_file (repo, path, add_updateinfoxml, "updateinfo.xml", error);
}

static void
add_required (Pool *pool, Id dependency, GHashTable *paths)
{
  const char *text;

  while (ISRELDEP (dependency))
    {
      const Reldep *relation = GETRELDEP (pool, dependency);

      /* Both sides of "(a if b)" count; of "a >= 1" the second one is a version. */
      if (relation->flags > 7)
        add_required (pool, relation->evr, paths);
      dependency = relation->name;
    }
  text = pool_id2str (pool, dependency);
  if (*text == '/')
    g_hash_table_add (paths, g_strdup (text));
}

/* By the lists of primary.xml, by filelists.xml if that was added, or because a package says so. */
static void
remove_owned (Repo *repo, GHashTable *paths)
{
  Dataiterator iterator;
  Solvable *s;
  Id p;

  FOR_REPO_SOLVABLES (repo, p, s)
    for (const Id *provided = s->provides != 0 ? repo->idarraydata + s->provides : NULL; provided != NULL && *provided != 0;
         provided++)
      if (!ISRELDEP (*provided) && *provided != SOLVABLE_FILEMARKER)
        g_hash_table_remove (paths, pool_id2str (repo->pool, *provided));
  dataiterator_init (&iterator, repo->pool, repo, 0, SOLVABLE_FILELIST, NULL, SEARCH_FILES);
  while (dataiterator_step (&iterator))
    g_hash_table_remove (paths, iterator.kv.str);
  dataiterator_free (&iterator);
}

gboolean
cold_rpm_index_is_primary (const char *path)
{
  static const char *const folders[] = { "/etc/", "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/" };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    if (g_str_has_prefix (path, folders[i]))
      return TRUE;
  return g_str_equal (path, "/usr/lib/sendmail");
}

GHashTable *
cold_rpm_index_find_paths (Repo *repo, const char *const *wanted)
{
  GHashTable *paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Solvable *s;
  Id p;

  for (guint i = 0; wanted != NULL && wanted[i] != NULL; i++)
    g_hash_table_add (paths, g_strdup (wanted[i]));
  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id *dependency = s->requires != 0 ? repo->idarraydata + s->requires : NULL;

      for (; dependency != NULL && *dependency != 0; dependency++)
        if (*dependency != SOLVABLE_PREREQMARKER)
          add_required (repo->pool, *dependency, paths);
    }
  if (g_hash_table_size (paths) > 0)
    remove_owned (repo, paths);
  return paths;
}

/* filelists.xml while it is read. */
typedef struct
{
  Repo *repo;
  GHashTable *packages; /* (element-type utf8 Id) by SHA-256 */
  GHashTable *paths;
  Id package;           /* that the reader is in, or 0 */
  GString *path;        /* of the file that it is in */
  gboolean in_file;
} Owners;

static void
begin_element (GMarkupParseContext *context, const char *element, const char **names, const char **values, gpointer data,
               GError **error)
{
  Owners *owners = data;

  if (g_str_equal (element, "package"))
    {
      owners->package = 0;
      for (guint i = 0; names[i] != NULL; i++)
        if (g_str_equal (names[i], "pkgid"))
          owners->package = GPOINTER_TO_INT (g_hash_table_lookup (owners->packages, values[i]));
    }
  owners->in_file = owners->package != 0 && g_str_equal (element, "file");
  g_string_truncate (owners->path, 0);
}

static void
add_text (GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
  Owners *owners = data;

  if (owners->in_file && owners->path->len + length < PATH_MAX)
    g_string_append_len (owners->path, text, length);
}

static void
end_element (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  Owners *owners = data;

  if (owners->in_file && g_hash_table_contains (owners->paths, owners->path->str))
    {
      Solvable *s = pool_id2solvable (owners->repo->pool, owners->package);

      s->provides = repo_addid_dep (owners->repo, s->provides, pool_str2id (owners->repo->pool, owners->path->str, 1), 0);
    }
  owners->in_file = FALSE;
}

/* Not by libsolv, which would keep all of it, nor by createrepo_c, which loses memory over what it does not expect. */
static gboolean
read_filelists (const char *path, Owners *owners, GError **error)
{
  static const GMarkupParser parser = { .start_element = begin_element, .end_element = end_element, .text = add_text };
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, owners, NULL);

  return file != NULL
         && g_markup_parse_context_parse (context, g_mapped_file_get_contents (file), g_mapped_file_get_length (file), error)
         && g_markup_parse_context_end_parse (context, error);
}

gboolean
cold_rpm_index_add_paths (Repo *repo, const char *path, GHashTable *paths, GError **error)
{
  g_autoptr (GHashTable) packages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  Owners owners = { repo, packages, paths, 0, text, FALSE };
  g_autoptr (GError) local = NULL;
  Solvable *s;
  Id p;

  if (!cold_rpm_index_check (path, "filelists.xml", error))
    return FALSE;
  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id type;
      const char *hash = solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type);

      if (hash != NULL)
        g_hash_table_insert (packages, g_strdup (hash), GINT_TO_POINTER (p));
    }
  if (read_filelists (path, &owners, &local))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "filelists.xml cannot be read: %s", local->message);
  return FALSE;
}
