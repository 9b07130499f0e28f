/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages over all guests. */
#include <glib/gstdio.h>
#include <sqlite3.h>

#include "store-fixture.h"

#define POOL "11111111-1111-4111-8111-111111111111"

static void
set (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

/* Returns: (transfer full): "volume version arch hostname;" of each */
static char *
find (StoreFixture *f, const char *name, const char *below)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) all = NULL;
  GString *text = g_string_new ("");

  cold_store_find_package_async (f->store, name, below, keep_result, &result);
  all = cold_store_find_package_finish (f->store, store_fixture_wait_for (f, &result), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < all->len; i++)
    {
      const ColdFoundPackage *found = g_ptr_array_index (all, i);

      g_string_append_printf (text, "%d %s %s %s;", (int)found->volume, found->version, found->arch,
                              found->hostname);
    }
  return g_string_free (text, FALSE);
}

static gint64
save_guest (StoreFixture *f, const char *name, const char *manifest, const char *hostname)
{
  g_autoptr (ColdVolume) volume = cold_volume_new (POOL, name);

  volume->id = cold_store_next_volume_id (f->store);
  volume->facts = cold_facts_new ();
  set (&volume->facts->manifest, manifest);
  set (&volume->facts->hostname, hostname);
  cold_store_save_volume (f->store, volume);
  return volume->id;
}

static void
save_packages (StoreFixture *f, const char *manifest, const char *format, const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  cold_store_save_manifest (f->store, manifest, format, json_node_get_array (node));
}

static void
assert_found (StoreFixture *f, const char *name, const char *below, const char *expected)
{
  g_autofree char *found = find (f, name, below);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_find (StoreFixture *f, gconstpointer data)
{
  save_packages (f, "m1", "deb",
                 "[[\"bash\",\"5.2-1\",\"amd64\",\"bash\"],[\"libc6\",\"2.36-9\",\"i386\",\"glibc\"],"
                 "[\"libc6\",\"2.36-9\",\"amd64\",\"glibc\"]]");
  save_packages (f, "m2", "rpm", "[[\"bash\",\"5.1.8-6.el9\",\"x86_64\",\"bash\"]]");
  save_packages (f, "m3", "ebuild", "[[\"bash\",\"1\",\"amd64\",\"bash\"]]");
  save_guest (f, "a", "m1", "web1");
  save_guest (f, "b", "m1", "web2");
  save_guest (f, "c", "m2", "db");
  save_guest (f, "d", "m3", "old");
  save_guest (f, "e", "", "empty");

  /* Clones share a manifest; an architecture each. */
  assert_found (f, "libc6", "",
                "1 2.36-9 amd64 web1;1 2.36-9 i386 web1;2 2.36-9 amd64 web2;2 2.36-9 i386 web2;");
  assert_found (f, "bash", "",
                "1 5.2-1 amd64 web1;2 5.2-1 amd64 web2;3 5.1.8-6.el9 x86_64 db;4 1 amd64 old;");
  /* What no order is known of is not lower. */
  assert_found (f, "bash", "5.2-1", "3 5.1.8-6.el9 x86_64 db;");
  assert_found (f, "bash", "5.2-1.1", "1 5.2-1 amd64 web1;2 5.2-1 amd64 web2;3 5.1.8-6.el9 x86_64 db;");
  assert_found (f, "bash", "0", "");
  assert_found (f, "nothing", "", "");
  assert_found (f, "b%", "", "");
}

/* 1.0rc1 comes before 1.0 for pacman only, and 1.0~rc1 for the others; an epoch counts everywhere. */
static void
test_find_formats (StoreFixture *f, gconstpointer data)
{
  static const char *const formats[] = { "deb", "rpm", "pacman" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      static const char *const versions[] = { "1.0rc1-1", "1.0~rc1-1", "1.0-1", "1:0.5-1" };

      for (guint k = 0; k < G_N_ELEMENTS (versions); k++)
        {
          g_autofree char *manifest = g_strdup_printf ("%s-%u", formats[i], k);
          g_autofree char *text = g_strdup_printf ("[[\"tool\",\"%s\",\"any\",\"tool\"]]", versions[k]);

          save_packages (f, manifest, formats[i], text);
          save_guest (f, manifest, manifest, formats[i]);
        }
    }
  assert_found (f, "tool", "1.0-1", "2 1.0~rc1-1 any deb;6 1.0~rc1-1 any rpm;9 1.0rc1-1 any pacman;");
  assert_found (f, "tool", "1:0.1-1",
                "1 1.0rc1-1 any deb;2 1.0~rc1-1 any deb;3 1.0-1 any deb;5 1.0rc1-1 any rpm;6 1.0~rc1-1 any rpm;"
                "7 1.0-1 any rpm;9 1.0rc1-1 any pacman;10 1.0~rc1-1 any pacman;11 1.0-1 any pacman;");
  /* A release that nobody names is no reason for pacman; without one, rpm's is lower. */
  assert_found (f, "tool", "1.0", "2 1.0~rc1-1 any deb;6 1.0~rc1-1 any rpm;9 1.0rc1-1 any pacman;");
}

static guint
count_rows (StoreFixture *f, const char *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  guint n;

  cold_store_flush (f->store);
  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  n = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return n;
}

/* The worker of another guest tells something else of the same manifest. */
static void
test_known_stays (StoreFixture *f, gconstpointer data)
{
  save_packages (f, "m1", "deb", "[[\"bash\",\"5.2-1\",\"amd64\",\"bash\"]]");
  save_guest (f, "a", "m1", "web1");
  save_packages (f, "m1", "rpm", "[[\"bash\",\"99\",\"amd64\",\"bash\"],[\"more\",\"1\",\"amd64\",\"more\"]]");
  assert_found (f, "bash", "", "1 5.2-1 amd64 web1;");
  g_assert_finalize_object (f->store);
  store_fixture_open (f);
  save_packages (f, "m1", "deb", "[]");
  assert_found (f, "bash", "", "1 5.2-1 amd64 web1;");
  g_assert_cmpuint (count_rows (f, "SELECT count (*) FROM packages"), ==, 1);
}

static void
test_unused_goes (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);

  save_packages (f, "m1", "deb", "[[\"bash\",\"5.2-1\",\"amd64\",\"bash\"]]");
  save_packages (f, "m2", "deb", "[[\"bash\",\"5.2-2\",\"amd64\",\"bash\"]]");
  save_guest (f, "a", "m2", "web1");
  g_hash_table_add (keep, (gpointer) "m2");
  cold_store_keep_manifests (f->store, keep);
  g_assert_cmpuint (count_rows (f, "SELECT count (*) FROM packages"), ==, 1);
  g_assert_cmpuint (count_rows (f, "SELECT count (*) FROM manifests"), ==, 1);
  assert_found (f, "bash", "", "1 5.2-2 amd64 web1;");
  /* It comes back. */
  save_packages (f, "m1", "deb", "[[\"bash\",\"5.2-1\",\"amd64\",\"bash\"]]");
  save_guest (f, "b", "m1", "web2");
  assert_found (f, "bash", "5.2-2", "2 5.2-1 amd64 web2;");
}

