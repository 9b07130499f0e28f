/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * primary.xml, filelists.xml and updateinfo.xml of a repository: each input is read as each of them. Where the database is not
 * signed, whoever stands between can write them.
 */
#include "cold-rpm-index.h"
#include "cold-rpm-repository.h"
#include "cold-solver.h"
#include "fuzz.h"

#include <solv/poolid.h>

#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char good[]
    = "<?xml version=\"1.0\"?><metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" "
      "packages=\"1\"><package type=\"rpm\"><name>foo</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>"
      "<checksum type=\"sha256\" pkgid=\"YES\">" SHA256 "</checksum><size package=\"100\"/><location href=\"foo.rpm\"/><format>"
      "<rpm:requires><rpm:entry name=\"/opt/wanted\"/></rpm:requires></format></package></metadata>";

/* A path is required in it that it does not say who owns. */
static Repo *
make_repo (Pool *pool)
{
  g_autofree char *path = fuzz_path ("good.xml");
  Repo *repo = repo_create (pool, "fuzz");

  fuzz_write (path, (const uint8_t *) good, strlen (good));
  if (!cold_rpm_index_add_primary (repo, path, NULL))
    g_error ("the metadata of this test is not good");
  return repo;
}

static void
read_primary (const char *path, const char *cache)
{
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, "x86_64");
  Repo *repo = repo_create (pool, "fuzz");
  g_autoptr (GHashTable) paths = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done = cold_rpm_index_add_primary (repo, path, &error);

  fuzz_check_error (done, error);
  if (done)
    {
      paths = cold_rpm_index_find_paths (repo, NULL);
      done = cold_solver_write_cache (repo, cache, &error);
      fuzz_check_error (done, error);
      g_assert_true (cold_solver_read_cache (repo_create (pool, "again"), cache, &error));
    }
  pool_free (pool);
}

static void
read_others (const char *path)
{
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, "x86_64");
  Repo *repo = make_repo (pool);
  g_autoptr (GHashTable) paths = cold_rpm_index_find_paths (repo, NULL);
  g_autoptr (GError) error = NULL;
  Solvable *s;
  Id p;

  g_assert_cmpuint (g_hash_table_size (paths), ==, 1);
  fuzz_check_error (cold_rpm_index_add_paths (repo, path, paths, &error), error);
  g_clear_error (&error);
  fuzz_check_error (cold_rpm_index_add_updateinfo (repo, path, &error), error);
  FOR_REPO_SOLVABLES (repo, p, s)
    cold_rpm_is_advisory (s);
  pool_free (pool);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("metadata.xml");
  g_autofree char *cache = fuzz_path ("metadata.solv");

  fuzz_write (path, data, size);
  read_primary (path, cache);
  read_others (path);
  return 0;
}
