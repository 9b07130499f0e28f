/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpm's database of installed packages, in each of the formats that rpm has had: sqlite, Berkeley DB, ndb.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *evr;        /* "epoch:version-release", without an epoch where there is none */
  char *arch;
  char *source;     /* name of the source package */
  char *vendor;     /* (nullable) */
  char *module;     /* (nullable): "module:stream:version:context" that it was built in */
  GStrv provides;   /* as "rpm -q --provides" prints them, sorted, and the files named below */
  GStrv requires;
  GStrv conflicts;
  GStrv obsoletes;
  GStrv recommends;
  GStrv suggests;
  gboolean several; /* versions of it are installed beside each other: a kernel */
} ColdRpmPackage;

/* The files of the database, the best first, as rpm itself would look for them; %NULL-terminated. */
extern const char *const cold_rpm_db_files[];

/**
 * cold_rpm_db_read:
 * @folder: has copies of files of cold_rpm_db_files, to be written to
 *
 * Keys for signatures (gpg-pubkey) are no packages, and requirements of features of rpm itself are left out. Files are
 * among the provides when a package requires them, or when they are commands, which updates may come to require.
 *
 * Returns: (transfer full) (element-type ColdRpmPackage): sorted by name, architecture and version; %NULL with @error
 *   (Guest) when it cannot be read or has no package
 */
GPtrArray *cold_rpm_db_read (const char *folder, GError **error);

/* Sets "several" of the packages that one of @specs ("NAME" or "provides:NAME") is for. */
void cold_rpm_db_allow_doubles (GPtrArray *packages, GPtrArray *specs);

/**
 * cold_rpm_db_find_doubles:
 *
 * A package is there twice, but for a kernel, when rpm was stopped between installing one and removing the other.
 *
 * Returns: (transfer full): "name.arch evr evr" for each of them
 */
GStrv cold_rpm_db_find_doubles (GPtrArray *packages);

G_END_DECLS
