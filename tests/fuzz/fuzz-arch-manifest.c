/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest of pacman's packages, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "cold-catalogue-request.h"
#include "cold-json.h"
#include "cold-plan.h"
#include "fuzz.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#define GENERATION "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DESC(name, more) \
  "%FILENAME%\n" name "-2-1-any.pkg.tar.zst\n\n%NAME%\n" name "\n\n%VERSION%\n2-1\n\n%CSIZE%\n100\n\n%ARCH%\nany\n\n%SHA256SUM%\n" SHA256 \
  "\n\n%BUILDDATE%\n1\n\n" more

static const char *const packages[][2] = {
  { "foo-2-1/desc", DESC ("foo", "%DEPENDS%\nlib>=2\n\n") },
  { "lib-2-1/desc", DESC ("lib", "%PROVIDES%\nlib.so=2-64\n\n") },
  { "new-2-1/desc", DESC ("new", "%REPLACES%\nold\n\n%CONFLICTS%\nold<3\n\n") },
};

static const char generation[]
    = "{\"version\":1,\"uri\":\"http://mirror.example.org/fuzz\",\"packages\":3,\"generation\":\"" GENERATION "\",\"suite\":\"fuzz\"}";

static void
make_database (const char *home)
{
  g_autofree char *tar = g_build_filename (home, "fuzz.tar", NULL);
  g_autofree char *groups = g_build_filename (home, "fuzz.groups", NULL);
  struct archive *archive = archive_write_new ();

  fuzz_write (groups, (const uint8_t *) "base foo\n", 9);
  archive_write_set_format_ustar (archive);
  archive_write_open_filename (archive, tar);
  for (guint i = 0; i < G_N_ELEMENTS (packages); i++)
    {
      struct archive_entry *entry = archive_entry_new ();

      archive_entry_set_pathname (entry, packages[i][0]);
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_size (entry, strlen (packages[i][1]));
      archive_write_header (archive, entry);
      archive_write_data (archive, packages[i][1], strlen (packages[i][1]));
      archive_entry_free (entry);
    }
  archive_write_free (archive);
}

/* Returns: the request for a catalogue of three packages */
static JsonObject *
set_up (void)
{
  g_autofree char *home = fuzz_path ("repositories/fuzz/" GENERATION);
  g_autofree char *description = g_build_filename (home, "generation.json", NULL);
  g_autofree char *link = fuzz_path ("repositories/fuzz/current");
  g_autofree char *manifest = fuzz_path ("manifest");
  g_autofree char *text = g_strdup_printf (
      "{\"catalogue\":\"%s\",\"scratch\":\"%s\",\"manifest\":\"%s\",\"repositories\":[{\"id\":\"fuzz\",\"type\":\"arch\","
      "\"uri\":\"http://mirror.example.org/fuzz\",\"suites\":[\"fuzz\"],\"architectures\":[\"x86_64\"],\"security\":true}]}",
      fuzz_folder (), fuzz_folder (), manifest);

  g_mkdir_with_parents (home, 0700);
  make_database (home);
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
