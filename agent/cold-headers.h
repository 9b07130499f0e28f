/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What images say that they build on, of those that libvirt reads no header of: disks of defined domains that are in no pool.
 * Read by probe workers, one after the other, and kept as long as the file is the same. Main context only.
 */
#pragma once

#include "cold-snapshot.h"

G_BEGIN_DECLS

typedef struct ColdHeaders ColdHeaders;

typedef struct
{
  char *problem;           /* (nullable): why it could not be read; nothing else is set then */
  char *backing_path;      /* (nullable): absolute; %NULL: it builds on no file of this host */
  char *backing_format;    /* (nullable) */
  ColdFileId backing_file; /* all zero: there is none, or it is missing */
} ColdHeader;

/* @changed: called with @user_data after a header was read */
ColdHeaders *cold_headers_new (void (*changed) (gpointer user_data), gpointer user_data);
void cold_headers_free (ColdHeaders *headers);

/**
 * cold_headers_lookup:
 * @format: as somebody trustworthy defined it
 * @file: the image as the caller knows it
 *
 * Returns: (transfer none) (nullable): %NULL when the image was not read yet in this state
 */
const ColdHeader *cold_headers_lookup (ColdHeaders *headers, const char *path, const char *format, const ColdFileId *file);

/* Reads the header soon, unless it is known or about to be. */
void cold_headers_request (ColdHeaders *headers, const char *path, const char *format, const ColdFileId *file);

/* What could not be read is tried again when it is requested next. Returns: whether there is any */
gboolean cold_headers_retry (ColdHeaders *headers);

/* Forgets what was neither looked up nor requested since the last sweep. */
void cold_headers_sweep (ColdHeaders *headers);

G_END_DECLS
