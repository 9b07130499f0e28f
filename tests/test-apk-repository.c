/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repositories of apk from fetch to bundle, signed by openssl; apk itself is in no package of Debian. */
#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "folder-fixture.h"

static const char *keys_folder;

static void
setup (FolderFixture *f, gconstpointer data)
{
  folder_init (f, "apk", g_getenv ("TEST_MAKE_APK"));
  folder_shell (f, "cp -r '%s' keys && cat keys/other.pub keys/test.pub >keyring", keys_folder);
}

static void
teardown (FolderFixture *f, gconstpointer data)
{
  folder_clear (f);
}

/* @installed: "name version[ +provided...][ requirement...],..."; @world: words. Returns: (transfer full): a manifest */
static char *
describe_guest (const char *installed, const char *world, const char *held)
{
  g_auto (GStrv) packages = g_strsplit (installed, ",", -1);
  g_auto (GStrv) wanted = g_strsplit (world, " ", -1);
  g_autoptr (JsonObject) manifest
      = cold_json_parse_object ("{\"version\":1,\"format\":\"apk\",\"manager\":\"apk\",\"arch\":\"x86_64\","
                                "\"apk-arch\":\"x86_64\",\"excludes\":[],\"broken\":[]}",
                                -1, NULL);
  const char *const held_names[] = { held, NULL };
  JsonArray *array = json_array_new ();

  for (guint i = 0; packages[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (packages[i], " ", -1);
      JsonObject *package = json_object_new ();
      JsonArray *provides = json_array_new (), *requires = json_array_new ();

      json_object_set_string_member (package, "name", words[0]);
      json_object_set_string_member (package, "evr", words[1]);
      json_object_set_string_member (package, "arch", "x86_64");
      for (guint k = 2; words[k] != NULL; k++)
        json_array_add_string_element (*words[k] == '+' ? provides : requires, *words[k] == '+' ? words[k] + 1 : words[k]);
      json_object_set_array_member (package, "provides", provides);
      json_object_set_array_member (package, "requires", requires);
      json_array_add_object_element (array, package);
    }
  json_object_set_array_member (manifest, "installed", array);
  cold_json_set_strv (manifest, "world", (const char *const *) wanted);
  cold_json_set_strv (manifest, "held", held != NULL ? held_names : held_names + 1);
  return cold_json_to_text (manifest);
}

static JsonObject *
plan_held (FolderFixture *f, const char *repositories, const char *installed, const char *world, const char *held)
{
  g_autofree char *manifest = describe_guest (installed, world, held);

  return folder_plan (f, repositories, manifest);
}

/* Refreshes before. */
static JsonObject *
plan (FolderFixture *f, const char *repositories, const char *installed, const char *world)
{
  folder_refresh_well (f, repositories);
  return plan_held (f, repositories, installed, world, NULL);
}

/* --- fetch ----------------------------------------------------------------------------------------------------------- */

static void
test_fetch (FolderFixture *f, gconstpointer hash)
{
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (JsonObject) later = NULL;

  folder_shell (f, "make package one a 1-r0; make package one b 1-r0; make index one keys/test --hash %s", (const char *) hash);
  first = folder_refresh (f, "");
  g_assert_cmpstr (cold_json_string (first, "error"), ==, NULL);
  g_assert_true (cold_json_bool (first, "changed"));
  g_assert_cmpint (cold_json_int (first, "packages"), ==, 2);
  again = folder_refresh (f, "");
  g_assert_false (cold_json_bool (again, "changed"));
  g_assert_cmpint (cold_json_int (again, "packages"), ==, 2);
  g_assert_cmpstr (cold_json_string (again, "generation"), ==, cold_json_string (first, "generation"));
  folder_shell (f, "make package one c 1-r0; make index one keys/test");
  later = folder_refresh (f, "");
  g_assert_true (cold_json_bool (later, "changed"));
  g_assert_cmpint (cold_json_int (later, "packages"), ==, 3);
}

/* One of several signatures is enough, whatever algorithm the others are of. */
static void
test_two_signatures (FolderFixture *f, gconstpointer data)
{
  folder_shell (f, "make package one a 1-r0; make index one keys/test");
  /* Both sign what follows the last signature. */
  folder_shell (f, "mkdir s; cd s; bsdtar -xzf ../one/x86_64/APKINDEX.tar.gz; mv .SIGN.RSA.test.pub good; cp good .SIGN.DSA.test.pub\n"
                   "head -c 256 /dev/urandom >.SIGN.RSA256.unknown.pub\n"
                   "bsdtar -cf - --format ustar .SIGN.DSA.test.pub .SIGN.RSA256.unknown.pub | head -c 2048 | gzip -n >../first\n"
                   "cat ../first ../one/x86_64/APKINDEX.tar.gz >../both; mv ../both ../one/x86_64/APKINDEX.tar.gz");
  folder_refresh_well (f, "one");
}

/* apk 3's own index, whatever is in it. */
static void
test_other_index (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) none = NULL;
  g_autoptr (JsonObject) other = NULL;

  folder_shell (f, "mkdir -p one/x86_64");
  none = folder_refresh (f, "");
  g_assert_cmpstr (cold_json_string (none, "code"), ==, "NotFound");
  folder_shell (f, "echo ADBd >one/x86_64/Packages.adb");
  other = folder_refresh (f, "");
  g_assert_false (cold_json_bool (other, "ok"));
  g_assert_cmpstr (cold_json_string (other, "code"), ==, "NotSupported");
  g_assert_nonnull (strstr (cold_json_string (other, "error"), "Packages.adb"));
  folder_shell (f, "test -z \"$(ls scratch)\" && test ! -e catalogue/repositories/one/current");
}

