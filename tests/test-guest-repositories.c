/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-repositories.h"

#include <glib/gstdio.h>

#include "cold-guest-source.h"
#include "cold-json.h"
#include "cold-protocol.h"

#define ALLOW "[Catalogue]\nGuestSources=allow\nAllowHosts=*.example.org 10.0.0.1\n"
#define MAIN "[main]\nType=deb\nMatch=debian 12 x86_64\nUri=http://mirror.example.org/debian\nSuites=bookworm\nComponents=main\nSignedBy=/keys/debian.gpg\n"
#define VOUCHER "[any]\nType=deb\nMatch=debian * *\nHosts=packages.example.org 10.0.0.1\nSignedBy=/keys/any.gpg\n"

static ColdConfig *
load (const char *main_text, const char *sources)
{
  g_autofree char *folder = g_dir_make_tmp ("cold-guest-repositories-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "coldpatch.conf", NULL);
  g_autofree char *source_folder = g_build_filename (folder, "sources.d", NULL);
  g_autofree char *source = g_build_filename (source_folder, "a.conf", NULL);
  g_autoptr (GError) error = NULL;
  ColdConfig *config;

  g_mkdir (source_folder, 0700);
  g_assert_true (g_file_set_contents (path, main_text, -1, NULL));
  g_assert_true (g_file_set_contents (source, sources, -1, NULL));
  config = cold_config_load (path, &error);
  g_assert_no_error (error);
  g_unlink (source);
  g_rmdir (source_folder);
  g_unlink (path);
  g_rmdir (folder);
  return config;
}

/* @sources: JSON, as a worker reports it */
static ColdFacts *
guest_of (const char *os, const char *version, const char *format, const char *sources)
{
  g_autofree char *text = g_strdup_printf ("{\"sources\":[%s]}", sources);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = cold_json_parse_object (text, -1, &error);
  ColdFacts *facts = cold_facts_new ();

  g_assert_no_error (error);
  g_free (facts->os);
  facts->os = g_strdup (os);
  g_free (facts->os_version);
  facts->os_version = g_strdup (version);
  g_free (facts->arch);
  facts->arch = g_strdup ("x86_64");
  g_free (facts->package_format);
  facts->package_format = g_strdup (format);
  g_ptr_array_unref (facts->sources);
  facts->sources = cold_guest_sources_from_json (cold_json_array (object, "sources"));
  return facts;
}

static ColdFacts *
guest (const char *sources)
{
  return guest_of ("debian", "12", "deb", sources);
}

#define SOURCE(uri, suite, components) "{\"uri\":\"" uri "\",\"suite\":\"" suite "\",\"components\":[" components "]}"

/* How many repositories @facts (transfer full) gets, and the first of them. */
static guint
count_of (const char *main_text, const char *sources_d, ColdFacts *facts, ColdRepository **first)
{
  g_autoptr (ColdConfig) config = load (main_text, sources_d);
  g_autoptr (ColdFacts) owned = facts;
  g_autoptr (GPtrArray) repositories = cold_guest_repositories_of (config, facts);
  guint n = repositories->len;

  if (first != NULL)
    *first = n > 0 ? g_ptr_array_steal_index (repositories, 0) : NULL;
  return n;
}

static guint
count (const char *main_text, const char *sources_d, const char *sources, ColdRepository **first)
{
  return count_of (main_text, sources_d, guest (sources), first);
}

static void
test_denied (void)
{
  const char *source = SOURCE ("http://packages.example.org/x", "stable", "\"main\"");

  g_assert_cmpuint (count ("", MAIN VOUCHER, source, NULL), ==, 0);
  g_assert_cmpuint (count ("[Catalogue]\nGuestSources=deny\nAllowHosts=*\n", MAIN VOUCHER, source, NULL), ==, 0);
  g_assert_cmpuint (count ("[Catalogue]\nGuestSources=allow\n", MAIN VOUCHER, source, NULL), ==, 0);
  g_assert_cmpuint (count ("[Catalogue]\nGuestSources=allow\nAllowHosts=*.example.com\n", MAIN VOUCHER, source, NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, MAIN VOUCHER, source, NULL), ==, 1);
}

/* Nobody vouches for what is on other hosts, or for other guests, though AllowHosts names them. */
static void
test_nobody_vouches (void)
{
  g_assert_cmpuint (count (ALLOW, MAIN VOUCHER, SOURCE ("http://other.example.org/x", "stable", "\"main\""), NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, MAIN, SOURCE ("http://packages.example.org/x", "stable", "\"main\""), NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, "[any]\nType=deb\nMatch=ubuntu * *\nHosts=*\nSignedBy=/k\n",
                           SOURCE ("http://packages.example.org/x", "stable", "\"main\""), NULL),
                    ==, 0);
}

static void
test_voucher (void)
{
  g_autoptr (ColdRepository) repository = NULL;

  count (ALLOW, MAIN VOUCHER, SOURCE ("https://packages.example.org/x//", "stable/x-security", "\"main\",\"extra\""), &repository);
  g_assert_cmpstr (repository->uri, ==, "https://packages.example.org/x");
  g_assert_cmpstr (repository->suites[0], ==, "stable/x-security");
  g_assert_cmpuint (g_strv_length (repository->components), ==, 2);
  g_assert_cmpstr (repository->signed_by, ==, "/keys/any.gpg");
  g_assert_cmpstr (repository->arch, ==, "x86_64");
  g_assert_true (repository->from_guest);
  g_assert_true (repository->security);
  g_assert_true (g_str_has_prefix (repository->id, COLD_GUEST_REPOSITORY_PREFIX));
}

/* The keyring of a repository of sources.d on the same host; what that repository has is not fetched twice. */
static void
test_same_host (void)
{
  g_autoptr (ColdRepository) repository = NULL;

  g_assert_cmpuint (count (ALLOW, MAIN, SOURCE ("http://mirror.example.org/debian/", "bookworm", "\"main\""), NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, MAIN, SOURCE ("http://mirror.example.org:22/debian/", "bookworm", "\"main\""), NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, MAIN, SOURCE ("http://mirror.example.org/debian/", "bookworm", "\"main\",\"contrib\""),
                           &repository),
                    ==, 1);
  g_assert_cmpstr (repository->signed_by, ==, "/keys/debian.gpg");
  g_assert_cmpstr (repository->components[0], ==, "contrib");
  g_assert_null (repository->components[1]);
  g_assert_false (repository->security);
}

static void
test_not_usable (void)
{
  static const char *const sources[]
      = { SOURCE ("file:///etc", "stable", "\"main\""),
          SOURCE ("http://me@10.0.0.1/", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1/?a", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1/../x", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1/\\n", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1/ x", "stable", "\"main\""),
          SOURCE ("http:///x", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1:99999999/", "stable", "\"main\""),
          SOURCE ("http://10.0.0.1/", "../stable", "\"main\""),
          SOURCE ("http://10.0.0.1/", "/stable", "\"main\""),
          SOURCE ("http://10.0.0.1/", "./", "\"main\""),
          SOURCE ("http://10.0.0.1/", "stable", ""),
          SOURCE ("http://10.0.0.1/", "stable", "\"-main\""),
          SOURCE ("http://10.0.0.1/", "stable", "\"a b\""),
          "7", "{}", "{\"uri\":7,\"suite\":[],\"components\":{}}" };

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_assert_cmpuint (count (ALLOW, VOUCHER, sources[i], NULL), ==, 0);
  g_assert_cmpuint (count (ALLOW, VOUCHER, SOURCE ("http://10.0.0.1/", "stable", "\"main\""), NULL), ==, 1);
}

/* Clones share what they name; a store brings it back after a restart. */
static void
test_clones (void)
{
  const char *sources = SOURCE ("http://packages.example.org/x", "stable", "\"main\"") ","
                        SOURCE ("http://packages.example.org/x", "testing", "\"main\"");
  g_autoptr (ColdConfig) config = load (ALLOW, VOUCHER);
  g_autoptr (ColdFacts) one = guest (sources);
  g_autoptr (ColdFacts) other = guest (SOURCE ("http://packages.example.org/x", "testing", "\"main\""));
  g_autoptr (GPtrArray) guests = g_ptr_array_new ();
  g_autoptr (GHashTable) named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) repositories = NULL;
  g_autoptr (JsonArray) array = cold_guest_sources_to_json (one->sources);
  g_autoptr (GPtrArray) again = cold_guest_sources_from_json (array);

  g_ptr_array_add (guests, one);
  g_ptr_array_add (guests, other);
  repositories = cold_guest_repositories_of_all (config, guests, named);
  g_assert_cmpuint (repositories->len, ==, 2);
  g_assert_cmpuint (again->len, ==, 2);
  g_assert_cmpstr (((ColdGuestSource *) again->pdata[1])->suite, ==, "testing");
}

