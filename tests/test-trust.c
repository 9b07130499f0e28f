/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What repositories of rpm packages and of pacman have to prove: each attack is tried on both, after a good generation was
 * fetched, which has to stay in use whatever happens.
 */
#include "cold-error.h"
#include "cold-json.h"
#include "mirror-fixture.h"

typedef struct
{
  const char *name;
  const char *entry;    /* "%s" stands for the server's URI */
  const char *publish;  /* shell: a repository "one" of what is in it; $DATE is the time it seems to be made at */
  const char *add;      /* shell: version $1 of package foo */
  const char *package;  /* of foo 2-1 */
  const char *manifest;
  const char *sign;     /* shell: the packages in "one", with the key in $HOME_OF_KEY */
} Kind;

static const Kind kinds[] = {
  { "rpm-md", "\"type\":\"rpm-md\",\"uri\":\"%s/one\"",
    "createrepo_c -q --no-database --revision $DATE --set-timestamp-to-revision one;"
    " gpg --homedir ../gpg --batch -q --yes --armor --detach-sign one/repodata/repomd.xml",
    "$RPM package one foo $1", "one/foo-2-1.noarch.rpm",
    "{\"version\":1,\"format\":\"rpm\",\"manager\":\"dnf\",\"arch\":\"x86_64\",\"installed\":[{\"name\":\"foo\",\"evr\":\"0-1\","
    "\"arch\":\"noarch\"}],\"held\":[],\"excludes\":[],\"broken\":[]}",
    "$RPM sign one $HOME_OF_KEY" },
  { "arch", "\"type\":\"arch\",\"uri\":\"%s/one\",\"suites\":[\"one\"]", "$PACMAN database one one ../gpg",
    "$PACMAN package one foo $1 --date $DATE", "one/foo-2-1-any.pkg.tar.gz",
    "{\"version\":1,\"format\":\"pacman\",\"manager\":\"pacman\",\"arch\":\"x86_64\",\"installed\":[{\"name\":\"foo\",\"evr\":\"0-1\","
    "\"arch\":\"any\",\"provides\":[],\"requires\":[],\"conflicts\":[],\"obsoletes\":[]}],\"held\":[],\"excludes\":[],\"broken\":[]}",
    "for p in one/*.pkg.tar.gz; do gpg --homedir $HOME_OF_KEY --batch -q --yes --detach-sign $p; done" },
};

/* What is done to the repository, after version 2-1 came; "old" is as it was before. */
static const struct
{
  const char *name;
  const char *commands[G_N_ELEMENTS (kinds)];
  const char *code;
  const char *whys[G_N_ELEMENTS (kinds)];
} attacks[] = {
  { "unsigned", { "rm one/repodata/repomd.xml.asc", "rm one/one.db*.sig" }, "Signature", { "there is no signature", "it is not signed" } },
  { "empty-signature", { ": >one/repodata/repomd.xml.asc", ": >one/one.db.tar.gz.sig" }, "Signature", { "no signature", "no signature" } },
  { "signature-of-before", { "cp old/repodata/repomd.xml.asc one/repodata/", "cp old/one.db.tar.gz.sig one/" }, "Signature",
    { "does not match", "does not match" } },
  { "metadata-of-before/signature-of-now", { "cp old/repodata/repomd.xml one/repodata/", "cp old/one.db.tar.gz one/" }, "Signature",
    { "does not match", "does not match" } },
  { "other-key",
    { "$KEYS key ../evil ../evil.gpg; gpg --homedir ../evil --batch -q --yes --armor --detach-sign one/repodata/repomd.xml; $KEYS end ../evil",
      "$KEYS key ../evil ../evil.gpg; gpg --homedir ../evil --batch -q --yes --detach-sign -o one/one.db.tar.gz.sig one/one.db.tar.gz;"
      " $KEYS end ../evil" },
    "Signature", { "no key of the keyring", "no key of the keyring" } },
  { "expired-key",
    { "mkdir -m 700 ../late; gpg --homedir ../late --batch -q --passphrase '' --faked-system-time 20200101T000000 --quick-gen-key late@x ed25519 sign 1d;"
      " gpg --homedir ../late --batch -q --export >../keyring.gpg;"
      " gpg --homedir ../late --batch -q --yes --faked-system-time 20200101T010000 --armor --detach-sign one/repodata/repomd.xml; $KEYS end ../late",
      "mkdir -m 700 ../late; gpg --homedir ../late --batch -q --passphrase '' --faked-system-time 20200101T000000 --quick-gen-key late@x ed25519 sign 1d;"
      " gpg --homedir ../late --batch -q --export >../keyring.gpg;"
      " gpg --homedir ../late --batch -q --yes --faked-system-time 20200101T010000 --detach-sign -o one/one.db.tar.gz.sig one/one.db.tar.gz;"
      " $KEYS end ../late" },
    "Signature", { "expired", "expired" } },
  /* All of it is good, but for its age. */
  { "replayed", { "rm -r one; cp -a older one", "rm -r one; cp -a older one" }, "Signature",
    { "older than the one that the catalogue holds", "older than the one that the catalogue holds" } },
  { "gone", { "rm -r one", "rm -r one" }, "NotFound", { "404", "404" } },
  { "cut-off", { "truncate -s 200 one/repodata/*-primary.xml.gz", "truncate -s 100 one/one.db.tar.gz" }, "Signature",
    { "primary", "does not match" } },
};