/* What the command makes of a signed index is refused, for a reason that has these words. */
typedef struct
{
  const char *command;
  const char *why;
} Refusal;

static void
test_refused (FolderFixture *f, gconstpointer data)
{
  const Refusal *refusal = data;

  folder_shell (f, "make package one a 1-r0; make index one keys/test; cd one/x86_64\n"
                   "unsigned() { bsdtar -xzf APKINDEX.tar.gz APKINDEX DESCRIPTION; }\n"
                   "pack() { bsdtar -cf - --format ustar \"$@\" | gzip -n >APKINDEX.tar.gz; }\n%s",
                refusal->command);
  folder_assert_refused (f, "", refusal->why);
}

static void
test_replayed (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) kept = NULL;

  folder_shell (f, "make package one a 1-r0 --date 1700000000; make index one keys/test; cp -a one old\n"
                   "make package one a 2-r0 --date 1700000001; rm one/x86_64/a-1-r0.apk; make index one keys/test");
  folder_refresh_well (f, "one");
  folder_shell (f, "rm -r one && mv old one");
  folder_assert_refused (f, "", "older than the one that the catalogue holds");
  kept = plan_held (f, "one", "a 1-r0", "a", NULL);
  folder_assert_planned (kept, "a 1-r0 2-r0");
}

/* --- plan ------------------------------------------------------------------------------------------------------------ */

static void
test_plan (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0 'depend = c>=2'; make package one b 1-r0; make package one c 2-r0\n"
                   "make package one newer-here 1-r0; make package one unwanted 1-r0; make index one keys/test");
  planned = plan (f, "one", "a 1-r0,b 1-r0,newer-here 2-r0,local 1-r0", "a b newer-here local");
  folder_assert_planned (planned, "a 1-r0 2-r0,c  2-r0");
  folder_assert_names (planned, "kept-back", "");
  folder_assert_names (planned, "problems", "");
}

/* rpm's order has 1.0_rc1 after 1.0, and no order of 1.0_p1 and 1.0-r1 that is apk's. */
static void
test_order (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one released 1.0-r0 'depend = lib>1.0_rc2'; make package one candidate 1.0_rc1-r0\n"
                   "make package one lib 1.0-r0; make package one patched 1.0_p1-r0; make index one keys/test");
  planned = plan (f, "one", "released 1.0_rc1-r5,candidate 1.0-r0,lib 1.0_rc2-r0,patched 1.0-r9", "released candidate lib patched");
  folder_assert_planned (planned, "lib 1.0_rc2-r0 1.0-r0,patched 1.0-r9 1.0_p1-r0,released 1.0_rc1-r5 1.0-r0");
}

