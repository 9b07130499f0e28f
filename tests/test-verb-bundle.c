/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "cold-worker-resources.h"
#include "plan-fixture.h"
#include "repository-fixture.h"

#define LONG_NAME                                                                                                      \
  "librust-a-rather-long-name-of-a-package-as-they-appear-in-the-archive-with-many-features-and-some-more-of-them-dev"

/* Returns: (transfer full) (element-type utf8 GBytes): what is in the image, by name */
static GHashTable *
read_image (const char *path)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;

  archive_read_support_format_iso9660 (archive);
  g_assert_cmpint (archive_read_open_filename (archive, path, 65536), ==, ARCHIVE_OK);
  while (archive_read_next_header (archive, &entry) == ARCHIVE_OK)
    if (archive_entry_filetype (entry) == AE_IFREG)
      {
        gsize size = archive_entry_size (entry);
        char *data = g_malloc (size);

        g_assert_cmpint (archive_read_data (archive, data, size), ==, size);
        g_hash_table_insert (files, g_strdup (archive_entry_pathname (entry)), g_bytes_new_take (data, size));
      }
  archive_read_free (archive);
  return files;
}

static char *
text_of (GHashTable *files, const char *name)
{
  GBytes *bytes = g_hash_table_lookup (files, name);

  g_assert_nonnull (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* A repository with three packages, of which two are planned. */
static JsonObject *
make_plan (RepositoryFixture *fixture)
{
  g_autofree char *first = repository_fixture_installed ("libfoo++", "1:0.9", NULL);
  g_autofree char *second = repository_fixture_installed (LONG_NAME, "1.0", NULL);
  g_autofree char *status = g_strconcat (first, "\n", second, NULL);

  repository_fixture_add (fixture, "libfoo++", "1:1.0+dfsg~rc1-2+b1", NULL);
  repository_fixture_add (fixture, LONG_NAME, "1.1", NULL);
  repository_fixture_add (fixture, "unwanted", "1.1", NULL);
  repository_fixture_index (fixture, NULL);
  return repository_fixture_plan (fixture, status, NULL);
}

static JsonObject *
bundle (RepositoryFixture *fixture, JsonObject *plan, GError **error)
{
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);

  json_object_set_object_member (request, "plan", json_object_ref (plan));
  return cold_verb_bundle (request, error);
}

static JsonObject *
fetch_and_bundle (RepositoryFixture *fixture, JsonObject *plan, GError **error)
{
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (JsonObject) fetched = NULL;

  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (plan, "packages")));
  fetched = cold_verb_fetch (request, error);
  return fetched != NULL ? bundle (fixture, plan, error) : NULL;
}

static void
test_content (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autoptr (JsonObject) plan = make_plan (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = fetch_and_bundle (fixture, plan, &error);
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (JsonObject) description = NULL;
  g_autofree char *sources = NULL;
  g_autofree char *packages = NULL;
  g_autofree char *inrelease = NULL;
  g_autofree char *upstream_path = repository_fixture_path (fixture, "InRelease");
  g_autofree char *upstream = NULL;
  g_autofree char *json = NULL;
  JsonArray *described;

  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (result, "bundle"), ==, "bundle.iso");
  files = read_image (path);
  g_assert_cmpuint (g_hash_table_size (files), ==, 6);

  sources = text_of (files, "sources.list");
  g_assert_cmpstr (sources, ==, "deb http://coldpatch.invalid/test stable main\n");
  packages = text_of (files, "lists/coldpatch.invalid_test_dists_stable_main_binary-amd64_Packages");
  g_assert_nonnull (strstr (packages, "Package: libfoo++\n"));
  g_assert_nonnull (strstr (packages, "Package: " LONG_NAME "\n"));
  g_assert_null (strstr (packages, "unwanted"));
  inrelease = text_of (files, "lists/coldpatch.invalid_test_dists_stable_InRelease");
  g_assert_true (g_file_get_contents (upstream_path, &upstream, NULL, NULL));
  g_assert_cmpstr (inrelease, ==, upstream);

  json = text_of (files, "bundle.json");
  description = cold_json_parse_object (json, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (description, "manager"), ==, "apt");
  described = cold_json_array (description, "packages");
  g_assert_cmpuint (json_array_get_length (described), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *package = cold_json_array_object (described, i);
      GBytes *deb = g_hash_table_lookup (files, cold_json_string (package, "file"));
      g_autofree char *sha256 = NULL;

      g_assert_nonnull (deb);
      sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, deb);
      g_assert_cmpstr (cold_json_string (package, "sha256"), ==, sha256);
    }
  g_assert_true (g_hash_table_contains (files, "debs/libfoo++_1%3a1.0+dfsg~rc1-2+b1_all.deb"));
  g_assert_true (g_hash_table_contains (files, "debs/" LONG_NAME "_1.1_all.deb"));
}

