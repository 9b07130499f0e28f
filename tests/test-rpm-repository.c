/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repositories of rpm packages, fetched and bundled. */
#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"
#include "rpm-fixture.h"

static void
assert_refused (RpmFixture *f, const char *why)
{
  g_autoptr (JsonObject) answer = rpm_fixture_refresh (f, "one");

  g_assert_false (cold_json_bool (answer, "ok"));
  g_assert_cmpstr (cold_json_string (answer, "code"), ==, "Signature");
  if (strstr (cold_json_string (answer, "error"), why) == NULL)
    g_error ("\"%s\" does not say \"%s\"", cold_json_string (answer, "error"), why);
}

/* Returns: (transfer full): the generation */
static char *
assert_fetched (RpmFixture *f, gboolean changed, gint64 packages)
{
  g_autoptr (JsonObject) answer = rpm_fixture_refresh (f, "one");

  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  g_assert_cmpint (cold_json_bool (answer, "changed"), ==, changed);
  g_assert_cmpint (cold_json_int (answer, "packages"), ==, packages);
  return g_strdup (cold_json_string (answer, "generation"));
}

static void
test_fetch (RpmFixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *again = NULL;
  g_autofree char *next = NULL;

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_publish (f, "one");
  first = assert_fetched (f, TRUE, 1);
  again = assert_fetched (f, FALSE, 1);
  g_assert_cmpstr (first, ==, again);
  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_publish (f, "one");
  next = assert_fetched (f, TRUE, 2);
  g_assert_cmpstr (first, !=, next);
}

/* How createrepo_c is told to compress. */
static void
test_compression (RpmFixture *f, gconstpointer data)
{
  g_autofree char *generation = NULL;

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_shell (f, "createrepo_c --quiet --no-database --general-compress-type %s one", (const char *) data);
  rpm_fixture_sign (f, "one");
  generation = assert_fetched (f, TRUE, 1);
}

static void
test_zstd (RpmFixture *f, gconstpointer data)
{
  g_autofree char *generation = NULL;

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_publish (f, "one");
  rpm_fixture_shell (f, "cd one/repodata && gzip -d *-primary.xml.gz && zstd -q *-primary.xml -o primary.xml.zst "
            "&& modifyrepo_c --remove primary . >/dev/null "
            "&& modifyrepo_c --no-compress --mdtype primary primary.xml.zst . >/dev/null");
  rpm_fixture_sign (f, "one");
  generation = assert_fetched (f, TRUE, 1);
}

/* Each is done to a signed repository; then it is refused with these words, and what was held stays. */
static const struct
{
  const char *name;
  const char *command;
  const char *why;
} attacks[] = {
  { "unsigned", "rm one/repodata/repomd.xml.asc", "there is no signature" },
  { "tampered", "sed -i 's/<revision>/<revision>9/' one/repodata/repomd.xml", "does not match" },
  { "no-signature", "echo hello >one/repodata/repomd.xml.asc", "no signature" },
  { "primary-changed", "for p in one/repodata/*primary.xml.gz; do gzip -d <$p | sed s/foo/bar/ | gzip >p; mv p $p; done",
    "primary" },
  { "primary-cut", "for p in one/repodata/*primary.xml.gz; do truncate -s 100 $p; done", "primary" },
  { "other-key", "'%s' key gpg2 other.gpg; gpg --homedir gpg2 --batch --yes --detach-sign -o one/repodata/repomd.xml.asc "
                 "one/repodata/repomd.xml; '%s' end gpg2", "no key of the keyring" },
};

static void
test_attack (RpmFixture *f, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autofree char *held = NULL;
  g_autofree char *link = g_build_filename (f->folder, "catalogue/repositories/one/current", NULL);
  g_autofree char *now = NULL;
  g_auto (GStrv) parts = g_strsplit (attacks[i].command, "%s", -1);
  g_autofree char *command = g_strjoinv (g_getenv ("TEST_MAKE_REPOSITORY"), parts);

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_publish (f, "one");
  held = assert_fetched (f, TRUE, 1);
  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_publish (f, "one");
  rpm_fixture_shell (f, "%s", command);
  assert_refused (f, attacks[i].why);
  now = g_file_read_link (link, NULL);
  g_assert_cmpstr (now, ==, held);
}

static void
test_replay (RpmFixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_shell (f, "createrepo_c --quiet --no-database --revision 9 --set-timestamp-to-revision one");
  rpm_fixture_sign (f, "one");
  first = assert_fetched (f, TRUE, 1);
  rpm_fixture_shell (f, "cp -a one/repodata old");
  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_shell (f, "createrepo_c --quiet --no-database --revision 10 --set-timestamp-to-revision one");
  rpm_fixture_sign (f, "one");
  second = assert_fetched (f, TRUE, 2);
  rpm_fixture_shell (f, "rm -r one/repodata; mv old one/repodata");
  assert_refused (f, "older than the one that the catalogue holds");
}

