/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inventory-fixture.h"

#include "loop-fixture.h"

#define DOMAIN "22222222-2222-4222-8222-222222222222"
#define OTHER_DOMAIN "33333333-3333-4333-8333-333333333333"

static void
replace (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

static void
save_volume (ColdStore *store, const char *folder, const char *name, guint64 inode)
{
  g_autoptr (ColdVolume) volume = cold_volume_new (FIXTURE_POOL, name);
  g_autofree char *path = g_build_filename (folder, name, NULL);

  volume->id = cold_store_next_volume_id (store);
  volume->file = (ColdFileId){ .device = 1, .inode = inode, .size = 512, .nlink = 1 };
  replace (&volume->path, path);
  replace (&volume->type, "file");
  replace (&volume->format, "raw");
  cold_store_save_volume (store, volume);
}

static void
save_domain (ColdStore *store, const char *uuid, const char *name)
{
  g_autoptr (ColdDomain) domain = cold_domain_new (uuid);

  replace (&domain->info->name, name);
  replace (&domain->info->state, "shutoff");
  cold_store_save_domain (store, domain);
}

void
inventory_fixture_setup (InventoryFixture *f, gconstpointer data)
{
  const char *const no_uris[] = { NULL };
  const char *folder = data != NULL ? data : "/pool";
  g_autofree char *first = g_build_filename (folder, "a.raw", NULL);
  g_autofree char *second = g_build_filename (folder, "b.raw", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdPool) pool = cold_pool_new (FIXTURE_POOL);

  f->store = cold_store_open (":memory:", &error);
  g_assert_no_error (error);
  replace (&pool->name, "pool");
  cold_store_save_pool (f->store, pool);
  save_volume (f->store, folder, "a.raw", 10);
  save_volume (f->store, folder, "b.raw", 11);
  save_domain (f->store, DOMAIN, "web");
  save_domain (f->store, OTHER_DOMAIN, "mail");
  cold_store_flush (f->store);

  f->inventory = cold_inventory_new (f->store, no_uris, 3600);
  f->pool = cold_inventory_lookup_pool (f->inventory, FIXTURE_POOL);
  f->volume = cold_inventory_lookup_path (f->inventory, first);
  f->other = cold_inventory_lookup_path (f->inventory, second);
  f->domain = cold_inventory_lookup_domain (f->inventory, DOMAIN);
  f->other_domain = cold_inventory_lookup_domain (f->inventory, OTHER_DOMAIN);
  g_assert_true (f->pool && f->volume && f->other && f->domain && f->other_domain);
  f->pool->active = TRUE;
}

void
inventory_fixture_teardown (InventoryFixture *f, gconstpointer data)
{
  /* Answers that are made in threads hold either. */
  loop_assert_finalized (f->inventory);
  cold_store_flush (f->store);
  loop_assert_finalized (f->store);
}

ColdDisk *
inventory_fixture_attach (ColdDomain *domain, const ColdVolume *volume)
{
  ColdDisk *disk = cold_disk_new ();

  replace (&disk->target, domain->info->disks->len == 0 ? "vda" : "vdb");
  replace (&disk->device, "disk");
  replace (&disk->type, "file");
  replace (&disk->path, volume->path);
  replace (&disk->format, volume->format);
  disk->file = volume->file;
  g_ptr_array_add (domain->info->disks, disk);
  return disk;
}