static void
test_highest_of_all (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0; make package two a 3-r0; make package two b 2-r0; make package one b 2-r0\n"
                   "make index one keys/test; make index two keys/other");
  planned = plan (f, "one two", "a 1-r0,b 1-r0", "a b");
  folder_assert_planned (planned, "a 1-r0 3-r0,b 1-r0 2-r0");
  g_assert_cmpstr (cold_json_string (cold_json_array_object (cold_json_array (planned, "packages"), 1), "repository"), ==, "one");
}

/* One and the same version may be built twice; only one of the two can be used here. */
static void
test_same_version_twice (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0 'depend = so:nowhere'; make package two a 2-r0\n"
                   "make index one keys/test; make index two keys/test");
  planned = plan (f, "one two", "a 1-r0", "a");
  folder_assert_planned (planned, "a 1-r0 2-r0");
  g_assert_cmpstr (cold_json_string (cold_json_array_object (cold_json_array (planned, "packages"), 0), "repository"), ==, "two");
}

static void
test_world (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "for name in exact below prefix tagged wanted free; do make package one $name 1.3-r0\n"
                   "make package one $name 2-r0; done\n"
                   "make package one free 3_alpha-r0 'depend = banned'; make package one banned 1-r0; make package one exact 1.2-r1\n"
                   "make index one keys/test");
  planned = plan (f, "one", "exact 1.2-r0,below 1.2-r0,prefix 1.2-r0,tagged 1.2-r0,free 1.2-r0",
                  "exact=1.2-r0 below<2 prefix~1 tagged@edge free wanted !banned");
  folder_assert_planned (planned, "below 1.2-r0 1.3-r0,free 1.2-r0 2-r0,prefix 1.2-r0 1.3-r0,wanted  2-r0");
  folder_assert_names (planned, "held", "exact tagged");
}

static void
test_fuzzy (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "for version in 1.2.9-r0 1.2_rc1-r0 1.3-r0 1.20-r0; do make package one lib $version; done; make index one keys/test");
  planned = plan (f, "one", "lib 1.2-r0,user 1-r0 lib~1.2", "user");
  folder_assert_planned (planned, "lib 1.2-r0 1.2.9-r0");
}

static void
test_tag_of_package (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0; make package one b 2-r0; make index one keys/test");
  folder_refresh_well (f, "one");
  planned = plan_held (f, "one", "a 1-r0,b 1-r0", "a b", "a");
  folder_assert_planned (planned, "b 1-r0 2-r0");
  folder_assert_names (planned, "held", "a");
}

/* Who provides a name with a version is the only one. */
static void
test_owned_name (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0 'provides = cmd:x=2'; make package one c 2-r0 'depend = so:l.so.1'\n"
                   "make package one l 2-r0 'provides = so:l.so.2=2'; make package one l1 1-r0 'provides = so:l.so.1=1.5'\n"
                   "make index one keys/test");
  planned = plan (f, "one", "a 1-r0,b 1-r0 +cmd:x=1,c 1-r0 so:l.so.1,l 1-r0 +so:l.so.1=1", "a b c");
  folder_assert_planned (planned, "c 1-r0 2-r0,l 1-r0 2-r0,l1  1-r0");
  folder_assert_names (planned, "kept-back", "a");
}

static void
test_conflict (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0 'depend = !b'; make package one c 2-r0 'depend = !b<1'; make index one keys/test");
  planned = plan (f, "one", "a 1-r0,b 1-r0,c 1-r0", "a b c");
  folder_assert_planned (planned, "c 1-r0 2-r0");
  folder_assert_names (planned, "kept-back", "a");
}

static void
test_install_if (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;

  folder_shell (f, "make package one a 2-r0; make package one a-doc 2-r0 'install_if = docs a=2-r0'\n"
                   "make package one a-old 1-r0 'install_if = docs a=1-r0'; make package one a-openrc 2-r0 'install_if = openrc a=2-r0'\n"
                   "make package one docs 1-r0; make index one keys/test");
  planned = plan (f, "one", "a 1-r0,docs 1-r0", "a docs");
  folder_assert_planned (planned, "a 1-r0 2-r0,a-doc  2-r0");
}

