/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cold-error.h"
#include "cold-json.h"
#include "store-fixture.h"

#define POOL "11111111-1111-4111-8111-111111111111"
#define DOMAIN "22222222-2222-4222-8222-222222222222"

static guint n_warnings;

/* Some tests are about what is warned of. */
static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) != G_LOG_LEVEL_WARNING)
    return g_log_writer_default (level, fields, n_fields, user_data);
  g_atomic_int_inc (&n_warnings);
  return G_LOG_WRITER_HANDLED;
}

static void
setup (StoreFixture *f, gconstpointer data)
{
  n_warnings = 0;
  store_fixture_set_up (f, data);
}

static void
set (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

/* Behind the store's back. */
static void
execute (StoreFixture *f, const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
}

static gint64
save_volume (StoreFixture *f, const char *name)
{
  g_autoptr (ColdVolume) volume = cold_volume_new (POOL, name);

  volume->id = cold_store_next_volume_id (f->store);
  cold_store_save_volume (f->store, volume);
  return volume->id;
}

static void
save_job (StoreFixture *f, guint number, gint64 volume, const char *report)
{
  ColdJobRecord record = { number, "upgrade", volume, "done", 100, 200, "upgraded", "", "", report };

  cold_store_save_job (f->store, &record);
}

/* Returns: (transfer full) */
static JsonArray *
history (StoreFixture *f, gint64 volume, guint limit)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  cold_store_history_async (f->store, volume, limit, keep_result, &result);
  text = cold_store_history_finish (f->store, store_fixture_wait_for (f, &result), &error);
  g_assert_no_error (error);
  node = json_from_string (text, &error);
  g_assert_no_error (error);
  return json_node_dup_array (node);
}

static GVariant *
packages (StoreFixture *f, const char *manifest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *list;

  cold_store_packages_async (f->store, manifest, keep_result, &result);
  list = cold_store_packages_finish (f->store, store_fixture_wait_for (f, &result), &error);
  g_assert_no_error (error);
  return list;
}

static void
test_volume (StoreFixture *f, gconstpointer data)
{
  g_autoptr (ColdVolume) volume = cold_volume_new (POOL, "not\xff" "utf-8.raw");
  g_autoptr (GPtrArray) loaded = NULL;
  const gint64 disks[] = { 7, G_MAXINT64 };
  const ColdVolume *got;

  volume->id = cold_store_next_volume_id (f->store);
  set (&volume->path, "/pool/not\xff" "utf-8.raw");
  set (&volume->type, "file");
  set (&volume->format, "qcow2");
  set (&volume->policy, "auto");
  set (&volume->last_outcome, "failed");
  set (&volume->last_error, "it's \"quoted\"; DROP TABLE volumes");
  volume->capacity = G_GUINT64_CONSTANT (1) << 40;
  volume->file = (ColdFileId){ .device = 1, .inode = G_MAXUINT64, .size = 3, .mtime_ns = -4, .nlink = 1 };
  volume->first_seen = 1700000000000000;
  volume->inspected = 5;
  volume->inspected_file = volume->file;
  volume->failures = 2;
  volume->rollback_until = 6;
  volume->awaits_boot = TRUE;
  cold_volume_share_text (&volume->plan, "{}");
  cold_volume_share_text (&volume->pending_since, "{\"bash amd64 1\":5}");
  volume->facts = cold_facts_new ();
  volume->facts->has_guest = TRUE;
  set (&volume->facts->os, "debian");
  volume->facts->package_count = 300;
  g_strfreev (volume->facts->foreign);
  volume->facts->foreign = g_strsplit ("i386 ../etc armhf", " ", -1);
  volume->facts->disks = g_array_new (FALSE, FALSE, sizeof (gint64));
  volume->facts->format = g_intern_static_string ("raw");
  g_array_append_vals (volume->facts->disks, disks, G_N_ELEMENTS (disks));
  g_ptr_array_add (volume->facts->blockers, cold_blocker_new ("hibernated", NULL));
  g_ptr_array_add (volume->facts->blockers, cold_blocker_new ("encrypted", "sda2"));
  cold_store_save_volume (f->store, volume);
  store_fixture_reopen (f);

  loaded = cold_store_load_volumes (f->store);
  g_assert_cmpuint (loaded->len, ==, 1);
  got = g_ptr_array_index (loaded, 0);
  g_assert_cmpint (got->id, ==, volume->id);
  g_assert_cmpstr (got->pool_uuid, ==, POOL);
  g_assert_cmpstr (got->pending_since, ==, volume->pending_since);
  g_assert_cmpstr (got->name, ==, volume->name);
  g_assert_cmpstr (got->path, ==, volume->path);
  g_assert_cmpstr (got->format, ==, "qcow2");
  g_assert_cmpstr (got->policy, ==, "auto");
  g_assert_cmpstr (got->last_error, ==, volume->last_error);
  g_assert_cmpuint (got->capacity, ==, volume->capacity);
  g_assert_cmpmem (&got->file, sizeof got->file, &volume->file, sizeof volume->file);
  g_assert_cmpint (got->first_seen, ==, volume->first_seen);
  g_assert_true (cold_volume_inspection_is_fresh (got));
  g_assert_cmpuint (got->failures, ==, 2);
  g_assert_cmpint (got->rollback_until, ==, 6);
  g_assert_true (got->awaits_boot);
  g_assert_cmpstr (got->plan, ==, "{}");
  /* Clones have one text. */
  g_assert_true (got->plan == volume->plan);
  g_assert_true (got->pending_since == volume->pending_since);
  g_assert_null (got->backing_path);
  g_assert_null (got->backing_format);
  g_assert_nonnull (got->facts);
  g_assert_true (got->facts->has_guest);
  g_assert_cmpstr (got->facts->format, ==, "raw");
  g_assert_cmpmem (got->facts->disks->data, sizeof disks, disks, sizeof disks);
  g_assert_cmpstr (got->facts->os, ==, "debian");
  g_assert_cmpuint (got->facts->package_count, ==, 300);
  g_assert_cmpstr (got->facts->foreign[0], ==, "i386");
  g_assert_cmpstr (got->facts->foreign[1], ==, "armhf"); /* what is no architecture is left out */
  g_assert_null (got->facts->foreign[2]);
  g_assert_cmpuint (got->facts->blockers->len, ==, 2);
  g_assert_null (((ColdBlocker *) g_ptr_array_index (got->facts->blockers, 0))->detail);
  g_assert_cmpstr (((ColdBlocker *) g_ptr_array_index (got->facts->blockers, 1))->detail, ==, "sda2");
}

