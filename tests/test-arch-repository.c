/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repositories of pacman from fetch to bundle, made by the real repo-add. */
#include "cold-arch-version.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "folder-fixture.h"

static void
setup (FolderFixture *f, gconstpointer data)
{
  folder_init (f, "arch", g_getenv ("TEST_MAKE_PACMAN"));
  folder_shell (f, "\"$TEST_MAKE_REPOSITORY\" key gpg keyring");
}

static void
teardown (FolderFixture *f, gconstpointer data)
{
  folder_shell (f, "\"$TEST_MAKE_REPOSITORY\" end gpg");
  folder_clear (f);
}

/* @words: NAME VERSION and what else make-pacman takes, for the shell */
static void
add (FolderFixture *f, const char *repository, const char *words)
{
  folder_shell (f, "make package %s %s", repository, words);
}

static void
publish (FolderFixture *f, const char *repository)
{
  folder_shell (f, "make database %s %s gpg", repository, repository);
}

/* @installed: "name version[ requirement| +provided],..."; @held: JSON strings */
static JsonObject *
plan (FolderFixture *f, const char *repositories, const char *installed, const char *held)
{
  g_auto (GStrv) packages = g_strsplit (installed, ",", -1);
  g_autoptr (GString) text = g_string_new ("{\"version\":1,\"format\":\"pacman\",\"manager\":\"pacman\",\"arch\":\"x86_64\","
                                           "\"installed\":[");

  for (guint i = 0; packages[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (packages[i], " ", 3);
      gboolean provides = words[2] != NULL && words[2][0] == '+';
      g_autofree char *more = words[2] != NULL ? g_strdup_printf ("\"%s\"", words[2] + provides) : g_strdup ("");

      g_string_append_printf (text, "%s{\"name\":\"%s\",\"evr\":\"%s\",\"arch\":\"any\",\"provides\":[%s],"
                                    "\"requires\":[%s],\"conflicts\":[],\"obsoletes\":[]}",
                              i > 0 ? "," : "", words[0], words[1], provides ? more : "", provides ? "" : more);
    }
  g_string_append_printf (text, "],\"held\":[%s],\"excludes\":[],\"broken\":[]}", held);
  return folder_plan (f, repositories, text->str);
}

/* The same, after all of it was published and fetched. */
static JsonObject *
publish_and_plan (FolderFixture *f, const char *repositories, const char *installed, const char *held)
{
  g_auto (GStrv) names = g_strsplit (repositories, " ", -1);

  for (guint i = 0; names[i] != NULL; i++)
    publish (f, names[i]);
  folder_refresh_well (f, repositories);
  return plan (f, repositories, installed, held);
}

/* --- fetch ----------------------------------------------------------------------------------------------------------- */

static void
test_fetch (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (JsonObject) later = NULL;

  add (f, "one", "a 1-1");
  add (f, "one", "b 1-1");
  publish (f, "one");
  first = folder_refresh (f, "");
  g_assert_true (cold_json_bool (first, "ok"));
  g_assert_true (cold_json_bool (first, "changed"));
  g_assert_cmpint (cold_json_int (first, "packages"), ==, 2);
  again = folder_refresh (f, "");
  g_assert_true (cold_json_bool (again, "ok"));
  g_assert_false (cold_json_bool (again, "changed"));
  g_assert_cmpint (cold_json_int (again, "packages"), ==, 2);
  g_assert_cmpstr (cold_json_string (again, "generation"), ==, cold_json_string (first, "generation"));
  add (f, "one", "c 1-1");
  publish (f, "one");
  later = folder_refresh (f, "");
  g_assert_true (cold_json_bool (later, "changed"));
  g_assert_cmpint (cold_json_int (later, "packages"), ==, 3);
}

static void
test_unsigned (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) answer = NULL;

  add (f, "one", "a 1-1");
  folder_shell (f, "make database one one");
  folder_assert_refused (f, "", "DatabaseSignature=none");
  answer = folder_refresh (f, ",\"unsigned-database\":true");
  g_assert_true (cold_json_bool (answer, "ok"));
}