/* --- packages and bundle --------------------------------------------------------------------------------------------- */

static JsonObject *
plan_one (FolderFixture *f)
{
  JsonObject *planned;

  folder_shell (f, "mkdir -p root/usr/bin; echo 2 >root/usr/bin/a; make package one a 2-r0 --root root --key keys/test\n"
                   "make package one b 1-r0; make index one keys/test");
  planned = plan (f, "one", "a 1-r0,b 1-r0", "a b");
  folder_assert_planned (planned, "a 1-r0 2-r0");
  return planned;
}

static void
test_bundle (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = plan_one (f);
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (JsonObject) bundle = NULL;
  g_autoptr (GError) error = NULL;

  request = folder_fetch (f, "", planned, &error);
  g_assert_no_error (error);
  bundle = cold_verb_bundle (request, &error);
  g_assert_no_error (error);
  folder_shell (f, "mkdir b && bsdtar -xf scratch/bundle.iso -C b && cmp b/apks/a-2-r0.apk one/x86_64/a-2-r0.apk && "
                   "[ \"$(ls b/apks)\" = a-2-r0.apk ] && bsdtar -xOzf b/APKINDEX.tar.gz APKINDEX >index && "
                   "cmp index one/x86_64/.a-2-r0.stanza && "
                   "jq -e '.manager == \"apk\" and .packages[0].file == \"apks/a-2-r0.apk\"' b/bundle.json");
}

/* A package file that the command changed, of the same size as before, is not taken. */
static void
test_changed_package (FolderFixture *f, gconstpointer command)
{
  g_autoptr (JsonObject) planned = plan_one (f);
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (GError) error = NULL;

  folder_shell (f, "cd one/x86_64; size=$(wc -c <a-2-r0.apk)\n%s\n[ $(wc -c <a-2-r0.apk) -le $size ]", (const char *) command);
  request = folder_fetch (f, "", planned, &error);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
  folder_shell (f, "[ -z \"$(find catalogue/packages -type f)\" ]");
}

