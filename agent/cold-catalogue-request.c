/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-catalogue-request.h"

#include <sys/utsname.h>

#include "cold-error.h"
#include "cold-json.h"

char *
cold_catalogue_package_arch (const char *type, const char *arch)
{
  static const struct
  {
    const char *machine;
    const char *deb;
  } names[] = { { "x86_64", "amd64" },   { "aarch64", "arm64" },     { "i686", "i386" }, { "i386", "i386" },
                { "ppc64le", "ppc64el" }, { "armv7l", "armhf" },     { "arm", "armhf" } };
  static const struct
  {
    const char *machine;
    const char *apk;
  } apk_names[] = { { "i686", "x86" }, { "i386", "x86" }, { "armv7l", "armv7" }, { "arm", "armv7" } };
  struct utsname host;

  if (g_strcmp0 (arch, "*") == 0 && uname (&host) == 0)
    arch = host.machine;
  if (g_strcmp0 (type, "deb") == 0)
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      if (g_strcmp0 (arch, names[i].machine) == 0)
        return g_strdup (names[i].deb);
  if (g_strcmp0 (type, "apk") == 0)
    for (guint i = 0; i < G_N_ELEMENTS (apk_names); i++)
      if (g_strcmp0 (arch, apk_names[i].machine) == 0)
        return g_strdup (apk_names[i].apk);
  return g_strdup (arch);
}

/* sources.d names types of repositories, an inspection formats of packages. */
static const char *
format_of (const char *type)
{
  if (g_strcmp0 (type, "rpm-md") == 0)
    return "rpm";
  return g_strcmp0 (type, "arch") == 0 ? "pacman" : type;
}

gboolean
cold_catalogue_repository_serves (const ColdRepository *repository, const ColdFacts *facts)
{
  g_autofree char *theirs = cold_catalogue_package_arch (repository->type, facts->arch);
  g_autofree char *ours = cold_catalogue_package_arch (repository->type, repository->arch);

  /* Match=... * stands for this host's architecture: only that is fetched. */
  return g_strcmp0 (format_of (repository->type), facts->package_format) == 0 && g_strcmp0 (ours, theirs) == 0
         && cold_repository_matches (repository, facts->os, facts->os_version, facts->arch);
}

static void
add_missing (GPtrArray *words, GStrv more)
{
  for (guint i = 0; more != NULL && more[i] != NULL && words->len < COLD_FACTS_FOREIGN_MAX; i++)
    if (!g_ptr_array_find_with_equal_func (words, more[i], g_str_equal, NULL))
      g_ptr_array_add (words, g_strdup (more[i]));
}

GStrv
cold_catalogue_foreign_architectures (const ColdRepository *repository, GPtrArray *guests)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  /* Whatever a worker says of a guest of another kind. */
  gboolean apt = g_str_equal (repository->type, "deb");

  if (apt)
    add_missing (words, repository->foreign);
  for (guint i = 0; apt && !repository->from_guest && i < guests->len; i++)
    {
      const ColdFacts *facts = g_ptr_array_index (guests, i);

      if (facts->foreign[0] != NULL && cold_catalogue_repository_serves (repository, facts))
        add_missing (words, facts->foreign);
    }
  g_ptr_array_add (words, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

static void
set_architectures (JsonObject *object, const ColdRepository *repository, GPtrArray *guests)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *arch = cold_catalogue_package_arch (repository->type, repository->arch);
  g_auto (GStrv) foreign = cold_catalogue_foreign_architectures (repository, guests);
  g_auto (GStrv) architectures = NULL;

  g_strv_builder_add (builder, arch);
  for (guint i = 0; foreign[i] != NULL; i++)
    if (!g_str_equal (foreign[i], arch))
      g_strv_builder_add (builder, foreign[i]);
  architectures = g_strv_builder_end (builder);
  cold_json_set_strv (object, "architectures", (const char *const *) architectures);
}

static JsonObject *
repository_to_json (const ColdRepository *repository, GPtrArray *guests)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "id", repository->id);
  json_object_set_string_member (object, "type", repository->type);
  json_object_set_string_member (object, "uri", repository->uri);
  cold_json_set_strv (object, "suites", (const char *const *) repository->suites);
  cold_json_set_strv (object, "components", (const char *const *) repository->components);
  set_architectures (object, repository, guests);
  if (repository->signed_by != NULL)
    {
      g_autofree char *inside = g_strconcat ("/keyrings/", repository->id, NULL);

      json_object_set_string_member (object, "signed-by", inside);
    }
  json_object_set_boolean_member (object, "security", repository->security);
  json_object_set_boolean_member (object, "unsigned-database", repository->unsigned_database);
  json_object_set_boolean_member (object, "from-guest", repository->from_guest);
  if (repository->list != NULL)
    json_object_set_string_member (object, "list", repository->list);
  if (repository->priority != 0)
    json_object_set_int_member (object, "priority", repository->priority);
  if (repository->excludes != NULL)
    cold_json_set_strv (object, "excludes", (const char *const *) repository->excludes);
  if (repository->includes != NULL)
    cold_json_set_strv (object, "includes", (const char *const *) repository->includes);
  if (repository->module_hotfixes)
    json_object_set_boolean_member (object, "module-hotfixes", TRUE);
  return object;
}

