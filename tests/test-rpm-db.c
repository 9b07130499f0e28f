/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-db.h"
#include "cold-rpm-ndb.h"

#include <glib/gstdio.h>
#include <rpm/header.h>

#include "cold-error.h"

/* --- a database of ndb's format, byte by byte ------------------------------------------------------------------------ */

static GByteArray *
make_ndb (void)
{
  GByteArray *file = g_byte_array_new ();

  g_byte_array_set_size (file, 4096);
  memset (file->data, 0, 4096);
  for (guint at = 32; at < 4096; at += 16)
    memcpy (file->data + at, "Slot", 4);
  memcpy (file->data, "RpmP", 4);
  file->data[12] = 1;
  return file;
}

static void
set_word (GByteArray *file, guint at, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (file->data + at, &value, sizeof value);
}

static void
add_blob (GByteArray *file, guint number, const void *data, guint length)
{
  guint offset = file->len, slot = 16 + number * 16, room = 16 + (length + 15) / 16 * 16;

  g_byte_array_set_size (file, offset + room);
  memset (file->data + offset, 0, room);
  memcpy (file->data + offset, "BlbS", 4);
  set_word (file, offset + 4, number);
  set_word (file, offset + 12, length);
  memcpy (file->data + offset + 16, data, length);
  set_word (file, slot + 4, number);
  set_word (file, slot + 8, offset / 16);
  set_word (file, slot + 12, room / 16);
}

static void
add_header (GByteArray *file, guint number, const char *name, const char *version, const char *provides, guint n_versions,
            guint n_flags)
{
  Header header = headerNew ();
  const uint32_t flags[2] = { 0, 0 };
  unsigned int size;
  void *blob;

  headerPutString (header, RPMTAG_NAME, name);
  headerPutString (header, RPMTAG_VERSION, version);
  headerPutString (header, RPMTAG_RELEASE, "1");
  headerPutString (header, RPMTAG_ARCH, "noarch");
  headerPutString (header, RPMTAG_PROVIDENAME, provides);
  for (guint i = 0; i < n_versions; i++)
    headerPutString (header, RPMTAG_PROVIDEVERSION, "");
  if (n_flags > 0)
    headerPutUint32 (header, RPMTAG_PROVIDEFLAGS, flags, n_flags);
  blob = headerExport (header, &size);
  add_blob (file, number, blob, size);
  free (blob);
  headerFree (header);
}

static void
add_package (GByteArray *file, guint number, const char *name, const char *version, const char *provides)
{
  add_header (file, number, name, version, provides, 1, 1);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static void
remove_folder (char *folder)
{
  g_autofree char *command = g_strdup_printf ("rm -rf %s", folder);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (folder);
}
typedef char Folder;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Folder, remove_folder)

static char *
make_folder (void)
{
  return g_dir_make_tmp ("test-rpm-db-XXXXXX", NULL);
}

static GPtrArray *
read_file (GByteArray *file, GError **error)
{
  g_autoptr (Folder) folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, "Packages.db", NULL);

  g_assert_true (g_file_set_contents (path, (const char *) file->data, file->len, NULL));
  return cold_rpm_db_read (folder, error);
}

static const ColdRpmPackage *
at (GPtrArray *packages, guint i)
{
  g_assert_cmpuint (i, <, packages->len);
  return g_ptr_array_index (packages, i);
}

static void
assert_texts (GStrv texts, const char *wanted)
{
  g_autofree char *got = g_strjoinv ("|", texts);

  g_assert_cmpstr (got, ==, wanted);
}

static void
run (const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *command = NULL;
  g_autofree char *said = NULL;
  va_list args;
  int status;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_true (g_spawn_command_line_sync (command, NULL, &said, &status, &error));
  if (!g_spawn_check_wait_status (status, &error))
    g_error ("%s: %s: %s", command, error->message, said);
}

/* A database made by the real tools. */
static void
test_sqlite (void)
{
  const char *make = g_getenv ("TEST_MAKE_RPM");
  g_autoptr (Folder) folder = make_folder ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = NULL;

  run ("sh -c \"mkdir -p '%s/root/usr/bin' '%s/root/opt' && touch '%s/root/usr/bin/cold' '%s/root/opt/wanted' '%s/root/opt/other'\"",
       folder, folder, folder, folder, folder);
  run ("%s package %s/rpms cold-alpha 1.0-2 --root %s/root 'Epoch: 3' 'Vendor: Cold' 'ModularityLabel: cold:1:2:c0' 'Obsoletes: old < 2' 'Recommends: r' 'Suggests: s >= 1' 'Conflicts: c = 1'"
       " 'Provides: virtual = 7'", make, folder, folder);
  run ("%s package %s/rpms cold-beta 2-1 'Requires: /opt/wanted' 'Requires(post): cold-alpha >= 3:1.0' "
       "'Requires: cold-alpha >= 3:1.0' 'Requires: (cold-alpha if nothing)'", make, folder);
  run ("sh -c \"rpm -i --force-debian --justdb --nodeps --nosignature --dbpath '%s/db' '%s'/rpms/*.rpm\"", folder, folder);
  {
    g_autofree char *db = g_build_filename (folder, "db", NULL);

    packages = cold_rpm_db_read (db, &error);
  }
  g_assert_no_error (error);
  g_assert_cmpuint (packages->len, ==, 2);
  g_assert_cmpstr (at (packages, 0)->name, ==, "cold-alpha");
  g_assert_cmpstr (at (packages, 0)->evr, ==, "3:1.0-2");
  g_assert_cmpstr (at (packages, 0)->arch, ==, "noarch");
  g_assert_cmpstr (at (packages, 0)->source, ==, "cold-alpha");
  g_assert_cmpstr (at (packages, 0)->vendor, ==, "Cold");
  g_assert_cmpstr (at (packages, 0)->module, ==, "cold:1:2:c0");
  assert_texts (at (packages, 0)->provides, "/opt/wanted|/usr/bin/cold|cold-alpha = 3:1.0-2|virtual = 7");
  assert_texts (at (packages, 0)->conflicts, "c = 1");
  assert_texts (at (packages, 0)->obsoletes, "old < 2");
  assert_texts (at (packages, 0)->recommends, "r");
  assert_texts (at (packages, 0)->suggests, "s >= 1");
  g_assert_cmpstr (at (packages, 1)->evr, ==, "2-1");
  g_assert_null (at (packages, 1)->vendor);
  g_assert_null (at (packages, 1)->module);
  assert_texts (at (packages, 1)->requires, "(cold-alpha if nothing)|/opt/wanted|cold-alpha >= 3:1.0");
}