static void
test_pool_and_domain (StoreFixture *f, gconstpointer data)
{
  g_autoptr (ColdPool) pool = cold_pool_new (POOL);
  g_autoptr (ColdDomain) domain = cold_domain_new (DOMAIN);
  g_autoptr (GPtrArray) pools = NULL;
  g_autoptr (GPtrArray) domains = NULL;
  const ColdDomain *got;
  ColdDisk *disk = cold_disk_new ();

  set (&pool->name, "images");
  set (&pool->policy, "off");
  cold_store_save_pool (f->store, pool);
  set (&domain->info->name, "web");
  set (&domain->last_stop, "saved");
  set (&disk->target, "vda");
  set (&disk->path, "/pool/a.raw");
  g_ptr_array_add (domain->info->disks, disk);
  cold_store_save_domain (f->store, domain);
  cold_store_save_domain (f->store, domain); /* its disks are replaced, not added */
  store_fixture_reopen (f);

  pools = cold_store_load_pools (f->store);
  g_assert_cmpuint (pools->len, ==, 1);
  g_assert_cmpstr (((ColdPool *) g_ptr_array_index (pools, 0))->name, ==, "images");
  g_assert_cmpstr (((ColdPool *) g_ptr_array_index (pools, 0))->policy, ==, "off");
  domains = cold_store_load_domains (f->store);
  g_assert_cmpuint (domains->len, ==, 1);
  got = g_ptr_array_index (domains, 0);
  g_assert_cmpstr (got->info->name, ==, "web");
  g_assert_cmpstr (got->last_stop, ==, "saved");
  g_assert_cmpuint (got->info->disks->len, ==, 1);
  disk = g_ptr_array_index (got->info->disks, 0);
  g_assert_cmpstr (disk->target, ==, "vda");
  g_assert_cmpstr (disk->path, ==, "/pool/a.raw");
}

static void
test_numbers (StoreFixture *f, gconstpointer data)
{
  gint64 first = save_volume (f, "a");
  gint64 second = save_volume (f, "b");
  guint job = cold_store_next_job (f->store);

  g_assert_cmpint (second, >, first);
  save_job (f, job, first, NULL);
  store_fixture_reopen (f);
  g_assert_cmpint (cold_store_next_volume_id (f->store), >, second);
  g_assert_cmpuint (cold_store_next_job (f->store), >, job);
}

