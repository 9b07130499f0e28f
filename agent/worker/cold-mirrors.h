/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents that say where a repository of rpm packages can be found: a mirrorlist, a place a line, and a metalink
 * (metalinker.org, version 3, with MirrorManager's additions), which also has the hashes that repomd.xml may have.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* More than anybody tries. */
#define COLD_MIRRORS_MAX 64

typedef struct
{
  GPtrArray *uris;    /* (element-type utf8): of the folder that has repodata; preferred ones first */
  GHashTable *hashes; /* (nullable) (element-type utf8): SHA-256 of repomd.xml and of those before it; %NULL: not known */
} ColdMirrors;

/* @text: of the document. Returns: (transfer full): %NULL with @error (NotFound) when it names no place over http or https */
ColdMirrors *cold_mirrors_parse_list (const char *text, GError **error);

/* Likewise; InvalidArgument as well, for what is no metalink. */
ColdMirrors *cold_mirrors_parse_metalink (const char *text, GError **error);

void cold_mirrors_free (ColdMirrors *mirrors);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdMirrors, cold_mirrors_free)

G_END_DECLS