static void
test_damaged_in_cache (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = plan_one (f);
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (GError) error = NULL;

  request = folder_fetch (f, "", planned, &error);
  g_assert_no_error (error);
  folder_shell (f, "file=$(find catalogue/packages -type f); size=$(wc -c <$file); head -c $((size - 1)) $file >x\n"
                   "printf x >>x; cat x >$file");
  g_assert_null (cold_verb_bundle (request, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
}

/* A plan is a worker's word: a file must not come under the key of another. */
static void
test_foreign_key (FolderFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = plan_one (f);
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (cold_json_array_object (cold_json_array (planned, "packages"), 0), "sha256",
                                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  request = folder_fetch (f, "", planned, &error);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char *argv[])
{
  static const Refusal unsigned_index = { "unsigned; pack DESCRIPTION APKINDEX", "not signed" };
  static const Refusal changed = { "unsigned; sed -i s/P:a/P:e/ APKINDEX; pack DESCRIPTION APKINDEX; mv APKINDEX.tar.gz new\n"
                                   "cd ../..; make index one keys/test; cd one/x86_64\n"
                                   "bsdtar -xzf APKINDEX.tar.gz .SIGN.RSA.test.pub\n"
                                   "bsdtar -cf - --format ustar .SIGN.RSA.test.pub | head -c 1024 | gzip -n | cat - new >APKINDEX.tar.gz",
                                   "changed after it was signed" };
  static const Refusal appended = { "cp APKINDEX.tar.gz new; echo more | gzip -n >>APKINDEX.tar.gz", "changed after it was signed" };
  static const Refusal other_key = { "cd ../..; cp keys/other.pub keyring; make index one keys/test", "no key of SignedBy" };
  static const Refusal nothing = { ": >APKINDEX.tar.gz", "gzip" };
  static const Refusal signature_only = { "bsdtar -xzf APKINDEX.tar.gz .SIGN.RSA.test.pub; pack .SIGN.RSA.test.pub", "nothing but" };
  static const Refusal text = { "echo '<html>' >APKINDEX.tar.gz", "gzip" };
  static const Refusal no_index = { "unsigned; pack DESCRIPTION; make sign APKINDEX.tar.gz ../../keys/test", "holds no APKINDEX" };
  static const Refusal empty_index = { "unsigned; : >APKINDEX; pack APKINDEX; make sign APKINDEX.tar.gz ../../keys/test",
                                       "no package" };
  static const Refusal no_name = { "unsigned; sed -i /P:/d APKINDEX; pack APKINDEX; make sign APKINDEX.tar.gz ../../keys/test",
                                   "usable name" };
  static const Refusal weak_key = { "openssl genrsa -out weak 1024; openssl rsa -in weak -pubout -out ../../keyring\n"
                                    "cd ../..; make index one one/x86_64/weak",
                                    "at least 2048 bits" };
  static const Refusal bomb = { "{ printf .SIGN.RSA.test.pub; head -c 20M /dev/zero; } | gzip -1n >APKINDEX.tar.gz",
                                "too large" };

  FolderFixture keys;
  int status;

  g_test_init (&argc, &argv, NULL);
  /* Making them takes longer than all else. */
  folder_init (&keys, "apk", g_getenv ("TEST_MAKE_APK"));
  folder_shell (&keys, "make key . test && make key . other");
  keys_folder = keys.folder;
#define ADD(name, function, data) g_test_add ("/apk-repository/" name, FolderFixture, data, setup, function, teardown)
  ADD ("fetch/sha1", test_fetch, "sha1");
  ADD ("fetch/sha256", test_fetch, "sha256");
  ADD ("fetch/several-signatures", test_two_signatures, NULL);
  ADD ("refused/unsigned", test_refused, &unsigned_index);
  ADD ("refused/changed", test_refused, &changed);
  ADD ("refused/appended", test_refused, &appended);
  ADD ("refused/other-key", test_refused, &other_key);
  ADD ("refused/weak-key", test_refused, &weak_key);
  ADD ("refused/empty", test_refused, &nothing);
  ADD ("refused/text", test_refused, &text);
  ADD ("refused/signature-only", test_refused, &signature_only);
  ADD ("refused/no-index", test_refused, &no_index);
  ADD ("refused/no-package", test_refused, &empty_index);
  ADD ("refused/no-name", test_refused, &no_name);
  ADD ("refused/bomb", test_refused, &bomb);
  ADD ("refused/index-of-apk-3", test_other_index, NULL);
  ADD ("refused/replayed", test_replayed, NULL);
  ADD ("plan/upgrades-and-new", test_plan, NULL);
  ADD ("plan/order-of-apk", test_order, NULL);
  ADD ("plan/highest-of-all-repositories", test_highest_of_all, NULL);
  ADD ("plan/same-version-twice", test_same_version_twice, NULL);
  ADD ("plan/world", test_world, NULL);
  ADD ("plan/fuzzy", test_fuzzy, NULL);
  ADD ("plan/package-with-tag", test_tag_of_package, NULL);
  ADD ("plan/owned-name", test_owned_name, NULL);
  ADD ("plan/conflict", test_conflict, NULL);
  ADD ("plan/install-if", test_install_if, NULL);
  ADD ("bundle", test_bundle, NULL);
  ADD ("package/changed-data", test_changed_package,
       "head -c $((size - 1)) a-2-r0.apk >x; printf x >>x; mv x a-2-r0.apk");
  ADD ("package/cut", test_changed_package, "head -c $((size - 10)) a-2-r0.apk >x; mv x a-2-r0.apk");
  ADD ("package/another", test_changed_package, "cp b-1-r0.apk a-2-r0.apk");
  ADD ("package/damaged-in-cache", test_damaged_in_cache, NULL);
  ADD ("package/foreign-key", test_foreign_key, NULL);
  status = g_test_run ();
  folder_clear (&keys);
  return status;
}