static void
test_settings (StoreFixture *f, gconstpointer data)
{
  g_autofree char *none = cold_store_get_setting (f->store, "policy");
  g_autofree char *got = NULL;

  g_assert_null (none);
  cold_store_set_setting (f->store, "policy", "auto");
  cold_store_set_setting (f->store, "policy", "off");
  store_fixture_reopen (f);
  got = cold_store_get_setting (f->store, "policy");
  g_assert_cmpstr (got, ==, "off");
}

static void
test_packages (StoreFixture *f, gconstpointer data)
{
  g_autoptr (JsonNode) node = json_from_string (
      "[[\"zsh\",\"5.9\",\"amd64\",\"zsh\"],[\"bash\",\"5.2\",\"amd64\",\"bash\"],17,[\"odd\"]]", NULL);
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GVariant) unknown = NULL;
  const char *name, *version, *arch;

  cold_store_save_manifest (f->store, "m1", "deb", json_node_get_array (node));
  cold_store_save_manifest (f->store, "m1", "deb", json_node_get_array (node)); /* a clone's */
  list = packages (f, "m1");
  g_assert_cmpuint (g_variant_n_children (list), ==, 3);
  g_variant_get_child (list, 0, "(&s&s&s)", &name, &version, &arch);
  g_assert_cmpstr (name, ==, "bash");
  g_assert_cmpstr (version, ==, "5.2");
  g_assert_cmpstr (arch, ==, "amd64");
  g_variant_get_child (list, 1, "(&s&s&s)", &name, &version, &arch);
  g_assert_cmpstr (name, ==, "odd");
  g_assert_cmpstr (version, ==, "");
  unknown = packages (f, "m2");
  g_assert_cmpuint (g_variant_n_children (unknown), ==, 0);
}

static void
test_history (StoreFixture *f, gconstpointer data)
{
  g_autoptr (JsonArray) all = NULL;
  g_autoptr (JsonArray) one = NULL;
  g_autoptr (JsonArray) limited = NULL;
  JsonObject *job;

  save_job (f, 1, 10, "{\"packages\":[]}");
  save_job (f, 2, 11, NULL);
  save_job (f, 3, 10, "no JSON");
  save_job (f, 3, 10, "no JSON"); /* replaced */
  all = history (f, 0, 100);
  g_assert_cmpuint (json_array_get_length (all), ==, 3);
  one = history (f, 10, 100);
  g_assert_cmpuint (json_array_get_length (one), ==, 2);
  job = json_array_get_object_element (one, 0);
  g_assert_cmpint (json_object_get_int_member (job, "number"), ==, 3);
  g_assert_false (json_object_has_member (job, "report"));
  job = json_array_get_object_element (one, 1);
  g_assert_cmpint (json_object_get_int_member (job, "number"), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (job, "outcome"), ==, "upgraded");
  g_assert_true (json_object_has_member (json_object_get_object_member (job, "report"), "packages"));
  limited = history (f, 0, 1);
  g_assert_cmpuint (json_array_get_length (limited), ==, 1);
}

/* A query sees everything that was queued before it. */
static void
test_order (StoreFixture *f, gconstpointer data)
{
  for (guint i = 1; i <= 500; i++)
    {
      save_job (f, i, 1, NULL);
      if (i % 100 == 0)
        {
          g_autoptr (JsonArray) seen = history (f, 1, 1000);

          g_assert_cmpuint (json_array_get_length (seen), ==, i);
        }
    }
}

static void
test_private (StoreFixture *f, gconstpointer data)
{
  struct stat st;

  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
}

static guint
count_set_aside (StoreFixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, "store.db.broken-") && strchr (name + strlen ("store.db.broken-"), '-') == NULL;
  return n;
}

/* The store that cannot be used is kept aside with a warning; the one in its place is empty, and works. */
static void
assert_rebuilt (StoreFixture *f)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;

  store_fixture_open (f);
  g_assert_cmpuint (n_warnings, ==, 1);
  g_assert_cmpuint (count_set_aside (f), ==, 1);
  before = cold_store_load_volumes (f->store);
  g_assert_cmpuint (before->len, ==, 0);
  save_volume (f, "new");
  store_fixture_reopen (f);
  after = cold_store_load_volumes (f->store);
  g_assert_cmpuint (after->len, ==, 1);
  g_assert_cmpuint (n_warnings, ==, 1);
}

static void
test_no_database (StoreFixture *f, gconstpointer data)
{
  const char *text = "A text, but at least as long as the header of an SQLite file would be: a hundred bytes.\n";

  store_fixture_close (f);
  g_assert_true (g_file_set_contents (f->path, text, -1, NULL));
  assert_rebuilt (f);
}

