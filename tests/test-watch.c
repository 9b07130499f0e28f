/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-watch.h"

typedef struct
{
  char *folder;
  ColdWatch *watch;
  guint stirred;
  guint heard;
  GString *names; /* as last told of */
} Fixture;

static void
on_stirred (ColdWatch *watch, Fixture *f)
{
  /* Before the burst is over. */
  g_assert_cmpuint (f->heard, ==, f->stirred);
  f->stirred++;
}

static void
on_changed (ColdWatch *watch, Fixture *f)
{
  GHashTableIter iter;
  gpointer name;

  f->heard++;
  g_assert_cmpuint (f->heard, ==, f->stirred);
  g_string_truncate (f->names, 0);
  g_hash_table_iter_init (&iter, cold_watch_get_names (watch));
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (f->names, "%s;", (const char *) name);
}

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("test-watch-XXXXXX", &error);
  g_assert_no_error (error);
  f->watch = cold_watch_new (f->folder, &error);
  g_assert_no_error (error);
  g_signal_connect (f->watch, "stirred", G_CALLBACK (on_stirred), f);
  g_signal_connect (f->watch, "changed", G_CALLBACK (on_changed), f);
  f->names = g_string_new (NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->folder);

  g_object_unref (f->watch);
  g_string_free (f->names, TRUE);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->folder);
}

static gboolean
on_time (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until @wanted signals came, or for @ms. */
static void
run (Fixture *f, guint wanted, guint ms)
{
  gboolean over = FALSE;
  guint timer = g_timeout_add (ms, on_time, &over);

  while (!over && (wanted == 0 || f->heard < wanted))
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timer);
}

static void
put (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  FILE *file = fopen (path, "w"); /* in place: no temporary file, no rename */

  g_assert_nonnull (file);
  fputs (text, file);
  fclose (file);
}

static void
test_names (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "a b\nc", NULL);

  put (f, "a b\nc", "x");
  run (f, 1, 30000);
  g_assert_cmpuint (f->heard, ==, 1);
  g_assert_cmpstr (f->names->str, ==, "a b\nc;");
  g_unlink (path);
  run (f, 2, 30000);
  g_assert_cmpuint (f->heard, ==, 2);
  put (f, "other", "x");
  run (f, 3, 30000);
  g_assert_cmpstr (f->names->str, ==, "other;");
}

static void
test_content (Fixture *f, gconstpointer data)
{
  put (f, "a", "x");
  run (f, 1, 30000);
  put (f, "a", "y");
  run (f, 2, 30000);
  g_assert_cmpuint (f->heard, ==, 2);
}

static void
test_burst (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);

      put (f, name, "x");
    }
  run (f, 1, 30000);
  run (f, 0, 400);
  g_assert_cmpuint (f->heard, ==, 1);
}

static gboolean
on_write (gpointer user_data)
{
  put (user_data, "a", "x");
  return G_SOURCE_CONTINUE;
}

/* Writes that never pause must not put the signal off for ever. */
static void
test_endless (Fixture *f, gconstpointer data)
{
  guint writer = g_timeout_add (20, on_write, f);

  run (f, 1, 30000);
  g_source_remove (writer);
  g_assert_cmpuint (f->heard, ==, 1);
}

static void
test_hidden (Fixture *f, gconstpointer data)
{
  g_autofree char *inside = g_build_filename (f->folder, ".coldpatch", NULL);
  g_autofree char *beside = g_build_filename (f->folder, ".coldpatch-images", NULL);

  g_assert_cmpint (g_mkdir (inside, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (beside, 0700), ==, 0);
  put (f, ".coldpatch/copy", "x");
  run (f, 0, 400);
  g_assert_cmpuint (f->heard, ==, 0);
  g_assert_cmpuint (f->stirred, ==, 0);
}

static void
test_vanishes (Fixture *f, gconstpointer data)
{
  g_assert_true (cold_watch_is_alive (f->watch));
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  run (f, 1, 30000);
  g_assert_cmpuint (f->heard, ==, 1);
  g_assert_false (cold_watch_is_alive (f->watch));
  /* And no more: a dead descriptor does not spin. */
  run (f, 0, 300);
  g_assert_cmpuint (f->heard, ==, 1);
}

static void
test_missing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cold_watch_new ("/nonexistent/folder", &error));
  g_assert_nonnull (error);
  g_assert_nonnull (g_strrstr (error->message, "/nonexistent/folder"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)
  ADD ("/watch/names-that-come-and-go", test_names);
  ADD ("/watch/content-is-no-listing", test_content);
  ADD ("/watch/burst-is-one-signal", test_burst);
  ADD ("/watch/endless-writes-are-told", test_endless);
  ADD ("/watch/own-folders-are-ignored", test_hidden);
  ADD ("/watch/folder-vanishes", test_vanishes);
  g_test_add_func ("/watch/missing-folder-is-an-error", test_missing);
  return g_test_run ();
}
