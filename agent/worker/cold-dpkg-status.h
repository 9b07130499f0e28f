/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpkg's database of installed packages, /var/lib/dpkg/status (deb-control(5), dpkg(1) "Package states").
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *version;
  char *arch;
  char *source;      /* name of the source package, without a version */
  gboolean held;
  gboolean broken;   /* neither installed nor removed: dpkg was interrupted, or a script failed */
  char *state;       /* as dpkg says it: "install ok half-configured" */
  char *stanza;      /* the fields that solving needs, a line each, in their order, valid UTF-8 */
} ColdDpkgPackage;

/**
 * cold_dpkg_status_parse:
 *
 * Returns: (transfer full) (element-type ColdDpkgPackage): packages that are installed or broken, sorted by name and
 *   architecture; %NULL with @error (Guest) when the text is no such database
 */
GPtrArray *cold_dpkg_status_parse (const char *text, GError **error);

G_END_DECLS
