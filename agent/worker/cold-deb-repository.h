/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Debian repository and what the catalogue holds of it. In the catalogue's folder:
 *
 *   repositories/<id>/current             symbolic link to the generation in use: switched by rename
 *   repositories/<id>/<generation>/       64 hexadecimal digits; never changed after it was switched to
 *     generation.json                     {"version":1,"generation":s,"uri":s,"packages":n,"suites":[{"suite",
 *                                          "inrelease":file,"date":n,"origin","label","archive","codename","release",
 *                                          "not-automatic":b,"but-automatic-upgrades":b}],
 *                                          "indexes":[{"suite":n,"component","arch","packages":file,"count":n}]}
 *     N.InRelease                         as it was fetched and verified
 *     N.COMPONENT.ARCH.Packages           unpacked; SOLV is the same for libsolv, its name holds libsolv's version
 *     N.COMPONENT.ARCH.<version>.solv
 *   packages/<aa>/<sha256>                package files (cold-package-cache.h)
 *
 * The generation before the current one is kept, for workers that read it while a refresh switches. A generation's name is
 * a SHA-256 over the InRelease files and the hashes of the indexes that were taken.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-download.h"

G_BEGIN_DECLS

typedef struct
{
  char *id;
  char *uri;
  GStrv suites;
  GStrv components;
  GStrv architectures;
  char *signed_by; /* (nullable) */
  gboolean security;
} ColdDebRepository;

/* One Packages file of the current generation. */
typedef struct
{
  const ColdDebRepository *repository; /* borrowed */
  char *suite;      /* as the admin wrote it */
  char *component;
  char *arch;
  char *packages;   /* path */
  char *solv;       /* path; may be missing after an update of libsolv */
  char *inrelease;  /* path */
  char *origin;     /* fields of the Release, "" when missing */
  char *label;
  char *archive;    /* its Suite */
  char *codename;
  char *release;    /* its Version */
  gboolean not_automatic;
  gboolean but_automatic_upgrades;
} ColdDebIndex;

/* @object: "repository" of common/cold-protocol.h. Returns: (transfer full): %NULL with @error (InvalidArgument) */
ColdDebRepository *cold_deb_repository_parse (JsonObject *object, GError **error);
void cold_deb_repository_free (ColdDebRepository *self);

/* All "repositories" of @request. Returns: (transfer full) (element-type ColdDebRepository) */
GPtrArray *cold_deb_repositories_parse (JsonObject *request, GError **error);

/**
 * cold_deb_repository_refresh:
 * @scratch: folder for temporary files
 *
 * Brings the catalogue up to what the repository publishes now. On failure what the catalogue had stays.
 *
 * Returns: (transfer full): {"changed","generation","packages"}; %NULL with @error
 */
JsonObject *cold_deb_repository_refresh (const ColdDebRepository *self, const char *catalogue, const char *scratch,
                                         ColdDownload *download, GError **error);

/* Returns: (transfer full) (element-type ColdDebIndex): of the current generation; %NULL with @error (NotFound) when
 * nothing was fetched yet. They borrow @self. */
GPtrArray *cold_deb_repository_open (const ColdDebRepository *self, const char *catalogue, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDebRepository, cold_deb_repository_free)

G_END_DECLS
