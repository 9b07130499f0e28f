/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest of rpm packages, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "cold-catalogue-request.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "cold-rpm-index.h"
#include "cold-solver.h"
#include "fuzz.h"

#include <unistd.h>

#define GENERATION "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PACKAGE(name, vendor, more) \
  "<package type=\"rpm\"><name>" name "</name><arch>noarch</arch><version epoch=\"0\" ver=\"2\" rel=\"1\"/>" \
  "<checksum type=\"sha256\" pkgid=\"YES\">" SHA256 "</checksum><size package=\"100\"/><location href=\"" name ".rpm\"/><format>" \
  "<rpm:vendor>" vendor "</rpm:vendor>" more "</format></package>"

static const char primary[]
    = "<?xml version=\"1.0\"?><metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" "
      "packages=\"4\">" PACKAGE ("foo", "SUSE LLC", "<rpm:requires><rpm:entry name=\"lib\" flags=\"GE\" epoch=\"0\" ver=\"2\"/></rpm:requires>")
      PACKAGE ("lib", "SUSE", "<rpm:provides><rpm:entry name=\"lib\" flags=\"EQ\" epoch=\"0\" ver=\"2\" rel=\"1\"/></rpm:provides>")
      PACKAGE ("new", "openSUSE", "<rpm:obsoletes><rpm:entry name=\"old\"/></rpm:obsoletes>")
      PACKAGE ("kernel", "x", "<rpm:conflicts><rpm:entry name=\"foo\" flags=\"LT\" epoch=\"0\" ver=\"1\"/></rpm:conflicts>") "</metadata>";

static const char generation[]
    = "{\"version\":1,\"uri\":\"http://mirror.example.org/fuzz\",\"packages\":4,\"generation\":\"" GENERATION "\",\"date\":1}";

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

/* Returns: the request for a catalogue of four packages */
static JsonObject *
set_up (void)
{
  g_autofree char *home = fuzz_path ("repositories/fuzz/" GENERATION);
  g_autofree char *description = g_build_filename (home, "generation.json", NULL);
  g_autofree char *link = fuzz_path ("repositories/fuzz/current");
  g_autofree char *manifest = fuzz_path ("manifest");
  g_autofree char *text = g_strdup_printf (
      "{\"catalogue\":\"%s\",\"scratch\":\"%s\",\"manifest\":\"%s\",\"repositories\":[{\"id\":\"fuzz\",\"type\":\"rpm-md\","
      "\"uri\":\"http://mirror.example.org/fuzz\",\"architectures\":[\"x86_64\"],\"security\":true}]}",
      fuzz_folder (), fuzz_folder (), manifest);

  g_mkdir_with_parents (home, 0700);
  make_index (home);
  fuzz_write (description, (const uint8_t *) generation, strlen (generation));
  if (symlink (GENERATION, link) < 0)
    g_error ("cannot make %s", link);
  return cold_json_parse_object (text, -1, NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static JsonObject *request;
  g_autofree char *path = fuzz_path ("manifest");
  g_autoptr (ColdPlan) loaded = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (GError) error = NULL;

  if (request == NULL)
    request = set_up ();
  fuzz_write (path, data, size);
  loaded = cold_plan_new (request, NULL);
  g_assert_nonnull (loaded);
  plan = cold_plan_make (loaded, request, &error);
  fuzz_check_error (plan != NULL, error);
  /* The agent believes nothing else. */
  if (plan != NULL)
    g_assert_true (cold_catalogue_check_plan (plan, NULL));
  return 0;
}