/* Lists and packages of both architectures. */
static void
test_foreign (void)
{
  static const char status[] = "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMulti-Arch: same\n\n"
                               "Package: lib\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\nMulti-Arch: same\n";
  static const char *const archs[] = { "amd64", "i386" };
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *sources = NULL;

  fixture->foreign = "i386";
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    repository_fixture_run (fixture, "deb", fixture->repository, "stable", "lib", "2", "--arch", archs[i], "Multi-Arch: same", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    repository_fixture_run (fixture, "index", fixture->repository, "stable", fixture->home, "--arch", archs[i], NULL);
  plan = repository_fixture_plan (fixture, status, "\"foreign\":[\"i386\"]");
  result = fetch_and_bundle (fixture, plan, &error);
  g_assert_no_error (error);
  files = read_image (path);
  g_assert_cmpuint (g_hash_table_size (files), ==, 7);
  sources = text_of (files, "sources.list");
  g_assert_cmpstr (sources, ==, "deb http://coldpatch.invalid/test stable main\n");
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      g_autofree char *name = g_strdup_printf ("lists/coldpatch.invalid_test_dists_stable_main_binary-%s_Packages", archs[i]);
      g_autofree char *deb = g_strdup_printf ("debs/lib_2_%s.deb", archs[i]);
      g_autofree char *field = g_strdup_printf ("Architecture: %s\n", archs[i]);
      g_autofree char *packages = text_of (files, name);

      g_assert_nonnull (strstr (packages, field));
      g_assert_true (g_hash_table_contains (files, deb));
    }
}

/* Pins are for what is installed, too, as the one of the index that has it: without its entry, apt would take the guest's word. */
static void
test_installed_version (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autofree char *foo = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *bar = repository_fixture_installed ("bar", "1.0", NULL);
  g_autofree char *status = g_strconcat (foo, "\n", bar, NULL);
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *packages = NULL;

  repository_fixture_add (fixture, "foo", "0.9", NULL);
  repository_fixture_add (fixture, "foo", "1.0", NULL);
  repository_fixture_add (fixture, "foo", "1.1", NULL);
  repository_fixture_add (fixture, "bar", "1.0", NULL);
  repository_fixture_index (fixture, NULL);
  plan = repository_fixture_plan (fixture, status,
                                  "\"preferences\":[{\"text\":\"Package: foo\\nPin: release l=Test\\nPin-Priority: 50\"}]");
  result = fetch_and_bundle (fixture, plan, &error);
  g_assert_no_error (error);
  files = read_image (path);
  packages = text_of (files, "lists/coldpatch.invalid_test_dists_stable_main_binary-amd64_Packages");
  g_assert_nonnull (strstr (packages, "Version: 1.1\n"));
  g_assert_nonnull (strstr (packages, "Version: 1.0\n"));
  g_assert_null (strstr (packages, "Version: 0.9\n"));
  g_assert_null (strstr (packages, "Package: bar\n"));
  g_assert_false (g_hash_table_contains (files, "debs/foo_1.0_all.deb"));
}

/* Runs @command, for the shell, with the worker's script for apt read, and a guest beside it that knows nothing but @status and @config.
 * Returns: (transfer full): what it says */
static char *
run_script (RepositoryFixture *fixture, const char *status, const char *config, const char *preferences, const char *command)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) script = g_resource_lookup_data (cold_worker_get_resource (), "/org/coldpatch1/worker/apt.sh", 0, &error);
  g_autofree char *guest = g_build_filename (fixture->folder, "guest", NULL);
  g_autofree char *whole = g_strdup_printf (
      "%s\n"
      "mkdir -p '%s/var/lib/dpkg'; cd '%s'; mkdir -p work bundle etc/apt/apt.conf.d etc/apt/preferences.d; export APT_CONFIG=$PWD/apt.conf LC_ALL=C\n"
      "bsdtar -xf '%s/bundle.iso' -C bundle\n"
      "printf '%%s\\n' 'Dir \"%s\"; Dir::State::status \"%s/var/lib/dpkg/status\"; APT::Architecture \"amd64\"; %s' >apt.conf\n"
      "printf '%%s\\n' '%s' >var/lib/dpkg/status; printf '%%s\\n' '%s' >etc/apt/preferences\n"
      "WORK=$PWD/work BUNDLE=$PWD/bundle; %s",
      (const char *) g_bytes_get_data (script, NULL), guest, guest, fixture->scratch, guest, guest, config, status,
      preferences, command);
  g_autoptr (GSubprocess) process = NULL;
  char *text = NULL;

  g_assert_no_error (error);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "sh", "-ec", whole, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, &error));
  g_assert_true (g_subprocess_get_successful (process));
  return text;
}

