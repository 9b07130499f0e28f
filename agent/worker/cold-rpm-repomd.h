/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repomd.xml: the files that an rpm repository's metadata consist of, and by what each of them is known.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *type;        /* (nullable): "primary", "filelists" */
  char *path;        /* (nullable): below the repository, as it is written */
  gboolean elsewhere; /* the path is below another URI than the repository's */
  char *sha256;      /* (nullable): 64 digits */
  gint64 size;       /* bytes, or 0 */
  char *open_sha256; /* (nullable): of what it unpacks to */
  gint64 open_size;  /* bytes, or 0 */
} ColdRepomdFile;

typedef struct
{
  char *revision;   /* (nullable): as it is written */
  gint64 date;      /* of the newest file, in seconds since the epoch, or 0 */
  GPtrArray *files; /* (element-type ColdRepomdFile) */
} ColdRepomd;

/* @text: UTF-8. Returns: (transfer full): %NULL with @error (Signature) when it is no repomd.xml */
ColdRepomd *cold_repomd_parse (const char *text, GError **error);
void cold_repomd_free (ColdRepomd *self);

/* Returns: (transfer none) (nullable): the first one of that type */
const ColdRepomdFile *cold_repomd_find (const ColdRepomd *self, const char *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdRepomd, cold_repomd_free)

G_END_DECLS