#define FOR(architectures) "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"stable\",\"components\":[\"main\"],\"architectures\":[" architectures "]}"

static ColdFacts *
guest_with (const char *sources, const char *foreign)
{
  ColdFacts *facts = guest (sources);

  g_strfreev (facts->foreign);
  facts->foreign = g_strsplit (foreign, " ", -1);
  return facts;
}

/* What a guest has beside its own architecture is wanted from where its source says so, and fetched once for all. */
static void
test_foreign (void)
{
  static const struct
  {
    const char *source;
    const char *expected;
  } cases[] = { { SOURCE ("http://packages.example.org/x", "stable", "\"main\""), "i386,armhf" },
                { FOR ("\"amd64\""), "" },
                { FOR ("\"amd64\",\"i386\",\"arm64\""), "i386" } };
  g_autoptr (ColdConfig) config = load (ALLOW, VOUCHER);
  g_autoptr (GPtrArray) guests = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_facts_free);
  g_autoptr (GHashTable) named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) repositories = NULL;
  g_autofree char *all = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColdFacts) facts = guest_with (cases[i].source, "i386 armhf");
      g_autoptr (GPtrArray) own = cold_guest_repositories_of (config, facts);
      g_autoptr (JsonArray) array = cold_guest_sources_to_json (facts->sources);
      g_autoptr (GPtrArray) again = cold_guest_sources_from_json (array);
      g_autofree char *joined = NULL;

      g_assert_cmpuint (own->len, ==, 1);
      joined = g_strjoinv (",", ((ColdRepository *) own->pdata[0])->foreign);
      g_assert_cmpstr (joined, ==, cases[i].expected);
      g_assert_cmpuint (g_strv_length (((ColdGuestSource *) again->pdata[0])->architectures), ==,
                        g_strv_length (((ColdGuestSource *) facts->sources->pdata[0])->architectures));
    }
  g_assert_cmpuint (count (ALLOW, VOUCHER, FOR ("\"../x\""), NULL), ==, 0);
  g_ptr_array_add (guests, guest (cases[0].source));
  g_ptr_array_add (guests, guest_with (cases[2].source, "i386 armhf"));
  g_ptr_array_add (guests, guest_with (cases[0].source, "i386 s390x"));
  repositories = cold_guest_repositories_of_all (config, guests, named);
  g_assert_cmpuint (repositories->len, ==, 1);
  all = g_strjoinv (",", ((ColdRepository *) repositories->pdata[0])->foreign);
  g_assert_cmpstr (all, ==, "i386,s390x");
}

