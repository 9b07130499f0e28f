/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-solver.h"

#include <errno.h>
#include <solv/repo_deb.h>
#include <solv/solv_xfopen.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cold-deb-multiarch.h"
#include "cold-error.h"
#include "cold-solver.h"

#define PHASED_KEY "coldpatch:phased"

Pool *
cold_deb_solver_new_pool (const char *arch)
{
  return cold_solver_new_pool (DISTTYPE_DEB, arch);
}

static void
drop_obsoletes (Repo *repo)
{
  Id p;
  Solvable *s;

  FOR_REPO_SOLVABLES (repo, p, s)
    s->obsoletes = 0;
}

/* The text after @field of the line at @line, or %NULL. */
static const char *
value_at (const char *line, const char *end, const char *field)
{
  gsize length = strlen (field);

  return (gsize) (end - line) > length && g_ascii_strncasecmp (line, field, length) == 0 ? line + length : NULL;
}

/* What libsolv does not read of a stanza. */
typedef struct
{
  guint64 size;   /* bytes; 0: not known */
  guint64 phased; /* percentage of guests that get it */
} Details;

static void
read_number (const char *value, const char *end, guint64 min, guint64 max, guint64 *number)
{
  g_autofree char *text = g_strstrip (g_strndup (value, end - value));

  if (!g_ascii_string_to_unsigned (text, 10, min, max, number, NULL))
    *number = 0;
}

/* Returns: (transfer full): by SHA-256, from the stanzas of @text */
static GHashTable *
read_details (const char *text, gsize length)
{
  GHashTable *all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *end = text + length;
  g_autofree char *sha256 = NULL;
  Details details = { 0, COLD_DEB_PHASED_ALL };

  for (const char *line = text; line < end;)
    {
      const char *newline = memchr (line, '\n', end - line);
      const char *line_end = newline != NULL ? newline : end;
      const char *value;

      if ((value = value_at (line, line_end, "Size:")) != NULL)
        {
          read_number (value, line_end, 1, G_MAXINT64, &details.size);
        }
      else if ((value = value_at (line, line_end, "Phased-Update-Percentage:")) != NULL)
        {
          read_number (value, line_end, 0, COLD_DEB_PHASED_ALL, &details.phased);
        }
      else if ((value = value_at (line, line_end, "SHA256:")) != NULL)
        {
          g_free (sha256);
          sha256 = g_strstrip (g_strndup (value, line_end - value));
        }
      /* The last paragraph may have no empty line after it. */
      if (line == line_end || line_end + 1 >= end)
        {
          if (sha256 != NULL && details.size > 0)
            g_hash_table_replace (all, g_steal_pointer (&sha256), g_memdup2 (&details, sizeof details));
          g_clear_pointer (&sha256, g_free);
          details = (Details) { 0, COLD_DEB_PHASED_ALL };
        }
      line = line_end + 1;
    }
  return all;
}

guint
cold_deb_solver_get_phased (Solvable *s)
{
  Id key = pool_str2id (s->repo->pool, PHASED_KEY, 0);

  return key != 0 ? solvable_lookup_num (s, key, COLD_DEB_PHASED_ALL) : COLD_DEB_PHASED_ALL;
}

static gboolean
add_details (Repo *repo, const char *packages, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (packages, FALSE, error);
  g_autoptr (GHashTable) all = NULL;
  Repodata *data;
  Solvable *s;
  Id p;

  if (file == NULL)
    return FALSE;
  /* An empty file has no contents, not empty ones. */
  if (g_mapped_file_get_length (file) == 0)
    return TRUE;
  all = read_details (g_mapped_file_get_contents (file), g_mapped_file_get_length (file));
  data = repo_add_repodata (repo, 0);
  FOR_REPO_SOLVABLES (repo, p, s)
    {
      Id type;
      const char *sha256 = solvable_lookup_checksum (s, SOLVABLE_CHECKSUM, &type);
      const Details *details = sha256 != NULL ? g_hash_table_lookup (all, sha256) : NULL;

      if (details == NULL)
        continue;
      repodata_set_num (data, p, SOLVABLE_DOWNLOADSIZE, details->size);
      if (details->phased < COLD_DEB_PHASED_ALL)
        repodata_set_num (data, p, pool_str2id (repo->pool, PHASED_KEY, 1), details->phased);
    }
  repodata_internalize (data);
  return TRUE;
}

