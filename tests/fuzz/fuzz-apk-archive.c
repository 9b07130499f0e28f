/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is there of an index before its signature is known to be good, and a package before it is known to be the one.
 */
#include "cold-apk-archive.h"
#include "fuzz.h"

#include <glib/gstdio.h>
#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char keys[] = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
  g_autofree char *path = fuzz_path ("archive");
  g_autofree char *keys_path = fuzz_path ("keys");
  g_autofree char *to = fuzz_path ("index");
  g_autofree char *sha256 = NULL;
  g_autoptr (GError) error = NULL;

  fuzz_write (path, data, size);
  fuzz_write (keys_path, (const uint8_t *) keys, strlen (keys));
  fuzz_check_error (cold_apk_archive_unpack_index (path, keys_path, to, &error), error);
  g_assert_false (g_file_test (to, G_FILE_TEST_EXISTS));
  g_clear_error (&error);
  /* Of what the corpus holds. */
  sha256 = cold_apk_archive_check_package (path, "Q1+jo5ESOUiK+MCdZr5nX1j0+CEEE=", &error);
  fuzz_check_error (sha256 != NULL, error);
  return 0;
}
