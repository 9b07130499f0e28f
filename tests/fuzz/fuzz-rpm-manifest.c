/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest of rpm packages, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "cold-rpm-index.h"
#include "cold-solver.h"
#include "fuzz-plan.h"

#define PACKAGE(name, vendor, more) \
  "<package type=\"rpm\"><name>" name "</name><arch>noarch</arch><version epoch=\"0\" ver=\"2\" rel=\"1\"/>" \
  "<checksum type=\"sha256\" pkgid=\"YES\">" FUZZ_SHA256 "</checksum><size package=\"100\"/><location href=\"" name ".rpm\"/><format>" \
  "<rpm:vendor>" vendor "</rpm:vendor>" more "</format></package>"

static const char primary[]
    = "<?xml version=\"1.0\"?><metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" "
      "packages=\"4\">" PACKAGE ("foo", "SUSE LLC", "<rpm:requires><rpm:entry name=\"lib\" flags=\"GE\" epoch=\"0\" ver=\"2\"/></rpm:requires>")
      PACKAGE ("lib", "SUSE", "<rpm:provides><rpm:entry name=\"lib\" flags=\"EQ\" epoch=\"0\" ver=\"2\" rel=\"1\"/></rpm:provides>")
      PACKAGE ("new", "openSUSE", "<rpm:obsoletes><rpm:entry name=\"old\"/></rpm:obsoletes>")
      PACKAGE ("kernel", "x", "<rpm:conflicts><rpm:entry name=\"foo\" flags=\"LT\" epoch=\"0\" ver=\"1\"/></rpm:conflicts>") "</metadata>";

static void
make_index (const char *home)
{
  g_autofree char *index = g_build_filename (home, "index", NULL);
  g_autofree char *cache = cold_solver_cache_path (index);
  g_autofree char *path = fuzz_path ("primary.xml");
  Pool *pool = cold_solver_new_pool (DISTTYPE_RPM, "noarch");
  Repo *repo = repo_create (pool, "fuzz");

  fuzz_write (path, (const uint8_t *) primary, strlen (primary));
  if (!cold_rpm_index_add_primary (repo, path, NULL) || !cold_solver_write_cache (repo, cache, NULL))
    g_error ("the metadata of this test is not good");
  pool_free (pool);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FuzzRepository repository = {
    .entry = "\"type\":\"rpm-md\",\"architectures\":[\"x86_64\"]",
    .generation = "\"packages\":4,\"date\":1",
    .make = make_index,
  };

  return fuzz_plan (&repository, data, size);
}
