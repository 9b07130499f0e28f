/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How apk describes packages, in a repository's APKINDEX and in its own database of what is installed: a line "X:value" for each
 * field, an empty line between packages. In the database lines about files follow, which are passed over.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *version;
  char *arch;       /* "" when it has none */
  char *identity;   /* "Q1" and the SHA-1 of the package's control part in base64; "" when it has none */
  char *origin;     /* source package; "" when it has none */
  char *tag;        /* of the database: that of the repository it came from; "" for one without */
  guint64 size;     /* bytes of the package file; of an index */
  gint64 built;     /* seconds since the epoch, or 0 */
  guint64 priority; /* among providers of one name without version; 0: it is never chosen by itself */
  GStrv depends;    /* what begins with '!' is a conflict */
  GStrv provides;
  GStrv install_if;
  gboolean foreign; /* has fields that apk 2 does not know, and does not install because of them */
  gboolean broken;  /* of the database: files or a script failed when it was installed */
} ColdApkPackage;

/* @text: the package's lines, with @length bytes and no NUL behind them. Returns: %FALSE with @error to stop */
typedef gboolean (*ColdApkIndexFunc) (const ColdApkPackage *package, const char *text, gsize length, gpointer data,
                                      GError **error);

/**
 * cold_apk_index_read:
 * @text: need not end with a NUL
 *
 * Calls @func for each package. Names and versions are of the characters that apk allows; everything is valid UTF-8.
 *
 * Returns: %FALSE with @error: @func's, or InvalidArgument when it is no such text
 */
gboolean cold_apk_index_read (const char *text, gsize length, ColdApkIndexFunc func, gpointer data, GError **error);

G_END_DECLS
