/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "async-result.h"
#include "catalogue-fixture.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "loop-fixture.h"

static void
test_refresh (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdCatalogue) again = NULL;
  gint64 time;

  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 0);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  g_assert_null (catalogue_fixture_plan (fixture, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "no-catalogue: "));
  g_clear_error (&error);

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);
  time = cold_catalogue_get_time (fixture->catalogue);
  g_assert_cmpint (time, >, 0);
  g_assert_true (cold_catalogue_serves (fixture->catalogue, fixture->facts));

  /* Nothing new is no change. */
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);

  /* Another agent finds what this one left. */
  again = cold_catalogue_new (fixture->config);
  g_assert_cmpuint (cold_catalogue_get_generation (again), ==, 1);
  g_assert_cmpint (cold_catalogue_get_time (again), >=, time);
  g_assert_true (cold_catalogue_serves (again, fixture->facts));
}

static void
test_other_guests (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_free (fixture->facts->arch);
  fixture->facts->arch = g_strdup ("aarch64");
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
  g_free (fixture->facts->arch);
  fixture->facts->arch = g_strdup ("x86_64");
  g_free (fixture->facts->package_format);
  fixture->facts->package_format = g_strdup ("rpm");
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

/* What the catalogue says of its one repository. */
static void
assert_described (CatalogueFixture *fixture, const char *error)
{
  g_autoptr (JsonObject) about = cold_catalogue_describe (fixture->catalogue);
  JsonObject *repository = cold_json_array_object (cold_json_array (about, "repositories"), 0);

  g_assert_cmpint (cold_json_int (about, "generation"), ==, 1);
  g_assert_cmpint (cold_json_int (about, "time"), ==, cold_catalogue_get_time (fixture->catalogue));
  g_assert_cmpstr (cold_json_string (repository, "id"), ==, "test");
  g_assert_cmpuint (strlen (cold_json_string (repository, "generation")), ==, 64);
  if (error == NULL)
    {
      g_assert_cmpstr (cold_json_string (repository, "error"), ==, "");
      g_assert_cmpstr (cold_json_string (about, "error"), ==, "");
      return;
    }
  g_assert_nonnull (strstr (error, cold_json_string (repository, "error")));
  g_assert_cmpuint (strlen (cold_json_string (repository, "error")), >, 0);
  g_assert_cmpstr (cold_json_string (about, "error"), ==, error);
}

static void
test_failed_refresh (CatalogueFixture *fixture, gconstpointer data)
{
  g_autofree char *inrelease = repository_fixture_path (fixture->repository, "InRelease");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  catalogue_fixture_refresh (fixture, &error);
  g_assert_no_error (error);
  assert_described (fixture, NULL);
  g_assert_cmpint (g_unlink (inrelease), ==, 0);
  g_assert_false (catalogue_fixture_refresh (fixture, &error));
  assert_described (fixture, error->message);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "repository test"));
  g_clear_error (&error);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 1);
  made = catalogue_fixture_plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
}

/* Its failure is the refresh's, and not that of the guests that it would serve. */
static void
test_never_fetched (CatalogueFixture *fixture, gconstpointer data)
{
  const ColdRepository *known = g_ptr_array_index (fixture->config->repositories, 0);
  ColdRepository *absent = g_new0 (ColdRepository, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  absent->id = g_strdup ("absent");
  absent->type = g_strdup (known->type);
  absent->distribution = g_strdup ("debian");
  absent->version = g_strdup ("*");
  absent->arch = g_strdup ("x86_64");
  absent->uri = g_strconcat (known->uri, "/absent", NULL);
  absent->suites = g_strdupv (known->suites);
  absent->components = g_strdupv (known->components);
  absent->signed_by = g_strdup (known->signed_by);
  g_ptr_array_add (fixture->config->repositories, absent);
  g_assert_false (catalogue_fixture_refresh (fixture, &error));
  g_assert_nonnull (strstr (error->message, "repository absent"));
  g_clear_error (&error);
  made = catalogue_fixture_plan (fixture, &error);
  g_assert_no_error (error);
  g_assert_nonnull (repository_fixture_planned (made, "foo"));
}

static void
test_plans_are_shared (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first_result = NULL;
  g_autoptr (GAsyncResult) second_result = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) second = NULL;
  g_autoptr (JsonObject) third = NULL;
  g_autoptr (JsonObject) next = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, keep_result, &first_result);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, keep_result, &second_result);
  wait_for_result (&first_result);
  wait_for_result (&second_result);
  first = cold_catalogue_plan_finish (fixture->catalogue, first_result, &error);
  g_assert_no_error (error);
  second = cold_catalogue_plan_finish (fixture->catalogue, second_result, &error);
  third = catalogue_fixture_plan (fixture, &error);
  /* One worker made it: it is one object. */
  g_assert_true (first == second);
  g_assert_true (first == third);
  g_assert_cmpstr (cold_json_string (repository_fixture_planned (first, "foo"), "candidate"), ==, "1.1");

  repository_fixture_add (fixture->repository, "foo", "1.2", NULL);
  repository_fixture_index (fixture->repository, NULL);
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_cmpuint (fixture->changes, ==, 2);
  next = catalogue_fixture_plan (fixture, &error);
  g_assert_cmpstr (cold_json_string (repository_fixture_planned (next, "foo"), "candidate"), ==, "1.2");
}

