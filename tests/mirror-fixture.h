/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder that is served over HTTP on this host, with a key to sign what is in it and a catalogue beside it, and requests of
 * workers about what it has.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  char *folder;
  char *host;          /* "127.0.0.1:PORT", as in AllowHosts= */
  char *uri;           /* of folder/www */
  GPtrArray *asked;    /* (element-type utf8): paths, in their order; look at it between requests only */
  SoupServer *server;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
} MirrorFixture;

void mirror_fixture_set_up (MirrorFixture *self, gconstpointer data);
void mirror_fixture_tear_down (MirrorFixture *self, gconstpointer data);

/* printf-like shell command, run in folder/www; $RPM, $PACMAN and $KEYS are make-rpm, make-pacman and make-repository, $URI is
 * the server's; the key is in ../gpg, its keyring in ../keyring.gpg */
void mirror_fixture_shell (MirrorFixture *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/**
 * mirror_fixture_request:
 * @entry: members of the one repository, called "one", but for id, architectures and keyring: JSON
 *
 * Returns: (transfer full): a request in which this server is allowed by name
 */
JsonObject *mirror_fixture_request (MirrorFixture *self, const char *entry);

/* Refreshes. Returns: (transfer full): the answer for the repository */
JsonObject *mirror_fixture_refresh (MirrorFixture *self, const char *entry);

/* Refreshes, which has to be refused with that code and a message with these words. */
void mirror_fixture_assert_refused (MirrorFixture *self, const char *entry, const char *code, const char *why);

/* Refreshes, which has to succeed. Returns: (transfer full): the generation's name */
char *mirror_fixture_assert_fetched (MirrorFixture *self, const char *entry);

/* Returns: (transfer full) (nullable): generation.json of what the catalogue has */
JsonObject *mirror_fixture_held (MirrorFixture *self);

/* @manifest: JSON. Returns: (transfer full): the plan, which has to be made */
JsonObject *mirror_fixture_plan (MirrorFixture *self, const char *entry, const char *manifest);

/* Fetches the packages of @plan. Returns: (transfer full): %NULL with @error */
JsonObject *mirror_fixture_fetch (MirrorFixture *self, const char *entry, JsonObject *plan, GError **error);

/* Makes a bundle of them. Returns: (transfer full): %NULL with @error */
JsonObject *mirror_fixture_bundle (MirrorFixture *self, const char *entry, JsonObject *plan, GError **error);

G_END_DECLS