/* Without a word that is critical, which would end the process here. */
static void
test_malformed (RpmFixture *f, gconstpointer data)
{
  static const char *const edits[] = { "s,</repomd>,,", "s,<revision>,<revisions>,", "1s,^,text," };

  rpm_fixture_add (f, "one", "foo 1-1");
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      rpm_fixture_publish (f, "one");
      rpm_fixture_shell (f, "sed -i '%s' one/repodata/repomd.xml", edits[i]);
      rpm_fixture_sign (f, "one");
      assert_refused (f, "repomd.xml is refused: it cannot be read");
      rpm_fixture_shell (f, "rm -r one/repodata");
    }
}

static void
test_other_encoding (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_publish (f, "one");
  rpm_fixture_shell (f, "sed -i -e '1s/encoding=\"[^\"]*\"/encoding=\"UTF-7\"/' -e '2s/repomd/\\xf7&/' one/repodata/repomd.xml");
  rpm_fixture_sign (f, "one");
  assert_refused (f, "no text in UTF-8");
  rpm_fixture_shell (f, "sed -i '2s/\\xf7//' one/repodata/repomd.xml");
  rpm_fixture_sign (f, "one");
  assert_refused (f, "no text in UTF-8");
}

/* What was fetched before an update of libsolv is planned with, and is made anew by the next refresh. */
static void
test_other_libsolv (RpmFixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *again = NULL;
  g_autofree char *last = NULL;
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) before = NULL;
  g_autoptr (JsonObject) after = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_publish (f, "one");
  first = assert_fetched (f, TRUE, 1);
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1", "");
  rpm_fixture_shell (f, "cd catalogue/repositories/one/current/ && mv index.*.solv index.0.0.1-1.solv");
  before = rpm_fixture_plan_request (request);
  rpm_fixture_assert_plan (before, "foo 1-1 2-1", "", "");
  again = assert_fetched (f, TRUE, 1);
  g_assert_cmpstr (again, ==, first);
  rpm_fixture_shell (f, "cd catalogue/repositories/one && ! test -e current/index.0.0.1-1.solv && ! test -e next && test $(ls | wc -l) = 2");
  after = rpm_fixture_plan_request (request);
  rpm_fixture_assert_plan (after, "foo 1-1 2-1", "", "");
  last = assert_fetched (f, FALSE, 1);
}

/* Otherwise every honest one after it would be a replay. */
static void
test_future (RpmFixture *f, gconstpointer data)
{
  g_autofree char *generation = NULL;

  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_shell (f, "createrepo_c --quiet --no-database --revision 4000000000 --set-timestamp-to-revision one");
  rpm_fixture_sign (f, "one");
  assert_refused (f, "made in the future");
  rpm_fixture_publish (f, "one");
  generation = assert_fetched (f, TRUE, 1);
}

/* What is refused though the right key signed it. */
static void
test_signed_nonsense (RpmFixture *f, gconstpointer data)
{
  static const char *const edits[] = { "s,href=\"repodata/[^\"]*primary,href=\"../primary,", "s,<size>[0-9]*</size>,<size>0</size>,",
                                       "s,checksum type=\"sha256\",checksum type=\"md5\",", "s,type=\"primary\",type=\"other\"," };

  rpm_fixture_add (f, "one", "foo 1-1");
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      rpm_fixture_publish (f, "one");
      rpm_fixture_shell (f, "sed -i '%s' one/repodata/repomd.xml", edits[i]);
      rpm_fixture_sign (f, "one");
      assert_refused (f, "primary");
    }
}

static void
test_bomb (RpmFixture *f, gconstpointer data)
{
  rpm_fixture_add (f, "one", "foo 1-1");
  rpm_fixture_publish (f, "one");
  /* Blanks without end, as it were, after a good beginning. */
  rpm_fixture_shell (f, "cd one/repodata && { gzip -d <$(ls *-primary.xml.gz); head -c 20M /dev/zero | tr '\\0' ' '; } "
            "| zstd -q -1 >primary.xml.zst && modifyrepo_c --remove primary . >/dev/null && sed -i "
            "\"s,</repomd>,<data type=\\\"primary\\\"><checksum type=\\\"sha256\\\">$(sha256sum <primary.xml.zst | cut -c1-64)"
            "</checksum><open-checksum type=\\\"sha256\\\">$(echo | sha256sum | cut -c1-64)</open-checksum>"
            "<location href=\\\"repodata/primary.xml.zst\\\"/><size>$(stat -c %%s primary.xml.zst)</size>"
            "<open-size>5000</open-size></data></repomd>,\" repomd.xml");
  rpm_fixture_sign (f, "one");
  assert_refused (f, "unpacks to more");
}

/* Unpacks the bundle to "out". */
static void
unpack (RpmFixture *f)
{
  rpm_fixture_shell (f, "rm -rf out; mkdir out; bsdtar -xf scratch/bundle.iso -C out");
}

static JsonObject *
bundle (RpmFixture *f, JsonObject *planned, GError **error)
{
  g_autoptr (JsonObject) request = rpm_fixture_request (f, "one", "");
  g_autoptr (JsonObject) fetched = NULL;

  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", json_array_ref (cold_json_array (planned, "packages")));
  fetched = cold_verb_fetch (request, error);
  if (fetched == NULL)
    return NULL;
  json_object_set_object_member (request, "plan", json_object_ref (planned));
  return cold_verb_bundle (request, error);
}