#define RPM_VOUCHER "[rpm]\nType=rpm-md\nMatch=fedora * *\nHosts=packages.example.org\nSignedBy=/keys/rpm.gpg\n"
#define RPM_MAIN "[updates]\nType=rpm-md\nMatch=fedora 39 x86_64\nUri=http://packages.example.org/updates\nSignedBy=/keys/rpm.gpg\n"

static void
test_rpm (void)
{
  static const char *const none[]
      = { "{\"uri\":\"http://packages.example.org/updates/\"}", /* the admin's own */
          "{\"uri\":\"http://other.example.org/x\"}",
          "{\"uri\":\"http://packages.example.org/x?a=b\"}", /* no list */
          "{\"uri\":\"http://packages.example.org/x?a=b\",\"list\":\"torrent\"}",
          "{\"uri\":\"http://me@packages.example.org/x\",\"list\":\"metalink\"}",
          "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"x\"}",
          "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"x\",\"components\":[\"main\"]}",
          "{\"uri\":\"http://packages.example.org/x\",\"components\":[\"main\"]}",
          "{\"uri\":\"http://packages.example.org/x\",\"excludes\":[\"a\\nb\"]}",
          "{\"mirrors\":[]}" };
  g_autoptr (ColdRepository) repository = NULL;
  g_autoptr (ColdRepository) list = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER RPM_MAIN, guest_of ("fedora", "39", "rpm", none[i]), NULL), ==, 0);
  g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER, guest_of ("fedora", "39", "deb", "{\"uri\":\"http://packages.example.org/x\"}"), NULL),
                    ==, 0);
  /* The first place that the admin allows. */
  g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER,
                              guest_of ("fedora", "39", "rpm",
                                        "{\"uri\":\"http://other.example.org/x\",\"mirrors\":[\"http://10.0.0.1/x\","
                                        "\"http://packages.example.org/y/\"],\"priority\":10,\"excludes\":[\"a*\"]}"),
                              &repository),
                    ==, 1);
  g_assert_cmpstr (repository->uri, ==, "http://packages.example.org/y");
  g_assert_cmpstr (repository->type, ==, "rpm-md");
  g_assert_cmpstr (repository->signed_by, ==, "/keys/rpm.gpg");
  g_assert_cmpint (repository->priority, ==, 10);
  g_assert_cmpstr (repository->excludes[0], ==, "a*");
  g_assert_null (repository->suites[0]);
  g_assert_null (repository->list);
  g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER,
                              guest_of ("fedora", "39", "rpm",
                                        "{\"uri\":\"https://packages.example.org/metalink?repo=x&arch=y\",\"list\":\"metalink\"}"),
                              &list),
                    ==, 1);
  g_assert_cmpstr (list->uri, ==, "https://packages.example.org/metalink?repo=x&arch=y");
  g_assert_cmpstr (list->list, ==, "metalink");
  g_assert_cmpstr (list->id, !=, repository->id);
}

