/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signed repository of tiny packages in a temporary folder, and requests of workers about it.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *folder;
  char *repository;
  char *home;      /* of GnuPG */
  char *keyring;
  char *catalogue;
  char *scratch;
  const char *foreign; /* (nullable): an architecture that is fetched beside amd64 */
  const char *contrib; /* (nullable): a component beside main */
  const char *suite;   /* (nullable): one beside stable */
} RepositoryFixture;

RepositoryFixture *repository_fixture_new (void);
void repository_fixture_free (RepositoryFixture *self);

/* make-repository with these words, which must succeed. */
void repository_fixture_run (RepositoryFixture *self, const char *word, ...) G_GNUC_NULL_TERMINATED;

/* deb in suite "stable", then index. @field: (nullable) */
void repository_fixture_add (RepositoryFixture *self, const char *name, const char *version, const char *field);
void repository_fixture_index (RepositoryFixture *self, const char *field);

/* A path in the suite's folder. Returns: (transfer full) */
char *repository_fixture_path (RepositoryFixture *self, const char *name);

/* Returns: (transfer full): a request with the repository "test": suite stable, component main */
JsonObject *repository_fixture_request (RepositoryFixture *self);

/* The one "repositories" element of @request. Returns: (transfer none) */
JsonObject *repository_fixture_entry (JsonObject *request);

/* Refreshes. Returns: (transfer full): the answer for the repository */
JsonObject *repository_fixture_refresh (RepositoryFixture *self);

/* Refreshes, which must succeed, and plans for a guest with that dpkg status. @member: (nullable): more of the manifest,
 * as JSON, e.g. "\"held\":[\"foo:all\"]". Returns: (transfer full) */
JsonObject *repository_fixture_plan (RepositoryFixture *self, const char *status, const char *member);

/* The planned package of that name, or %NULL. */
JsonObject *repository_fixture_planned (JsonObject *plan, const char *name);

/* Stanza of an installed package. @field: (nullable). Returns: (transfer full) */
char *repository_fixture_installed (const char *name, const char *version, const char *field);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RepositoryFixture, repository_fixture_free)

G_END_DECLS
