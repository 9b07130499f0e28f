/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repositories of rpm packages that are found by a mirrorlist or a metalink, over HTTP. */
#include "cold-error.h"
#include "cold-json.h"
#include "mirror-fixture.h"

#define MANIFEST \
  "{\"version\":1,\"format\":\"rpm\",\"manager\":\"dnf\",\"arch\":\"x86_64\",\"installed\":[{\"name\":\"foo\",\"evr\":\"0-1\"," \
  "\"arch\":\"noarch\"}],\"held\":[],\"excludes\":[],\"broken\":[]}"

static char *
entry_of (MirrorFixture *f, const char *list, const char *extra)
{
  return g_strdup_printf ("\"type\":\"rpm-md\",\"uri\":\"%s/%s?repo=x\",\"list\":\"%s\"%s", f->uri, list, list, extra);
}

static gboolean
was_asked (MirrorFixture *f, const char *prefix)
{
  for (guint i = 0; i < f->asked->len; i++)
    if (g_str_has_prefix (f->asked->pdata[i], prefix))
      return TRUE;
  return FALSE;
}

static void
assert_base (MirrorFixture *f, const char *place)
{
  g_autoptr (JsonObject) held = mirror_fixture_held (f);
  g_autofree char *expected = g_strdup_printf ("%s/%s/", f->uri, place);

  g_assert_cmpstr (cold_json_string (held, "base"), ==, expected);
}

/* The first place is down, the second one has everything, packages included. */
static void
test_list (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "mirrorlist", "");
  g_autofree char *first = NULL;
  g_autofree char *again = NULL;
  g_autofree char *moved = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (JsonObject) fetched = NULL;
  g_autoptr (GError) error = NULL;

  mirror_fixture_shell (f, "$RPM package b foo 1-1; $RPM repository b ../gpg; cp -a b c;"
                           " printf '# some\\n%%s/a/\\nrsync://x/\\n%%s/b/\\n%%s/c/\\n' $URI $URI $URI >mirrorlist");
  first = mirror_fixture_assert_fetched (f, entry);
  assert_base (f, "b");
  plan = mirror_fixture_plan (f, entry, MANIFEST);
  fetched = mirror_fixture_fetch (f, entry, plan, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cold_json_int (fetched, "fetched"), ==, 1);
  g_assert_true (was_asked (f, "/b/foo-1-1.noarch.rpm"));
  /* The place that was used before goes first, wherever it is in the list now. */
  mirror_fixture_shell (f, "printf '%%s/c/\\n%%s/b/\\n' $URI $URI >mirrorlist");
  again = mirror_fixture_assert_fetched (f, entry);
  g_assert_cmpstr (again, ==, first);
  g_assert_false (was_asked (f, "/c/"));
  /* With another one its packages come from there. */
  mirror_fixture_shell (f, "rm -r b");
  moved = mirror_fixture_assert_fetched (f, entry);
  g_assert_cmpstr (moved, !=, first);
  assert_base (f, "c");
}

/* It has a good repomd.xml, and not what that names. */
static void
test_broken_place (MirrorFixture *f, gconstpointer data)
{
  static const char *const commands[] = { "rm a/repodata/*-primary.xml.*", "truncate -s 100 a/repodata/*-primary.xml.*",
                                          "rm a/repodata/*-updateinfo.xml*" };
  g_autofree char *entry = entry_of (f, "mirrorlist", "");

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *generation = NULL;
      g_autoptr (JsonObject) plan = NULL;

      mirror_fixture_shell (f, "rm -rf a b ../catalogue/*; $RPM package b foo 1-1; $RPM repository b ../gpg;"
                               " echo '<updates/>' >updateinfo.xml; modifyrepo_c updateinfo.xml b/repodata;"
                               " gpg --homedir ../gpg --batch -q --yes --armor --detach-sign b/repodata/repomd.xml;"
                               " cp -a b a; printf '%%s/a/\n%%s/b/\n' $URI $URI >mirrorlist; %s", commands[i]);
      generation = mirror_fixture_assert_fetched (f, entry);
      assert_base (f, "b");
      plan = mirror_fixture_plan (f, entry, MANIFEST);
      g_assert_cmpuint (json_array_get_length (cold_json_array (plan, "packages")), ==, 1);
    }
}