/* What keeps packages out of a plan makes another repository, though all that is fetched is the same. */
static void
test_rpm_ids (void)
{
  static const char *const sources[]
      = { "{\"uri\":\"http://packages.example.org/x\"}",
          "{\"uri\":\"http://packages.example.org/x\",\"priority\":1}",
          "{\"uri\":\"http://packages.example.org/x\",\"excludes\":[\"a\",\"b\"]}",
          "{\"uri\":\"http://packages.example.org/x\",\"excludes\":[\"a\"],\"includes\":[\"b\"]}",
          "{\"uri\":\"http://packages.example.org/x\",\"includes\":[\"a\",\"b\"]}",
          "{\"uri\":\"http://packages.example.org/x\",\"list\":\"mirrorlist\"}" };
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      g_autoptr (ColdRepository) one = NULL;
      g_autoptr (ColdRepository) same = NULL;

      g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER, guest_of ("fedora", "39", "rpm", sources[i]), &one), ==, 1);
      g_assert_cmpuint (count_of (ALLOW, RPM_VOUCHER, guest_of ("fedora", "39", "rpm", sources[i]), &same), ==, 1);
      g_assert_cmpstr (one->id, ==, same->id);
      g_assert_true (g_hash_table_add (ids, g_strdup (one->id)));
    }
}

#define ARCH_VOUCHER \
  "[arch]\nType=arch\nMatch=archlinux * x86_64\nHosts=packages.example.org\nSignedBy=/keys/arch.gpg\nDatabaseSignature=none\n"

/* What a guest of Alpine names is a URI and nothing else. */
static void
test_apk (void)
{
  static const char voucher[] = "[apk]\nType=apk\nMatch=alpinelinux * x86_64\nHosts=packages.example.org\nSignedBy=/keys/alpine.pem\n";
  g_autoptr (ColdRepository) repository = NULL;

  g_assert_cmpuint (count_of (ALLOW, voucher,
                              guest_of ("alpinelinux", "3.18", "apk", "{\"uri\":\"https://packages.example.org/main\",\"suite\":\"x\"}"),
                              NULL),
                    ==, 0);
  g_assert_cmpuint (count_of (ALLOW, voucher,
                              guest_of ("alpinelinux", "3.18", "apk", "{\"uri\":\"https://packages.example.org/v3.18/main\"}"),
                              &repository),
                    ==, 1);
  g_assert_cmpstr (repository->type, ==, "apk");
  g_assert_cmpstr (repository->uri, ==, "https://packages.example.org/v3.18/main");
  g_assert_cmpstr (repository->signed_by, ==, "/keys/alpine.pem");
}