/* The real apt does what was planned, although of the repositories it sees next to nothing. */
static void
test_real_apt (void)
{
  static const struct
  {
    const char *default_release;
    const char *preferences; /* each line ends with "\n" as in JSON */
  } cases[] = {
    { NULL, "" },
    { "elsewhere", "" },
    { "/^else/", "Package: *\\nPin: release a=elsewhere\\nPin-Priority: 600\\n" },
    { "stable", "Package: *\\nPin: release l=Test\\nPin-Priority: 50\\n" },
    { NULL, "Package: foo\\nPin: release l=Test\\nPin-Priority: 50\\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
      g_autofree char *member = g_strdup_printf ("\"preferences\":[{\"text\":\"%s\"}]%s%s%s", cases[i].preferences,
                                                 cases[i].default_release != NULL ? ",\"default-release\":\"" : "",
                                                 cases[i].default_release != NULL ? cases[i].default_release : "",
                                                 cases[i].default_release != NULL ? "\"" : "");
      g_autofree char *config = cases[i].default_release != NULL
                                    ? g_strdup_printf ("APT::Default-Release \"%s\";", cases[i].default_release)
                                    : g_strdup ("");
      g_autofree char *preferences = g_strcompress (cases[i].preferences);
      g_autofree char *text = NULL;
      g_autoptr (JsonObject) plan = NULL;
      g_autoptr (JsonObject) result = NULL;
      g_autoptr (GError) error = NULL;

      repository_fixture_add (fixture, "foo", "1.0", NULL);
      repository_fixture_add (fixture, "foo", "1.1", NULL);
      repository_fixture_add (fixture, "bar", "1.1", NULL);
      repository_fixture_index (fixture, NULL);
      plan = repository_fixture_plan (fixture, status, member);
      g_assert_nonnull (repository_fixture_planned (plan, "foo"));
      result = fetch_and_bundle (fixture, plan, &error);
      g_assert_no_error (error);
      text = run_script (fixture, status, config, preferences,
                         "configure_apt; apt-get -s -c \"$WORK/apt.conf\" --no-download --no-remove upgrade --with-new-pkgs");
      g_assert_nonnull (strstr (text, "\nInst foo [1.0] (1.1 "));
      g_assert_null (strstr (text, "bar"));
    }
}

static void
test_list_names (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autoptr (JsonObject) plan = make_plan (fixture);
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autoptr (JsonObject) fetched = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autoptr (GHashTable) files = NULL;
  g_autofree char *sources = NULL;

  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (plan, "packages")));
  fetched = cold_verb_fetch (request, &error);
  g_assert_no_error (error);
  json_object_set_string_member (repository_fixture_entry (request), "uri",
                                 "http://user:secret@mirror.invalid:8080/some_where/~x/");
  json_object_set_object_member (request, "plan", json_object_ref (plan));
  result = cold_verb_bundle (request, &error);
  g_assert_no_error (error);
  files = read_image (path);
  /* As apt 2.6 names them. */
  g_assert_true (g_hash_table_contains (
      files, "lists/mirror.invalid:8080_some%5fwhere_%7ex_dists_stable_main_binary-amd64_Packages"));
  sources = text_of (files, "sources.list");
  g_assert_null (strstr (sources, "secret"));
}

