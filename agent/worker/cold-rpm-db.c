/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-db.h"

#include <fcntl.h>
#include <rpm/header.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmds.h>
#include <rpm/rpmfi.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-rpm-ndb.h"

#define PACKAGES_MAX 50000
#define HEADER_LENGTH_MIN 8 /* bytes: the two counts that a header begins with */

const char *const cold_rpm_db_files[] = { "rpmdb.sqlite", "Packages.db", "Packages", NULL };

static void
package_free (ColdRpmPackage *self)
{
  g_free (self->name);
  g_free (self->evr);
  g_free (self->arch);
  g_free (self->source);
  g_free (self->vendor);
  g_free (self->module);
  g_strfreev (self->provides);
  g_strfreev (self->requires);
  g_strfreev (self->conflicts);
  g_strfreev (self->obsoletes);
  g_strfreev (self->recommends);
  g_strfreev (self->suggests);
  g_free (self);
}

/* --- headers --------------------------------------------------------------------------------------------------------- */

static gboolean
add_header (GPtrArray *headers, Header header, GError **error)
{
  if (headers->len >= PACKAGES_MAX)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's rpm database has more than %d packages", PACKAGES_MAX);
      return FALSE;
    }
  g_ptr_array_add (headers, headerLink (header));
  return TRUE;
}

static gboolean
set_damaged (GError **error)
{
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's rpm database has a damaged package");
  return FALSE;
}

static gboolean
import_header (const guint8 *data, gsize length, gpointer user_data, GError **error)
{
  /* It takes a length of 0 for one that the caller does not know, and reads what is there. */
  Header header = length >= HEADER_LENGTH_MIN ? headerImport ((void *) data, length, HEADERIMPORT_COPY) : NULL;
  gboolean added;

  if (header == NULL)
    return set_damaged (error);
  added = add_header (user_data, header, error);
  headerFree (header);
  return added;
}

static gboolean
read_ndb (const char *path, GPtrArray *headers, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  return file != NULL
         && cold_rpm_ndb_foreach ((const guint8 *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
                                  import_header, headers, error);
}

static gboolean
set_unreadable (GError **error)
{
  const char *words = rpmlogMessage ();
  g_autofree char *valid = cold_text_make_valid (words);

  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's rpm database cannot be read: %s",
               *valid != '\0' ? g_strstrip (valid) : "it is damaged");
  return FALSE;
}

/* By librpm, which is told all that it needs: macros of this machine must not matter. */
static gboolean
read_by_librpm (const char *folder, const char *backend, GPtrArray *headers, GError **error)
{
  rpmts ts = rpmtsCreate ();
  rpmdbMatchIterator iterator;
  Header header;
  gboolean fine = TRUE;

  rpmlogSetMask (RPMLOG_UPTO (RPMLOG_ERR));
  rpmPushMacro (NULL, "_dbpath", NULL, folder, 0);
  rpmPushMacro (NULL, "_db_backend", NULL, backend, 0);
  /* Nobody's signatures are of interest here, and the keys would be looked for in the database. */
  rpmtsSetVSFlags (ts, RPMVSF_MASK_NOSIGNATURES | RPMVSF_MASK_NODIGESTS);
  if (rpmtsOpenDB (ts, O_RDONLY) != 0)
    {
      fine = set_unreadable (error);
    }
  else
    {
      iterator = rpmtsInitIterator (ts, RPMDBI_PACKAGES, NULL, 0);
      while (fine && (header = rpmdbNextIterator (iterator)) != NULL)
        fine = add_header (headers, header, error);
      rpmdbFreeIterator (iterator);
    }
  rpmtsCloseDB (ts);
  rpmtsFree (ts);
  rpmPopMacro (NULL, "_db_backend");
  rpmPopMacro (NULL, "_dbpath");
  return fine;
}

