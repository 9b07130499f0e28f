/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-catalogue-request.h"
#include "cold-config.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"

#define KEYS_DOCUMENTED 12

#define SOURCE(name, extra) \
  "[" name "]\nType=deb\nMatch=debian 12 x86_64\nUri=http://mirror.example.org/debian/\nSuites=bookworm bookworm-updates\n" \
  "Components=main,contrib\nSignedBy=/keyring.gpg\n" extra

#define RPM(place) "[a]\nType=rpm-md\nMatch=fedora 41 x\n" place "SignedBy=/k\n"
#define ARCH(suites, extra) "[a]\nType=arch\nMatch=archlinux * x\nUri=http://h/\n" suites "SignedBy=/k\n" extra

typedef struct
{
  char *folder;
  char *path; /* of coldpatch.conf */
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("test-config-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "coldpatch.conf", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", f->folder, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (f->path);
  g_free (f->folder);
}

/* @name: below the fixture's folder */
static void
put (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static ColdConfig *
load (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  ColdConfig *config = cold_config_load (f->path, &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  return config;
}

/* @where: file name and line, such as "coldpatch.conf:2:"; @what: a part of the message */
static void
assert_refused (Fixture *f, const char *where, const char *what)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cold_config_load (f->path, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_CONFIG);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, f->folder));
  g_assert_nonnull (strstr (error->message, where));
  g_assert_nonnull (strstr (error->message, what));
}

static void
assert_defaults (const ColdConfig *config)
{
  g_assert_cmpuint (g_strv_length (config->uris), ==, 1);
  g_assert_cmpstr (config->uris[0], ==, "qemu:///system");
  g_assert_cmpstr (config->policy, ==, "manual");
  g_assert_cmpuint (config->settle_seconds, ==, 10);
  g_assert_cmpuint (config->resync_seconds, ==, 3600);
  g_assert_cmpstr (config->accelerator, ==, "auto");
  g_assert_cmpuint (config->max_jobs, ==, 0);
  g_assert_cmpuint (config->retention_days, ==, 7);
  g_assert_cmpuint (config->refresh_seconds, ==, 21600);
  g_assert_cmpuint (config->cache_max, ==, G_GUINT64_CONSTANT (4096) << 20);
  g_assert_false (config->guest_sources);
  g_assert_cmpuint (g_strv_length (config->allow_hosts), ==, 0);
}

static char *
read_shipped (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("TEST_DATA"), name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = load (f);

  assert_defaults (config);
  g_assert_cmpuint (config->repositories->len, ==, 0);
}

static void
test_shipped (Fixture *f, gconstpointer data)
{
  g_autofree char *text = read_shipped ("coldpatch.conf");
  g_autoptr (ColdConfig) config = NULL;

  put (f, "coldpatch.conf", text);
  config = load (f);
  assert_defaults (config);
}

/* "#Key=value" lines with the '#' taken away: what the file says about defaults is true. */
static void
test_shipped_uncommented (Fixture *f, gconstpointer data)
{
  g_autofree char *text = read_shipped ("coldpatch.conf");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *uncommented = NULL;
  g_autoptr (ColdConfig) config = NULL;
  guint n_keys = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    if (lines[i][0] == '#' && g_ascii_isupper (lines[i][1]) && strchr (lines[i], '=') != NULL)
      {
        memmove (lines[i], lines[i] + 1, strlen (lines[i]));
        n_keys++;
      }
  g_assert_cmpuint (n_keys, ==, KEYS_DOCUMENTED);
  uncommented = g_strjoinv ("\n", lines);
  put (f, "coldpatch.conf", uncommented);
  config = load (f);
  assert_defaults (config);
}