static void
test_torn (StoreFixture *f, gconstpointer data)
{
  g_autofree char *content = NULL;
  gsize length;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("volume-%u", i);

      save_volume (f, name);
    }
  store_fixture_close (f);
  g_assert_true (g_file_get_contents (f->path, &content, &length, NULL));
  g_assert_cmpuint (length, >, 64 * 1024);
  memset (content + length / 2, 0xa5, length / 4);
  g_assert_true (g_file_set_contents (f->path, content, length, NULL));
  assert_rebuilt (f);
}

static void
test_truncated (StoreFixture *f, gconstpointer data)
{
  g_autofree char *content = NULL;
  gsize length;

  save_volume (f, "a");
  store_fixture_close (f);
  g_assert_true (g_file_get_contents (f->path, &content, &length, NULL));
  g_assert_true (g_file_set_contents (f->path, content, length / 2, NULL));
  assert_rebuilt (f);
}

static void
test_newer (StoreFixture *f, gconstpointer data)
{
  save_volume (f, "a");
  store_fixture_close (f);
  execute (f, "PRAGMA user_version = 999");
  assert_rebuilt (f);
}

/* No version was written, but the tables are there: not ours, and not to be mixed with. */
static void
test_foreign (StoreFixture *f, gconstpointer data)
{
  store_fixture_close (f);
  execute (f, "PRAGMA user_version = 0");
  assert_rebuilt (f);
}

static void
test_empty_file (StoreFixture *f, gconstpointer data)
{
  g_autofree char *wal = g_strconcat (f->path, "-wal", NULL);

  store_fixture_close (f);
  g_unlink (wal);
  g_assert_true (g_file_set_contents (f->path, "", 0, NULL));
  store_fixture_open (f);
  g_assert_cmpuint (n_warnings, ==, 0); /* as good as none */
  g_assert_cmpint (save_volume (f, "a"), ==, 1);
}

static void
test_garbage_in_a_row (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) loaded = NULL;
  const ColdVolume *got;

  save_volume (f, "a");
  store_fixture_close (f);
  execute (f, "UPDATE volumes SET facts = '{\"os\":', file = x'00', type = NULL, capacity = 'many',"
              " inspected = 5");
  store_fixture_open (f);
  loaded = cold_store_load_volumes (f->store);
  g_assert_cmpuint (loaded->len, ==, 1);
  got = g_ptr_array_index (loaded, 0);
  g_assert_null (got->facts);
  g_assert_cmpstr (got->type, ==, "");
  g_assert_cmpuint (got->capacity, ==, 0);
  g_assert_cmpuint (got->file.inode, ==, 0);
  g_assert_false (cold_volume_inspection_is_fresh (got)); /* so it is inspected again */
}

/* A limit to the size of files stands for a disk that is full: what is there is neither given up nor replaced. */
static void
test_no_room (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) loaded = NULL;
  struct rlimit limit;
  rlim_t before;

  save_volume (f, "kept");
  store_fixture_close (f);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  before = limit.rlim_cur;
  limit.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  f->store = cold_store_open (f->path, &error);
  limit.rlim_cur = before;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_null (f->store);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_IO);
  g_assert_cmpuint (count_set_aside (f), ==, 0);
  store_fixture_open (f);
  loaded = cold_store_load_volumes (f->store);
  g_assert_cmpuint (loaded->len, ==, 1);
}

