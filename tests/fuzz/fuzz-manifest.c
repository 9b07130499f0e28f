/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "cold-catalogue-request.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "fuzz.h"

#include <unistd.h>

#define GENERATION "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char packages[]
    = "Package: foo\nVersion: 1:1.2-1\nArchitecture: amd64\nDepends: libfoo (>= 1.2), awk | mawk\nProvides: virtual (= 2)\n"
      "Filename: pool/f/foo_1.2-1_amd64.deb\nSize: 100\nSHA256: " SHA256 "\n\n"
      "Package: libfoo\nSource: foo (1.2)\nVersion: 1.2\nArchitecture: amd64\nMulti-Arch: same\nBreaks: foo (<< 1:1.2)\n"
      "Filename: pool/f/libfoo_1.2_amd64.deb\nSize: 200\nSHA256: " SHA256 "\n\n"
      "Package: mawk\nVersion: 1.3.4\nArchitecture: amd64\nPre-Depends: libfoo\nConflicts: bar\n"
      "Filename: pool/m/mawk_1.3.4_amd64.deb\nSize: 300\nSHA256: " SHA256 "\n";

static const char generation[]
    = "{\"version\":1,\"uri\":\"http://mirror.example.org/debian\",\"packages\":3,\"generation\":\"" GENERATION "\","
      "\"suites\":[{\"suite\":\"stable\",\"inrelease\":\"0.InRelease\",\"date\":1,\"origin\":\"Test\",\"label\":\"Test\","
      "\"archive\":\"stable\",\"codename\":\"stable\",\"release\":\"1\",\"not-automatic\":false,"
      "\"but-automatic-upgrades\":false}],"
      "\"indexes\":[{\"suite\":0,\"component\":\"main\",\"arch\":\"amd64\",\"packages\":\"0.main.amd64.Packages\","
      "\"sha256\":\"" SHA256 "\",\"count\":3}]}";

/* Returns: the request for a catalogue of three packages */
static JsonObject *
set_up (void)
{
  g_autofree char *home = fuzz_path ("repositories/fuzz/" GENERATION);
  g_autofree char *description = g_build_filename (home, "generation.json", NULL);
  g_autofree char *index = g_build_filename (home, "0.main.amd64.Packages", NULL);
  g_autofree char *link = fuzz_path ("repositories/fuzz/current");
  g_autofree char *manifest = fuzz_path ("manifest");
  g_autofree char *text = g_strdup_printf (
      "{\"catalogue\":\"%s\",\"scratch\":\"%s\",\"manifest\":\"%s\",\"repositories\":[{\"id\":\"fuzz\",\"type\":\"deb\","
      "\"uri\":\"http://mirror.example.org/debian\",\"suites\":[\"stable\"],\"components\":[\"main\"],"
      "\"architectures\":[\"amd64\"],\"security\":true}]}",
      fuzz_folder (), fuzz_folder (), manifest);

  g_mkdir_with_parents (home, 0700);
  fuzz_write (description, (const uint8_t *) generation, strlen (generation));
  fuzz_write (index, (const uint8_t *) packages, strlen (packages));
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