static void
test_every_key (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;

  put (f, "coldpatch.conf",
       "[Agent]\nUris=qemu:///system test:///default\nPolicy=auto\nSettleSeconds=0\nResyncSeconds=10\nAccelerator=tcg\n"
       "MaxJobs=3\nRetentionDays=30\nSecurity=only\n"
       "[Catalogue]\nRefreshSeconds=60\nCacheMaxMiB=16\nGuestSources=allow\nAllowHosts=*.example.org, 10.0.0.1\n");
  config = load (f);
  g_assert_cmpuint (g_strv_length (config->uris), ==, 2);
  g_assert_cmpstr (config->uris[1], ==, "test:///default");
  g_assert_cmpstr (config->policy, ==, "auto");
  g_assert_cmpuint (config->settle_seconds, ==, 0);
  g_assert_cmpuint (config->resync_seconds, ==, 10);
  g_assert_cmpstr (config->accelerator, ==, "tcg");
  g_assert_cmpuint (config->max_jobs, ==, 3);
  g_assert_cmpuint (config->retention_days, ==, 30);
  g_assert_true (config->security_only);
  g_assert_cmpuint (config->refresh_seconds, ==, 60);
  g_assert_cmpuint (config->cache_max, ==, 16 << 20);
  g_assert_true (config->guest_sources);
  g_assert_cmpuint (g_strv_length (config->allow_hosts), ==, 2);
  g_assert_cmpstr (config->allow_hosts[0], ==, "*.example.org");
  g_assert_cmpstr (config->allow_hosts[1], ==, "10.0.0.1");
}

static void
test_unknown (Fixture *f, gconstpointer data)
{
  put (f, "coldpatch.conf", "# first\n[Agent]\n\nPolicy=auto\nPolitics=auto\n");
  assert_refused (f, "coldpatch.conf:5:", "unknown key Politics in [Agent]: allowed are Uris, Policy");
  put (f, "coldpatch.conf", "[Catalogue]\nPolicy=auto\n"); /* a key of the other group */
  assert_refused (f, "coldpatch.conf:2:", "unknown key Policy");
  put (f, "coldpatch.conf", "[Agent]\nPolicy=auto\n[Agents]\n");
  assert_refused (f, "coldpatch.conf:3:", "unknown group [Agents]");
}

static void
test_bad_values (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *group;
    const char *line;
    const char *allowed;
  } cases[] = {
    { "Agent", "Uris= ,", "at least one libvirt URI" },
    { "Agent", "Uris=a:/// b:/// a:///", "Uris names a:/// twice" },
    { "Agent", "Policy=inherit", "off, manual, auto" },
    { "Agent", "Policy=", "off, manual, auto" },
    { "Agent", "SettleSeconds=soon", "from 0 to 86400" },
    { "Agent", "SettleSeconds=-1", "from 0 to 86400" },
    { "Agent", "SettleSeconds=86401", "from 0 to 86400" },
    { "Agent", "SettleSeconds=10s", "from 0 to 86400" },
    { "Agent", "ResyncSeconds=9", "from 10 to 604800" },
    { "Agent", "Accelerator=xen", "auto, kvm, tcg" },
    { "Agent", "MaxJobs=1025", "from 0 to 1024" },
    { "Agent", "RetentionDays=3651", "from 0 to 3650" },
    { "Catalogue", "RefreshSeconds=59", "from 60 to 2592000" },
    { "Catalogue", "CacheMaxMiB=15", "from 16 to 2147483647" },
    { "Catalogue", "CacheMaxMiB=99999999999999999999", "from 16 to 2147483647" },
    { "Catalogue", "GuestSources=yes", "deny, allow" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("\n[%s]\n# why\n%s\n", cases[i].group, cases[i].line);

      put (f, "coldpatch.conf", text);
      assert_refused (f, "coldpatch.conf:4:", cases[i].allowed);
    }
}

static void
test_no_keyfile (Fixture *f, gconstpointer data)
{
  put (f, "coldpatch.conf", "Policy=auto\n");
  assert_refused (f, "coldpatch.conf", "");
  put (f, "coldpatch.conf", "[Agent]\nPolicy\n");
  assert_refused (f, "coldpatch.conf", "");
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  assert_refused (f, "coldpatch.conf", "cannot read");
}

static void
test_dropins (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;

  put (f, "coldpatch.conf", "[Agent]\nPolicy=off\nMaxJobs=1\nRetentionDays=1\n");
  put (f, COLD_CONFIG_DROPINS "/20-late.conf", "[Agent]\nMaxJobs=3\n");
  put (f, COLD_CONFIG_DROPINS "/10-early.conf", "[Agent]\nMaxJobs=2\nRetentionDays=2\n");
  put (f, COLD_CONFIG_DROPINS "/30-off.conf.disabled", "[Agent]\nMaxJobs=4\n");
  put (f, COLD_CONFIG_DROPINS "/.40-hidden.conf", "no keyfile");
  config = load (f);
  g_assert_cmpstr (config->policy, ==, "off");
  g_assert_cmpuint (config->retention_days, ==, 2);
  g_assert_cmpuint (config->max_jobs, ==, 3);

  put (f, COLD_CONFIG_DROPINS "/50-wrong.conf", "[Agent]\nMaxJob=4\n");
  assert_refused (f, "50-wrong.conf:2:", "unknown key MaxJob");
}