static char *
entry_of (MirrorFixture *f, const Kind *kind, gboolean allow)
{
  g_auto (GStrv) parts = g_strsplit (kind->entry, "%s", -1);
  g_autofree char *entry = g_strjoinv (f->uri, parts);

  return g_strconcat (entry, allow ? ",\"unsigned-database\":true" : "", NULL);
}

/* Adds that version of foo, at that time, and publishes. */
static void
publish (MirrorFixture *f, const Kind *kind, const char *version, guint time)
{
  mirror_fixture_shell (f, "DATE=%u; set -- %s; mkdir -p one; %s; %s", time, version, kind->add, kind->publish);
}

static JsonObject *
plan (MirrorFixture *f, const Kind *kind, const char *candidate)
{
  g_autofree char *entry = entry_of (f, kind, FALSE);
  JsonObject *result = mirror_fixture_plan (f, entry, kind->manifest);
  JsonObject *package = cold_json_array_object (cold_json_array (result, "packages"), 0);

  g_assert_nonnull (package);
  g_assert_cmpstr (cold_json_string (package, "candidate"), ==, candidate);
  return result;
}

static void
test_attack (MirrorFixture *f, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data) / G_N_ELEMENTS (kinds), k = GPOINTER_TO_UINT (data) % G_N_ELEMENTS (kinds);
  const Kind *kind = &kinds[k];
  g_autofree char *entry = entry_of (f, kind, FALSE);
  g_autofree char *held = NULL;
  g_autoptr (JsonObject) before = NULL;
  g_autoptr (JsonObject) after = NULL;
  g_autoptr (JsonObject) planned = NULL;

  publish (f, kind, "0.5-1", 1600000000);
  mirror_fixture_shell (f, "cp -a one older");
  publish (f, kind, "1-1", 1700000000);
  mirror_fixture_shell (f, "cp -a one old");
  held = mirror_fixture_assert_fetched (f, entry);
  publish (f, kind, "2-1", 1700000100);
  mirror_fixture_shell (f, "%s", attacks[i].commands[k]);
  before = mirror_fixture_held (f);
  mirror_fixture_assert_refused (f, entry, attacks[i].code, attacks[i].whys[k]);
  after = mirror_fixture_held (f);
  g_assert_cmpstr (cold_json_string (after, "generation"), ==, held);
  g_assert_cmpstr (cold_json_string (after, "generation"), ==, cold_json_string (before, "generation"));
  /* And is as good as before. */
  planned = plan (f, kind, "1-1");
}

/* After a refusal the next good one is taken. */
static void
test_recovers (MirrorFixture *f, gconstpointer data)
{
  const Kind *kind = data;
  g_autofree char *entry = entry_of (f, kind, FALSE);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (JsonObject) planned = NULL;

  publish (f, kind, "1-1", 1700000000);
  first = mirror_fixture_assert_fetched (f, entry);
  mirror_fixture_shell (f, "mv one away");
  mirror_fixture_assert_refused (f, entry, "NotFound", "404");
  mirror_fixture_shell (f, "mv away one");
  publish (f, kind, "2-1", 1700000100);
  second = mirror_fixture_assert_fetched (f, entry);
  g_assert_cmpstr (first, !=, second);
  planned = plan (f, kind, "2-1");
}

/* Package files are what the metadata say, or are not kept: changed ones, shorter, longer, missing. */
static void
test_package (MirrorFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *command;
    const char *code;
  } changes[] = {
    { "printf x | dd of=%s bs=1 seek=300 conv=notrunc", "Signature" },
    { "truncate -s 1000 %s", "Signature" },
    { "echo more >>%s", "Signature" },
    { "rm %s", "NotFound" },
  };
  const Kind *kind = data;
  g_autofree char *entry = entry_of (f, kind, FALSE);
  g_autofree char *generation = NULL;
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) fetched = NULL;
  g_autoptr (JsonObject) bundle = NULL;
  g_autoptr (GError) error = NULL;

  publish (f, kind, "2-1", 1700000000);
  mirror_fixture_shell (f, "cp -a one good");
  generation = mirror_fixture_assert_fetched (f, entry);
  planned = plan (f, kind, "2-1");
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_auto (GStrv) parts = g_strsplit (changes[i].command, "%s", -1);
      g_autofree char *command = g_strjoinv (kind->package, parts);

      mirror_fixture_shell (f, "%s", command);
      g_assert_null (mirror_fixture_fetch (f, entry, planned, &error));
      g_assert_true (error->domain == COLD_ERROR);
      g_assert_cmpstr (cold_error_nick (error->code), ==, changes[i].code);
      g_clear_error (&error);
      g_assert_null (mirror_fixture_bundle (f, entry, planned, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
      mirror_fixture_shell (f, "rm -r one; cp -a good one");
    }
  fetched = mirror_fixture_fetch (f, entry, planned, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cold_json_int (fetched, "fetched"), ==, 1);
  bundle = mirror_fixture_bundle (f, entry, planned, &error);
  g_assert_no_error (error);
  g_assert_nonnull (bundle);
}

