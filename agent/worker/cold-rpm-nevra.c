/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-nevra.h"

#include <string.h>

guint
cold_rpm_nevra_hash (gconstpointer key)
{
  const ColdRpmNevra *nevra = key;

  return (guint) nevra->name * 31 + (guint) nevra->evr * 17 + (guint) nevra->arch;
}

gboolean
cold_rpm_nevra_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (ColdRpmNevra)) == 0;
}
