/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "repository-fixture.h"

static void
assert_refused (RepositoryFixture *fixture, const char *code, const char *words)
{
  g_autoptr (JsonObject) answer = repository_fixture_refresh (fixture);

  g_assert_false (cold_json_bool (answer, "ok"));
  g_assert_cmpstr (cold_json_string (answer, "code"), ==, code);
  if (strstr (cold_json_string (answer, "error"), words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", cold_json_string (answer, "error"), words);
}

/* Returns: (transfer full): the generation */
static char *
assert_fetched (RepositoryFixture *fixture, gboolean changed)
{
  g_autoptr (JsonObject) answer = repository_fixture_refresh (fixture);

  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  g_assert_true (cold_json_bool (answer, "ok"));
  g_assert_cmpint (cold_json_bool (answer, "changed"), ==, changed);
  return g_strdup (cold_json_string (answer, "generation"));
}

static char *
current (RepositoryFixture *fixture)
{
  g_autofree char *link = g_build_filename (fixture->catalogue, "repositories", "test", "current", NULL);

  return g_file_read_link (link, NULL);
}

static RepositoryFixture *
fixture_with_one (const char *field)
{
  RepositoryFixture *fixture = repository_fixture_new ();

  repository_fixture_add (fixture, "foo", "1.0", NULL);
  repository_fixture_index (fixture, field);
  return fixture;
}

static void
test_good (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *first = assert_fetched (fixture, TRUE);
  g_autofree char *again = assert_fetched (fixture, FALSE);
  g_autofree char *held = current (fixture);

  g_assert_cmpstr (first, ==, again);
  g_assert_cmpstr (first, ==, held);
}

static void
test_change (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one ("Date: Mon, 06 Jan 2020 00:00:00 UTC");
  g_autofree char *first = assert_fetched (fixture, TRUE);
  g_autofree char *second = NULL;
  g_autofree char *old = g_build_filename (fixture->catalogue, "repositories", "test", first, "generation.json", NULL);

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_index (fixture, NULL);
  second = assert_fetched (fixture, TRUE);
  g_assert_cmpstr (first, !=, second);
  /* Workers may still read it. */
  g_assert_true (g_file_test (old, G_FILE_TEST_EXISTS));
}

static void
test_tampered (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *path = repository_fixture_path (fixture, "InRelease");
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  memcpy (strstr (text, "Origin: Test"), "Origin: Fake", 12);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  assert_refused (fixture, "Signature", "does not match");
}

static void
test_unsigned (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *in = repository_fixture_path (fixture, "Release");
  g_autofree char *out = repository_fixture_path (fixture, "InRelease");

  g_assert_cmpint (g_rename (in, out), ==, 0);
  assert_refused (fixture, "Signature", "no signature");
}

static void
test_text_around (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *path = repository_fixture_path (fixture, "InRelease");
  g_autofree char *text = NULL;
  g_autofree char *around = NULL;
  g_autofree char *generation = NULL;
  g_autofree char *description = NULL;
  g_autoptr (JsonObject) held = NULL;
  JsonObject *suite;

  g_file_get_contents (path, &text, NULL, NULL);
  around = g_strconcat ("Origin: Evil\nDate: Mon, 05 Jan 2099 00:00:00 UTC\n\n", text, "\nLabel: Evil\n", NULL);
  g_file_set_contents (path, around, -1, NULL);
  generation = assert_fetched (fixture, TRUE);
  description = g_build_filename (fixture->catalogue, "repositories", "test", generation, "generation.json", NULL);
  held = cold_json_load_file (description, NULL);
  suite = cold_json_array_object (cold_json_array (held, "suites"), 0);
  g_assert_cmpstr (cold_json_string (suite, "origin"), ==, "Test");
  g_assert_cmpstr (cold_json_string (suite, "label"), ==, "Test");
}

static void
test_other_key (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autoptr (RepositoryFixture) other = repository_fixture_new ();
  g_autofree char *keys = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (other->keyring, &keys, &length, NULL));
  g_assert_true (g_file_set_contents (fixture->keyring, keys, length, NULL));
  assert_refused (fixture, "Signature", "no key of the keyring");
}

static void
test_no_keyring (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);

  g_unlink (fixture->keyring);
  assert_refused (fixture, "Signature", "keyring");
}