static void
test_arch (void)
{
  static const char *const none[] = { "{\"uri\":\"http://packages.example.org/core/os/x86_64\"}",
                                      "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"a/b\"}",
                                      "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"..\"}",
                                      "{\"uri\":\"http://packages.example.org/x\",\"suite\":\"x\",\"list\":\"mirrorlist\"}" };
  g_autoptr (ColdRepository) repository = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_cmpuint (count_of (ALLOW, ARCH_VOUCHER, guest_of ("archlinux", "rolling", "pacman", none[i]), NULL), ==, 0);
  g_assert_cmpuint (count_of (ALLOW, ARCH_VOUCHER,
                              guest_of ("archlinux", "rolling", "pacman",
                                        "{\"uri\":\"http://packages.example.org/core/os/x86_64/\",\"suite\":\"core\"}"),
                              &repository),
                    ==, 1);
  g_assert_cmpstr (repository->uri, ==, "http://packages.example.org/core/os/x86_64");
  g_assert_cmpstr (repository->suites[0], ==, "core");
  g_assert_cmpstr (repository->signed_by, ==, "/keys/arch.gpg");
  /* As the entry says that vouches for it. */
  g_assert_true (repository->unsigned_database);
}

/* What is kept of them is what was there. */
static void
test_kept (void)
{
  g_autoptr (ColdFacts) facts
      = guest_of ("fedora", "39", "rpm",
                  "{\"uri\":\"http://a.example.org/x?y=z\",\"mirrors\":[\"http://b.example.org/x\"],\"list\":\"mirrorlist\","
                  "\"priority\":5,\"excludes\":[\"a\"],\"includes\":[\"b\",\"c\"]}");
  g_autoptr (JsonArray) array = cold_guest_sources_to_json (facts->sources);
  g_autoptr (GPtrArray) again = cold_guest_sources_from_json (array);
  const ColdGuestSource *source = again->pdata[0];

  g_assert_cmpstr (source->uris[0], ==, "http://a.example.org/x?y=z");
  g_assert_cmpstr (source->uris[1], ==, "http://b.example.org/x");
  g_assert_cmpstr (source->suite, ==, "");
  g_assert_cmpstr (source->list, ==, "mirrorlist");
  g_assert_cmpint (source->priority, ==, 5);
  g_assert_cmpstr (source->excludes[0], ==, "a");
  g_assert_cmpuint (g_strv_length (source->includes), ==, 2);
}

static void
test_limits (void)
{
  g_autoptr (ColdConfig) config = load (ALLOW, VOUCHER);
  g_autoptr (GPtrArray) guests = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_facts_free);
  g_autoptr (GPtrArray) repositories = NULL;
  g_autoptr (GHashTable) named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean modest = FALSE;

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GString) text = g_string_new ("7");

      for (guint k = 0; k < 100; k++)
        g_string_append_printf (text, "," SOURCE ("http://packages.example.org/%u", "s%u", "\"main\""), i, k);
      g_ptr_array_add (guests, guest (text->str));
      g_assert_cmpuint (((ColdFacts *) guests->pdata[i])->sources->len, ==, COLD_GUEST_SOURCES_MAX);
    }
  g_ptr_array_add (guests, guest ("7," SOURCE ("http://packages.example.org/modest", "s", "\"main\"")));
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL); /* it warns of that */
  repositories = cold_guest_repositories_of_all (config, guests, named);
  g_assert_cmpuint (repositories->len, ==, COLD_GUEST_REPOSITORIES_MAX);
  g_assert_cmpuint (g_hash_table_size (named), ==, 10 * COLD_GUEST_SOURCES_MAX + 1);
  /* The last one, which names a single one, is not kept out by those that name many. */
  for (guint i = 0; i < repositories->len; i++)
    modest = modest || g_str_has_suffix (((ColdRepository *) repositories->pdata[i])->uri, "/modest");
  g_assert_true (modest);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guest-repositories/denied", test_denied);
  g_test_add_func ("/guest-repositories/nobody-vouches/refused", test_nobody_vouches);
  g_test_add_func ("/guest-repositories/voucher/its-keyring", test_voucher);
  g_test_add_func ("/guest-repositories/same-host/its-keyring", test_same_host);
  g_test_add_func ("/guest-repositories/not-usable/passed-over", test_not_usable);
  g_test_add_func ("/guest-repositories/clones/shared", test_clones);
  g_test_add_func ("/guest-repositories/foreign-architectures", test_foreign);
  g_test_add_func ("/guest-repositories/rpm", test_rpm);
  g_test_add_func ("/guest-repositories/rpm/ids", test_rpm_ids);
  g_test_add_func ("/guest-repositories/apk", test_apk);
  g_test_add_func ("/guest-repositories/arch", test_arch);
  g_test_add_func ("/guest-repositories/kept", test_kept);
  g_test_add_func ("/guest-repositories/limits", test_limits);
  return g_test_run ();
}
