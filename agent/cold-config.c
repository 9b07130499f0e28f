/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "cold-config-file.h"
#include "cold-error.h"
#include "cold-names.h"
#include "cold-protocol.h"

#define PRIORITY_MAX 99999
#define MIB (G_GUINT64_CONSTANT (1) << 20)

static const char *const agent_keys[] = { "Uris",          "Policy",  "SettleSeconds", "ResyncSeconds",
                                          "Accelerator",   "MaxJobs", "RetentionDays", "Security", NULL };
static const char *const catalogue_keys[] = { "RefreshSeconds", "CacheMaxMiB", "GuestSources", "AllowHosts", NULL };
static const char *const source_keys[] = { "Type",       "Match",    "Uri",      "Suites", "Components",
                                           "SignedBy", "Security", "Hosts",    "DatabaseSignature",
                                           "Mirrorlist", "Metalink",
                                           "Priority", "Exclude",   "Include",  "ModuleHotfixes", NULL };

static gboolean
apply_uris (ColdConfig *config, const ColdConfigFile *file, const char *group, const char *key, GError **error)
{
  g_strfreev (config->uris);
  config->uris = cold_config_parse_list (file, group, key);
  for (guint i = 0; config->uris[i] != NULL; i++)
    for (guint j = 0; j < i; j++)
      if (g_str_equal (config->uris[i], config->uris[j]))
        return cold_config_complain (file, group, key, error, "Uris names %s twice: leave one of them out", config->uris[i]);
  return config->uris[0] != NULL
         || cold_config_complain (file, group, key, error, "Uris is empty: name at least one libvirt URI, e.g. qemu:///system");
}

static gboolean
apply_agent (ColdConfig *config, const ColdConfigFile *file, const char *key, GError **error)
{
  static const char *const policies[] = { "off", "manual", "auto", NULL };
  static const char *const securities[] = { "all", "only", NULL };
  static const char *const accelerators[] = { "auto", "kvm", "tcg", NULL };
  const char *group = "Agent";
  guint64 number = 0;
  guint *target = NULL;
  guint64 min = 0, max = 0;

  if (g_str_equal (key, "Uris"))
    return apply_uris (config, file, group, key, error);
  if (g_str_equal (key, "Policy"))
    return cold_config_parse_word (file, group, key, policies, &config->policy, error);
  if (g_str_equal (key, "Security"))
    {
      g_autofree char *word = NULL;

      if (!cold_config_parse_word (file, group, key, securities, &word, error))
        return FALSE;
      config->security_only = g_str_equal (word, "only");
      return TRUE;
    }
  if (g_str_equal (key, "Accelerator"))
    return cold_config_parse_word (file, group, key, accelerators, &config->accelerator, error);
  if (g_str_equal (key, "SettleSeconds"))
    target = &config->settle_seconds, max = 86400;
  else if (g_str_equal (key, "ResyncSeconds"))
    target = &config->resync_seconds, min = 10, max = 86400 * 7;
  else if (g_str_equal (key, "MaxJobs"))
    target = &config->max_jobs, max = 1024;
  else
    target = &config->retention_days, max = 3650;
  if (!cold_config_parse_number (file, group, key, min, max, &number, error))
    return FALSE;
  *target = number;
  return TRUE;
}

static gboolean
apply_catalogue (ColdConfig *config, const ColdConfigFile *file, const char *key, GError **error)
{
  static const char *const choices[] = { "deny", "allow", NULL };
  const char *group = "Catalogue";
  guint64 number = 0;

  if (g_str_equal (key, "AllowHosts"))
    {
      g_strfreev (config->allow_hosts);
      config->allow_hosts = cold_config_parse_list (file, group, key);
      return TRUE;
    }
  if (g_str_equal (key, "GuestSources"))
    {
      g_autofree char *word = NULL;

      if (!cold_config_parse_word (file, group, key, choices, &word, error))
        return FALSE;
      config->guest_sources = g_str_equal (word, "allow");
      return TRUE;
    }
  if (g_str_equal (key, "CacheMaxMiB"))
    {
      if (!cold_config_parse_number (file, group, key, 16, G_MAXINT32, &number, error))
        return FALSE;
      config->cache_max = number * MIB;
      return TRUE;
    }
  if (!cold_config_parse_number (file, group, key, 60, 86400 * 30, &number, error))
    return FALSE;
  config->refresh_seconds = number;
  return TRUE;
}