static gboolean
read_headers (const char *folder, GPtrArray *headers, GError **error)
{
  g_autofree char *sqlite = g_build_filename (folder, "rpmdb.sqlite", NULL);
  g_autofree char *ndb = g_build_filename (folder, "Packages.db", NULL);

  if (g_file_test (sqlite, G_FILE_TEST_EXISTS))
    return read_by_librpm (folder, "sqlite", headers, error);
  if (g_file_test (ndb, G_FILE_TEST_EXISTS))
    return read_ndb (ndb, headers, error);
  return read_by_librpm (folder, "bdb_ro", headers, error);
}

/* --- what a header says ---------------------------------------------------------------------------------------------- */

static char *
get_text (Header header, rpmTagVal tag)
{
  const char *text = headerGetString (header, tag);

  return text != NULL && *text != '\0' ? cold_text_make_valid (text) : NULL;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* Sorted, each once. */
static GStrv
take_sorted (GPtrArray *texts)
{
  GPtrArray *unique = g_ptr_array_new ();

  g_ptr_array_sort (texts, compare_strings);
  for (guint i = 0; i < texts->len; i++)
    if (i == 0 || strcmp (g_ptr_array_index (texts, i), g_ptr_array_index (texts, i - 1)) != 0)
      g_ptr_array_add (unique, g_strdup (g_ptr_array_index (texts, i)));
  g_ptr_array_add (unique, NULL);
  g_ptr_array_unref (texts);
  return (GStrv) g_ptr_array_free (unique, FALSE);
}

/* Returns: %FALSE when there is one of another type; otherwise how many there are to @count */
static gboolean
count_values (Header header, rpmTagVal tag, rpmTagType type, guint *count)
{
  struct rpmtd_s data;
  gboolean right;

  headerGet (header, tag, &data, HEADERGET_MINMEM);
  *count = rpmtdCount (&data);
  right = *count == 0 || rpmtdType (&data) == type;
  rpmtdFreeData (&data);
  return right;
}

/* rpmdsNew() believes a header that its lists are such, and has no dependencies at all for a package that has more names of
 * them than versions or flags, or fewer. */
static gboolean
check_dependencies (Header header, GError **error)
{
  static const rpmTagVal tags[][3] = { { RPMTAG_PROVIDENAME, RPMTAG_PROVIDEVERSION, RPMTAG_PROVIDEFLAGS },
                                       { RPMTAG_REQUIRENAME, RPMTAG_REQUIREVERSION, RPMTAG_REQUIREFLAGS },
                                       { RPMTAG_CONFLICTNAME, RPMTAG_CONFLICTVERSION, RPMTAG_CONFLICTFLAGS },
                                       { RPMTAG_OBSOLETENAME, RPMTAG_OBSOLETEVERSION, RPMTAG_OBSOLETEFLAGS },
                                       { RPMTAG_RECOMMENDNAME, RPMTAG_RECOMMENDVERSION, RPMTAG_RECOMMENDFLAGS },
                                       { RPMTAG_SUGGESTNAME, RPMTAG_SUGGESTVERSION, RPMTAG_SUGGESTFLAGS } };

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    {
      guint names, versions, flags;

      if (!count_values (header, tags[i][0], RPM_STRING_ARRAY_TYPE, &names)
          || !count_values (header, tags[i][1], RPM_STRING_ARRAY_TYPE, &versions)
          || !count_values (header, tags[i][2], RPM_INT32_TYPE, &flags)
          || (names > 0 && ((versions > 0 && versions != names) || (flags > 0 && flags != names))))
        return set_damaged (error);
    }
  return TRUE;
}

/* Likewise rpmfilesNew(). */
static gboolean
check_files (Header header, GError **error)
{
  guint names, folders, indexes;

  if (count_values (header, RPMTAG_BASENAMES, RPM_STRING_ARRAY_TYPE, &names)
      && count_values (header, RPMTAG_DIRNAMES, RPM_STRING_ARRAY_TYPE, &folders)
      && count_values (header, RPMTAG_DIRINDEXES, RPM_INT32_TYPE, &indexes) && indexes == names && (names == 0 || folders > 0))
    return TRUE;
  return set_damaged (error);
}

static GPtrArray *
get_dependencies (Header header, rpmTagVal tag)
{
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  rpmds ds = rpmdsNew (header, tag, 0);

  while (rpmdsNext (ds) >= 0)
    {
      /* "R name >= 1": the first letter says which kind of dependency it is */
      const char *text = rpmdsDNEVR (ds);

      if (text != NULL && strlen (text) > 2 && !(rpmdsFlags (ds) & RPMSENSE_RPMLIB))
        g_ptr_array_add (texts, cold_text_make_valid (text + 2));
    }
  rpmdsFree (ds);
  return texts;
}

static gboolean
is_command (const char *folder)
{
  static const char *const folders[] = { "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", NULL };

  return g_strv_contains (folders, folder);
}

static void
add_files (Header header, GHashTable *wanted, GPtrArray *provides)
{
  rpmfiles files = rpmfilesNew (NULL, header, RPMTAG_BASENAMES, RPMFI_FLAGS_ONLY_FILENAMES);
  int n = rpmfilesFC (files);

  for (int i = 0; i < n; i++)
    {
      g_autofree char *path = g_strconcat (rpmfilesDN (files, rpmfilesDI (files, i)), rpmfilesBN (files, i), NULL);

      if (is_command (rpmfilesDN (files, rpmfilesDI (files, i))) || g_hash_table_contains (wanted, path))
        g_ptr_array_add (provides, cold_text_make_valid (path));
    }
  rpmfilesFree (files);
}

static gboolean
is_several (Header header, GStrv provides)
{
  const char *name = headerGetString (header, RPMTAG_NAME);

  for (guint i = 0; provides[i] != NULL; i++)
    if (g_str_has_prefix (provides[i], "installonlypkg(") || g_str_has_prefix (provides[i], "multiversion("))
      return TRUE;
  return g_str_equal (name, "kernel") || g_str_has_prefix (name, "kernel-");
}

static char *
get_source (Header header, const char *name)
{
  g_autofree char *file = get_text (header, RPMTAG_SOURCERPM);
  char *release = file != NULL ? strrchr (file, '-') : NULL;

  if (release == NULL)
    return g_strdup (name);
  *release = '\0';
  if (strrchr (file, '-') != NULL)
    *strrchr (file, '-') = '\0';
  return g_steal_pointer (&file);
}

static ColdRpmPackage *
describe (Header header, GHashTable *wanted)
{
  ColdRpmPackage *package = g_new0 (ColdRpmPackage, 1);
  GPtrArray *provides = get_dependencies (header, RPMTAG_PROVIDENAME);
  char *evr = headerGetAsString (header, RPMTAG_EVR);

  add_files (header, wanted, provides);
  package->name = get_text (header, RPMTAG_NAME);
  package->evr = cold_text_make_valid (evr);
  package->arch = get_text (header, RPMTAG_ARCH);
  package->source = get_source (header, package->name);
  package->vendor = get_text (header, RPMTAG_VENDOR);
  package->module = get_text (header, RPMTAG_MODULARITYLABEL);
  package->provides = take_sorted (provides);
  package->requires = take_sorted (get_dependencies (header, RPMTAG_REQUIRENAME));
  package->conflicts = take_sorted (get_dependencies (header, RPMTAG_CONFLICTNAME));
  package->obsoletes = take_sorted (get_dependencies (header, RPMTAG_OBSOLETENAME));
  package->recommends = take_sorted (get_dependencies (header, RPMTAG_RECOMMENDNAME));
  package->suggests = take_sorted (get_dependencies (header, RPMTAG_SUGGESTNAME));
  package->several = is_several (header, package->provides);
  free (evr);
  return package;
}

/* Names of files in requirements, also inside of "(a if b)". */
static GHashTable *
list_wanted_files (GPtrArray *headers)
{
  GHashTable *wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < headers->len; i++)
    {
      g_autoptr (GPtrArray) texts = get_dependencies (g_ptr_array_index (headers, i), RPMTAG_REQUIRENAME);

      for (guint j = 0; j < texts->len; j++)
        {
          g_auto (GStrv) words = g_strsplit_set (g_ptr_array_index (texts, j), " ()", -1);

          for (guint k = 0; words[k] != NULL; k++)
            if (*words[k] == '/')
              g_hash_table_add (wanted, g_strdup (words[k]));
        }
    }
  return wanted;
}