static void
test_no_signed_by (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (JsonObject) answer = NULL;
  JsonObject *one;

  json_object_set_string_member (request, "what", "metadata");
  json_object_remove_member (repository_fixture_entry (request), "signed-by");
  answer = cold_verb_fetch (request, NULL);
  one = repository_fixture_entry (answer);
  g_assert_false (cold_json_bool (one, "ok"));
  g_assert_nonnull (strstr (cold_json_string (one, "error"), "SignedBy"));
}

static void
test_armoured_keyring (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *keys = NULL;
  g_autofree char *base64 = NULL;
  g_autofree char *armour = NULL;
  g_autofree char *generation = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (fixture->keyring, &keys, &length, NULL));
  base64 = g_base64_encode ((const guchar *) keys, length);
  armour = g_strdup_printf ("-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: test\n\n%s\n"
                            "-----END PGP PUBLIC KEY BLOCK-----\n", base64);
  g_assert_true (g_file_set_contents (fixture->keyring, armour, -1, NULL));
  generation = assert_fetched (fixture, TRUE);
  g_assert_nonnull (generation);
}

static void
test_expired (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one ("Valid-Until: Mon, 06 Jan 2020 00:00:00 UTC");

  assert_refused (fixture, "Signature", "expired at 2020-01-06");
}

static void
test_replayed (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *held = assert_fetched (fixture, TRUE);
  g_autofree char *still = NULL;

  repository_fixture_index (fixture, "Date: Mon, 06 Jan 2020 00:00:00 UTC");
  assert_refused (fixture, "Signature", "older");
  still = current (fixture);
  g_assert_cmpstr (still, ==, held);
}

/* All suites of a distribution are signed by one key: a mirror must not serve one for another. */
static void
test_other_suite (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one ("Date: Mon, 05 Jan 2026 00:00:00 UTC");
  g_autofree char *held = assert_fetched (fixture, TRUE);
  g_autofree char *still = NULL;

  repository_fixture_run (fixture, "index", fixture->repository, "stable", fixture->home, "Suite: unstable", "Codename: sid", NULL);
  assert_refused (fixture, "Signature", "another suite (Suite \"unstable\", Codename \"sid\")");
  still = current (fixture);
  g_assert_cmpstr (still, ==, held);
}

static void
test_changed_identity (void)
{
  static const char *const fields[][2] = { { "Origin: Evil", "its Origin was \"Test\" and is \"Evil\" now" },
                                           { "Label: Backports", "its Label was \"Test\"" },
                                           { "Codename: trixie", "its Codename was \"stable\" and is \"trixie\" now" } };
  g_autoptr (RepositoryFixture) fixture = fixture_with_one ("Date: Mon, 05 Jan 2026 00:00:00 UTC");
  g_autofree char *held = assert_fetched (fixture, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      repository_fixture_index (fixture, fields[i][0]);
      assert_refused (fixture, "Signature", fields[i][1]);
      assert_refused (fixture, "Signature", "remove the folder repositories/test");
    }
  repository_fixture_index (fixture, "Version: 12.9");
  g_free (held);
  held = assert_fetched (fixture, TRUE);
}

/* Otherwise every honest one after it would be a replay. */
static void
test_future (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one ("Date: Mon, 05 Jan 2099 00:00:00 UTC");
  g_autofree char *generation = NULL;

  assert_refused (fixture, "Signature", "in the future");
  repository_fixture_index (fixture, NULL);
  generation = assert_fetched (fixture, TRUE);
}

static void
set_index (RepositoryFixture *fixture, const char *name, const char *data, gsize length)
{
  const char *const names[] = { "Packages.xz", "Packages.gz", "Packages" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *inside = g_strconcat ("main/binary-amd64/", names[i], NULL);
      g_autofree char *path = repository_fixture_path (fixture, inside);

      g_unlink (path);
      if (g_str_equal (names[i], name))
        g_assert_true (g_file_set_contents (path, data, length, NULL));
    }
  repository_fixture_run (fixture, "sign", fixture->repository, "stable", fixture->home, NULL);
}