#define MANY 10

/* What is wrong with one of those that go to one worker, here a manifest that has gone, is not the others' affair; nor does one
 * that is cancelled wait for them. */
static void
test_many_plans (CatalogueFixture *fixture, gconstpointer data)
{
  ColdFacts *guests[MANY];
  GAsyncResult *results[MANY] = { NULL };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *version = g_strdup_printf ("1.0.%u", i);
      g_autofree char *status = repository_fixture_installed ("foo", version, NULL);

      guests[i] = catalogue_fixture_make_guest (status);
    }
  missing = g_build_filename (COLD_MANIFEST_DIR, guests[3]->manifest, NULL);
  g_assert_cmpint (g_unlink (missing), ==, 0);
  for (guint i = 0; i < MANY; i++)
    cold_catalogue_plan_async (fixture->catalogue, guests[i], FALSE, NULL, i == 7 ? cancellable : NULL, keep_result, &results[i]);
  g_cancellable_cancel (cancellable);
  wait_for_result (&results[7]);
  for (guint i = 0; i < MANY; i++)
    g_assert_true (i == 7 || results[i] == NULL);
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (JsonObject) made = NULL;
      g_autofree char *version = g_strdup_printf ("1.0.%u", i);

      wait_for_result (&results[i]);
      made = cold_catalogue_plan_finish (fixture->catalogue, results[i], &error);
      if (i == 3)
        g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
      else if (i == 7)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_cmpstr (cold_json_string (repository_fixture_planned (made, "foo"), "installed"), ==, version);
      g_clear_error (&error);
      g_object_unref (results[i]);
      cold_facts_free (guests[i]);
    }
}

