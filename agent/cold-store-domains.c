/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of pools, domains and their disks. */
#include "cold-store-private.h"

static gpointer
read_pool (sqlite3_stmt *statement)
{
  const char *uuid = cold_store_get_uuid (statement, 0);
  ColdPool *pool;

  if (uuid == NULL)
    return NULL;
  pool = cold_pool_new (uuid);
  cold_store_take_text (statement, 1, &pool->uri);
  cold_store_take_text (statement, 2, &pool->name);
  cold_store_take_text (statement, 3, &pool->type);
  cold_store_take_text (statement, 4, &pool->path);
  pool->active = sqlite3_column_int (statement, 5);
  pool->gone = sqlite3_column_int (statement, 6);
  cold_store_take_policy (statement, 7, &pool->policy);
  return pool;
}

GPtrArray *
cold_store_load_pools (ColdStore *self)
{
  return cold_store_load (self, "SELECT uuid, uri, name, type, path, active, gone, policy FROM pools", read_pool, cold_pool_free);
}

void
cold_store_save_pool (ColdStore *self, const ColdPool *pool)
{
  ColdStoreWrite *w = cold_store_write_new ("INSERT OR REPLACE INTO pools (uuid, uri, name, type, path, active, gone, policy)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

  cold_store_put_text (w, pool->uuid);
  cold_store_put_text (w, pool->uri);
  cold_store_put_text (w, pool->name);
  cold_store_put_text (w, pool->type);
  cold_store_put_text (w, pool->path);
  cold_store_put_int (w, pool->active);
  cold_store_put_int (w, pool->gone);
  cold_store_put_text (w, pool->policy);
  cold_store_push_write (self, w);
}

static gpointer
read_domain (sqlite3_stmt *statement)
{
  const char *uuid = cold_store_get_uuid (statement, 0);
  ColdDomain *domain;

  if (uuid == NULL)
    return NULL;
  domain = cold_domain_new (uuid);
  cold_store_take_text (statement, 1, &domain->info->uri);
  cold_store_take_text (statement, 2, &domain->info->name);
  cold_store_take_text (statement, 3, &domain->info->state);
  domain->info->active = sqlite3_column_int (statement, 4);
  cold_store_take_policy (statement, 5, &domain->policy);
  cold_store_take_text (statement, 6, &domain->last_stop);
  domain->last_stop_time = sqlite3_column_int64 (statement, 7);
  domain->last_start_time = sqlite3_column_int64 (statement, 8);
  domain->gone = sqlite3_column_int (statement, 9);
  return domain;
}

static void
load_disks (ColdStore *self, ColdDomain *domain)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (cold_store_get_db (self), "SELECT target, path FROM disks WHERE domain = ?", -1, &statement, NULL)
      == SQLITE_OK)
    sqlite3_bind_text (statement, 1, domain->uuid, -1, SQLITE_STATIC);
  while (statement != NULL && sqlite3_step (statement) == SQLITE_ROW)
    {
      ColdDisk *disk = cold_disk_new ();

      cold_store_take_text (statement, 0, &disk->target);
      cold_store_take_name (statement, 1, &disk->path);
      disk->device = g_strdup ("disk");
      disk->type = g_strdup ("file");
      cold_file_id_stat (disk->path, &disk->file);
      g_ptr_array_add (domain->info->disks, disk);
    }
  sqlite3_finalize (statement);
}

GPtrArray *
cold_store_load_domains (ColdStore *self)
{
  GPtrArray *domains = cold_store_load (self,
                             "SELECT uuid, uri, name, state, active, policy, last_stop, last_stop_time, last_start_time,"
                             " gone FROM domains",
                             read_domain, cold_domain_free);

  for (guint i = 0; i < domains->len; i++)
    load_disks (self, g_ptr_array_index (domains, i));
  return domains;
}

void
cold_store_save_domain (ColdStore *self, const ColdDomain *domain)
{
  ColdStoreWrite *w = cold_store_write_new ("INSERT OR REPLACE INTO domains (uuid, uri, name, state, active, policy, last_stop,"
                        " last_stop_time, last_start_time, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  ColdStoreWrite *drop = cold_store_write_new ("DELETE FROM disks WHERE domain = ?");

  cold_store_put_text (w, domain->uuid);
  cold_store_put_text (w, domain->info->uri);
  cold_store_put_text (w, domain->info->name);
  cold_store_put_text (w, domain->info->state);
  cold_store_put_int (w, domain->info->active);
  cold_store_put_text (w, domain->policy);
  cold_store_put_text (w, domain->last_stop);
  cold_store_put_int (w, domain->last_stop_time);
  cold_store_put_int (w, domain->last_start_time);
  cold_store_put_int (w, domain->gone);
  cold_store_push_write (self, w);
  cold_store_put_text (drop, domain->uuid);
  cold_store_push_write (self, drop);
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);
      ColdStoreWrite *add = cold_store_write_new ("INSERT INTO disks (domain, target, path) VALUES (?, ?, ?)");

      cold_store_put_text (add, domain->uuid);
      cold_store_put_text (add, disk->target);
      cold_store_put_name (add, disk->path);
      cold_store_push_write (self, add);
    }
}
