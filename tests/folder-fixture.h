/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repositories of apk or pacman in one temporary folder, with a catalogue beside them, and requests of workers about them. A
 * repository is a folder, and its name that of the folder.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *type; /* of sources.d: "apk" or "arch", whose database is called as the repository */
  const char *make; /* path of make-apk or make-pacman */
  char *folder;
} FolderFixture;

/* Makes the folder, with "catalogue" and "scratch" in it; the keyring has to be called "keyring". */
void folder_init (FolderFixture *self, const char *type, const char *make);
void folder_clear (FolderFixture *self);

/* printf-like shell command, run in the folder, which has to succeed; "make" is the program. */
void folder_shell (FolderFixture *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @repositories: names; @extra: members of each entry, or "". Returns: (transfer full) */
JsonObject *folder_request (FolderFixture *self, const char *repositories, const char *extra);

/* Refreshes "one". Returns: (transfer full): the answer */
JsonObject *folder_refresh (FolderFixture *self, const char *extra);

/* Refreshes; all is well with each of them. */
void folder_refresh_well (FolderFixture *self, const char *repositories);

/* Refreshes "one", which has to be refused as not authentic, with a message with these words. */
void folder_assert_refused (FolderFixture *self, const char *extra, const char *why);

/* @manifest: JSON. Returns: (transfer full): the plan, which has to be made */
JsonObject *folder_plan (FolderFixture *self, const char *repositories, const char *manifest);

/* @expected: "name installed candidate,..." of all planned packages */
void folder_assert_planned (JsonObject *plan, const char *expected);

/* @expected: the names in that member, with a space between */
void folder_assert_names (JsonObject *plan, const char *member, const char *expected);

/* Fetches the packages of @plan from "one". Returns: (transfer full): the request for a bundle of them; %NULL with @error */
JsonObject *folder_fetch (FolderFixture *self, const char *extra, JsonObject *plan, GError **error);

G_END_DECLS