static void
test_cancelled_plan (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) patient = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  /* Somebody else still wants it. */
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, cancellable, keep_result, &cancelled);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, FALSE, NULL, NULL, keep_result, &patient);
  g_cancellable_cancel (cancellable);
  wait_for_result (&cancelled);
  wait_for_result (&patient);
  g_assert_null (cold_catalogue_plan_finish (fixture->catalogue, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  made = cold_catalogue_plan_finish (fixture->catalogue, patient, &error);
  g_assert_no_error (error);
  g_assert_nonnull (made);

  /* Nobody does. */
  g_clear_object (&cancelled);
  g_cancellable_reset (cancellable);
  cold_catalogue_plan_async (fixture->catalogue, fixture->facts, TRUE, NULL, cancellable, keep_result, &cancelled);
  g_cancellable_cancel (cancellable);
  wait_for_result (&cancelled);
  g_assert_null (cold_catalogue_plan_finish (fixture->catalogue, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  again = catalogue_fixture_plan (fixture, &error);
  g_assert_no_error (error);
}

static void
test_cancelled_fetch (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;

  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, NULL, keep_result, &first);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, cancellable, keep_result, &second);
  cold_catalogue_refresh_async (fixture->catalogue, fixture->guests, NULL, keep_result, &third);
  g_cancellable_cancel (cancellable);
  wait_for_result (&second);
  /* While the others wait for their turn or have it. */
  g_assert_null (first);
  g_assert_null (third);
  g_assert_false (cold_catalogue_refresh_finish (fixture->catalogue, second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  wait_for_result (&third);
  g_assert_true (cold_catalogue_refresh_finish (fixture->catalogue, first, &error));
  g_assert_true (cold_catalogue_refresh_finish (fixture->catalogue, third, &error));
  g_assert_no_error (error);
}

/* Returns: (transfer full): the plan, its packages fetched */
static JsonObject *
plan_and_fetch (CatalogueFixture *fixture)
{
  g_autoptr (GAsyncResult) fetched = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *made;

  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  made = catalogue_fixture_plan (fixture, &error);
  g_assert_no_error (error);
  cold_catalogue_fetch_async (fixture->catalogue, fixture->facts, made, NULL, keep_result, &fetched);
  wait_for_result (&fetched);
  cold_catalogue_fetch_finish (fixture->catalogue, fetched, &error);
  g_assert_no_error (error);
  return made;
}

static void
ask_for_bundle (CatalogueFixture *fixture, JsonObject *plan, GCancellable *cancellable, GAsyncResult **result)
{
  cold_catalogue_bundle_async (fixture->catalogue, fixture->facts, plan, cancellable, keep_result, result);
}

static ColdStoredBundle *
get_bundle (CatalogueFixture *fixture, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;
  ColdStoredBundle *bundle;

  wait_for_result (result);
  bundle = cold_catalogue_bundle_finish (fixture->catalogue, *result, &error);
  g_assert_no_error (error);
  g_clear_object (result);
  return bundle;
}

static void
test_bundle (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) made = plan_and_fetch (fixture);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (ColdStoredBundle) bundle = NULL;
  g_autofree char *folder = NULL;
  const char *path;
  GStatBuf st;

  ask_for_bundle (fixture, made, NULL, &result);
  bundle = get_bundle (fixture, &result);
  path = cold_stored_bundle_get_path (bundle);
  g_assert_cmpint (g_lstat (path, &st), ==, 0);
  g_assert_cmpint (st.st_size, >, 32768);
  /* Other guests' workers have the user that made it. */
  g_assert_cmpint (st.st_uid, ==, 0);
  g_assert_cmpint (st.st_mode, ==, S_IFREG | 0444);
  folder = g_path_get_dirname (path);
  g_assert_cmpint (g_lstat (folder, &st), ==, 0);
  g_assert_cmpint (st.st_uid, ==, 0);
  g_assert_cmpint (st.st_mode, ==, S_IFDIR | 0700);
}

static void
test_bundle_shared (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) made = plan_and_fetch (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;
  ColdStoredBundle *one, *other, *later;

  /* Whoever asked first goes away: what is made goes to the others. */
  ask_for_bundle (fixture, made, cancellable, &first);
  ask_for_bundle (fixture, made, NULL, &second);
  ask_for_bundle (fixture, made, NULL, &third);
  g_cancellable_cancel (cancellable);
  wait_for_result (&first);
  g_assert_null (second);
  g_assert_null (cold_catalogue_bundle_finish (fixture->catalogue, first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  one = get_bundle (fixture, &second);
  other = get_bundle (fixture, &third);
  g_assert_true (one == other);
  cold_stored_bundle_release (one);
  g_assert_true (g_file_test (cold_stored_bundle_get_path (other), G_FILE_TEST_IS_REGULAR));
  /* Nobody uses it for a while. */
  cold_stored_bundle_release (other);
  ask_for_bundle (fixture, made, NULL, &second);
  later = get_bundle (fixture, &second);
  g_assert_true (later == one);
  g_assert_true (g_file_test (cold_stored_bundle_get_path (later), G_FILE_TEST_IS_REGULAR));
  cold_stored_bundle_release (later);
  /* An emptied cache is filled again. */
  g_assert_cmpint (g_unlink (cold_stored_bundle_get_path (later)), ==, 0);
  ask_for_bundle (fixture, made, NULL, &second);
  later = get_bundle (fixture, &second);
  g_assert_true (g_file_test (cold_stored_bundle_get_path (later), G_FILE_TEST_IS_REGULAR));
  cold_stored_bundle_release (later);
}

/* By the linker's --wrap: what would come after minutes comes at once. */
static guint kept_seconds;

guint __real_g_timeout_add_seconds (guint seconds, GSourceFunc function, gpointer data);
guint __wrap_g_timeout_add_seconds (guint seconds, GSourceFunc function, gpointer data);

guint
__wrap_g_timeout_add_seconds (guint seconds, GSourceFunc function, gpointer data)
{
  if (seconds != COLD_BUNDLE_KEEP_SECONDS)
    return __real_g_timeout_add_seconds (seconds, function, data);
  kept_seconds = seconds;
  return g_timeout_add (1, function, data);
}

static void
test_bundle_kept_for_a_while (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) made = plan_and_fetch (fixture);
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *path = NULL;
  g_autofree char *folder = NULL;
  ColdStoredBundle *bundle;

  ask_for_bundle (fixture, made, NULL, &result);
  bundle = get_bundle (fixture, &result);
  path = g_strdup (cold_stored_bundle_get_path (bundle));
  folder = g_path_get_dirname (path);
  kept_seconds = 0;
  cold_stored_bundle_release (bundle);
  g_assert_cmpuint (kept_seconds, ==, COLD_BUNDLE_KEEP_SECONDS);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  WAIT_FOR (!g_file_test (folder, G_FILE_TEST_EXISTS));
  /* And is made anew. */
  ask_for_bundle (fixture, made, NULL, &result);
  bundle = get_bundle (fixture, &result);
  g_assert_true (g_file_test (cold_stored_bundle_get_path (bundle), G_FILE_TEST_IS_REGULAR));
  cold_stored_bundle_release (bundle);
}

static void
test_bundle_of_other_plan (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) made = plan_and_fetch (fixture);
  g_autoptr (JsonObject) less = cold_json_parse_object ("{\"packages\":[]}", -1, NULL);
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdStoredBundle) bundle = NULL;

  ask_for_bundle (fixture, made, NULL, &first);
  ask_for_bundle (fixture, less, NULL, &second);
  wait_for_result (&second);
  g_assert_null (cold_catalogue_bundle_finish (fixture->catalogue, second, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_clear_object (&second);
  bundle = get_bundle (fixture, &first);
  /* A failure is not kept. */
  ask_for_bundle (fixture, less, NULL, &second);
  wait_for_result (&second);
  g_assert_null (cold_catalogue_bundle_finish (fixture->catalogue, second, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

/* What guests have of another architecture is fetched for them as soon as it is known, and planned with. */
static void
test_foreign (CatalogueFixture *fixture, gconstpointer data)
{
  RepositoryFixture *repository = fixture->repository;
  g_autoptr (ColdFacts) foreign = NULL;
  g_autoptr (JsonObject) about = NULL;
  g_autofree char *path = repository_fixture_path (repository, "main/binary-i386/Packages.xz");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) made = NULL;

  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "2", "--arch", "amd64", "Multi-Arch: same", NULL);
  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "2", "--arch", "i386", "Multi-Arch: same", NULL);
  repository_fixture_index (repository, NULL);
  repository_fixture_run (repository, "index", repository->repository, "stable", repository->home, "--arch", "i386", NULL);
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, fixture->facts));

  foreign = catalogue_fixture_make_guest_with ("Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMulti-Arch: same\n\n"
                             "Package: lib\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\nMulti-Arch: same\n",
                             "i386");
  g_assert_true (cold_catalogue_lacks (fixture->catalogue, foreign));
  g_ptr_array_add (fixture->guests, foreign);
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_false (cold_catalogue_lacks (fixture->catalogue, foreign));
  cold_catalogue_plan_async (fixture->catalogue, foreign, FALSE, NULL, NULL, keep_result, &result);
  wait_for_result (&result);
  made = cold_catalogue_plan_finish (fixture->catalogue, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (cold_json_array (made, "packages")), ==, 2);

  /* Later it is damaged: that is told, and keeps nobody else from the rest. */
  repository_fixture_run (repository, "deb", repository->repository, "stable", "lib", "3", "--arch", "i386", "Multi-Arch: same", NULL);
  repository_fixture_run (repository, "index", repository->repository, "stable", repository->home, "--arch", "i386", NULL);
  g_assert_true (g_file_set_contents (path, "nonsense", -1, NULL));
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  about = cold_catalogue_describe (fixture->catalogue);
  g_assert_nonnull (strstr (cold_json_string (cold_json_array_object (cold_json_array (about, "repositories"), 0), "error"),
                            "binary-i386"));
}

static void
test_config_without_repositories (CatalogueFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_set_size (fixture->config->repositories, 0);
  g_assert_true (catalogue_fixture_refresh (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (cold_catalogue_get_generation (fixture->catalogue), ==, 0);
  g_assert_false (cold_catalogue_serves (fixture->catalogue, fixture->facts));
}

static void
add_tests (void)
{
  CATALOGUE_FIXTURE_ADD ("/catalogue/refresh", test_refresh);
  CATALOGUE_FIXTURE_ADD ("/catalogue/other-guests/not-served", test_other_guests);
  CATALOGUE_FIXTURE_ADD ("/catalogue/failed-refresh/keeps-the-last", test_failed_refresh);
  CATALOGUE_FIXTURE_ADD ("/catalogue/never-fetched/left-out", test_never_fetched);
  CATALOGUE_FIXTURE_ADD ("/catalogue/equal-plans/one-worker", test_plans_are_shared);
  CATALOGUE_FIXTURE_ADD ("/catalogue/many-plans/each-by-itself", test_many_plans);
  CATALOGUE_FIXTURE_ADD ("/catalogue/cancelled-plan", test_cancelled_plan);
  CATALOGUE_FIXTURE_ADD ("/catalogue/cancelled-fetch/at-once", test_cancelled_fetch);
  CATALOGUE_FIXTURE_ADD ("/catalogue/fetch-and-bundle", test_bundle);
  CATALOGUE_FIXTURE_ADD ("/catalogue/bundle/shared", test_bundle_shared);
  CATALOGUE_FIXTURE_ADD ("/catalogue/bundle/kept-for-a-while", test_bundle_kept_for_a_while);
  CATALOGUE_FIXTURE_ADD ("/catalogue/bundle/of-other-plan", test_bundle_of_other_plan);
  CATALOGUE_FIXTURE_ADD ("/catalogue/foreign-architecture/fetched-for-guests", test_foreign);
  CATALOGUE_FIXTURE_ADD ("/catalogue/no-repositories", test_config_without_repositories);
}

int
main (int argc, char *argv[])
{
  return catalogue_fixture_main (argc, argv, add_tests);
}
