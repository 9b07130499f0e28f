/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A catalogue with real workers in their sandbox. Needs root: in a mount namespace of its own, with the agent's folders
 * on tmpfs and a copy of /etc/passwd that has the worker's user.
 */
#pragma once

#include <unistd.h>

#include "cold-catalogue.h"
#include "repository-fixture.h"

/* Of this run alone: an agent that starts ends all processes of its workers' user. */
#define WORKER_ID (60000 + getpid () % 5000)

typedef struct
{
  RepositoryFixture *repository; /* "foo" is there in version 1.1 */
  ColdConfig *config;            /* of that repository alone */
  ColdCatalogue *catalogue;
  ColdFacts *facts;              /* a guest that has foo 1.0 */
  GPtrArray *guests;             /* (element-type ColdFacts) that the refresh asks for */
  guint changes;
} CatalogueFixture;

void catalogue_fixture_set_up (CatalogueFixture *self, gconstpointer data);
void catalogue_fixture_tear_down (CatalogueFixture *self, gconstpointer data);

/* Writes the configuration, with @source as its one file in sources.d, and loads it. Returns: (transfer full) */
ColdConfig *catalogue_fixture_configure (CatalogueFixture *self, const char *text, const char *source);

/* Puts a manifest where the agent keeps them. Returns: (transfer full): a guest with these packages */
ColdFacts *catalogue_fixture_make_guest (const char *status);
/* @arch: what it has packages of beside its own architecture */
ColdFacts *catalogue_fixture_make_guest_with (const char *status, const char *arch);

gboolean catalogue_fixture_refresh (CatalogueFixture *self, GError **error);
/* Plans for the guest of the fixture. Returns: (transfer full) */
JsonObject *catalogue_fixture_plan (CatalogueFixture *self, GError **error);

/**
 * catalogue_fixture_main:
 * @add: adds the tests
 *
 * Runs them, or skips them where workers cannot run. Returns: the status of the program
 */
int catalogue_fixture_main (int argc, char *argv[], void (*add) (void));

#define CATALOGUE_FIXTURE_ADD(path, func) \
  g_test_add (path, CatalogueFixture, NULL, catalogue_fixture_set_up, func, catalogue_fixture_tear_down)