static void
test_changed (FolderFixture *f, gconstpointer data)
{
  add (f, "one", "a 1-1");
  publish (f, "one");
  folder_refresh_well (f, "one");
  folder_shell (f, "cp one/one.db.tar.gz.sig old.sig");
  add (f, "one", "evil 1-1");
  publish (f, "one");
  folder_shell (f, "cp old.sig one/one.db.tar.gz.sig");
  folder_assert_refused (f, "", "changed after it was signed");
}

static void
test_other_key (FolderFixture *f, gconstpointer data)
{
  add (f, "one", "a 1-1");
  publish (f, "one");
  folder_shell (f, "\"$TEST_MAKE_REPOSITORY\" key other keyring; \"$TEST_MAKE_REPOSITORY\" end other");
  folder_assert_refused (f, "", "by no key of the keyring");
}

static void
test_replayed (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) kept = NULL;

  add (f, "one", "a 1-1 --date 1700000000");
  publish (f, "one");
  folder_shell (f, "cp -a one old");
  add (f, "one", "a 2-1 --date 1700000001");
  folder_shell (f, "rm one/a-1-1*");
  publish (f, "one");
  folder_refresh_well (f, "one");
  folder_shell (f, "rm -r one && mv old one");
  folder_assert_refused (f, "", "older than the one that the catalogue holds");
  kept = plan (f, "one", "a 1-1", "");
  folder_assert_planned (kept, "a 1-1 2-1");
}

/* A repository that loses its newest package is no older. */
static void
test_removed (FolderFixture *f, gconstpointer data)
{
  add (f, "one", "a 1-1 --date 1700000000");
  add (f, "one", "b 1-1 --date 1700000100");
  publish (f, "one");
  folder_refresh_well (f, "one");
  folder_shell (f, "rm -r one");
  add (f, "one", "a 1-1 --date 1700000000");
  publish (f, "one");
  folder_refresh_well (f, "one");
}

/* One package of before among new ones. */
static void
test_one_replayed (FolderFixture *f, gconstpointer data)
{
  add (f, "one", "a 2-1 --date 1700000001");
  publish (f, "one");
  folder_refresh_well (f, "one");
  folder_shell (f, "rm -r one");
  add (f, "one", "a 1-1 --date 1700000000");
  add (f, "one", "b 1-1 --date 1700000100");
  publish (f, "one");
  folder_assert_refused (f, "", "a is older than the one that the catalogue holds");
}

static void
test_future (FolderFixture *f, gconstpointer data)
{
  add (f, "one", "a 1-1 --date 4000000000");
  publish (f, "one");
  folder_assert_refused (f, "", "a was built in the future");
}

/* A signed database whose content is @command's work, on the unpacked one of a package a 1-1 */
static void
test_garbage (FolderFixture *f, gconstpointer command)
{
  add (f, "one", "a 1-1");
  publish (f, "one");
  folder_shell (f, "mkdir db && tar -xzf one/one.db.tar.gz -C db && cd db && %s\n"
                   "cd .. && rm one/one.db* && tar -czf one/one.db -C db . && "
                   "gpg --homedir gpg --batch --quiet --detach-sign -o one/one.db.sig one/one.db",
                (const char *) command);
  folder_assert_refused (f, "", "database is refused");
}

/* --- plan ------------------------------------------------------------------------------------------------------------ */

static void
test_plan (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1 'depend = c>=2'");
  add (f, "one", "b 1-1");
  add (f, "one", "c 2-1");
  add (f, "one", "newer-here 1-1");
  add (f, "one", "unwanted 1-1");
  planned = publish_and_plan (f, "one", "a 1-1,b 1-1,newer-here 2-1,local 1-1", "");
  folder_assert_planned (planned, "a 1-1 2-1,c  2-1");
  folder_assert_names (planned, "kept-back", "");
  folder_assert_names (planned, "problems", "");
}

