/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repository of pacman, such as core or extra. Its sources.d entry names one folder (Uri=) and the database in it
 * (Suites=). The catalogue's generation of it (cold-generation.h) has:
 *
 *   generation.json        and "suite", "sha256" of the database as it was published
 *   <suite>.tar            the database, verified and unpacked
 *   <suite>.groups         a line "<group> <package>" for each member of a group, which libsolv's cache does not keep
 *   <suite>.tar.<version>.solv
 *
 * Arch Linux itself signs packages, and no databases. An entry that says DatabaseSignature=none takes an unsigned database; each
 * package then has to be signed by a key of the entry's keyring (%PGPSIG% of its description), or the bundle is not made.
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

typedef struct
{
  const ColdSource *source; /* borrowed */
  char *tar;
  char *solv;   /* may be missing after an update of libsolv */
  char *groups;
} ColdArchDatabase;

/* Returns: (transfer full): of the current generation; %NULL with @error (NotFound) when nothing was fetched yet */
ColdArchDatabase *cold_arch_repository_open (const ColdSource *source, const char *catalogue, GError **error);
void cold_arch_database_free (ColdArchDatabase *self);

/* Functions of the type. */
gboolean cold_arch_plan_load_catalogue (ColdPlan *plan, GError **error);
gboolean cold_arch_plan_load_manifest (ColdPlan *plan, JsonObject *manifest, GError **error);
void cold_arch_plan_prepare (ColdPlan *plan, Solver *solver, Queue *jobs);
gboolean cold_arch_plan_is_usable (ColdPlan *plan, Solvable *s);
Id cold_arch_plan_get_candidate (ColdPlan *plan, Id installed);
void cold_arch_plan_describe (ColdPlan *plan, Solvable *s, JsonObject *package);
gboolean cold_arch_bundle_fill (ColdBundle *bundle, GError **error);
char *cold_arch_bundle_file_name (JsonObject *package);

/* Adds a database that is not compressed to @repo, which belongs to a pool of DISTTYPE_ARCH. */
gboolean cold_arch_solver_read (Repo *repo, const char *tar, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdArchDatabase, cold_arch_database_free)

G_END_DECLS