/* Each form of an index in turn is the only one that is listed, and is damaged after it was signed. */
static void
test_wrong_hash (void)
{
  const char *const names[] = { "Packages.xz", "Packages.gz", "Packages" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
      g_autofree char *inside = g_strconcat ("main/binary-amd64/", names[i], NULL);
      g_autofree char *path = repository_fixture_path (fixture, inside);
      g_autofree char *data = NULL;
      g_autofree char *held = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &data, &length, NULL));
      set_index (fixture, names[i], data, length);
      data[length / 2] ^= 1;
      g_assert_true (g_file_set_contents (path, data, length, NULL));
      assert_refused (fixture, "Signature", "not the file");
      held = current (fixture);
      g_assert_null (held);
    }
}

static void
test_truncated_xz (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *path = repository_fixture_path (fixture, "main/binary-amd64/Packages.xz");
  g_autofree char *data = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  set_index (fixture, "Packages.xz", data, length / 2);
  assert_refused (fixture, "Signature", "unpack");
}

static void
test_no_packages (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  const char *text = "<html>Please log in</html>\n";

  set_index (fixture, "Packages", text, strlen (text));
  assert_refused (fixture, "Signature", "no list of Debian packages");
  set_index (fixture, "Packages", "", 0);
  assert_refused (fixture, "Config", "no package");
}

static void
test_wrong_suffix (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *path = repository_fixture_path (fixture, "main/binary-amd64/Packages.gz");
  g_autofree char *data = NULL;
  g_autofree char *generation = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  set_index (fixture, "Packages.xz", data, length);
  generation = assert_fetched (fixture, TRUE);
}

static void
test_missing_component (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (JsonObject) answer = NULL;
  const char *const components[] = { "main", "contrib", NULL };

  json_object_set_string_member (request, "what", "metadata");
  cold_json_set_strv (repository_fixture_entry (request), "components", components);
  answer = cold_verb_fetch (request, NULL);
  g_assert_false (cold_json_bool (repository_fixture_entry (answer), "ok"));
  g_assert_nonnull (strstr (cold_json_string (repository_fixture_entry (answer), "error"), "contrib"));
}

static void
test_names_leave_nothing (void)
{
  const char *const bad[] = { "../x", "a/b", ".", "..", "", ".hidden", "a b" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (JsonObject) request = json_object_new ();
      g_autoptr (JsonObject) answer = NULL;
      g_autofree char *text = g_strdup_printf (
          "{\"what\":\"metadata\",\"catalogue\":\"/nonexistent\",\"scratch\":\"/nonexistent\",\"repositories\":[{\"id\":"
          "\"%s\",\"type\":\"deb\",\"uri\":\"file:///x\",\"suites\":[\"a\"],\"components\":[\"b\"],\"architectures\":"
          "[\"c\"]}]}",
          bad[i]);

      json_object_unref (request);
      request = cold_json_parse_object (text, -1, NULL);
      answer = cold_verb_fetch (request, NULL);
      g_assert_cmpstr (cold_json_string (repository_fixture_entry (answer), "code"), ==, "InvalidArgument");
    }
}

static JsonObject *
fetch_package (RepositoryFixture *fixture, JsonObject *package, gint64 max, GError **error)
{
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  JsonArray *files = json_array_new ();

  json_array_add_object_element (files, json_object_ref (package));
  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", files);
  json_object_set_int_member (request, "cache-max", max);
  return cold_verb_fetch (request, error);
}

static void
test_package_once (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *status = repository_fixture_installed ("foo", "0.9", NULL);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, NULL);
  JsonObject *package = repository_fixture_planned (plan, "foo");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) first = fetch_package (fixture, package, 1, &error);
  g_autoptr (JsonObject) second = fetch_package (fixture, package, 1, &error);

  g_assert_no_error (error);
  g_assert_cmpint (cold_json_int (first, "fetched"), ==, 1);
  g_assert_cmpint (cold_json_int (first, "bytes"), ==, cold_json_int (package, "size"));
  /* What was asked for stays, however small the limit. */
  g_assert_cmpint (cold_json_int (second, "fetched"), ==, 0);
  g_assert_cmpint (cold_json_int (second, "cached"), ==, 1);
}

