/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-deb-fetch.h"
#include "cold-error.h"

#define INDEX "main/binary-amd64/Packages"

static const struct
{
  const char *suffix;
  int (*add_filter) (struct archive *);
} forms[] = { { ".xz", archive_write_add_filter_xz }, { ".zst", archive_write_add_filter_zstd },
              { ".gz", archive_write_add_filter_gzip }, { "", archive_write_add_filter_none } };

typedef struct
{
  char *folder;
  char *target;
  ColdDownload *download;
  ColdDebRelease *release;
} Fixture;

static void
file_free (gpointer data)
{
  ColdDebFile *file = data;

  g_free (file->sha256);
  g_free (file);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = NULL;

  fixture->folder = g_dir_make_tmp ("cold-deb-fetch-XXXXXX", NULL);
  folder = g_build_filename (fixture->folder, "main", "binary-amd64", NULL);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  fixture->target = g_build_filename (fixture->folder, "Packages", NULL);
  fixture->download = cold_download_new ();
  fixture->release = g_new0 (ColdDebRelease, 1);
  fixture->release->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_free);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  const char *const leaves[] = { INDEX ".xz", INDEX ".zst", INDEX ".gz", INDEX, "main/binary-amd64", "main", "Packages", "" };

  for (guint i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, leaves[i], NULL);

      g_remove (path);
    }
  cold_download_free (fixture->download);
  cold_deb_release_free (fixture->release);
  g_free (fixture->folder);
  g_free (fixture->target);
}

static void
list (Fixture *fixture, const char *name, const char *content, gsize length)
{
  ColdDebFile *file = g_new0 (ColdDebFile, 1);

  file->size = length;
  file->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content, length);
  g_hash_table_replace (fixture->release->files, g_strdup (name), file);
}

/* Puts @content, once or @times, on the mirror in one of the forms, and into the release. */
static void
publish (Fixture *fixture, guint form, const char *content, guint times)
{
  g_autofree char *name = g_strconcat (INDEX, forms[form].suffix, NULL);
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  struct archive *archive = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();
  g_autofree char *packed = NULL;
  gsize length;

  archive_write_set_format_raw (archive);
  forms[form].add_filter (archive);
  g_assert_cmpint (archive_write_open_filename (archive, path), ==, ARCHIVE_OK);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_pathname (entry, "data");
  g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
  for (guint i = 0; i < times; i++)
    g_assert_cmpint (archive_write_data (archive, content, strlen (content)), >, 0);
  archive_write_close (archive);
  archive_write_free (archive);
  archive_entry_free (entry);
  g_assert_true (g_file_get_contents (path, &packed, &length, NULL));
  list (fixture, name, packed, length);
}

static gboolean
fetch (Fixture *fixture, GError **error)
{
  g_autofree char *uri = g_filename_to_uri (fixture->folder, NULL, NULL);

  return cold_deb_fetch_index (fixture->download, fixture->release, uri, "main", "amd64", fixture->target, fixture->folder,
                               error);
}

static void
test_forms (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      g_hash_table_remove_all (fixture->release->files);
      list (fixture, INDEX, "Package: a\n", 11);
      publish (fixture, i, "Package: a\n", 1);
      g_assert_true (fetch (fixture, &error));
      g_assert_no_error (error);
      g_assert_true (g_file_get_contents (fixture->target, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "Package: a\n");
    }
}

