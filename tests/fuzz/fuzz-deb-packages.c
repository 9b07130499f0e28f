/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of an index: from a mirror into a cache, and back from the cache.
 */
#include "cold-deb-solver.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *packages = fuzz_path ("a.Packages");
  g_autofree char *cache = fuzz_path ("a.solv");
  g_autoptr (GError) error = NULL;
  ColdSource repository = { .id = (char *) "fuzz" };
  ColdDebIndex index = { .repository = &repository, .packages = packages, .solv = cache };
  gboolean made;
  guint count = 0;
  Pool *pool;

  fuzz_write (packages, data, size);
  made = cold_deb_solver_make_cache (packages, cache, &count, &error);
  fuzz_check_error (made, error);
  if (!made)
    return 0;
  pool = cold_deb_solver_new_pool ("amd64");
  g_assert_true (cold_deb_solver_add_index (pool, &index, "amd64", &error));
  g_assert_cmpint (((Repo *) pool->repos[1])->nsolvables, ==, count);
  pool_free (pool);
  return 0;
}
