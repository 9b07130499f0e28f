/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A suite's signed index of indexes: the Release text inside InRelease (Debian wiki, DebianRepository/Format).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 size; /* bytes */
  char *sha256;
} ColdDebFile;

typedef struct
{
  char *origin;   /* these are "" when the field is missing */
  char *label;
  char *suite;
  char *codename;
  char *version;
  gint64 date;        /* seconds since the epoch */
  gint64 valid_until; /* 0: has none */
  gboolean not_automatic;
  gboolean but_automatic_upgrades;
  gboolean by_hash;
  GHashTable *files;  /* (element-type utf8 ColdDebFile) by path below the suite's folder */
} ColdDebRelease;

/**
 * cold_deb_release_verify:
 * @path: an InRelease file
 * @keyring: (nullable): binary or armoured keys that may sign
 * @scratch: folder for temporary files
 *
 * Returns: (transfer full): the signed text, and nothing that stands around it; %NULL with @error (Signature)
 */
char *cold_deb_release_verify (const char *path, const char *keyring, const char *scratch, GError **error);

/**
 * cold_deb_release_parse:
 *
 * Returns: (transfer full): %NULL with @error (Signature) when @text is not a usable Release: no date, no SHA256 list, a
 *   path that leaves the suite's folder, a size that is no size
 */
ColdDebRelease *cold_deb_release_parse (const char *text, GError **error);

/**
 * cold_deb_release_check_suite:
 * @wanted: name of the suite's folder below dists/
 *
 * One key signs all suites of a distribution: that of another one must not be taken for it. Where the folder's name has a slash
 * ("buster/updates") the part before it counts, as for apt.
 *
 * Returns: %FALSE with @error (Signature) when neither its Suite nor its Codename is called so; %TRUE when it has neither
 */
gboolean cold_deb_release_check_suite (const ColdDebRelease *self, const char *wanted, GError **error);

/* %FALSE with @error (Signature) when its Valid-Until lies before @now, in seconds since the epoch, or its Date in the future */
gboolean cold_deb_release_check_time (const ColdDebRelease *self, gint64 now, GError **error);

void cold_deb_release_free (ColdDebRelease *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDebRelease, cold_deb_release_free)

G_END_DECLS