static void
test_sources (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;
  const ColdRepository *first, *second;

  put (f, COLD_SOURCES_DIR "/b.conf", SOURCE ("second", "Security=yes\n"));
  put (f, COLD_SOURCES_DIR "/a.conf", SOURCE ("first", ""));
  config = load (f);
  g_assert_cmpuint (config->repositories->len, ==, 2);
  first = g_ptr_array_index (config->repositories, 0);
  second = g_ptr_array_index (config->repositories, 1);
  g_assert_cmpstr (first->id, ==, "first");
  g_assert_cmpstr (first->type, ==, "deb");
  g_assert_cmpstr (first->uri, ==, "http://mirror.example.org/debian"); /* without the slash */
  g_assert_cmpuint (g_strv_length (first->suites), ==, 2);
  g_assert_cmpstr (first->suites[1], ==, "bookworm-updates");
  g_assert_cmpuint (g_strv_length (first->components), ==, 2);
  g_assert_cmpstr (first->components[1], ==, "contrib");
  g_assert_cmpstr (first->signed_by, ==, "/keyring.gpg");
  g_assert_false (first->security);
  g_assert_true (second->security);
  g_assert_true (cold_repository_matches (first, "debian", "12", "x86_64"));
  g_assert_false (cold_repository_matches (first, "debian", "11", "x86_64"));
  g_assert_false (cold_repository_matches (first, "ubuntu", "12", "x86_64"));
  g_assert_false (cold_repository_matches (first, "debian", "12", "aarch64"));
}

static void
test_source_matches_all (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;
  const ColdRepository *repository;

  put (f, COLD_SOURCES_DIR "/a.conf",
       "[all]\nType=deb\nMatch=debian * *\nUri=file:///mirror\nSuites=s\nComponents=c\nSignedBy=/k\n");
  config = load (f);
  repository = g_ptr_array_index (config->repositories, 0);
  g_assert_true (cold_repository_matches (repository, "debian", "11", "aarch64"));
  g_assert_false (cold_repository_matches (repository, "ubuntu", "11", "aarch64"));
}

/* No repository, but a keyring for those that guests name. */
static void
test_source_with_hosts (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;
  const ColdRepository *voucher;

  put (f, COLD_SOURCES_DIR "/a.conf", "[a]\nType=deb\nMatch=debian * *\nHosts=*.example.org h:8080\nSignedBy=/k\n");
  config = load (f);
  g_assert_cmpuint (config->repositories->len, ==, 0);
  g_assert_cmpuint (config->vouchers->len, ==, 1);
  voucher = g_ptr_array_index (config->vouchers, 0);
  g_assert_cmpuint (g_strv_length (voucher->hosts), ==, 2);
  g_assert_cmpstr (voucher->hosts[1], ==, "h:8080");
  g_assert_cmpstr (voucher->signed_by, ==, "/k");
  g_assert_null (voucher->uri);
  /* Nothing is fetched for guests that may not name anything. */
  g_assert_false (cold_config_has_repositories (config));
  config->guest_sources = TRUE;
  g_assert_true (cold_config_has_repositories (config));
}

static void
test_sources_preferences (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;
  const ColdRepository *repository;

  put (f, COLD_SOURCES_DIR "/a.conf", RPM ("Uri=http://h/\nPriority=10\nExclude=kernel* foo\nInclude=b?r\nModuleHotfixes=yes\n"));
  put (f, COLD_SOURCES_DIR "/b.conf", "[b]\nType=rpm-md\nMatch=fedora 41 x\nUri=http://h/\nSignedBy=/k\n");
  config = load (f);
  repository = g_ptr_array_index (config->repositories, 0);
  g_assert_cmpint (repository->priority, ==, 10);
  g_assert_cmpuint (g_strv_length (repository->excludes), ==, 2);
  g_assert_cmpstr (repository->excludes[0], ==, "kernel*");
  g_assert_cmpstr (repository->includes[0], ==, "b?r");
  g_assert_true (repository->module_hotfixes);
  repository = g_ptr_array_index (config->repositories, 1);
  g_assert_cmpint (repository->priority, ==, 0);
  g_assert_null (repository->excludes);
  g_assert_null (repository->includes);
  g_assert_false (repository->module_hotfixes);
}

