/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-repositories.h"

#include <string.h>

#include "cold-catalogue-request.h"
#include "cold-guest-source.h"
#include "cold-hosts.h"
#include "cold-protocol.h"

#define ID_DIGITS 24

static gboolean
is_at (const ColdRepository *repository, const char *uri, const ColdGuestSource *source)
{
  return g_str_equal (repository->uri, uri)
         && (*source->suite == '\0' || g_strv_contains ((const char *const *) repository->suites, source->suite));
}

/* Whether a repository of sources.d is that one, of a type without components. */
static gboolean
is_covered (const ColdConfig *config, const ColdFacts *facts, const ColdGuestSource *source, const char *uri)
{
  for (guint i = 0; i < config->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (config->repositories, i);

      if (is_at (repository, uri, source) && cold_catalogue_repository_serves (repository, facts))
        return TRUE;
    }
  return FALSE;
}

/* Takes away the components that repositories of sources.d have for this guest. Returns: (transfer full) */
static GStrv
left_over (const ColdConfig *config, const ColdFacts *facts, const ColdGuestSource *source, const char *uri)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; source->components[i] != NULL; i++)
    {
      gboolean covered = FALSE;

      for (guint k = 0; !covered && k < config->repositories->len; k++)
        {
          const ColdRepository *repository = g_ptr_array_index (config->repositories, k);

          covered = is_at (repository, uri, source) && cold_catalogue_repository_serves (repository, facts)
                    && g_strv_contains ((const char *const *) repository->components, source->components[i]);
        }
      if (!covered)
        g_strv_builder_add (builder, source->components[i]);
    }
  return g_strv_builder_end (builder);
}

/* A repository of sources.d vouches for others on its own host. */
static gboolean
is_same_host (const char *uri, GUri *other)
{
  g_autoptr (GUri) own = g_uri_parse (uri, G_URI_FLAGS_NONE, NULL);
  g_autofree char *own_text = own != NULL ? cold_hosts_text (own) : NULL;
  g_autofree char *other_text = cold_hosts_text (other);

  return own_text != NULL && g_strcmp0 (own_text, other_text) == 0;
}

/* Returns: (nullable): the entry whose keyring must have signed what @uri serves; those made for guests first */
static const ColdRepository *
find_voucher (const ColdConfig *config, const ColdFacts *facts, GUri *uri)
{
  for (guint i = 0; i < config->vouchers->len; i++)
    {
      const ColdRepository *voucher = g_ptr_array_index (config->vouchers, i);

      if (cold_catalogue_repository_serves (voucher, facts) && cold_hosts_match ((const char *const *) voucher->hosts, uri))
        return voucher;
    }
  for (guint i = 0; i < config->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (config->repositories, i);

      if (cold_catalogue_repository_serves (repository, facts) && is_same_host (repository->uri, uri))
        return repository;
    }
  return NULL;
}

static void
add_text (GChecksum *checksum, const char *text)
{
  text = text != NULL ? text : "";
  g_checksum_update (checksum, (const guchar *) text, strlen (text) + 1);
}

static void
add_texts (GChecksum *checksum, GStrv texts)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    add_text (checksum, texts[i]);
  add_text (checksum, NULL);
}

static char *
make_id (const ColdRepository *repository)
{
  const char *const texts[] = { repository->type, repository->distribution, repository->version, repository->arch,
                                repository->uri,  repository->signed_by,    repository->list };
  const guint32 numbers[] = { repository->security, repository->unsigned_database, repository->priority };
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    add_text (checksum, texts[i]);
  add_texts (checksum, repository->suites);
  add_texts (checksum, repository->components);
  add_texts (checksum, repository->excludes);
  add_texts (checksum, repository->includes);
  g_checksum_update (checksum, (const guchar *) numbers, sizeof numbers);
  return g_strdup_printf (COLD_GUEST_REPOSITORY_PREFIX "%.*s", ID_DIGITS, g_checksum_get_string (checksum));
}

/* Whether what the source says is what a repository of that type needs. */
static gboolean
fits (const ColdGuestSource *source, const char *type)
{
  gboolean components = source->components[0] != NULL;

  if (g_str_equal (type, "deb"))
    return components;
  if (g_str_equal (type, "arch"))
    return !components && *source->suite != '\0' && strchr (source->suite, '/') == NULL && source->list == NULL;
  if (g_str_equal (type, "apk"))
    return *source->suite == '\0' && source->list == NULL;
  return g_str_equal (type, "rpm-md") && *source->suite == '\0';
}

/* The first of the source's places that the admin allows. Returns: (nullable); @voucher: who vouches for it */
static const char *
choose_uri (const ColdConfig *config, const ColdFacts *facts, const ColdGuestSource *source, const ColdRepository **voucher)
{
  for (guint i = 0; source->uris[i] != NULL; i++)
    {
      g_autoptr (GUri) uri = g_uri_parse (source->uris[i], G_URI_FLAGS_NONE, NULL);

      *voucher = uri != NULL && cold_hosts_match ((const char *const *) config->allow_hosts, uri)
                     ? find_voucher (config, facts, uri)
                     : NULL;
      if (*voucher != NULL && fits (source, (*voucher)->type))
        return source->uris[i];
    }
  return NULL;
}

