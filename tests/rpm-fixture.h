/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repositories of rpm packages in a temporary folder, made by the real rpmbuild and createrepo_c, with a key to sign them and a
 * catalogue beside them, and requests of workers about them.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *folder;
} RpmFixture;

void rpm_fixture_set_up (RpmFixture *f, gconstpointer data);
void rpm_fixture_tear_down (RpmFixture *f, gconstpointer data);

/* printf-like shell command, run in the fixture's folder; the key is in gpg, its keyring in keyring.gpg */
void rpm_fixture_shell (RpmFixture *f, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @words: NAME VERSION-RELEASE and what else make-rpm takes, for the shell */
void rpm_fixture_add (RpmFixture *f, const char *repository, const char *words);

void rpm_fixture_publish (RpmFixture *f, const char *repository);

/* After somebody changed repodata by hand. */
void rpm_fixture_sign (RpmFixture *f, const char *repository);

/* @repositories: names of folders in the fixture's folder, each with "=PRIORITY" if it has one; @extra: members of each entry.
 * Returns: (transfer full) */
JsonObject *rpm_fixture_request (RpmFixture *f, const char *repositories, const char *extra);

/* Returns: (transfer full): the answer for the first repository */
JsonObject *rpm_fixture_refresh (RpmFixture *f, const char *repositories);

/* @installed: "name evr[ member of the package];..."; @more: members of the manifest, or "" */
void rpm_fixture_write_manifest (RpmFixture *f, const char *manager, const char *installed, const char *more);

/* Returns: (transfer full): the plan, which has to be made */
JsonObject *rpm_fixture_plan_request (JsonObject *request);

/* Publishes and fetches @repositories. Returns: (transfer full) */
JsonObject *rpm_fixture_plan (RpmFixture *f, const char *repositories);

/* @packages: "name installed candidate[ *]; ...", "*" is security; @held, @kept_back: names */
void rpm_fixture_assert_plan (JsonObject *planned, const char *packages, const char *held, const char *kept_back);

G_END_DECLS