/* Usage= of the guest, whoever named the repository to the catalogue. */
static void
test_unused (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1");
  add (f, "two", "a 3-1");
  add (f, "two", "b 2-1");
  planned = publish_and_plan (f, "two one", "a 1-1,b 1-1", "],\"unused\":[\"two\"");
  folder_assert_planned (planned, "a 1-1 2-1");
  folder_assert_names (planned, "kept-back", "");
}

/* rpm's order has 1.0rc1 after 1.0, and 1.0a after 1.0. */
static void
test_vercmp_order (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "released 1.0-1 'depend = lib>1.0rc2'");
  add (f, "one", "candidate 1.0rc1-1");
  add (f, "one", "lib 1.0-1");
  planned = publish_and_plan (f, "one", "released 1.0rc1-1,candidate 1.0-1,lib 1.0rc2-1", "");
  folder_assert_planned (planned, "lib 1.0rc2-1 1.0-1,released 1.0rc1-1 1.0-1");
}

static void
test_ignored (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "linux 2-1");
  add (f, "one", "linux-docs 2-1");
  add (f, "one", "gedit 2-1 'group = other' 'group = gnome'");
  add (f, "one", "free 2-1");
  add (f, "one", "needy 2-1 'depend = ignored-new'");
  add (f, "one", "ignored-new 2-1");
  planned = publish_and_plan (f, "one", "linux 1-1,linux-docs 1-1,gedit 1-1,free 1-1,needy 1-1",
                              "\"linux*\",\"group:gnome\",\"ignored-new\"");
  folder_assert_planned (planned, "free 1-1 2-1");
  folder_assert_names (planned, "held", "linux linux-docs gedit");
  folder_assert_names (planned, "kept-back", "needy");
}

/* pacman asks one repository after the other, and does not look for the highest version. */
static void
test_first_repository (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1");
  add (f, "two", "a 3-1");
  add (f, "two", "b 2-1");
  planned = publish_and_plan (f, "one two", "a 1-1,b 1-1", "");
  folder_assert_planned (planned, "a 1-1 2-1,b 1-1 2-1");
}

/* What replaces comes before what is called so, in one repository; but the first repository that has either counts. */
static void
test_replaces (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "alive 1-1");
  add (f, "one", "new 2-1 'replaces = old' 'conflict = old'");
  add (f, "one", "renamed 2-1 'replaces = before'");
  add (f, "one", "before 2-1");
  add (f, "two", "rival 2-1 'replaces = alive'");
  planned = publish_and_plan (f, "one two", "old 1-1,alive 1-1,before 1-1", "");
  folder_assert_planned (planned, "new  2-1,renamed  2-1");
}

/* A name without a version is nothing to a dependency on a version. */
static void
test_provides (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1 'depend = plain'");
  add (f, "one", "b 2-1 'depend = plain>=1'");
  add (f, "one", "c 2-1 'depend = versioned>=1'");
  add (f, "one", "d 2-1 'depend = versioned>=2'");
  add (f, "one", "plain-provider 3-1 'provides = plain'");
  add (f, "one", "versioned-provider 3-1 'provides = versioned=1'");
  planned = publish_and_plan (f, "one", "a 1-1,b 1-1,c 1-1,d 1-1", "");
  folder_assert_planned (planned, "a 1-1 2-1,c 1-1 2-1,plain-provider  3-1,versioned-provider  3-1");
  folder_assert_names (planned, "kept-back", "b d");
}

/* Of several repositories' versions of a new package, the first that will do; and what is called so before what provides it. */
static void
test_new_of_repositories (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1 'depend = lib'");
  add (f, "one", "b 2-1 'depend = tool>=2'");
  add (f, "one", "lib 1-1");
  add (f, "one", "all 1-1 'provides = lib' 'provides = tool=2'");
  add (f, "one", "tool 1-1");
  add (f, "two", "lib 2-1");
  add (f, "two", "tool 2-1");
  planned = publish_and_plan (f, "one two", "a 1-1,b 1-1", "");
  folder_assert_planned (planned, "a 1-1 2-1,b 1-1 2-1,lib  1-1,tool  2-1");
}

