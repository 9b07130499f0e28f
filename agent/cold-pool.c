/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-pool.h"

ColdPool *
cold_pool_new (const char *uuid)
{
  ColdPool *pool = g_new0 (ColdPool, 1);

  pool->uuid = g_strdup (uuid);
  pool->uri = g_strdup ("");
  pool->name = g_strdup ("");
  pool->type = g_strdup ("");
  pool->path = g_strdup ("");
  pool->policy = g_strdup ("inherit");
  return pool;
}

void
cold_pool_free (ColdPool *pool)
{
  g_free (pool->uri);
  g_free (pool->uuid);
  g_free (pool->name);
  g_free (pool->type);
  g_free (pool->path);
  g_free (pool->policy);
  g_free (pool->exported);
  g_free (pool);
}

const char *
cold_pool_state_to_string (const ColdPool *pool)
{
  return pool->gone ? "gone" : pool->active ? "active" : "inactive";
}