static int
compare_packages (gconstpointer a, gconstpointer b)
{
  const ColdRpmPackage *one = *(const ColdRpmPackage *const *) a;
  const ColdRpmPackage *other = *(const ColdRpmPackage *const *) b;
  int order = strcmp (one->name, other->name);

  if (order == 0)
    order = strcmp (one->arch, other->arch);
  return order != 0 ? order : strcmp (one->evr, other->evr);
}

GPtrArray *
cold_rpm_db_read (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) headers = g_ptr_array_new_with_free_func ((GDestroyNotify) headerFree);
  g_autoptr (GPtrArray) packages = g_ptr_array_new_with_free_func ((GDestroyNotify) package_free);
  g_autoptr (GHashTable) wanted = NULL;

  if (!read_headers (folder, headers, error))
    return NULL;
  for (guint i = 0; i < headers->len; i++)
    if (!check_dependencies (g_ptr_array_index (headers, i), error) || !check_files (g_ptr_array_index (headers, i), error))
      return NULL;
  wanted = list_wanted_files (headers);
  for (guint i = 0; i < headers->len; i++)
    {
      Header header = g_ptr_array_index (headers, i);

      if (g_strcmp0 (headerGetString (header, RPMTAG_NAME), "gpg-pubkey") == 0)
        continue;
      if (headerGetString (header, RPMTAG_NAME) == NULL || headerGetString (header, RPMTAG_VERSION) == NULL
          || headerGetString (header, RPMTAG_RELEASE) == NULL || headerGetString (header, RPMTAG_ARCH) == NULL)
        {
          g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST,
                               "the guest's rpm database has a package without name, version or architecture");
          return NULL;
        }
      g_ptr_array_add (packages, describe (header, wanted));
    }
  if (packages->len == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's rpm database has no package");
      return NULL;
    }
  g_ptr_array_sort (packages, compare_packages);
  return g_steal_pointer (&packages);
}