/* Of what the guest has beside its own architecture, what the source is for. Returns: (transfer full) */
static GStrv
foreign_of (const ColdFacts *facts, const ColdGuestSource *source)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; facts->foreign[i] != NULL; i++)
    if (source->architectures[0] == NULL
        || g_strv_contains ((const char *const *) source->architectures, facts->foreign[i]))
      g_strv_builder_add (builder, facts->foreign[i]);
  return g_strv_builder_end (builder);
}

static ColdRepository *
admit (const ColdConfig *config, const ColdFacts *facts, const ColdGuestSource *source)
{
  const char *const suites[] = { *source->suite != '\0' ? source->suite : NULL, NULL };
  g_auto (GStrv) components = NULL;
  const ColdRepository *voucher;
  const char *uri = choose_uri (config, facts, source, &voucher);
  ColdRepository *repository;

  if (uri == NULL)
    return NULL;
  components = left_over (config, facts, source, uri);
  if (source->components[0] != NULL ? components[0] == NULL : is_covered (config, facts, source, uri))
    return NULL;
  repository = g_new0 (ColdRepository, 1);
  repository->type = g_strdup (voucher->type);
  repository->distribution = g_strdup (facts->os);
  repository->version = g_strdup (facts->os_version);
  repository->arch = g_strdup (facts->arch);
  repository->uri = g_strdup (uri);
  repository->suites = g_strdupv ((GStrv) suites);
  repository->components = g_steal_pointer (&components);
  repository->signed_by = g_strdup (voucher->signed_by);
  repository->unsigned_database = voucher->unsigned_database;
  /* An entry with Hosts= says it for all that is there; one with a URI for its own suites only. */
  repository->security = (voucher->hosts != NULL && voucher->security) || g_str_has_suffix (source->suite, "-security");
  repository->list = g_strdup (source->list);
  repository->priority = source->priority;
  repository->excludes = g_strdupv (source->excludes);
  repository->includes = g_strdupv (source->includes);
  repository->from_guest = TRUE;
  repository->foreign = foreign_of (facts, source);
  repository->id = make_id (repository);
  return repository;
}

/* What names other architectures only is the same repository. Returns: whether it is there already, for both from now on */
static gboolean
merge (GPtrArray *repositories, const ColdRepository *other)
{
  for (guint i = 0; i < repositories->len; i++)
    {
      ColdRepository *repository = g_ptr_array_index (repositories, i);
      g_autoptr (GStrvBuilder) builder = NULL;

      if (!g_str_equal (repository->id, other->id))
        continue;
      builder = g_strv_builder_new ();
      g_strv_builder_addv (builder, (const char **) repository->foreign);
      for (guint k = 0; other->foreign[k] != NULL; k++)
        if (!g_strv_contains ((const char *const *) repository->foreign, other->foreign[k]))
          g_strv_builder_add (builder, other->foreign[k]);
      g_strfreev (repository->foreign);
      repository->foreign = g_strv_builder_end (builder);
      return TRUE;
    }
  return FALSE;
}

GPtrArray *
cold_guest_repositories_of (const ColdConfig *config, const ColdFacts *facts)
{
  GPtrArray *repositories = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_repository_free);

  for (guint i = 0; config->guest_sources && i < facts->sources->len; i++)
    {
      ColdRepository *repository = admit (config, facts, g_ptr_array_index (facts->sources, i));

      if (repository == NULL)
        continue;
      if (merge (repositories, repository))
        cold_repository_free (repository);
      else
        g_ptr_array_add (repositories, repository);
    }
  return repositories;
}

/* Moves the one at @index of a guest's. Returns: %FALSE when the guest has no more than that */
static gboolean
take_one (GPtrArray *of_guest, guint index, GPtrArray *repositories, GHashTable *named)
{
  ColdRepository *repository = index < of_guest->len ? g_ptr_array_index (of_guest, index) : NULL;

  if (repository == NULL)
    return FALSE;
  g_hash_table_add (named, g_strdup (repository->id));
  if (!merge (repositories, repository) && repositories->len < COLD_GUEST_REPOSITORIES_MAX)
    g_ptr_array_add (repositories, g_steal_pointer (&of_guest->pdata[index]));
  return TRUE;
}

static void
free_unless_taken (ColdRepository *repository)
{
  if (repository != NULL)
    cold_repository_free (repository);
}

GPtrArray *
cold_guest_repositories_of_all (const ColdConfig *config, GPtrArray *guests, GHashTable *named)
{
  GPtrArray *repositories = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_repository_free);
  g_autoptr (GPtrArray) each = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  gboolean more = TRUE;

  for (guint i = 0; i < guests->len; i++)
    {
      GPtrArray *of_guest = cold_guest_repositories_of (config, g_ptr_array_index (guests, i));

      g_ptr_array_set_free_func (of_guest, (GDestroyNotify) free_unless_taken);
      g_ptr_array_add (each, of_guest);
    }
  /* In turns: one that names many takes no other one's place. */
  for (guint turn = 0; more; turn++)
    {
      more = FALSE;
      for (guint i = 0; i < each->len; i++)
        more = take_one (g_ptr_array_index (each, i), turn, repositories, named) || more;
    }
  if (g_hash_table_size (named) > repositories->len)
    g_warning ("the guests' own source lists name %u repositories, of which no more than %d are fetched",
               g_hash_table_size (named), COLD_GUEST_REPOSITORIES_MAX);
  return repositories;
}
