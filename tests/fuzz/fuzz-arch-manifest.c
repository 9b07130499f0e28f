/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest of pacman's packages, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "fuzz-plan.h"

#include <archive.h>
#include <archive_entry.h>

#define DESC(name, more) \
  "%FILENAME%\n" name "-2-1-any.pkg.tar.zst\n\n%NAME%\n" name "\n\n%VERSION%\n2-1\n\n%CSIZE%\n100\n\n%ARCH%\nany\n\n" \
  "%SHA256SUM%\n" FUZZ_SHA256 "\n\n%BUILDDATE%\n1\n\n" more

static const char *const packages[][2] = {
  { "foo-2-1/desc", DESC ("foo", "%DEPENDS%\nlib>=2\n\n") },
  { "lib-2-1/desc", DESC ("lib", "%PROVIDES%\nlib.so=2-64\n\n") },
  { "new-2-1/desc", DESC ("new", "%REPLACES%\nold\n\n%CONFLICTS%\nold<3\n\n") },
};

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

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FuzzRepository repository = {
    .entry = "\"type\":\"arch\",\"suites\":[\"fuzz\"],\"architectures\":[\"x86_64\"]",
    .generation = "\"packages\":3,\"suite\":\"fuzz\"",
    .make = make_database,
  };

  return fuzz_plan (&repository, data, size);
}