/* What the admin says of a repository is what its workers are told. */
static void
test_sources_reach_workers (Fixture *f, gconstpointer data)
{
  g_autoptr (ColdConfig) config = NULL;
  g_autoptr (JsonObject) request = json_object_new ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_auto (GStrv) excludes = NULL;
  JsonObject *one, *other;

  put (f, COLD_SOURCES_DIR "/a.conf",
       RPM ("Uri=http://h/\nPriority=10\nExclude=kernel* foo\nInclude=b?r\nModuleHotfixes=yes\nSecurity=yes\n"));
  put (f, COLD_SOURCES_DIR "/b.conf", "[b]\nType=rpm-md\nMatch=fedora 41 x\nUri=http://h/\nSignedBy=/k\n");
  config = load (f);
  cold_catalogue_add_repositories (request, NULL, config, NULL, NULL, NULL, none);
  one = cold_json_array_object (cold_json_array (request, "repositories"), 0);
  other = cold_json_array_object (cold_json_array (request, "repositories"), 1);
  g_assert_cmpint (cold_json_int (one, "priority"), ==, 10);
  excludes = cold_json_strv (one, "excludes");
  g_assert_cmpuint (g_strv_length (excludes), ==, 2);
  g_assert_true (json_object_has_member (one, "includes"));
  g_assert_true (cold_json_bool (one, "module-hotfixes"));
  g_assert_true (cold_json_bool (one, "security"));
  g_assert_cmpstr (cold_json_string (one, "signed-by"), ==, "/keyrings/a");
  g_assert_false (json_object_has_member (other, "priority"));
  g_assert_false (json_object_has_member (other, "excludes"));
  g_assert_false (cold_json_bool (other, "module-hotfixes"));
  g_assert_false (cold_json_bool (other, "security"));
}

static void
test_match (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *match;
    const char *distribution;
    const char *version;
    gboolean matches;
  } cases[] = {
    { "rocky 9.* x", "rocky", "9.4", TRUE },  { "rocky 9.* x", "rocky", "10.0", FALSE }, { "rocky 9.* x", "rocky", "9", FALSE },
    { "* * x", "rocky", "", TRUE },           { "debian 1[23] x", "debian", "13", TRUE }, { "debian 1[23] x", "debian", "11", FALSE },
    { "opensuse* * x", "opensuse-leap", "15.6", TRUE }, { "debian 12 x", "debian", "12", TRUE }, { "debian 12 x", "debian", "121", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("[a]\nType=rpm-md\nMatch=%s\nUri=http://h/\nSignedBy=/k\n", cases[i].match);
      g_autoptr (ColdConfig) config = NULL;

      put (f, COLD_SOURCES_DIR "/a.conf", text);
      config = load (f);
      g_assert_cmpint (cold_repository_matches (g_ptr_array_index (config->repositories, 0), cases[i].distribution,
                                                cases[i].version, "x"), ==, cases[i].matches);
      g_assert_false (cold_repository_matches (g_ptr_array_index (config->repositories, 0), cases[i].distribution,
                                               cases[i].version, "y"));
    }
}

