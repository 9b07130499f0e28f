/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One build of a package, in whichever repository: by it alone the same package is found in several. */
#pragma once

#include <glib.h>
#include <solv/pooltypes.h>

G_BEGIN_DECLS

/* No padding: it is compared as bytes. */
typedef struct
{
  Id name;
  Id evr; /* 0: no package of the pool has this version, or architecture; but its name */
  Id arch;
} ColdRpmNevra;

/* For hash tables of ColdRpmNevra. */
guint cold_rpm_nevra_hash (gconstpointer key);
gboolean cold_rpm_nevra_equal (gconstpointer a, gconstpointer b);

G_END_DECLS