/* The name of one component is within that of another. */
static void
test_components (void)
{
  static const char *const components[] = { "main", "non-free-firmware", "non-free", NULL };
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autoptr (JsonObject) request = repository_fixture_request (fixture);
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *manifest = g_build_filename (fixture->folder, "manifest.json", NULL);
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autoptr (JsonObject) description = json_object_new ();
  g_autoptr (JsonObject) metadata = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (JsonObject) fetched = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GHashTable) files = NULL;
  g_autofree char *sources = NULL;
  g_autoptr (GError) error = NULL;

  repository_fixture_add (fixture, "foo", "1.1", NULL);
  for (guint i = 0; components[i] != NULL; i++)
    repository_fixture_run (fixture, "index", fixture->repository, "stable", fixture->home, "--component", components[i], NULL);
  cold_json_set_strv (repository_fixture_entry (request), "components", components);
  json_object_set_string_member (description, "format", "deb");
  json_object_set_string_member (description, "native", "amd64");
  json_object_set_string_member (description, "status", status);
  g_assert_true (cold_json_save_file (manifest, description, NULL));
  json_object_set_string_member (request, "what", "metadata");
  metadata = cold_verb_fetch (request, &error);
  g_assert_no_error (error);
  plan = plan_fixture_make (request, &error);
  g_assert_no_error (error);
  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (plan, "packages")));
  fetched = cold_verb_fetch (request, &error);
  g_assert_no_error (error);
  json_object_set_object_member (request, "plan", json_object_ref (plan));
  result = cold_verb_bundle (request, &error);
  g_assert_no_error (error);
  files = read_image (path);
  sources = text_of (files, "sources.list");
  g_assert_cmpstr (sources, ==, "deb http://coldpatch.invalid/test stable main non-free-firmware non-free\n");
}

static void
test_damaged_package (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autoptr (JsonObject) plan = make_plan (fixture);
  JsonObject *package = repository_fixture_planned (plan, "libfoo++");
  const char *sha256 = cold_json_string (package, "sha256");
  g_autofree char *folder = g_strndup (sha256, 2);
  g_autofree char *cached = g_build_filename (fixture->catalogue, "packages", folder, sha256, NULL);
  g_autofree char *path = g_build_filename (fixture->scratch, "bundle.iso", NULL);
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) first = fetch_and_bundle (fixture, plan, &error);
  g_autoptr (JsonObject) again = NULL;
  gsize length;

  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (cached, &data, &length, NULL));
  data[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (cached, data, length, NULL));
  g_assert_null (bundle (fixture, plan, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_clear_error (&error);

  /* The next fetch finds it, too. */
  again = fetch_and_bundle (fixture, plan, &error);
  g_assert_no_error (error);
}

static void
test_outdated_plan (void)
{
  g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
  g_autoptr (JsonObject) plan = make_plan (fixture);
  g_autoptr (JsonObject) first = fetch_and_bundle (fixture, plan, NULL);
  g_autoptr (JsonObject) refreshed = NULL;
  g_autofree char *pool = g_build_filename (fixture->repository, "pool", "stable", "libfoo++_1.0+dfsg~rc1-2+b1_all.deb", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (first);
  g_assert_cmpint (g_unlink (pool), ==, 0);
  repository_fixture_index (fixture, NULL);
  refreshed = repository_fixture_refresh (fixture);
  g_assert_true (cold_json_bool (refreshed, "ok"));
  g_assert_null (fetch_and_bundle (fixture, plan, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
}

static void
test_hostile_plan (void)
{
  static const char *const members[][2]
      = { { "name", "../../x" }, { "candidate", "1/2" }, { "arch", "" }, { "sha256", "../../../etc/passwd" } };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (RepositoryFixture) fixture = repository_fixture_new ();
      g_autoptr (JsonObject) plan = make_plan (fixture);
      g_autoptr (JsonObject) request = repository_fixture_request (fixture);
      g_autoptr (GError) error = NULL;

      json_object_set_string_member (cold_json_array_object (cold_json_array (plan, "packages"), 0), members[i][0],
                                     members[i][1]);
      json_object_set_object_member (request, "plan", json_object_ref (plan));
      g_assert_null (cold_verb_bundle (request, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bundle/content", test_content);
  g_test_add_func ("/bundle/foreign-architecture", test_foreign);
  g_test_add_func ("/bundle/installed-version/is-listed", test_installed_version);
  g_test_add_func ("/bundle/real-apt-takes-it", test_real_apt);
  g_test_add_func ("/bundle/list-names", test_list_names);
  g_test_add_func ("/bundle/each-component-by-its-whole-name", test_components);
  g_test_add_func ("/bundle/damaged-package/refused", test_damaged_package);
  g_test_add_func ("/bundle/outdated-plan/refused", test_outdated_plan);
  g_test_add_func ("/bundle/hostile-plan/refused", test_hostile_plan);
  return g_test_run ();
}
