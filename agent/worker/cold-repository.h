/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repository of packages, and what differs between the types of them: one file of functions for each type, all listed in
 * cold-repository.c. The verbs fetch, plan and bundle know no type.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/solver.h>

#include "cold-download.h"

G_BEGIN_DECLS

/* Of repositories that say nothing of it, for dnf and zypper. */
#define COLD_PRIORITY_DEFAULT 99

typedef struct _ColdRepositoryType ColdRepositoryType;
typedef struct _ColdPlan ColdPlan;
typedef struct _ColdBundle ColdBundle;

/* "repository" of common/cold-protocol.h. */
typedef struct
{
  const ColdRepositoryType *type;
  char *id;
  char *uri;
  GStrv suites;
  GStrv components;
  GStrv architectures; /* the guests' own, then those that some of them have something of beside it (deb) */
  char *signed_by;     /* (nullable) */
  gboolean security;
  gboolean unsigned_database; /* the entry says that metadata have no signature; each package has one instead */
  gboolean from_guest; /* a guest's source list names it, not the admin */
  char *list;          /* (nullable): the URI is that of a "mirrorlist" or "metalink", which has the repository's places */
  GStrv excludes;      /* patterns of packages that are not taken from it */
  GStrv includes;      /* if any, the only ones that are */
  gint priority;       /* 1 is preferred to COLD_PRIORITY_DEFAULT */
  GPtrArray *beside;   /* (nullable) (transfer none) (element-type ColdSource): all that are refreshed with it, itself and %NULLs too */
  gboolean module_hotfixes; /* its packages are taken whatever streams of dnf's modules are active */
} ColdSource;

struct _ColdRepositoryType
{
  const char *name;   /* of sources.d: deb rpm-md arch apk */
  const char *format; /* libguestfs' word, in manifests: deb rpm pacman apk */

  /* What the type asks of an entry beyond a name and a URI. Returns: %FALSE with @error (InvalidArgument) */
  gboolean (*check) (const ColdSource *source, GError **error);

  /**
   * refresh:
   * @scratch: folder for temporary files
   *
   * Brings the catalogue up to what the repository publishes now (cold-generation.h). On failure what the catalogue had stays.
   *
   * Returns: (transfer full): {"changed","generation","packages"}; %NULL with @error
   */
  JsonObject *(*refresh) (const ColdSource *source, const char *catalogue, const char *scratch, ColdDownload *download,
                          GError **error);

  /* (nullable): whether it has to be refreshed once more, for the sake of what was fetched of others after it. */
  gboolean (*is_behind) (const ColdSource *source, const char *catalogue);

  /* Makes plan->pool with what the sources have; the type's own data go to plan->data. Nothing of a guest is known yet. */
  gboolean (*load_catalogue) (ColdPlan *plan, GError **error);

  /**
   * load_manifest:
   * @plan: has a loaded catalogue, held (names in "held" of the manifest are added here), excluded
   *
   * Adds what is installed, and tells in plan->considered what may be taken.
   */
  gboolean (*load_manifest) (ColdPlan *plan, JsonObject *manifest, GError **error);

  gboolean new_for_upgrades; /* the manager installs nothing new for packages that it leaves as they are */

  /* Flags of the solver, and jobs beyond "update all" and the locks. */
  void (*prepare) (ColdPlan *plan, Solver *solver, Queue *jobs);

  /* Whether nothing keeps @s but its own metadata: name, version. Hash, size and path were looked at. */
  gboolean (*is_usable) (ColdPlan *plan, Solvable *s);

  /* Returns: the newer version that could take the place of @installed if nothing kept it back, or 0 */
  Id (*get_candidate) (ColdPlan *plan, Id installed);

  /* (nullable): where packages have other names in the pool. Returns: (transfer full): what the guest's manager calls @s */
  char *(*get_name) (ColdPlan *plan, Solvable *s);

  /* Sets "origin", "repository" and "security". */
  void (*describe) (ColdPlan *plan, Solvable *s, JsonObject *package);

  /* Fills the image but for /bundle.json. */
  gboolean (*bundle) (ColdBundle *bundle, GError **error);

  const char *folder; /* of package files in a bundle */

  /* Returns: (transfer full): name of a package file in a bundle; the plan's package was checked */
  char *(*file_name) (JsonObject *package);

  /**
   * check_package:
   * @identity: what the signed metadata say of the package
   *
   * (nullable): where metadata have no SHA-256 of package files. "sha256" of plans is then one of identity and size, by which the
   * file is known and kept.
   *
   * Returns: (transfer full): SHA-256 of the file at @path, when it is the package of that identity; %NULL with @error
   */
  char *(*check_package) (const char *path, const char *identity, GError **error);
};

/* @object: "repository" of a request. Returns: (transfer full): %NULL with @error (InvalidArgument, NotSupported) */
ColdSource *cold_source_parse (JsonObject *object, GError **error);
void cold_source_free (ColdSource *self);

/* All "repositories" of @request. Returns: (transfer full) (element-type ColdSource): %NULL with @error */
GPtrArray *cold_sources_parse (JsonObject *request, GError **error);

/* Returns: (transfer none) (nullable): the one that is called so */
const ColdSource *cold_sources_find (GPtrArray *sources, const char *id);

/* Whether each of @texts can be a part of a path; FALSE also when there is none. @slashes: whether they may have some */
gboolean cold_source_are_names (GStrv texts, gboolean slashes);

/* @format: of a manifest. Returns: (nullable) */
const ColdRepositoryType *cold_repository_type_for_format (const char *format);

/**
 * cold_repository_check_key:
 * @package: of a plan, of a type with check_package()
 *
 * Whether "sha256" is made of "identity" and "size": what is checked is then what the file is known by.
 *
 * Returns: %FALSE with @error (InvalidArgument)
 */
gboolean cold_repository_check_key (JsonObject *package, GError **error);

/* Returns: (transfer full): by what a package file is known of which the signed metadata say only @identity: 64 digits */
char *cold_repository_key (const char *identity, guint64 size);

extern const ColdRepositoryType cold_apk_repository;
extern const ColdRepositoryType cold_arch_repository;
extern const ColdRepositoryType cold_deb_repository;
extern const ColdRepositoryType cold_rpm_repository;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdSource, cold_source_free)

G_END_DECLS
