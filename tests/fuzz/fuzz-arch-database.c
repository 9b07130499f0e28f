/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A database of pacman's, unpacked: its descriptions one by one, then as libsolv takes them.
 */
#include "cold-arch-database.h"
#include "cold-arch-repository.h"
#include "fuzz.h"

#include <sanitizer/lsan_interface.h>
#include <solv/pool.h>

static gboolean
count (ColdPacmanDesc *desc, const char *text, gsize length, gpointer data, GError **error)
{
  g_assert_true (text[length] == '\0' && cold_pacman_desc_get (desc, "NAME") != NULL);
  (*(guint *) data)++;
  return TRUE;
}

/* libsolv (0.7.23) does not free what it read of a tar file's extension header when it cannot understand that. */
static gboolean
solver_read (Repo *repo, const char *path, GError **error)
{
  gboolean good;

  __lsan_disable ();
  good = cold_arch_solver_read (repo, path, error);
  __lsan_enable ();
  return good;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = fuzz_path ("database.tar");
  g_autoptr (GError) error = NULL;
  gboolean good;
  guint n = 0;
  Pool *pool;

  fuzz_write (path, data, size);
  good = cold_arch_database_read (path, count, &n, &error);
  fuzz_check_error (good, error);
  g_clear_error (&error);
  pool = pool_create ();
  pool_setdisttype (pool, DISTTYPE_ARCH);
  pool_setarch (pool, "x86_64");
  fuzz_check_error (solver_read (repo_create (pool, "fuzz"), path, &error), error);
  pool_free (pool);
  return 0;
}