/* The store by hash is not believed either: what changed there is not bundled. */
static void
test_store (MirrorFixture *f, gconstpointer data)
{
  const Kind *kind = data;
  g_autofree char *entry = entry_of (f, kind, FALSE);
  g_autofree char *generation = NULL;
  g_autoptr (JsonObject) planned = NULL;
  g_autoptr (JsonObject) fetched = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *package;

  publish (f, kind, "2-1", 1700000000);
  generation = mirror_fixture_assert_fetched (f, entry);
  planned = plan (f, kind, "2-1");
  fetched = mirror_fixture_fetch (f, entry, planned, &error);
  g_assert_no_error (error);
  package = cold_json_array_object (cold_json_array (planned, "packages"), 0);
  mirror_fixture_shell (f, "p=$(find ../catalogue -type f -name '*%s*'); printf xyz | dd of=\"$p\" bs=1 seek=300 conv=notrunc",
                        cold_json_string (package, "sha256"));
  g_assert_null (mirror_fixture_bundle (f, entry, planned, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
}

/* Only where the entry says so in so many words, and then each package has to be signed. */
static void
test_allowed (MirrorFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *home; /* (nullable): whose key signs the package */
    gboolean good;
  } cases[] = { { NULL, FALSE }, { "../evil", FALSE }, { "../gpg", TRUE } };
  const Kind *kind = data;
  g_autofree char *entry = entry_of (f, kind, FALSE);
  g_autofree char *allowed = entry_of (f, kind, TRUE);

  mirror_fixture_shell (f, "$KEYS key ../evil ../evil.gpg");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *generation = NULL;
      g_autoptr (JsonObject) planned = NULL;
      g_autoptr (JsonObject) fetched = NULL;
      g_autoptr (JsonObject) bundle = NULL;
      g_autoptr (GError) error = NULL;

      mirror_fixture_shell (f, "rm -rf one; mkdir one; DATE=%u; set -- 2-1; %s", 1700000000 + i, kind->add);
      if (cases[i].home != NULL)
        mirror_fixture_shell (f, "HOME_OF_KEY=%s; %s", cases[i].home, kind->sign);
      mirror_fixture_shell (f, "DATE=%u; %s; rm -f one/*.db*.sig one/repodata/*.asc", 1700000000 + i, kind->publish);
      mirror_fixture_assert_refused (f, entry, "Signature", "DatabaseSignature=none");
      generation = mirror_fixture_assert_fetched (f, allowed);
      planned = mirror_fixture_plan (f, allowed, kind->manifest);
      fetched = mirror_fixture_fetch (f, allowed, planned, &error);
      g_assert_no_error (error);
      bundle = mirror_fixture_bundle (f, allowed, planned, &error);
      g_assert_cmpint (bundle != NULL, ==, cases[i].good);
      if (!cases[i].good)
        g_assert_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE);
    }
  mirror_fixture_shell (f, "$KEYS end ../evil");
}

int
main (int argc, char *argv[])
{
#define ADD(path, data, func) g_test_add (path, MirrorFixture, data, mirror_fixture_set_up, func, mirror_fixture_tear_down)
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      static const struct
      {
        const char *name;
        void (*func) (MirrorFixture *f, gconstpointer data);
      } tests[] = { { "recovers", test_recovers },
                    { "package/not-as-named/refused", test_package },
                    { "store/changed/refused", test_store },
                    { "unsigned/allowed-by-entry", test_allowed } };

      for (guint i = 0; i < G_N_ELEMENTS (attacks); i++)
        {
          g_autofree char *path = g_strdup_printf ("/trust/%s/%s/refused", kinds[k].name, attacks[i].name);

          ADD (path, GUINT_TO_POINTER (i * G_N_ELEMENTS (kinds) + k), test_attack);
        }
      for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
        {
          g_autofree char *path = g_strdup_printf ("/trust/%s/%s", kinds[k].name, tests[i].name);

          ADD (path, &kinds[k], tests[i].func);
        }
    }
  return g_test_run ();
}