static gboolean
apply_group (ColdConfig *config, const ColdConfigFile *file, const char *group, GError **error)
{
  gboolean agent = g_str_equal (group, "Agent");
  g_auto (GStrv) keys = NULL;

  if (!agent && !g_str_equal (group, "Catalogue"))
    return cold_config_complain (file, group, NULL, error, "unknown group [%s]: allowed are [Agent] and [Catalogue]", group);
  if (!cold_config_check_keys (file, group, agent ? agent_keys : catalogue_keys, error))
    return FALSE;
  keys = g_key_file_get_keys (file->keys, group, NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
    if (!(agent ? apply_agent (config, file, keys[i], error) : apply_catalogue (config, file, keys[i], error)))
      return FALSE;
  return TRUE;
}

typedef gboolean (*ApplyGroup) (ColdConfig *config, const ColdConfigFile *file, const char *group, GError **error);

static gboolean
apply_file (ColdConfig *config, const char *path, ApplyGroup apply, GError **error)
{
  g_auto (ColdConfigFile) file = { NULL };
  g_auto (GStrv) groups = NULL;

  if (!cold_config_file_load (&file, path, error))
    return FALSE;
  groups = g_key_file_get_groups (file.keys, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    if (!apply (config, &file, groups[i], error))
      return FALSE;
  return TRUE;
}

void
cold_repository_free (ColdRepository *repository)
{
  g_free (repository->id);
  g_free (repository->type);
  g_free (repository->distribution);
  g_free (repository->version);
  g_free (repository->arch);
  g_free (repository->uri);
  g_strfreev (repository->suites);
  g_strfreev (repository->components);
  g_free (repository->signed_by);
  g_strfreev (repository->hosts);
  g_free (repository->list);
  g_strfreev (repository->excludes);
  g_strfreev (repository->includes);
  g_strfreev (repository->foreign);
  g_free (repository);
}

static gboolean
parse_match (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  g_auto (GStrv) words = cold_config_parse_list (file, group, "Match");

  if (g_strv_length (words) != 3)
    return cold_config_complain (file, group, "Match", error,
                     "Match needs three words: distribution, version and architecture, e.g. debian 12 x86_64 or rocky 9.* x86_64");
  repository->distribution = g_strdup (words[0]);
  repository->version = g_strdup (words[1]);
  repository->arch = g_strdup (words[2]);
  /* It also says what is fetched. */
  if (!g_str_equal (words[2], "*") && strpbrk (words[2], "*?[") != NULL)
    return cold_config_complain (file, group, "Match", error,
                                 "Match: the architecture is one, such as x86_64, or * for the host's own; only distribution and version "
                                 "are patterns");
  return TRUE;
}

/* Of rpm-md, the URI may be that of a list of mirrors, in one of the two forms that dnf knows. */
static gboolean
find_uri (ColdRepository *repository, const ColdConfigFile *file, const char *group, const char **key, GError **error)
{
  static const char *const lists[] = { "Mirrorlist", "Metalink" };

  *key = "Uri";
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      if (!g_key_file_has_key (file->keys, group, lists[i], NULL))
        continue;
      if (!g_str_equal (repository->type, "rpm-md"))
        return cold_config_complain (file, group, lists[i], error, "[%s]: %s is for Type=rpm-md only", group, lists[i]);
      if (repository->list != NULL || g_key_file_has_key (file->keys, group, "Uri", NULL))
        return cold_config_complain (file, group, lists[i], error, "[%s]: use one of Uri, Mirrorlist and Metalink", group);
      *key = lists[i];
      repository->list = g_ascii_strdown (lists[i], -1);
    }
  return TRUE;
}

/* @text: (nullable) */
static gboolean
is_usable_uri (const char *text)
{
  g_autoptr (GUri) uri = text != NULL ? g_uri_parse (text, G_URI_FLAGS_PARSE_RELAXED, NULL) : NULL;

  if (uri == NULL)
    return FALSE;
  if (g_str_equal (g_uri_get_scheme (uri), "file"))
    return *g_uri_get_path (uri) == '/';
  return (g_str_equal (g_uri_get_scheme (uri), "http") || g_str_equal (g_uri_get_scheme (uri), "https"))
         && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0';
}

static gboolean
parse_uri (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  const char *key;

  if (!find_uri (repository, file, group, &key, error))
    return FALSE;
  repository->uri = cold_config_get_value (file, group, key);
  if (!is_usable_uri (repository->uri))
    return cold_config_complain (file, group, key, error, "%s=%s: use an http, https or file URI, with a host or a path", key,
                     repository->uri != NULL ? repository->uri : "");
  while (repository->list == NULL && g_str_has_suffix (repository->uri, "/"))
    repository->uri[strlen (repository->uri) - 1] = '\0';
  return TRUE;
}

/* The group's name becomes a file name in the catalogue. */
static gboolean
check_id (const ColdConfigFile *file, const char *group, GError **error)
{
  for (const char *p = group; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_.", *p) == NULL)
      return cold_config_complain (file, group, NULL, error, "[%s]: use letters, digits, '-', '_' and '.' in a repository's name",
                       group);
  if (g_str_has_prefix (group, COLD_GUEST_REPOSITORY_PREFIX))
    return cold_config_complain (file, group, NULL, error,
                                 "[%s]: names that begin with " COLD_GUEST_REPOSITORY_PREFIX " are those of guests' own repositories",
                                 group);
  return g_ascii_isalnum (*group) || cold_config_complain (file, group, NULL, error, "[%s]: begin with a letter or digit", group);
}

/* Where it is and what is there. */
static gboolean
parse_place (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  gboolean deb = g_str_equal (repository->type, "deb");

  if (!parse_uri (repository, file, group, error))
    return FALSE;
  repository->suites = cold_config_parse_list (file, group, "Suites");
  repository->components = cold_config_parse_list (file, group, "Components");
  if (deb && repository->suites[0] == NULL)
    return cold_config_complain (file, group, NULL, error, "[%s] lacks Suites, e.g. bookworm-security", group);
  if (deb && repository->components[0] == NULL)
    return cold_config_complain (file, group, NULL, error, "[%s] lacks Components, e.g. main", group);
  if (g_str_equal (repository->type, "arch") && (repository->suites[0] == NULL || repository->suites[1] != NULL))
    return cold_config_complain (file, group, NULL, error, "[%s] needs Suites with the name of one database, e.g. core", group);
  if (g_str_equal (repository->type, "apk") && (repository->suites[0] != NULL || repository->components[0] != NULL))
    return cold_config_complain (file, group, repository->suites[0] != NULL ? "Suites" : "Components", error,
                                 "[%s]: Type=apk has neither Suites nor Components: write the whole of it to Uri, as in "
                                 "/etc/apk/repositories",
                                 group);
  if (g_str_equal (repository->type, "arch") && strchr (repository->uri, '$') != NULL)
    return cold_config_complain (file, group, "Uri", error, "Uri=%s: write $repo and $arch out, and make an entry for each repository",
                     repository->uri);
  return TRUE;
}

/* An entry that vouches for guests' own sources leaves the place to them. */
static gboolean
parse_hosts (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  static const char *const others[] = { "Uri", "Mirrorlist", "Metalink", "Suites", "Components" };

  repository->hosts = cold_config_parse_list (file, group, "Hosts");
  if (repository->hosts[0] == NULL)
    return cold_config_complain (file, group, "Hosts", error, "Hosts is empty: name hosts, e.g. *.example.org");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_key_file_has_key (file->keys, group, others[i], NULL))
      return cold_config_complain (file, group, others[i], error,
                       "[%s] has Hosts, for what guests name themselves, and %s: make two entries of it", group, others[i]);
  return TRUE;
}

/* Arch Linux and Fedora sign packages, and no databases: whoever wants to do without the latter says so. */
static gboolean
parse_database_signature (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  static const char *const choices[] = { "required", "none", NULL };
  g_autofree char *choice = NULL;

  if (!g_key_file_has_key (file->keys, group, "DatabaseSignature", NULL))
    return TRUE;
  if (!g_str_equal (repository->type, "arch") && !g_str_equal (repository->type, "rpm-md"))
    return cold_config_complain (file, group, "DatabaseSignature", error,
                     "[%s]: DatabaseSignature is for Type=rpm-md and Type=arch, whose packages are signed themselves", group);
  if (!cold_config_parse_word (file, group, "DatabaseSignature", choices, &choice, error))
    return FALSE;
  repository->unsigned_database = g_str_equal (choice, "none");
  return TRUE;
}

static gboolean
parse_hotfixes (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  static const char *const choices[] = { "yes", "no", NULL };
  g_autofree char *choice = NULL;

  if (!g_key_file_has_key (file->keys, group, "ModuleHotfixes", NULL))
    return TRUE;
  if (!g_str_equal (repository->type, "rpm-md"))
    return cold_config_complain (file, group, "ModuleHotfixes", error, "[%s]: ModuleHotfixes is for Type=rpm-md only", group);
  if (!cold_config_parse_word (file, group, "ModuleHotfixes", choices, &choice, error))
    return FALSE;
  repository->module_hotfixes = g_str_equal (choice, "yes");
  return TRUE;
}

/* What a repository's neighbours have to do with it: dnf's and zypper's words, and the order in which pacman asks. */
static gboolean
parse_preferences (ColdRepository *repository, const ColdConfigFile *file, const char *group, GError **error)
{
  gboolean rpm = g_str_equal (repository->type, "rpm-md");
  guint64 number = 0;

  if (g_key_file_has_key (file->keys, group, "Priority", NULL))
    {
      if (!rpm && !g_str_equal (repository->type, "arch"))
        return cold_config_complain (file, group, "Priority", error, "[%s]: Priority is for Type=rpm-md and Type=arch only", group);
      if (!cold_config_parse_number (file, group, "Priority", 1, PRIORITY_MAX, &number, error))
        return FALSE;
      repository->priority = number;
    }
  for (guint i = 0; i < 2; i++)
    {
      const char *key = i == 0 ? "Exclude" : "Include";
      GStrv *patterns = i == 0 ? &repository->excludes : &repository->includes;

      if (!g_key_file_has_key (file->keys, group, key, NULL))
        continue;
      if (!rpm)
        return cold_config_complain (file, group, key, error, "[%s]: %s is for Type=rpm-md only", group, key);
      *patterns = cold_config_parse_list (file, group, key);
    }
  return parse_hotfixes (repository, file, group, error);
}

static gboolean
has_id (GPtrArray *repositories, const char *id)
{
  for (guint i = 0; i < repositories->len; i++)
    if (g_str_equal (((ColdRepository *) g_ptr_array_index (repositories, i))->id, id))
      return TRUE;
  return FALSE;
}

static gboolean
apply_source (ColdConfig *config, const ColdConfigFile *file, const char *group, GError **error)
{
  static const char *const types[] = { "deb", "rpm-md", "arch", "apk", NULL };
  static const char *const choices[] = { "yes", "no", NULL };
  g_autoptr (ColdRepository) repository = g_new0 (ColdRepository, 1);
  g_autofree char *security = NULL;
  gboolean vouches = g_key_file_has_key (file->keys, group, "Hosts", NULL);

  if (!check_id (file, group, error) || !cold_config_check_keys (file, group, source_keys, error))
    return FALSE;
  if (has_id (config->repositories, group) || has_id (config->vouchers, group))
    return cold_config_complain (file, group, NULL, error, "[%s] is defined twice: give each repository its own name", group);
  repository->id = g_strdup (group);
  if (!g_key_file_has_key (file->keys, group, "Type", NULL))
    return cold_config_complain (file, group, NULL, error, "[%s] lacks Type (deb, rpm-md, arch or apk)", group);
  if (!cold_config_parse_word (file, group, "Type", types, &repository->type, error)
      || !parse_match (repository, file, group, error)
      || !(vouches ? parse_hosts (repository, file, group, error) : parse_place (repository, file, group, error)))
    return FALSE;
  repository->signed_by = cold_config_get_value (file, group, "SignedBy");
  if (repository->signed_by == NULL || !g_path_is_absolute (repository->signed_by))
    return cold_config_complain (file, group, "SignedBy", error,
                     "[%s] needs SignedBy, the absolute path of the keyring that signs it", group);
  if (g_key_file_has_key (file->keys, group, "Security", NULL))
    {
      if (!cold_config_parse_word (file, group, "Security", choices, &security, error))
        return FALSE;
      repository->security = g_str_equal (security, "yes");
    }
  if (!parse_database_signature (repository, file, group, error) || !parse_preferences (repository, file, group, error))
    return FALSE;
  g_ptr_array_add (vouches ? config->vouchers : config->repositories, g_steal_pointer (&repository));
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Also a symbolic link that leads nowhere: somebody wants something to be read there. */
static gboolean
is_there (const char *path)
{
  struct stat st;

  return lstat (path, &st) == 0 || errno != ENOENT;
}

/* Every *.conf of a folder beside the configuration file, in the order of their names. */
static gboolean
apply_folder (ColdConfig *config, const char *config_path, const char *name, ApplyGroup apply, GError **error)
{
  g_autofree char *base = g_path_get_dirname (config_path);
  g_autofree char *folder = g_build_filename (base, name, NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &local);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *entry;

  if (dir == NULL && is_there (folder))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG, "cannot read the configuration: %s", local->message);
      return FALSE;
    }
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (entry, ".conf") && *entry != '.')
      g_ptr_array_add (names, g_strdup (entry));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);

      if (!apply_file (config, path, apply, error))
        return FALSE;
    }
  return TRUE;
}