static void
test_package_changed (void)
{
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);
  g_autofree char *status = repository_fixture_installed ("foo", "0.9", NULL);
  g_autoptr (JsonObject) plan = repository_fixture_plan (fixture, status, NULL);
  JsonObject *package = repository_fixture_planned (plan, "foo");
  g_autofree char *path = g_build_filename (fixture->repository, cold_json_string (package, "path"), NULL);
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  data[length - 1] ^= 1;
  g_assert_true (g_file_set_contents (path, data, length, NULL));
  g_assert_null (fetch_package (fixture, package, 0, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_clear_error (&error);
  json_object_set_string_member (package, "path", "../../etc/passwd");
  g_assert_null (fetch_package (fixture, package, 0, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

/* The same repository, as if a guest's source list named it: this host's files and addresses are none of its business. */
static void
test_of_guest (void)
{
  static const char *const uris[] = { NULL, "http://127.0.0.1:9/debian", "http://localhost:9/debian", "http://mirror.example.net/debian" };
  g_autoptr (RepositoryFixture) fixture = fixture_with_one (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (JsonObject) request = repository_fixture_request (fixture);
      g_autoptr (JsonObject) answer = NULL;
      g_autoptr (GError) error = NULL;
      JsonArray *allowed = json_array_new ();

      json_array_add_string_element (allowed, "*.example.org");
      json_object_set_array_member (request, "allow-hosts", allowed);
      json_object_set_string_member (request, "what", "metadata");
      json_object_set_boolean_member (repository_fixture_entry (request), "from-guest", TRUE);
      if (uris[i] != NULL)
        json_object_set_string_member (repository_fixture_entry (request), "uri", uris[i]);
      answer = cold_verb_fetch (request, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (cold_json_string (repository_fixture_entry (answer), "code"), ==, "AccessDenied");
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fetch/good-then-unchanged", test_good);
  g_test_add_func ("/fetch/new-generation-keeps-the-last", test_change);
  g_test_add_func ("/fetch/tampered-release/refused", test_tampered);
  g_test_add_func ("/fetch/unsigned-release/refused", test_unsigned);
  g_test_add_func ("/fetch/text-around-the-signed-one/ignored", test_text_around);
  g_test_add_func ("/fetch/other-key/refused", test_other_key);
  g_test_add_func ("/fetch/missing-keyring/refused", test_no_keyring);
  g_test_add_func ("/fetch/no-signed-by/refused", test_no_signed_by);
  g_test_add_func ("/fetch/armoured-keyring", test_armoured_keyring);
  g_test_add_func ("/fetch/expired/refused", test_expired);
  g_test_add_func ("/fetch/replayed/refused", test_replayed);
  g_test_add_func ("/fetch/other-suite/refused", test_other_suite);
  g_test_add_func ("/fetch/changed-identity/refused", test_changed_identity);
  g_test_add_func ("/fetch/date-in-the-future/refused", test_future);
  g_test_add_func ("/fetch/wrong-hash/refused", test_wrong_hash);
  g_test_add_func ("/fetch/truncated-xz/refused", test_truncated_xz);
  g_test_add_func ("/fetch/no-packages/refused", test_no_packages);
  g_test_add_func ("/fetch/wrong-suffix", test_wrong_suffix);
  g_test_add_func ("/fetch/missing-component/refused", test_missing_component);
  g_test_add_func ("/fetch/names-that-leave-the-folder/refused", test_names_leave_nothing);
  g_test_add_func ("/fetch/of-a-guest/only-where-allowed", test_of_guest);
  g_test_add_func ("/fetch/package-once", test_package_once);
  g_test_add_func ("/fetch/changed-package/refused", test_package_changed);
  return g_test_run ();
}