/* @spec: "NAME" or "provides:NAME" */
static gboolean
is_of (const ColdRpmPackage *package, const char *spec)
{
  static const char prefix[] = "provides:";
  gsize length;

  if (!g_str_has_prefix (spec, prefix))
    return g_str_equal (package->name, spec);
  spec += strlen (prefix);
  length = strlen (spec);
  for (guint i = 0; package->provides[i] != NULL; i++)
    if (strncmp (package->provides[i], spec, length) == 0 && strchr (" ", package->provides[i][length]) != NULL)
      return TRUE;
  return FALSE;
}

void
cold_rpm_db_allow_doubles (GPtrArray *packages, GPtrArray *specs)
{
  for (guint i = 0; i < packages->len; i++)
    {
      ColdRpmPackage *package = g_ptr_array_index (packages, i);

      for (guint k = 0; k < specs->len && !package->several; k++)
        package->several = is_of (package, g_ptr_array_index (specs, k));
    }
}

GStrv
cold_rpm_db_find_doubles (GPtrArray *packages)
{
  g_autoptr (GPtrArray) doubles = g_ptr_array_new ();

  for (guint i = 1; i < packages->len; i++)
    {
      const ColdRpmPackage *before = g_ptr_array_index (packages, i - 1);
      const ColdRpmPackage *package = g_ptr_array_index (packages, i);

      if (!package->several && g_str_equal (before->name, package->name) && g_str_equal (before->arch, package->arch))
        g_ptr_array_add (doubles,
                         g_strdup_printf ("%s.%s %s %s", package->name, package->arch, before->evr, package->evr));
    }
  g_ptr_array_add (doubles, NULL);
  return (GStrv) g_ptr_array_steal (doubles, NULL);
}