static void
test_sources_refused (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    guint line;
    const char *what;
  } cases[] = {
    { "[a]\nMatch=d 1 x\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 1, "lacks Type" },
    { "[a]\nType=dev\nMatch=d 1 x\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 2, "deb, rpm-md, arch" },
    { "[a]\nType=deb\nMatch=d 1 x86*\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 3, "the architecture is one" },
    { "#\n[a]\nType=deb\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 2, "Match needs three words" },
    { "[a]\nType=deb\nMatch=d 1\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 3, "Match needs three words" },
    { "[a]\nType=deb\nMatch=d 1 x\nSuites=s\nComponents=c\nSignedBy=/k\n", 1, "use an http, https or file URI" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=ftp://h/\nSuites=s\nComponents=c\nSignedBy=/k\n", 4, "Uri=ftp://h/" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=http:///x\nSuites=s\nComponents=c\nSignedBy=/k\n", 4, "with a host or a path" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=http://h/\nComponents=c\nSignedBy=/k\n", 1, "lacks Suites" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=http://h/\nSuites=s\nSignedBy=/k\n", 1, "lacks Components" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=http://h/\nSuites=s\nComponents=c\n", 1, "needs SignedBy" },
    { "[a]\nType=deb\nMatch=d 1 x\nUri=http://h/\nSuites=s\nComponents=c\nSignedBy=k\n", 7, "needs SignedBy" },
    { SOURCE ("a", "Security=maybe\n"), 8, "yes, no" },
    { SOURCE ("a", "Price=1\n"), 8, "unknown key Price in [a]" },
    { SOURCE ("a", "Priority=1\n"), 8, "for Type=rpm-md and Type=arch only" },
    { SOURCE ("a", "Exclude=b\n"), 8, "for Type=rpm-md only" },
    { ARCH ("Suites=core\n", "Include=b\n"), 7, "for Type=rpm-md only" },
    { ARCH ("Suites=core\n", "Priority=0\n"), 7, "from 1 to 99999" },
    { SOURCE ("a", "DatabaseSignature=none\n"), 8, "for Type=rpm-md and Type=arch" },
    { ARCH ("Suites=core\n", "DatabaseSignature=no\n"), 7, "required, none" },
    { ARCH ("", ""), 1, "the name of one database" },
    { ARCH ("Suites=core extra\n", ""), 1, "the name of one database" },
    { "[a]\nType=arch\nMatch=archlinux * x\nUri=http://h/$repo\nSuites=core\nSignedBy=/k\n", 4, "write $repo and $arch out" },
    { "[a]\nType=apk\nMatch=alpinelinux * x\nUri=http://h/\nSuites=main\nSignedBy=/k\n", 5, "neither Suites nor Components" },
    { "[a]\nType=apk\nMatch=alpinelinux * x\nUri=http://h/\nComponents=main\nSignedBy=/k\n", 5, "neither Suites nor Components" },
    { "[a]\nType=apk\nMatch=alpinelinux * x\nUri=http://h/\nSignedBy=/k\nDatabaseSignature=none\n", 6, "for Type=rpm-md" },
    { SOURCE ("a", "Metalink=http://h/\n"), 8, "for Type=rpm-md only" },
    { RPM ("Uri=http://h/\nMirrorlist=http://h/m\n"), 5, "one of Uri, Mirrorlist and Metalink" },
    { RPM ("Mirrorlist=http://h/m\nMetalink=http://h/m\n"), 5, "one of Uri, Mirrorlist and Metalink" },
    { RPM ("Metalink=ftp://h/m\n"), 4, "Metalink=ftp://h/m: use an http" },
    { RPM ("Hosts=h\nMetalink=http://h/m\n"), 5, "make two entries of it" },
    { SOURCE ("a/b", ""), 1, "use letters, digits" },
    { SOURCE ("-a", ""), 1, "begin with a letter or digit" },
    { SOURCE ("guest-a", ""), 1, "guests' own repositories" },
    { SOURCE ("a", "Hosts=*\n"), 4, "make two entries of it" },
    { "[a]\nType=deb\nMatch=d 1 x\nHosts=\nSignedBy=/k\n", 4, "Hosts is empty" },
    { "[a]\nType=deb\nMatch=d 1 x\nHosts=h\n", 1, "needs SignedBy" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *where = g_strdup_printf ("/a.conf:%u:", cases[i].line);

      put (f, COLD_SOURCES_DIR "/a.conf", cases[i].text);
      assert_refused (f, where, cases[i].what);
    }
}

static void
test_database_signature (Fixture *f, gconstpointer data)
{
  static const char *const extras[] = { "", "DatabaseSignature=required\n", "DatabaseSignature=none\n" };

  for (guint i = 0; i < G_N_ELEMENTS (extras); i++)
    {
      g_autofree char *text = g_strconcat (ARCH ("Suites=core\n", ""), extras[i], NULL);
      g_autoptr (ColdConfig) config = NULL;
      g_autoptr (GError) error = NULL;

      put (f, COLD_SOURCES_DIR "/a.conf", text);
      config = cold_config_load (f->path, &error);
      g_assert_no_error (error);
      g_assert_cmpint (((ColdRepository *) g_ptr_array_index (config->repositories, 0))->unsigned_database, ==, i == 2);
    }
}

static void
test_lists (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text, *list, *uri;
  } cases[] = {
    { RPM ("Uri=http://h/r/\n"), NULL, "http://h/r" },
    { RPM ("Mirrorlist=https://h/m?repo=r/\n"), "mirrorlist", "https://h/m?repo=r/" },
    { RPM ("Metalink=https://h/m?repo=r&arch=x\n"), "metalink", "https://h/m?repo=r&arch=x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColdConfig) config = NULL;
      g_autoptr (GError) error = NULL;
      const ColdRepository *repository;

      put (f, COLD_SOURCES_DIR "/a.conf", cases[i].text);
      config = cold_config_load (f->path, &error);
      g_assert_no_error (error);
      repository = g_ptr_array_index (config->repositories, 0);
      g_assert_cmpstr (repository->list, ==, cases[i].list);
      g_assert_cmpstr (repository->uri, ==, cases[i].uri);
    }
}

/* What somebody put there, and cannot be read, is no configuration of defaults. */
static void
test_unreadable (Fixture *f, gconstpointer data)
{
  static const char *const places[] = { "coldpatch.conf", COLD_CONFIG_DROPINS "/a.conf", COLD_SOURCES_DIR "/a.conf" };
  static const char *const folders[] = { COLD_CONFIG_DROPINS, COLD_SOURCES_DIR };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, places[i], NULL);

      put (f, places[i], "");
      g_unlink (path);
      g_assert_cmpint (symlink ("nowhere", path), ==, 0);
      assert_refused (f, places[i], "No such file");
      g_unlink (path);
      g_assert_cmpint (mkfifo (path, 0600), ==, 0);
      assert_refused (f, places[i], "no regular file");
      g_unlink (path);
      g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
      assert_refused (f, places[i], "no regular file");
      g_rmdir (path);
    }
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, folders[i], NULL);

      g_rmdir (path);
      put (f, folders[i], "");
      assert_refused (f, folders[i], "Not a directory");
      g_unlink (path);
    }
}

static void
test_source_twice (Fixture *f, gconstpointer data)
{
  put (f, COLD_SOURCES_DIR "/a.conf", SOURCE ("same", ""));
  put (f, COLD_SOURCES_DIR "/b.conf", SOURCE ("same", ""));
  assert_refused (f, "b.conf:1:", "[same] is defined twice");
}

static void
test_shipped_sources (Fixture *f, gconstpointer data)
{
  g_autofree char *text = read_shipped ("sources.d/debian.conf.example");
  g_autoptr (ColdConfig) inactive = NULL;
  g_autoptr (ColdConfig) active = NULL;
  const ColdRepository *repository;

  put (f, COLD_SOURCES_DIR "/debian.conf.example", text);
  inactive = load (f);
  g_assert_cmpuint (inactive->repositories->len, ==, 0);

  put (f, COLD_SOURCES_DIR "/debian.conf", text);
  active = load (f);
  g_assert_cmpuint (active->repositories->len, ==, 2);
  for (guint i = 0; i < active->repositories->len; i++)
    {
      repository = g_ptr_array_index (active->repositories, i);
      g_assert_true (cold_repository_matches (repository, "debian", "12", "x86_64"));
      g_assert_cmpint (repository->security, ==, i == 1);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/config/" path, Fixture, NULL, setup, test, teardown)
  ADD ("missing/is-the-defaults", test_missing);
  ADD ("shipped/is-the-defaults", test_shipped);
  ADD ("shipped/comments-say-the-defaults", test_shipped_uncommented);
  ADD ("every-key/is-heard", test_every_key);
  ADD ("unknown/names-file-and-line", test_unknown);
  ADD ("bad-value/says-what-is-allowed", test_bad_values);
  ADD ("no-keyfile/is-refused", test_no_keyfile);
  ADD ("drop-ins/later-one-wins", test_dropins);
  ADD ("sources/in-order-of-names", test_sources);
  ADD ("sources/match-all", test_source_matches_all);
  ADD ("sources/hosts-vouch", test_source_with_hosts);
  ADD ("sources/preferences", test_sources_preferences);
  ADD ("sources/reach-workers", test_sources_reach_workers);
  ADD ("sources/match/patterns", test_match);
  ADD ("sources/bad-or-missing/names-file-and-line", test_sources_refused);
  ADD ("sources/twice/is-refused", test_source_twice);
  ADD ("unreadable/is-refused", test_unreadable);
  ADD ("sources/database-signature", test_database_signature);
  ADD ("sources/lists-of-mirrors", test_lists);
  ADD ("sources/shipped-example/only-when-renamed", test_shipped_sources);
  return g_test_run ();
}