static void
test_bundle (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (JsonObject) description = NULL;
  g_autofree char *path = g_build_filename (f->folder, "out/bundle.json", NULL);
  g_autoptr (GError) error = NULL;
  JsonObject *package;

  rpm_fixture_add (f, "one", "foo 2-1 'Epoch: 1' 'Requires: new'");
  rpm_fixture_add (f, "one", "new 1-1");
  rpm_fixture_add (f, "one", "unwanted 1-1");
  rpm_fixture_write_manifest (f, "zypper", "foo 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  made = bundle (f, planned, &error);
  g_assert_no_error (error);
  unpack (f);
  description = cold_json_load_file (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cold_json_string (description, "manager"), ==, "zypper");
  g_assert_cmpuint (json_array_get_length (cold_json_array (description, "packages")), ==, 2);
  package = cold_json_array_object (cold_json_array (description, "packages"), 0);
  g_assert_cmpstr (cold_json_string (package, "version"), ==, "1:2-1");
  g_assert_cmpstr (cold_json_string (package, "file"), ==, "rpms/foo-1_2-1.noarch.rpm");
  /* What is described is what is there, and nothing else is. */
  rpm_fixture_shell (f, "cd out && cmp rpms/foo-1_2-1.noarch.rpm ../one/foo-2-1.noarch.rpm && test $(ls rpms | wc -l) = 2"
            " && gzip -d <repodata/primary.xml.gz >primary && grep -q 'packages=\"2\"' primary"
            " && grep -q 'href=\"rpms/foo-1_2-1.noarch.rpm\"' primary && ! grep -q unwanted primary"
            " && grep -q $(sha256sum <rpms/new-1-1.noarch.rpm | cut -c1-64) primary"
            " && test $(grep -c '<data type=' repodata/repomd.xml) = 3"
            " && grep -q $(sha256sum <repodata/primary.xml.gz | cut -c1-64) repodata/repomd.xml");
}

/* What a bundle has is a repository: sign it, and it can be fetched. */
static void
test_bundle_is_repository (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  made = bundle (f, planned, &error);
  g_assert_no_error (error);
  unpack (f);
  rpm_fixture_shell (f, "chmod -R u+w out");
  rpm_fixture_sign (f, "out");
  answer = rpm_fixture_refresh (f, "out");
  g_assert_cmpstr (cold_json_string (answer, "error"), ==, NULL);
  g_assert_cmpint (cold_json_int (answer, "packages"), ==, 1);
}

static void
test_changed_package (RpmFixture *f, gconstpointer data)
{
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) made = NULL;
  g_autoptr (GError) error = NULL;

  rpm_fixture_add (f, "one", "foo 2-1");
  rpm_fixture_write_manifest (f, "dnf", "foo 1-1", "");
  planned = rpm_fixture_plan (f, "one");
  rpm_fixture_shell (f, "printf x | dd of=one/foo-2-1.noarch.rpm bs=1 seek=200 conv=notrunc 2>/dev/null");
  made = bundle (f, planned, &error);
  g_assert_null (made);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/rpm/fetch", RpmFixture, NULL, rpm_fixture_set_up, test_fetch, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/xz", RpmFixture, "xz", rpm_fixture_set_up, test_compression, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/zstd", RpmFixture, NULL, rpm_fixture_set_up, test_zstd, rpm_fixture_tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (attacks); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rpm/fetch/%s/refused", attacks[i].name);

      g_test_add (path, RpmFixture, GUINT_TO_POINTER (i), rpm_fixture_set_up, test_attack, rpm_fixture_tear_down);
    }
  g_test_add ("/rpm/fetch/replay/refused", RpmFixture, NULL, rpm_fixture_set_up, test_replay, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/malformed/refused", RpmFixture, NULL, rpm_fixture_set_up, test_malformed, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/other-encoding/refused", RpmFixture, NULL, rpm_fixture_set_up, test_other_encoding, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/other-libsolv/still-planned", RpmFixture, NULL, rpm_fixture_set_up, test_other_libsolv, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/made-in-the-future/refused", RpmFixture, NULL, rpm_fixture_set_up, test_future, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/signed-nonsense/refused", RpmFixture, NULL, rpm_fixture_set_up, test_signed_nonsense, rpm_fixture_tear_down);
  g_test_add ("/rpm/fetch/bomb/refused", RpmFixture, NULL, rpm_fixture_set_up, test_bomb, rpm_fixture_tear_down);
  g_test_add ("/rpm/bundle", RpmFixture, NULL, rpm_fixture_set_up, test_bundle, rpm_fixture_tear_down);
  g_test_add ("/rpm/bundle/is-repository", RpmFixture, NULL, rpm_fixture_set_up, test_bundle_is_repository, rpm_fixture_tear_down);
  g_test_add ("/rpm/bundle/changed-package/refused", RpmFixture, NULL, rpm_fixture_set_up, test_changed_package, rpm_fixture_tear_down);
  return g_test_run ();
}
