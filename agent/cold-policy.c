/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-policy.h"

#include "cold-error.h"

gboolean
cold_policy_check (const char *policy, gboolean may_inherit, GError **error)
{
  if (g_str_equal (policy, "off") || g_str_equal (policy, "manual") || g_str_equal (policy, "auto")
      || (may_inherit && g_str_equal (policy, "inherit")))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "'%s' is no policy here: use off, manual%s", policy,
               may_inherit ? ", auto or inherit" : " or auto");
  return FALSE;
}

static gboolean
replace (char **old, const char *policy, GError **error)
{
  if (!cold_policy_check (policy, TRUE, error))
    return FALSE;
  g_free (*old);
  *old = g_strdup (policy);
  return TRUE;
}

gboolean
cold_policy_set_volume (ColdInventory *inventory, ColdVolume *volume, const char *policy, GError **error)
{
  if (!replace (&volume->policy, policy, error))
    return FALSE;
  cold_inventory_volume_touch (inventory, volume);
  return TRUE;
}

gboolean
cold_policy_set_pool (ColdInventory *inventory, ColdPool *pool, const char *policy, GError **error)
{
  if (!replace (&pool->policy, policy, error))
    return FALSE;
  cold_inventory_pool_touch (inventory, pool);
  return TRUE;
}

gboolean
cold_policy_set_domain (ColdInventory *inventory, ColdDomain *domain, const char *policy, GError **error)
{
  if (!replace (&domain->policy, policy, error))
    return FALSE;
  cold_inventory_domain_touch (inventory, domain);
  return TRUE;
}

static gboolean
is_set (const char *policy)
{
  return !g_str_equal (policy, "inherit");
}

const char *
cold_policy_effective (ColdInventory *inventory, const ColdVolume *volume, const char *host_policy)
{
  g_autoptr (GPtrArray) domains = NULL;
  const char *from_domains = NULL;
  ColdPool *pool;

  if (is_set (volume->policy))
    return volume->policy;

  domains = cold_inventory_domains_of (inventory, volume);
  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      /* Several domains may disagree; the most careful one is heard. */
      if (is_set (domain->policy)
          && (from_domains == NULL || g_str_equal (domain->policy, "off")
              || (g_str_equal (domain->policy, "manual") && g_str_equal (from_domains, "auto"))))
        from_domains = domain->policy;
    }
  if (from_domains != NULL)
    return from_domains;

  pool = cold_inventory_lookup_pool (inventory, volume->pool_uuid);
  if (pool != NULL && is_set (pool->policy))
    return pool->policy;
  if (domains->len == 0 && g_str_equal (host_policy, "auto"))
    return "manual";
  return host_policy;
}