static void
test_no_folder (StoreFixture *f, gconstpointer data)
{
  g_autofree char *below = g_build_filename (f->path, "store.db", NULL); /* below a file */
  g_autoptr (GError) error = NULL;

  g_assert_null (cold_store_open (below, &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == COLD_ERROR);
}

/* Rows that nobody could work with are left out, and a policy that is none changes nothing. */
static void
test_damaged_rows (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) volumes = NULL, pools = NULL, domains = NULL;
  const ColdVolume *volume;

  execute (f, "INSERT INTO pools (uuid, name, policy) VALUES (NULL, 'a', 'auto'), ('" POOL "', 'b', x'ff61'), ('x/y', 'c', 'auto')");
  execute (f, "INSERT INTO domains (uuid, name, policy) VALUES ('', 'a', 'off'), ('" DOMAIN "', x'ff62', '')");
  execute (f, "INSERT INTO volumes (id, pool, name, path, policy, facts) VALUES (-1, '" POOL "', 'a', 'a', 'auto', NULL),"
              " (1, 'x', 'b', 'b', 'auto', NULL), (2, '" POOL "', x'', 'c', 'auto', NULL),"
              " (3, '" POOL "', 'd', NULL, 'atuo', '{\"blockers\":[1,{},{\"code\":\"encrypted\"}],\"disks\":[\"x\",null,{}]}')");
  pools = cold_store_load_pools (f->store);
  domains = cold_store_load_domains (f->store);
  volumes = cold_store_load_volumes (f->store);
  g_assert_cmpuint (pools->len, ==, 1);
  g_assert_cmpstr (((ColdPool *) g_ptr_array_index (pools, 0))->policy, ==, "off");
  g_assert_cmpuint (domains->len, ==, 1);
  g_assert_true (g_utf8_validate (((ColdDomain *) g_ptr_array_index (domains, 0))->info->name, -1, NULL));
  g_assert_cmpuint (volumes->len, ==, 1);
  volume = g_ptr_array_index (volumes, 0);
  g_assert_cmpstr (volume->path, ==, "");
  g_assert_cmpstr (volume->policy, ==, "off");
  g_assert_cmpuint (volume->facts->blockers->len, ==, 1);
  g_assert_cmpuint (n_warnings, ==, 9);
}

/* libvirt does not know where every volume is. */
static void
test_empty_path (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) loaded = NULL;

  save_volume (f, "nowhere");
  store_fixture_reopen (f);
  loaded = cold_store_load_volumes (f->store);
  g_assert_cmpuint (loaded->len, ==, 1);
  g_assert_cmpstr (((ColdVolume *) g_ptr_array_index (loaded, 0))->path, ==, "");
  g_assert_cmpstr (((ColdVolume *) g_ptr_array_index (loaded, 0))->key, ==, "");
}

/* A missing table stands for a disk that fails: what could not be written is written once it works again. */
static void
test_failing_writes (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) loaded = NULL;

  execute (f, "ALTER TABLE volumes RENAME TO away");
  save_volume (f, "a");
  cold_store_flush (f->store);
  save_volume (f, "b");
  cold_store_flush (f->store);
  g_assert_cmpuint (n_warnings, ==, 1); /* once, not with every write */
  execute (f, "ALTER TABLE away RENAME TO volumes");
  save_volume (f, "c");
  store_fixture_reopen (f);
  loaded = cold_store_load_volumes (f->store);
  g_assert_cmpuint (loaded->len, ==, 3);
}

static gboolean
has_volume (StoreFixture *f)
{
  g_autoptr (GPtrArray) loaded = cold_store_load_volumes (f->store);

  return loaded->len > 0;
}

/* Nobody knows when the next change comes. */
static void
test_tries_again (StoreFixture *f, gconstpointer data)
{
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  execute (f, "ALTER TABLE volumes RENAME TO away");
  save_volume (f, "a");
  cold_store_flush (f->store);
  execute (f, "ALTER TABLE away RENAME TO volumes");
  while (!has_volume (f) && g_get_monotonic_time () < end)
    g_usleep (100000);
  g_assert_true (has_volume (f));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);
#define ADD(path, test) g_test_add ("/store/" path, StoreFixture, NULL, setup, test, store_fixture_tear_down)
  ADD ("volume/comes-back-whole", test_volume);
  ADD ("pool-and-domain/come-back", test_pool_and_domain);
  ADD ("numbers/are-not-reused", test_numbers);
  ADD ("settings/last-one-counts", test_settings);
  ADD ("packages/once-for-clones", test_packages);
  ADD ("history/newest-first", test_history);
  ADD ("query/sees-what-was-saved-before", test_order);
  ADD ("file/is-private", test_private);
  ADD ("broken/no-database", test_no_database);
  ADD ("broken/torn", test_torn);
  ADD ("broken/truncated", test_truncated);
  ADD ("broken/newer-version", test_newer);
  ADD ("broken/foreign-tables", test_foreign);
  ADD ("broken/no-folder", test_no_folder);
  ADD ("no-room/keeps-the-store", test_no_room);
  ADD ("empty-file/is-filled", test_empty_file);
  ADD ("garbage-in-a-row/counts-as-unknown", test_garbage_in_a_row);
  ADD ("damaged-rows/are-left-out", test_damaged_rows);
  ADD ("empty-path/comes-back", test_empty_path);
  ADD ("failing-writes/are-kept-and-tried-again", test_failing_writes);
  ADD ("failing-disk/tries-again", test_tries_again);
  return g_test_run ();
}
