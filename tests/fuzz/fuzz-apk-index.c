/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of apk's packages, from a repository or from a guest; then as libsolv takes it.
 */
#include "cold-apk-index.h"
#include "cold-apk-solver.h"
#include "fuzz.h"

#include <string.h>

static gboolean
count (const ColdApkPackage *package, const char *text, gsize length, gpointer data, GError **error)
{
  g_assert_true (strchr (package->name, '/') == NULL && *package->version != '\0' && length > 0);
  g_assert_true (g_utf8_validate (package->origin, -1, NULL));
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("APKINDEX");
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (GError) error = NULL;
  Pool *pool;
  Repo *repo;

  fuzz_check_error (cold_apk_index_read (text, size, count, NULL, &error), error);
  g_clear_error (&error);
  fuzz_write (path, data, size);
  pool = pool_create ();
  pool_setdisttype (pool, DISTTYPE_RPM);
  pool_setarch (pool, "noarch");
  repo = repo_create (pool, "fuzz");
  fuzz_check_error (cold_apk_solver_read (repo, path, "x86_64", &error), error);
  cold_apk_solver_add_install_if (repo);
  pool_createwhatprovides (pool);
  pool_free (pool);
  return 0;
}