/* What is missing is that repository's failure, which the worker finds, and not that of all others. */
static void
bind_existing (ColdWorkerProcess *worker, const char *path, const char *inside)
{
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    cold_worker_process_add_bind (worker, path, inside);
}

static void
bind_keyring (ColdWorkerProcess *worker, const ColdRepository *repository)
{
  g_autofree char *inside = g_strconcat ("/keyrings/", repository->id, NULL);

  if (repository->signed_by != NULL)
    bind_existing (worker, repository->signed_by, inside);
}

void
cold_catalogue_bind_package_keyrings (ColdWorkerProcess *worker, ColdConfig *config, const ColdFacts *facts, GPtrArray *more)
{
  for (guint i = 0; i < config->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (config->repositories, i);

      if (repository->unsigned_database && cold_catalogue_repository_serves (repository, facts))
        bind_keyring (worker, repository);
    }
  for (guint i = 0; i < more->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (more, i);

      if (repository->unsigned_database)
        bind_keyring (worker, repository);
    }
}

static void
bind_repository (ColdWorkerProcess *worker, const ColdRepository *repository)
{
  bind_keyring (worker, repository);
  if (g_strcmp0 (g_uri_peek_scheme (repository->uri), "file") == 0)
    {
      g_autofree char *path = g_filename_from_uri (repository->uri, NULL, NULL);

      if (path != NULL)
        bind_existing (worker, path, path);
    }
}

static void
add_repository (JsonArray *array, ColdWorkerProcess *worker, const ColdRepository *repository, GPtrArray *guests)
{
  json_array_add_object_element (array, repository_to_json (repository, guests));
  if (worker != NULL)
    bind_repository (worker, repository);
}

void
cold_catalogue_add_repositories (JsonObject *request, ColdWorkerProcess *worker, ColdConfig *config,
                                 const ColdFacts *facts, GPtrArray *guests, GHashTable *fetched, GPtrArray *more)
{
  g_autoptr (GPtrArray) wanting = facts == NULL && guests != NULL ? g_ptr_array_ref (guests) : g_ptr_array_new ();
  JsonArray *array = json_array_new ();

  if (facts != NULL)
    g_ptr_array_add (wanting, (gpointer) facts);

  for (guint i = 0; i < config->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (config->repositories, i);

      if (facts == NULL
          || (g_hash_table_contains (fetched, repository->id) && cold_catalogue_repository_serves (repository, facts)))
        add_repository (array, worker, repository, wanting);
    }
  for (guint i = 0; i < more->len; i++)
    add_repository (array, worker, g_ptr_array_index (more, i), wanting);
  json_object_set_array_member (request, "repositories", array);
  cold_json_set_strv (request, "allow-hosts", (const char *const *) config->allow_hosts);
}

JsonArray *
cold_catalogue_plan_files (JsonObject *plan)
{
  JsonArray *packages = cold_json_array (plan, "packages");
  JsonArray *files = json_array_new ();

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);
      JsonObject *file = json_object_new ();
      const char *const members[] = { "sha256", "repository", "path" };

      for (guint k = 0; k < G_N_ELEMENTS (members); k++)
        json_object_set_string_member (file, members[k], cold_json_string (package, members[k]));
      if (cold_json_string (package, "identity") != NULL)
        json_object_set_string_member (file, "identity", cold_json_string (package, "identity"));
      json_object_set_int_member (file, "size", cold_json_int (package, "size"));
      json_array_add_object_element (files, file);
    }
  return files;
}

gboolean
cold_catalogue_check_plan (JsonObject *plan, GError **error)
{
  const char *const members[]
      = { "name", "arch", "installed", "candidate", "origin", "repository", "sha256", "path" };
  const char *const arrays[] = { "packages", "held", "kept-back", "problems" };
  JsonArray *packages = cold_json_array (plan, "packages");
  const char *missing = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (arrays) && missing == NULL; i++)
    if (cold_json_array (plan, arrays[i]) == NULL)
      missing = arrays[i];
  for (guint i = 0; missing == NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      for (guint k = 0; k < G_N_ELEMENTS (members); k++)
        if (cold_json_string (package, members[k]) == NULL)
          missing = members[k];
      if (cold_json_int (package, "size") <= 0)
        missing = "size";
    }
  if (missing == NULL && cold_json_int (plan, "download-size") >= 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the worker made a plan without a usable \"%s\"",
               missing != NULL ? missing : "download-size");
  return FALSE;
}
