/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-job-logs.h"

#include <glib/gstdio.h>

static char *folder;

static void
make (const char *name, gsize size)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = g_strnfill (size, 'x');

  g_assert_true (g_file_set_contents (path, text, size, NULL));
}

/* Whether it was there; it is gone afterwards. */
static gboolean
take (const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_unlink (path) == 0;
}

static void
test_oldest_go (void)
{
  make ("8.log", 400);
  make ("9.log", 300);
  make ("10.log", 300);
  make ("11.log", 300);
  make ("notes", 5000);
  make ("11.log.Ab12Xy", 5000);
  cold_job_logs_sweep (folder, 1000);
  g_assert_false (take ("8.log"));
  g_assert_false (take ("11.log.Ab12Xy"));
  g_assert_true (take ("9.log"));
  g_assert_true (take ("10.log"));
  g_assert_true (take ("11.log"));
  g_assert_true (take ("notes"));
}

/* The job that has it tells its name. */
static void
test_newest_stays (void)
{
  make ("3.log", 10);
  make ("4.log", 2000);
  cold_job_logs_sweep (folder, 1000);
  g_assert_false (take ("3.log"));
  g_assert_true (take ("4.log"));
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("test-job-logs-XXXXXX", NULL);
  g_test_add_func ("/job-logs/sweep/oldest-go", test_oldest_go);
  g_test_add_func ("/job-logs/sweep/newest-stays", test_newest_stays);
  status = g_test_run ();
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  g_free (folder);
  return status;
}