static void
test_ndb (void)
{
  g_autoptr (GByteArray) file = make_ndb ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = NULL;

  add_package (file, 1, "zeta", "1", "zeta");
  add_package (file, 2, "alpha", "2", "virtual");
  add_package (file, 3, "gpg-pubkey", "3", "gpg");
  packages = read_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (packages->len, ==, 2);
  g_assert_cmpstr (at (packages, 0)->name, ==, "alpha");
  g_assert_cmpstr (at (packages, 0)->evr, ==, "2-1");
  assert_texts (at (packages, 0)->provides, "virtual");
}

static void
test_doubles (void)
{
  g_autoptr (GByteArray) file = make_ndb ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = NULL;
  g_autoptr (GPtrArray) specs = g_ptr_array_new ();
  g_auto (GStrv) doubles = NULL;

  g_ptr_array_add (specs, (char *) "provides:virtual");
  g_ptr_array_add (specs, (char *) "beta");
  add_package (file, 7, "beta", "1", "b");
  add_package (file, 8, "beta", "2", "b");
  add_package (file, 9, "gamma", "1", "virtual");
  add_package (file, 10, "gamma", "2", "virtual");
  add_package (file, 1, "alpha", "1", "alpha");
  add_package (file, 2, "alpha", "2", "alpha");
  add_package (file, 3, "kernel-core", "1", "kernel");
  add_package (file, 4, "kernel-core", "2", "kernel");
  add_package (file, 5, "cold-kernel", "1", "installonlypkg(kernel)");
  add_package (file, 6, "cold-kernel", "2", "installonlypkg(kernel)");
  packages = read_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (packages->len, ==, 10);
  cold_rpm_db_allow_doubles (packages, specs);
  doubles = cold_rpm_db_find_doubles (packages);
  assert_texts (doubles, "alpha.noarch 1-1 2-1");
}

static void
assert_damaged (GByteArray *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = read_file (file, &error);

  g_assert_null (packages);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
}

/* Each word that says where something is, made wrong. */
static void
test_damaged_ndb (void)
{
  const guint words[] = { 0, 4, 12, 32, 40, 44, 4096, 4100, 4108 };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (GByteArray) file = make_ndb ();

      add_package (file, 1, "alpha", "1", "alpha");
      set_word (file, words[i], 0xfffffff0);
      assert_damaged (file);
    }
}

static void
test_damaged_package (void)
{
  g_autoptr (GByteArray) file = make_ndb ();

  add_blob (file, 1, "no header at all", 16);
  assert_damaged (file);
}

/* librpm takes such a package for one without dependencies: then upgrades would break it. */
static void
test_damaged_counts (void)
{
  static const struct
  {
    guint versions;
    guint flags;
    gboolean good;
  } counts[] = { { 1, 1, TRUE }, { 0, 0, TRUE }, { 2, 1, FALSE }, { 1, 2, FALSE }, { 0, 2, FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (GByteArray) file = make_ndb ();
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) packages = NULL;

      add_header (file, 1, "alpha", "1", "alpha", counts[i].versions, counts[i].flags);
      packages = read_file (file, &error);
      g_assert_cmpint (packages != NULL, ==, counts[i].good);
      if (!counts[i].good)
        g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
    }
}

/* librpm would read what lies after it. */
static void
test_short_package (void)
{
  for (guint length = 0; length <= 8; length += 4)
    {
      g_autoptr (GByteArray) file = make_ndb ();

      add_package (file, 1, "alpha", "1", "alpha");
      set_word (file, 4096 + 12, length);
      assert_damaged (file);
    }
}

static void
test_empty (void)
{
  g_autoptr (GByteArray) file = make_ndb ();

  assert_damaged (file);
}

static void
test_no_database (gconstpointer name)
{
  g_autoptr (Folder) folder = make_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) packages = NULL;

  g_assert_true (g_file_set_contents (path, "complete nonsense", -1, NULL));
  packages = cold_rpm_db_read (folder, &error);
  g_assert_null (packages);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpm-db/sqlite/by-the-real-tools", test_sqlite);
  g_test_add_func ("/rpm-db/ndb", test_ndb);
  g_test_add_func ("/rpm-db/twice/found-but-for-kernels", test_doubles);
  g_test_add_func ("/rpm-db/ndb/damaged/error", test_damaged_ndb);
  g_test_add_func ("/rpm-db/ndb/damaged-package/error", test_damaged_package);
  g_test_add_func ("/rpm-db/ndb/damaged-counts/error", test_damaged_counts);
  g_test_add_func ("/rpm-db/ndb/short-package/error", test_short_package);
  g_test_add_func ("/rpm-db/empty/error", test_empty);
  for (guint i = 0; cold_rpm_db_files[i] != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf ("/rpm-db/nonsense/%s", cold_rpm_db_files[i]);

      g_test_add_data_func (path, cold_rpm_db_files[i], test_no_database);
    }
  return g_test_run ();
}
