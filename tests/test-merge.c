/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt said, put into what was known before. */
#include "cold-merge.h"

#include "inventory-fixture.h"

typedef struct
{
  InventoryFixture base;
  ColdRecords *records;
  ColdPoolWatches *watches;
} Fixture;

static void
ignore_change (const char *uuid, gboolean over, gpointer user_data)
{
}

static void
setup (Fixture *f, gconstpointer data)
{
  inventory_fixture_setup (&f->base, data);
  f->records = cold_records_new ();
  cold_records_load (f->records, f->base.store);
  f->watches = cold_pool_watches_new (ignore_change, NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  cold_pool_watches_free (f->watches);
  cold_records_free (f->records);
  inventory_fixture_teardown (&f->base, data);
}

/* A read of the pool that found a.raw alone. */
static ColdSnapshot *
make_snapshot (gboolean described, guint64 size, gboolean settled)
{
  ColdSnapshot *snapshot = cold_snapshot_new ();
  ColdPoolInfo *pool = cold_pool_info_new ();
  ColdVolumeInfo *volume = cold_volume_info_new ();

  snapshot->uri = g_strdup ("test:///default");
  pool->uri = g_strdup (snapshot->uri);
  pool->uuid = g_strdup (FIXTURE_POOL);
  pool->name = g_strdup ("pool");
  pool->type = g_strdup ("logical");
  pool->active = TRUE;
  volume->name = g_strdup ("a.raw");
  volume->key = g_strdup ("/pool/a.raw");
  volume->path = g_strdup ("/pool/a.raw");
  volume->type = g_strdup ("file");
  volume->format = g_strdup ("raw");
  volume->file = (ColdFileId){ .device = 1, .inode = 10, .size = size, .nlink = 1 };
  volume->described = described;
  volume->settled = settled;
  g_ptr_array_add (pool->volumes, volume);
  g_ptr_array_add (snapshot->pools, pool);
  return snapshot;
}

static void
merge (Fixture *f, ColdSnapshot *snapshot)
{
  const ColdMergeTarget target = { f->base.inventory, f->base.store, f->records, f->watches };
  ColdMerge *merge = cold_merge_new (snapshot);

  merge->pool_uuid = g_strdup (FIXTURE_POOL);
  while (cold_merge_step (merge, &target))
    ;
  cold_merge_free (merge);
}

/* A read that is told that a volume is known does not describe it again. */
static gboolean
is_known (Fixture *f)
{
  g_autoptr (GHashTable) known = cold_records_collect_known (f->records, FIXTURE_POOL);

  return g_hash_table_contains (known, "/pool/a.raw");
}

static void
test_known (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *what;
    gboolean described;
    guint64 size;
    gboolean settled;
    gboolean known;
  } reads[] = {
    { "written moments ago", TRUE, 512, FALSE, FALSE },
    { "after a refresh", TRUE, 512, TRUE, TRUE },
    { "under way meanwhile, without a refresh of its own", TRUE, 512, FALSE, TRUE },
    { "which was told what is known", FALSE, 512, FALSE, TRUE },
    { "of another content", TRUE, 1024, FALSE, FALSE },
    { "of that once more", TRUE, 1024, FALSE, FALSE },
    { "after another refresh", TRUE, 1024, TRUE, TRUE },
  };

  g_assert_false (is_known (f));
  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    {
      g_test_message ("a read %s", reads[i].what);
      merge (f, make_snapshot (reads[i].described, reads[i].size, reads[i].settled));
      g_assert_cmpint (is_known (f), ==, reads[i].known);
    }
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  ColdVolume *a = cold_records_lookup_name (f->records, "pool", "a.raw");
  ColdVolume *b = cold_records_lookup_name (f->records, "pool", "b.raw");
  g_autoptr (ColdSnapshot) other = cold_snapshot_new ();

  merge (f, make_snapshot (TRUE, 512, TRUE));
  g_assert_false (a->gone);
  g_assert_true (b->gone);
  other->uri = g_strdup ("test:///default");
  merge (f, g_steal_pointer (&other));
  g_assert_true (a->gone);
}

/* A file that was renamed is in the listing until the next refresh, and then known by what it was. */
static void
test_outdated (Fixture *f, gconstpointer data)
{
  static const char *const types[] = { "dir", "logical" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      const ColdVolume *volume = cold_records_lookup_name (f->records, "pool", "a.raw");
      ColdSnapshot *first = make_snapshot (TRUE, 512, TRUE), *second = make_snapshot (FALSE, 0, FALSE);
      ColdPoolInfo *before = g_ptr_array_index (first->pools, 0), *after = g_ptr_array_index (second->pools, 0);
      ColdVolumeInfo *missing = g_ptr_array_index (after->volumes, 0);

      g_free (before->type);
      before->type = g_strdup (types[i]);
      g_free (after->type);
      after->type = g_strdup (types[i]);
      missing->file = (ColdFileId){ 0 };
      merge (f, first);
      merge (f, second);
      g_assert_false (volume->gone);
      g_assert_cmpuint (volume->file.inode, ==, g_str_equal (types[i], "dir") ? 10 : 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/merge/known-volume", Fixture, NULL, setup, test_known, teardown);
  g_test_add ("/merge/missing/gone", Fixture, NULL, setup, test_missing, teardown);
  g_test_add ("/merge/missing/outdated-listing", Fixture, NULL, setup, test_outdated, teardown);
  return g_test_run ();
}