/* 64 MiB in some KiB: no more is written than the release says that there is. */
static void
test_bomb (Fixture *fixture, gconstpointer data)
{
  g_autofree char *chunk = g_strnfill (1 << 20, ' ');

  for (guint i = 0; forms[i].suffix[0] != '\0'; i++)
    {
      g_autoptr (GError) error = NULL;

      g_hash_table_remove_all (fixture->release->files);
      list (fixture, INDEX, "Package: a\n", 11);
      publish (fixture, i, chunk, 64);
      g_assert_false (fetch (fixture, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
      g_assert_nonnull (strstr (error->message, "unpacks to more than the 11 bytes"));
      g_assert_false (g_file_test (fixture->target, G_FILE_TEST_EXISTS));
    }
}

static void
test_other_content (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  list (fixture, INDEX, "Package: a\n", 11);
  publish (fixture, 0, "Package: b\n", 1);
  g_assert_false (fetch (fixture, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_false (g_file_test (fixture->target, G_FILE_TEST_EXISTS));
}

/* What is under its hash is not it, what is under its name is. */
static void
test_by_hash (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_build_filename (fixture->folder, "main/binary-amd64/by-hash/SHA256", NULL);
  g_autofree char *path = NULL;
  g_autofree char *command = g_strdup_printf ("rm -r %s/main/binary-amd64/by-hash", fixture->folder);
  ColdDebFile *file;

  publish (fixture, 0, "Package: a\n", 1);
  file = g_hash_table_lookup (fixture->release->files, INDEX ".xz");
  path = g_build_filename (folder, file->sha256, NULL);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "<html>no</html>", -1, NULL));
  fixture->release->by_hash = TRUE;
  g_assert_true (fetch (fixture, &error));
  g_assert_no_error (error);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

/* Larger than any index is: not even asked for. */
static void
test_huge (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ColdDebFile *file;

  publish (fixture, 0, "Package: a\n", 1);
  file = g_hash_table_lookup (fixture->release->files, INDEX ".xz");
  file->size = G_GUINT64_CONSTANT (1) << 40;
  g_assert_false (fetch (fixture, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_nonnull (strstr (error->message, "too many"));
}

static const struct
{
  const char *wanted;
  const char *suite;
  const char *codename;
  gboolean good;
} suites[] = {
  { "bookworm", "stable", "bookworm", TRUE },
  { "stable", "stable", "bookworm", TRUE },
  { "bookworm-security", "stable-security", "bookworm-security", TRUE },
  { "stable-security", "stable-security", "bookworm-security", TRUE },
  { "buster/updates", "oldoldstable", "buster", TRUE },
  { "oldoldstable/updates", "oldoldstable", "buster", TRUE },
  { "jammy-updates", "jammy-updates", "jammy", TRUE },
  { "jammy", "jammy", "jammy", TRUE },
  { "nodistro", "nodistro", "", TRUE },
  { "stable", "", "stable", TRUE },
  { "any", "", "", TRUE },
  { "bookworm-security", "unstable", "sid", FALSE },
  { "bookworm", "stable-security", "bookworm-security", FALSE },
  { "jammy", "jammy-proposed", "jammy", FALSE },
  { "jammy-updates", "jammy-proposed", "jammy", FALSE },
  { "buster/updates", "stable", "bookworm", FALSE },
  { "any", "unstable", "", FALSE },
  { "any", "", "sid", FALSE },
};

static void
test_suites (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (suites); i++)
    {
      ColdDebRelease release = { .suite = (char *) suites[i].suite, .codename = (char *) suites[i].codename };
      g_autoptr (GError) error = NULL;

      g_test_message ("%s: %s %s", suites[i].wanted, suites[i].suite, suites[i].codename);
      g_assert_cmpint (cold_deb_release_check_suite (&release, suites[i].wanted, &error), ==, suites[i].good);
      if (!suites[i].good)
        g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/deb-fetch/each-compression", Fixture, NULL, set_up, test_forms, tear_down);
  g_test_add ("/deb-fetch/bomb/refused", Fixture, NULL, set_up, test_bomb, tear_down);
  g_test_add ("/deb-fetch/other-content/refused", Fixture, NULL, set_up, test_other_content, tear_down);
  g_test_add ("/deb-fetch/by-hash/not-usable/by-name", Fixture, NULL, set_up, test_by_hash, tear_down);
  g_test_add ("/deb-fetch/huge/refused", Fixture, NULL, set_up, test_huge, tear_down);
  g_test_add_func ("/deb-release/suite", test_suites);
  return g_test_run ();
}