/* It has all metadata, and a package that is missing or not what they say. */
static void
test_broken_package (MirrorFixture *f, gconstpointer data)
{
  static const char *const commands[] = { "rm a/foo-1-1.noarch.rpm", "truncate -s 100 a/foo-1-1.noarch.rpm" };
  g_autofree char *entry = entry_of (f, "mirrorlist", "");

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *generation = NULL;
      g_autoptr (JsonObject) plan = NULL;
      g_autoptr (JsonObject) fetched = NULL;
      g_autoptr (GError) error = NULL;

      mirror_fixture_shell (f, "rm -rf a b ../catalogue/*; $RPM package b foo 1-1; $RPM repository b ../gpg; cp -a b a;"
                               " printf '%%s/a/\n%%s/b/\n' $URI $URI >mirrorlist; %s", commands[i]);
      generation = mirror_fixture_assert_fetched (f, entry);
      assert_base (f, "a");
      plan = mirror_fixture_plan (f, entry, MANIFEST);
      fetched = mirror_fixture_fetch (f, entry, plan, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cold_json_int (fetched, "fetched"), ==, 1);
      g_assert_true (was_asked (f, "/b/foo-1-1.noarch.rpm"));
      mirror_fixture_shell (f, "rm b/*.rpm");
      mirror_fixture_shell (f, "rm -r ../catalogue/packages");
      g_assert_null (mirror_fixture_fetch (f, entry, plan, &error));
      g_assert_true (error->domain == COLD_ERROR);
    }
}

#define METALINK_SCRIPT \
  "hash=$(sha256sum <%s/repodata/repomd.xml | cut -c1-64); { echo '<metalink><files><file name=\"repomd.xml\"><verification>';" \
  " echo \"<hash type=\\\"sha256\\\">$hash</hash></verification><resources>\"; for p in %s; do" \
  " echo \"<url preference=\\\"10\\\">$URI/$p/repodata/repomd.xml</url>\"; done;" \
  " echo '</resources></file></files></metalink>'; } >metalink"

/* A mirror that is behind has a good signature all the same. */
static void
test_metalink (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "metalink", "");
  g_autofree char *generation = NULL;

  mirror_fixture_shell (f, "$RPM package old foo 1-1; $RPM repository old ../gpg; cp -a old new; $RPM package new foo 2-1;"
                           " $RPM repository new ../gpg");
  mirror_fixture_shell (f, METALINK_SCRIPT, "new", "old new");
  generation = mirror_fixture_assert_fetched (f, entry);
  g_assert_true (was_asked (f, "/old/repodata/repomd.xml"));
  g_assert_false (was_asked (f, "/old/repodata/repomd.xml.asc"));
  assert_base (f, "new");
  mirror_fixture_shell (f, METALINK_SCRIPT, "new", "old");
  mirror_fixture_assert_refused (f, entry, "Signature", "the metalink knows another one");
  assert_base (f, "new");
}

/* Nothing of a list makes a signature dispensable. */
static void
test_unsigned (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "metalink", "");
  g_autofree char *generation = NULL;

  mirror_fixture_shell (f, "$RPM package a foo 1-1; $RPM repository a; cp -a a b; $RPM repository b ../gpg");
  mirror_fixture_shell (f, METALINK_SCRIPT, "a", "a");
  mirror_fixture_assert_refused (f, entry, "Signature", "there is no signature");
  mirror_fixture_shell (f, METALINK_SCRIPT, "b", "a b");
  generation = mirror_fixture_assert_fetched (f, entry);
  assert_base (f, "b");
}

/* The admin allows the list's host, and no more: whatever else the list says is not even asked. */
static void
test_guest (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "mirrorlist", ",\"from-guest\":true");
  g_autofree char *elsewhere = NULL;
  g_autofree char *generation = NULL;

  mirror_fixture_shell (f, "$RPM package a foo 1-1; $RPM repository a ../gpg; mkdir -p r/repodata;"
                           " echo http://localhost:1/a/repodata/repomd.xml >r/repodata/repomd.xml.redirect;"
                           " printf 'http://127.0.0.1:1/a/\\nhttp://mirror.example.net/a/\\nhttp://10.0.0.1/\\n' >mirrorlist");
  mirror_fixture_assert_refused (f, entry, "AccessDenied", "AllowHosts=");
  /* Nor does a redirection lead out. */
  mirror_fixture_shell (f, "cp mirrorlist others; printf '%%s/r/\\n' $URI >mirrorlist");
  mirror_fixture_assert_refused (f, entry, "AccessDenied", "localhost");
  mirror_fixture_shell (f, "{ cat others; echo $URI/r/; echo $URI/a/; } >mirrorlist");
  generation = mirror_fixture_assert_fetched (f, entry);
  assert_base (f, "a");
  /* The list itself. */
  mirror_fixture_shell (f, "rm mirrorlist; echo http://localhost:1/list >mirrorlist.redirect");
  mirror_fixture_assert_refused (f, entry, "AccessDenied", "localhost");
  elsewhere = g_strdup ("\"type\":\"rpm-md\",\"uri\":\"http://127.0.0.1:1/list\",\"list\":\"mirrorlist\",\"from-guest\":true");
  mirror_fixture_assert_refused (f, elsewhere, "AccessDenied", "127.0.0.1:1");
}