ColdConfig *
cold_config_load (const char *path, GError **error)
{
  g_autoptr (ColdConfig) config = g_new0 (ColdConfig, 1);

  config->uris = g_strsplit ("qemu:///system", " ", -1);
  config->policy = g_strdup ("manual");
  config->settle_seconds = 10;
  config->resync_seconds = 3600;
  config->accelerator = g_strdup ("auto");
  config->retention_days = 7;
  config->refresh_seconds = 21600;
  config->cache_max = 4096 * MIB;
  config->allow_hosts = g_new0 (char *, 1);
  config->repositories = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_repository_free);
  config->vouchers = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_repository_free);

  if ((is_there (path) && !apply_file (config, path, apply_group, error))
      || !apply_folder (config, path, COLD_CONFIG_DROPINS, apply_group, error)
      || !apply_folder (config, path, COLD_SOURCES_DIR, apply_source, error))
    return NULL;
  return g_steal_pointer (&config);
}

void
cold_config_free (ColdConfig *config)
{
  g_strfreev (config->uris);
  g_free (config->policy);
  g_free (config->accelerator);
  g_strfreev (config->allow_hosts);
  g_clear_pointer (&config->repositories, g_ptr_array_unref);
  g_clear_pointer (&config->vouchers, g_ptr_array_unref);
  g_free (config);
}

gboolean
cold_config_has_repositories (const ColdConfig *config)
{
  return config->repositories->len > 0 || (config->guest_sources && config->vouchers->len > 0);
}

static gboolean
matches (const char *pattern, const char *word)
{
  return fnmatch (pattern, word != NULL ? word : "", 0) == 0;
}

gboolean
cold_repository_matches (const ColdRepository *repository, const char *distribution, const char *version,
                         const char *arch)
{
  return matches (repository->distribution, distribution) && matches (repository->version, version)
         && matches (repository->arch, arch);
}