/* As version 1 of the schema left it. */
static void
test_migration (StoreFixture *f, gconstpointer data)
{
  sqlite3 *db = NULL;
  g_autoptr (ColdVolume) fresh = cold_volume_new (POOL, "b");

  save_packages (f, "m1", "deb", "[[\"bash\",\"5.2-1\",\"amd64\",\"bash\"]]");
  save_guest (f, "a", "m1", "web1");
  /* Not inspected yet. */
  fresh->id = cold_store_next_volume_id (f->store);
  cold_store_save_volume (f->store, fresh);
  store_fixture_close (f);
  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db,
                                 "DROP INDEX volumes_manifest; ALTER TABLE volumes DROP COLUMN manifest;"
                                 " ALTER TABLE volumes DROP COLUMN pending_since; PRAGMA user_version = 1",
                                 NULL, NULL, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
  store_fixture_open (f);
  assert_found (f, "bash", "", "1 5.2-1 amd64 web1;");
}

/* A thousand guests, no two of them clones; the message says what a search takes. */
static void
test_find_thousand (StoreFixture *f, gconstpointer data)
{
  gint64 start, whole;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("m%u", i);
      g_autoptr (GString) text = g_string_new ("[");

      for (guint j = 0; j < 300; j++)
        g_string_append_printf (text, "%s[\"package-%u\",\"1.%u-1\",\"amd64\",\"source-%u\"]",
                                j > 0 ? "," : "", j, i, j / 2);
      g_string_append_c (text, ']');
      save_packages (f, name, "deb", text->str);
      save_guest (f, name, name, "host");
    }
  cold_store_flush (f->store);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *found = find (f, "package-7", "1.500-1");

      g_auto (GStrv) entries = g_strsplit (found, ";", -1);

      g_assert_cmpuint (g_strv_length (entries), ==, 501);
      g_assert_true (g_str_has_prefix (found, "1 1.0-1 amd64 host;"));
      g_assert_true (g_str_has_suffix (found, ";500 1.499-1 amd64 host;"));
    }
  whole = g_get_monotonic_time () - start;
  g_test_message ("one search through 1,000 guests takes %.1f ms", whole / 10000.0);
}

static void
test_components (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) list = NULL;
  g_autofree char *text = NULL;

  save_packages (f, "m1", "deb", "[[\"libc6\",\"2.36\",\"amd64\",\"glibc\"],[\"bash\",\"5.2\",\"amd64\"]]");
  cold_store_components_async (f->store, "m1", keep_result, &result);
  list = cold_store_packages_finish (f->store, store_fixture_wait_for (f, &result), &error);
  g_assert_no_error (error);
  text = g_variant_print (list, FALSE);
  g_assert_cmpstr (text, ==, "[('bash', '5.2', 'amd64', ''), ('libc6', '2.36', 'amd64', 'glibc')]");
}

#define ADD(path, test) g_test_add ("/store-packages/" path, StoreFixture, NULL, store_fixture_set_up, test, store_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("components/with-source", test_components);
  ADD ("find/order-of-each-guest", test_find);
  ADD ("find/order-of-each-format", test_find_formats);
  ADD ("find/thousand-guests", test_find_thousand);
  ADD ("known/stays-as-it-is", test_known_stays);
  ADD ("unused/goes", test_unused_goes);
  ADD ("migration/finds-what-was-there", test_migration);
  return g_test_run ();
}
