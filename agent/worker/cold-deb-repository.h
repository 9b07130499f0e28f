/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Debian repository and what a generation of the catalogue (cold-generation.h) holds of it:
 *
 *   generation.json             also "suites":[{"suite","inrelease":file,"date":n,"origin","label","archive","codename",
 *                               "release","not-automatic":b,"but-automatic-upgrades":b}],
 *                               "indexes":[{"suite":n,"component","arch","packages":file,"count":n}]
 *   N.InRelease                 as it was fetched and verified
 *   N.COMPONENT.ARCH.Packages   unpacked; SOLV is the same for libsolv, its name holds libsolv's version
 *   N.COMPONENT.ARCH.<version>.solv
 *
 * A generation's name is a SHA-256 over the InRelease files and the hashes of the indexes that were taken.
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

/* One Packages file of the current generation. */
typedef struct
{
  const ColdSource *repository; /* borrowed */
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

/* ColdRepositoryType.refresh */
JsonObject *cold_deb_repository_refresh (const ColdSource *self, const char *catalogue, const char *scratch,
                                         ColdDownload *download, GError **error);

/* Returns: (transfer full) (element-type ColdDebIndex): of the current generation; %NULL with @error (NotFound) when
 * nothing was fetched yet. They borrow @self. */
GPtrArray *cold_deb_repository_open (const ColdSource *self, const char *catalogue, GError **error);

G_END_DECLS