/* A list of the admin's may name public hosts, but no private ones. */
static void
test_private (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "mirrorlist", "");

  mirror_fixture_shell (f, "printf 'http://127.0.0.1:1/a/\\nhttp://[::1]:1/\\nhttp://169.254.169.254/latest/\\n' >mirrorlist");
  mirror_fixture_assert_refused (f, entry, "AccessDenied", "private network");
}

static void
test_bad_lists (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *list = entry_of (f, "mirrorlist", "");
  g_autofree char *metalink = entry_of (f, "metalink", "");
  g_autofree char *other = entry_of (f, "torrent", "");

  mirror_fixture_assert_refused (f, list, "NotFound", "404");
  mirror_fixture_shell (f, "echo '# nothing' >mirrorlist; echo '<html>' >metalink");
  mirror_fixture_assert_refused (f, list, "NotFound", "names no place");
  mirror_fixture_assert_refused (f, metalink, "InvalidArgument", "no metalink");
  mirror_fixture_assert_refused (f, other, "InvalidArgument", "mirrorlist or metalink");
  mirror_fixture_shell (f, "head -c 2000000 /dev/zero | tr '\\0' '#' >mirrorlist");
  mirror_fixture_assert_refused (f, list, "Signature", "longer than");
}

/* Some are tried, not all. */
static void
test_many_down (MirrorFixture *f, gconstpointer data)
{
  g_autofree char *entry = entry_of (f, "mirrorlist", "");
  guint asked = 0;

  mirror_fixture_shell (f, "$RPM package last foo 1-1; $RPM repository last ../gpg;"
                           " for i in 1 2 3 4 5 6 7 8 9; do echo $URI/m$i/; done >mirrorlist; echo $URI/last/ >>mirrorlist");
  mirror_fixture_assert_refused (f, entry, "NotFound", "no place that");
  for (guint i = 0; i < f->asked->len; i++)
    asked += g_str_has_prefix (f->asked->pdata[i], "/m") && !g_str_has_prefix (f->asked->pdata[i], "/mirrorlist");
  g_assert_cmpuint (asked, ==, 5);
}

/* includepkgs and exclude of a repository are for what comes from it only. */
static void
test_patterns (MirrorFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *extra;
    guint planned;
  } cases[] = {
    { "", 1 },
    { ",\"excludes\":[\"fo*\"]", 0 },
    { ",\"excludes\":[\"bar\"]", 1 },
    { ",\"includes\":[\"bar\"]", 0 },
    { ",\"includes\":[\"bar\",\"foo-2*\"]", 1 },
    { ",\"includes\":[\"foo\"],\"excludes\":[\"foo.noarch\"]", 0 },
  };

  mirror_fixture_shell (f, "$RPM package a foo 2-1; $RPM repository a ../gpg");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *entry = g_strdup_printf ("\"type\":\"rpm-md\",\"uri\":\"%s/a\"%s", f->uri, cases[i].extra);
      g_autofree char *generation = mirror_fixture_assert_fetched (f, entry);
      g_autoptr (JsonObject) plan = mirror_fixture_plan (f, entry, MANIFEST);

      g_assert_cmpuint (json_array_get_length (cold_json_array (plan, "packages")), ==, cases[i].planned);
    }
}

int
main (int argc, char *argv[])
{
#define ADD(name, func) \
  g_test_add ("/rpm-mirrors/" name, MirrorFixture, NULL, mirror_fixture_set_up, func, mirror_fixture_tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD ("list", test_list);
  ADD ("list/broken-place/passed-over", test_broken_place);
  ADD ("list/broken-package/from-another-place", test_broken_package);
  ADD ("metalink/place-behind/passed-over", test_metalink);
  ADD ("metalink/unsigned/refused", test_unsigned);
  ADD ("of-a-guest/only-where-allowed", test_guest);
  ADD ("private-place/refused", test_private);
  ADD ("bad-list/refused", test_bad_lists);
  ADD ("many-down/given-up", test_many_down);
  ADD ("repository-patterns", test_patterns);
  return g_test_run ();
}