static void
test_conflict_kept_back (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "a 2-1 'conflict = b'");
  add (f, "one", "c 2-1");
  planned = publish_and_plan (f, "one", "a 1-1,b 1-1,c 1-1", "");
  folder_assert_planned (planned, "c 1-1 2-1");
  folder_assert_names (planned, "kept-back", "a");
}

/* pacman would give up: it looks for no package that gives others what an upgrade takes from them. */
static void
test_new_for_what_stays (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  add (f, "one", "old 2-1");
  add (f, "one", "c 2-1");
  add (f, "one", "new 1-1 'provides = lib'");
  planned = publish_and_plan (f, "one", "user 1-1 lib,old 1-1 +lib,c 1-1", "");
  folder_assert_planned (planned, "c 1-1 2-1");
  folder_assert_names (planned, "kept-back", "old");
}

/* --- bundle ---------------------------------------------------------------------------------------------------------- */

static JsonObject *
fetch_and_bundle (FolderFixture *f, const char *extra, JsonObject *planned, GError **error)
{
  g_autoptr (JsonObject) request = folder_fetch (f, extra, planned, error);

  g_assert_nonnull (request);
  return cold_verb_bundle (request, error);
}

static void
test_bundle (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) bundle = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "one", "a 1:2-1");
  add (f, "one", "b 1-1");
  planned = publish_and_plan (f, "one", "a 1-1,b 1-1", "");
  bundle = fetch_and_bundle (f, "", planned, &error);
  g_assert_no_error (error);
  folder_shell (f, "mkdir b && bsdtar -xf scratch/bundle.iso -C b && cmp b/pkgs/a-1:2-1-any.pkg.tar.gz one/a-1:2-1-any.pkg.tar.gz && "
                   "[ \"$(ls b/pkgs)\" = a-1:2-1-any.pkg.tar.gz ] && [ \"$(bsdtar -tf b/coldpatch.db)\" = a-1:2-1/desc ] && "
                   "jq -e '.manager == \"pacman\" and .packages[0].file == \"pkgs/a-1:2-1-any.pkg.tar.gz\"' b/bundle.json");
  /* The real pacman takes it. */
  folder_shell (f, "mkdir -p db/sync db/local cache && cp b/coldpatch.db db/sync && printf '[options]\\nArchitecture = x86_64\\n"
                   "[coldpatch]\\nSigLevel = Never\\nServer = file:///none\\n' >conf && "
                   "[ \"$(pacman --config conf --dbpath db --cachedir b/pkgs -Sp --print-format '%%n %%v' a)\" = 'a 1:2-1' ]");
}

/* What the guest's pacman sees alone would replace what an earlier repository has. */
static void
test_bundle_replaces (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) bundle = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "zero", "alive 1-1");
  add (f, "one", "rival 2-1 'replaces = alive' 'replaces = old<2' 'depend = alive'");
  planned = publish_and_plan (f, "zero one", "alive 1-1,rival 1-1,old 1-1", "");
  folder_assert_planned (planned, "rival 1-1 2-1");
  bundle = fetch_and_bundle (f, "", planned, &error);
  g_assert_no_error (error);
  folder_shell (f, "mkdir b && bsdtar -xf scratch/bundle.iso -C b && bsdtar -xf b/coldpatch.db && "
                   "[ \"$(sed -n '/^%%REPLACES%%$/,/^$/p' rival-2-1/desc)\" = \"$(printf '%%%%REPLACES%%%%\\nold<2')\" ] && "
                   "sed '/^%%REPLACES%%$/,/^$/d' rival-2-1/desc >mine && "
                   "bsdtar -xOf one/one.db.tar.gz rival-2-1/desc | sed '/^%%REPLACES%%$/,/^$/d' | cmp - mine");
}

