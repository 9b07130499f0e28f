/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-inhibitors.h"

#define LONG_SECONDS 3600

typedef struct
{
  ColdInhibitors *inhibitors;
  guint changed;
} Fixture;

static void
on_changed (ColdInhibitors *inhibitors, Fixture *f)
{
  f->changed++;
}

static void
setup (Fixture *f, gconstpointer data)
{
  f->inhibitors = cold_inhibitors_new ();
  g_signal_connect (f->inhibitors, "changed", G_CALLBACK (on_changed), f);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->inhibitors);
}

static void
test_none (Fixture *f, gconstpointer data)
{
  g_assert_false (cold_inhibitors_is_active (f->inhibitors));
}

static void
test_pause (Fixture *f, gconstpointer data)
{
  cold_inhibitors_pause (f->inhibitors, "maintenance");
  cold_inhibitors_pause (f->inhibitors, "again");
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
  cold_inhibitors_resume (f->inhibitors); /* once is enough */
  g_assert_false (cold_inhibitors_is_active (f->inhibitors));
  g_assert_cmpuint (f->changed, ==, 3);
}

static void
test_cookie (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint first = cold_inhibitors_add (f->inhibitors, "backup", LONG_SECONDS, ":1.1");
  guint second = cold_inhibitors_add (f->inhibitors, "backup", LONG_SECONDS, ":1.1");

  g_assert_cmpuint (first, !=, 0);
  g_assert_cmpuint (second, !=, 0);
  g_assert_cmpuint (first, !=, second);
  g_assert_true (cold_inhibitors_remove (f->inhibitors, first, &error));
  g_assert_no_error (error);
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
  g_assert_true (cold_inhibitors_remove (f->inhibitors, second, &error));
  g_assert_no_error (error);
  g_assert_false (cold_inhibitors_is_active (f->inhibitors));
  g_assert_cmpuint (f->changed, ==, 4);
}

static void
test_unknown_cookie (Fixture *f, gconstpointer data)
{
  guint cookie = cold_inhibitors_add (f->inhibitors, "backup", LONG_SECONDS, ":1.1");
  const guint wrong[] = { 0, cookie + 1, G_MAXUINT };

  f->changed = 0;
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (cold_inhibitors_remove (f->inhibitors, wrong[i], &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
    }
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
  g_assert_cmpuint (f->changed, ==, 0);
}

static void
test_cookie_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint cookie = cold_inhibitors_add (f->inhibitors, "backup", LONG_SECONDS, ":1.1");

  g_assert_true (cold_inhibitors_remove (f->inhibitors, cookie, &error));
  g_assert_false (cold_inhibitors_remove (f->inhibitors, cookie, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  /* A cookie that somebody still has must not end another's inhibitor. */
  g_assert_cmpuint (cold_inhibitors_add (f->inhibitors, "other", LONG_SECONDS, ":1.2"), !=, cookie);
}

static void
test_owner (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint other;

  cold_inhibitors_add (f->inhibitors, "one", LONG_SECONDS, ":1.1");
  cold_inhibitors_add (f->inhibitors, "two", LONG_SECONDS, ":1.1");
  other = cold_inhibitors_add (f->inhibitors, "three", LONG_SECONDS, ":1.10");
  f->changed = 0;
  cold_inhibitors_remove_owner (f->inhibitors, ":1.1");
  g_assert_cmpuint (f->changed, ==, 1);
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
  cold_inhibitors_remove_owner (f->inhibitors, ":1.99");
  g_assert_cmpuint (f->changed, ==, 1);
  g_assert_true (cold_inhibitors_remove (f->inhibitors, other, &error));
  g_assert_no_error (error);
  g_assert_false (cold_inhibitors_is_active (f->inhibitors));
}

static void
test_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint brief = cold_inhibitors_add (f->inhibitors, "brief", 1, ":1.1");
  guint lasting = cold_inhibitors_add (f->inhibitors, "lasting", LONG_SECONDS, ":1.1");

  f->changed = 0;
  while (f->changed == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (cold_inhibitors_remove (f->inhibitors, brief, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
  g_assert_true (cold_inhibitors_remove (f->inhibitors, lasting, NULL));
}

static void
test_pause_beside (Fixture *f, gconstpointer data)
{
  guint cookie = cold_inhibitors_add (f->inhibitors, "backup", LONG_SECONDS, ":1.1");

  cold_inhibitors_pause (f->inhibitors, "maintenance");
  cold_inhibitors_resume (f->inhibitors);
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
  cold_inhibitors_pause (f->inhibitors, "maintenance");
  g_assert_true (cold_inhibitors_remove (f->inhibitors, cookie, NULL));
  g_assert_true (cold_inhibitors_is_active (f->inhibitors));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/inhibitors/" path, Fixture, NULL, setup, test, teardown)
  ADD ("none/inactive", test_none);
  ADD ("pause/ends-with-one-resume", test_pause);
  ADD ("cookie/each-its-own", test_cookie);
  ADD ("cookie/unknown-is-refused", test_unknown_cookie);
  ADD ("cookie/twice-is-refused-and-never-reused", test_cookie_twice);
  ADD ("owner/takes-all-of-its-own", test_owner);
  ADD ("timeout/ends-by-itself", test_timeout);
  ADD ("pause/holds-beside-inhibitors", test_pause_beside);
  return g_test_run ();
}