static gboolean
read_packages (Repo *repo, const char *packages, GError **error)
{
  FILE *file = fopen (packages, "re");
  struct stat st;
  int result;

  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot open %s", packages);
  result = repo_add_debpackages (repo, file, 0);
  if (fstat (fileno (file), &st) < 0)
    st.st_size = 0;
  fclose (file);
  if (result != 0 || (repo->nsolvables == 0 && st.st_size > 0))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "a package index is no list of Debian packages: %s",
                   result != 0 ? pool_errstr (repo->pool) : "it has none");
      return FALSE;
    }
  drop_obsoletes (repo);
  return add_details (repo, packages, error);
}

gboolean
cold_deb_solver_make_cache (const char *packages, const char *solv, guint *count, GError **error)
{
  Pool *pool = cold_deb_solver_new_pool ("all");
  Repo *repo = repo_create (pool, "index");
  gboolean done = read_packages (repo, packages, error);

  *count = repo->nsolvables;
  done = done && cold_solver_write_cache (repo, solv, error);
  pool_free (pool);
  return done;
}

/* Appends @stanza to @text when its package is wholly installed. */
static void
filter_stanza (GString *text, const char *stanza, gsize length, const char *native, GPtrArray *held)
{
  g_autofree char *copy = g_strndup (stanza, length);
  g_auto (GStrv) lines = g_strsplit (copy, "\n", -1);
  const char *package = NULL;
  const char *status = NULL;
  const char *arch = native;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (g_ascii_strncasecmp (lines[i], "Architecture:", 13) == 0)
        arch = g_strstrip (lines[i] + 13);
      if (g_ascii_strncasecmp (lines[i], "Package:", 8) == 0)
        package = g_strstrip (lines[i] + 8);
      if (g_ascii_strncasecmp (lines[i], "Status:", 7) == 0)
        status = g_strstrip (lines[i] + 7);
    }
  if (package == NULL || (status != NULL && !g_str_has_suffix (status, " installed")))
    return;
  if (status != NULL && g_str_has_prefix (status, "hold "))
    g_ptr_array_add (held, g_str_equal (arch, native) || g_str_equal (arch, "all") ? g_strdup (package)
                                                                                   : g_strconcat (package, ":", arch, NULL));
  g_string_append_len (text, stanza, length);
  g_string_append (text, "\n\n");
}

gboolean
cold_deb_solver_add_installed (Pool *pool, const char *status, const char *native, GPtrArray *held, GStrv *foreign,
                               GError **error)
{
  g_autoptr (GString) text = g_string_sized_new (strlen (status) + 2);
  Repo *repo = repo_create (pool, "installed");
  FILE *file;
  int result;

  for (const char *stanza = status; *stanza != '\0';)
    {
      const char *end = strstr (stanza, "\n\n");
      gsize length = end != NULL ? (gsize) (end - stanza) : strlen (stanza);

      filter_stanza (text, stanza, length, native, held);
      stanza += length;
      stanza += strspn (stanza, "\n");
    }
  file = solv_fmemopen (text->str, text->len, "r");
  if (file == NULL)
    return cold_error_set_errno (error, errno, "cannot read the manifest");
  result = repo_add_debpackages (repo, file, 0);
  fclose (file);
  if (result != 0 || repo->nsolvables == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the manifest's package list is not usable: %s",
                   result != 0 ? pool_errstr (pool) : "no package is installed");
      return FALSE;
    }
  drop_obsoletes (repo);
  *foreign = cold_deb_multiarch_accept (pool, repo, native);
  cold_deb_multiarch_rename (repo, native);
  pool_set_installed (pool, repo);
  return TRUE;
}

gboolean
cold_deb_solver_add_index (Pool *pool, const ColdDebIndex *index, const char *native, GError **error)
{
  Repo *repo = repo_create (pool, index->repository->id);
  gboolean done;

  repo->appdata = (void *) index;
  if (g_file_test (index->solv, G_FILE_TEST_EXISTS))
    done = cold_solver_read_cache (repo, index->solv, error);
  else
    done = read_packages (repo, index->packages, error);
  if (done)
    cold_deb_multiarch_rename (repo, native);
  return done;
}
