/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsolv's order of what is written for it is vercmp's order of what was meant. */
#include "cold-arch-version.h"

#include <solv/evr.h>
#include <solv/pool.h>
#include <string.h>

#include "vercmp-rows.h"

/* Every package has a release. */
static void
test_order (void)
{
  Pool *pool = pool_create ();
  guint compared = 0;

  pool_setdisttype (pool, DISTTYPE_ARCH);
  for (guint i = 0; i < G_N_ELEMENTS (vercmp_rows); i++)
    for (guint k = 0; k < G_N_ELEMENTS (vercmp_rows); k++)
      {
        g_autofree char *a = cold_arch_version_for_solver (vercmp_rows[i].version);
        g_autofree char *b = cold_arch_version_for_solver (vercmp_rows[k].version);
        int order = pool_evrcmp_str (pool, a, b, EVRCMP_COMPARE);

        if (strchr (a, '-') == NULL || strchr (b, '-') == NULL)
          continue;
        g_assert_cmpint (order < 0 ? '<' : order > 0 ? '>' : '=', ==, vercmp_rows[i].orders[k]);
        compared++;
      }
  g_assert_cmpuint (compared, >, 100);
  pool_free (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arch-version/order-of-vercmp", test_order);
  return g_test_run ();
}
