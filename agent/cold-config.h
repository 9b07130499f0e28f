/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One repository of sources.d (design section 11). */
typedef struct
{
  char *id;               /* the group's name */
  char *type;             /* deb rpm-md arch */
  char *distribution;     /* of Match: a pattern, as of file names */
  char *version;          /* the same */
  char *arch;             /* libguestfs' word: x86_64; or "*", this host's */
  char *uri;              /* http https file */
  GStrv suites;
  GStrv components;
  char *signed_by;        /* (nullable) absolute path of a keyring */
  gboolean security;
  gboolean unsigned_database; /* of rpm-md and arch: DatabaseSignature=none; each package is signed instead */
  GStrv hosts;            /* (nullable) patterns: the entry vouches for guests' own sources there, and has no uri itself */
  char *list;             /* (nullable) of rpm-md, Mirrorlist= or Metalink=: the URI is that of a "mirrorlist" or "metalink" */
  gint priority;          /* of rpm-md and arch: 1 is preferred to 99; 0: not set */
  GStrv excludes;         /* (nullable) of rpm-md: patterns of packages that are not taken from it */
  GStrv includes;         /* (nullable) of rpm-md: the only packages that are */
  gboolean module_hotfixes; /* of rpm-md: its packages are taken whatever streams of dnf's modules are active */
  gboolean from_guest;    /* made of a guest's own source: cold-guest-repositories.h */
  GStrv foreign;          /* (nullable) of those, of deb: architectures that guests want from it beside their own */
} ColdRepository;

typedef struct
{
  /* [Agent] */
  GStrv uris;
  char *policy;           /* off manual auto */
  guint settle_seconds;
  guint resync_seconds;
  char *accelerator;      /* auto kvm tcg */
  guint max_jobs;         /* 0: from CPUs and memory */
  guint retention_days;
  gboolean security_only; /* what is pending, and what policy upgrades */
  /* [Catalogue] */
  guint refresh_seconds;
  guint64 cache_max;      /* bytes */
  gboolean guest_sources; /* allow */
  GStrv allow_hosts;
  GPtrArray *repositories; /* (element-type ColdRepository) in the order of file names, then groups */
  GPtrArray *vouchers;    /* (element-type ColdRepository) the entries with Hosts= */
} ColdConfig;

/**
 * cold_config_load:
 * @path: coldpatch.conf; the drop-ins of coldpatch.conf.d and sources.d (names ending in .conf) are looked for beside it. A
 *   missing file means all defaults; a missing folder is empty. Drop-ins are read in the order of their names, later ones win.
 *
 * Returns: (transfer full): %NULL with @error (Config) naming file, line and what is allowed there, for every unknown group
 *   or key and every value that cannot be meant
 */
ColdConfig *cold_config_load (const char *path, GError **error);
void cold_config_free (ColdConfig *config);
void cold_repository_free (ColdRepository *repository);

/* Whether there may be anything to fetch: repositories, or guests that may bring theirs. */
gboolean cold_config_has_repositories (const ColdConfig *config);

/* Whether the repository's Match= says so of such a guest. */
gboolean cold_repository_matches (const ColdRepository *repository, const char *distribution, const char *version,
                                  const char *arch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdConfig, cold_config_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdRepository, cold_repository_free)

G_END_DECLS
