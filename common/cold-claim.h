/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: "this domain is starting", one JSON file a domain under COLD_CLAIM_DIR, named <uuid>.json, written by the hook
 * before anything else and removed at release:
 *   {"version":1,"domain":"<uuid>","name":"...","operation":"prepare","libvirtd-pid":n,"libvirtd-start":n,
 *    "boot-id":"...","time":microseconds}
 * libvirtd-start is field 22 of /proc/<pid>/stat. The file's name alone is the claim: it holds however broken the content
 * is. Names that begin with a dot are claims still being written.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *domain;   /* UUID */
  char *name;
  char *operation;
  gint64 libvirtd_pid;
  guint64 libvirtd_start;
  char *boot_id;
  gint64 time;    /* microseconds since the epoch */
} ColdClaim;

/* Makes @claim_dir when it is missing. */
gboolean cold_claim_write (const char *claim_dir, const ColdClaim *claim, GError **error);
/* %TRUE also when there was none. */
gboolean cold_claim_remove (const char *claim_dir, const char *domain, GError **error);
/* (nullable) (transfer full): %NULL without @error when there is none. A claim that cannot be parsed is a claim all the same:
 * only "domain" is set then. */
ColdClaim *cold_claim_read (const char *claim_dir, const char *domain, GError **error);
gboolean cold_claim_exists (const char *claim_dir, const char *domain);

/**
 * cold_claim_list:
 *
 * Returns: (transfer full): the UUIDs of all claims; a file with another name is listed by that name. %NULL with Io when
 *   the folder cannot be read; a folder that does not exist holds none
 */
GStrv cold_claim_list (const char *claim_dir, GError **error);

/* Whether the libvirtd that wrote it still lives, in this boot. %FALSE for a claim that could not be parsed. */
/* Deletes what hooks that were killed left half-written. */
void cold_claim_sweep (const char *claim_dir);

gboolean cold_claim_is_live (const ColdClaim *claim);
void cold_claim_free (ColdClaim *claim);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdClaim, cold_claim_free)

G_END_DECLS
