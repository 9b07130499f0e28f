/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the workers of the catalogue are told, and what of their answers is believed.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-config.h"
#include "cold-volume.h"
#include "cold-worker-process.h"

G_BEGIN_DECLS

/* The package manager's word for libguestfs' architecture (x86_64 is amd64 for deb); "*" is this host's. Returns:
 * (transfer full): @arch itself where both agree or nothing is known */
char *cold_catalogue_package_arch (const char *type, const char *arch);

/* Whether packages of the repository fit the guest: kind, version, architecture and package format. */
gboolean cold_catalogue_repository_serves (const ColdRepository *repository, const ColdFacts *facts);

/**
 * cold_catalogue_add_repositories:
 * @request: gets "repositories" and "allow-hosts"
 * @worker: (nullable): gets binds of what those need when files are fetched: keyrings, and folders of file: URIs
 * @facts: (nullable): only those that serve this guest and of which there is something in the catalogue: one that could never be
 *   fetched does not keep guests from being upgraded from the others
 * @guests: (nullable) (element-type ColdFacts): without @facts, those for whose foreign architectures the repositories are asked
 * @fetched: (nullable) (element-type utf8 utf8): generations by repository; needed with @facts
 * @more: (element-type ColdRepository): guests' own ones, all of which are added
 */
void cold_catalogue_add_repositories (JsonObject *request, ColdWorkerProcess *worker, ColdConfig *config,
                                      const ColdFacts *facts, GPtrArray *guests, GHashTable *fetched, GPtrArray *more);

/* Returns: (transfer full): what @guests (element-type ColdFacts) want of the repository beside its own architecture */
GStrv cold_catalogue_foreign_architectures (const ColdRepository *repository, GPtrArray *guests);

/* Binds keyrings of repositories that sign packages only, @more among them: the signatures are looked at when packages are
 * bundled. */
void cold_catalogue_bind_package_keyrings (ColdWorkerProcess *worker, ColdConfig *config, const ColdFacts *facts,
                                           GPtrArray *more);

/* "files" of a fetch for a plan's packages. Returns: (transfer full) */
JsonArray *cold_catalogue_plan_files (JsonObject *plan);

/* %FALSE with @error (Worker) when @plan is not a plan as common/cold-protocol.h says */
gboolean cold_catalogue_check_plan (JsonObject *plan, GError **error);

G_END_DECLS