/* Where the database has no signature, the packages' own count. */
static void
test_bundle_unsigned (FolderFixture *f, gconstpointer sign)
{
  const char *extra = ",\"unsigned-database\":true";
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) bundle = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "one", "a 2-1");
  if (sign != NULL)
    folder_shell (f, "\"$TEST_MAKE_REPOSITORY\" key other other.gpg\n"
                     "gpg --homedir %s --batch --quiet --detach-sign one/a-2-1-any.pkg.tar.gz\n"
                     "\"$TEST_MAKE_REPOSITORY\" end other",
                  (const char *) sign);
  folder_shell (f, "make database one one");
  answer = folder_refresh (f, extra);
  g_assert_true (cold_json_bool (answer, "ok"));
  planned = plan (f, "one", "a 1-1", "");
  folder_assert_planned (planned, "a 1-1 2-1");
  bundle = fetch_and_bundle (f, extra, planned, &error);
  if (g_strcmp0 (sign, "gpg") == 0)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  g_assert_null (bundle);
}

/* --- versions -------------------------------------------------------------------------------------------------------- */

static void
test_version_for_solver (void)
{
  static const char *const pairs[][2] = {
    { "1.0-1", "1.0-1" },         { "1.0rc1-1", "1.0~rc1-1" }, { "1:2.0a-1", "1:2.0~a-1" },
    { "r12.abc-1", "r12.abc-1" }, { "1~2^3-1", "1+2+3-1" },    { "20230101a2b-1", "20230101~a2~b-1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *written = cold_arch_version_for_solver (pairs[i][0]);

      g_assert_cmpstr (written, ==, pairs[i][1]);
    }
}

int
main (int argc, char *argv[])
{
#define ADD(name, data, func) g_test_add ("/arch-repository/" name, FolderFixture, data, setup, func, teardown)
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arch-repository/version-for-solver", test_version_for_solver);
  ADD ("fetch", NULL, test_fetch);
  ADD ("unsigned/refused-unless-allowed", NULL, test_unsigned);
  ADD ("changed/refused", NULL, test_changed);
  ADD ("other-key/refused", NULL, test_other_key);
  ADD ("replayed/refused", NULL, test_replayed);
  ADD ("one-package-replayed/refused", NULL, test_one_replayed);
  ADD ("newest-package-removed", NULL, test_removed);
  ADD ("built-in-the-future/refused", NULL, test_future);
  ADD ("garbage/no-version/refused", "printf '%%NAME%%\\na\\n\\n' >a-1-1/desc", test_garbage);
  ADD ("garbage/name-is-path/refused", "sed -i s,^a$,../a, a-1-1/desc", test_garbage);
  ADD ("garbage/large/refused", "head -c 2000000 /dev/zero >a-1-1/desc", test_garbage);
  ADD ("garbage/link/refused", "ln -sf /etc/passwd a-1-1/desc", test_garbage);
  ADD ("garbage/empty/refused", "rm -r a-1-1", test_garbage);
  ADD ("plan", NULL, test_plan);
  ADD ("plan/vercmp-order", NULL, test_vercmp_order);
  ADD ("plan/ignored", NULL, test_ignored);
  ADD ("plan/usage-without-upgrade/passed-over", NULL, test_unused);
  ADD ("plan/first-repository", NULL, test_first_repository);
  ADD ("plan/replaces", NULL, test_replaces);
  ADD ("plan/provides", NULL, test_provides);
  ADD ("plan/new-package/first-repository-that-will-do", NULL, test_new_of_repositories);
  ADD ("plan/conflict/kept-back", NULL, test_conflict_kept_back);
  ADD ("plan/new-for-what-stays/kept-back", NULL, test_new_for_what_stays);
  ADD ("bundle", NULL, test_bundle);
  ADD ("bundle/replaces-what-was-planned", NULL, test_bundle_replaces);
  ADD ("bundle/unsigned-database/signed-package", "gpg", test_bundle_unsigned);
  ADD ("bundle/unsigned-database/package-of-other-key/refused", "other", test_bundle_unsigned);
  ADD ("bundle/unsigned-database/unsigned-package/refused", NULL, test_bundle_unsigned);
  return g_test_run ();
}
