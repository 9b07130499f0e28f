/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-domain.h"

ColdDomain *
cold_domain_new (const char *uuid)
{
  ColdDomain *domain = g_new0 (ColdDomain, 1);

  domain->uuid = g_strdup (uuid);
  domain->info = cold_domain_info_new ();
  domain->info->uuid = g_strdup (uuid);
  domain->info->name = g_strdup ("");
  domain->info->state = g_strdup ("nostate");
  domain->policy = g_strdup ("inherit");
  domain->last_stop = g_strdup ("");
  return domain;
}

void
cold_domain_free (ColdDomain *domain)
{
  g_free (domain->uuid);
  g_clear_pointer (&domain->info, cold_domain_info_unref);
  g_free (domain->policy);
  g_free (domain->last_stop);
  g_free (domain);
}

void
cold_domain_note_stop (ColdDomain *domain, const char *how)
{
  domain->info->active = FALSE;
  domain->stop_doubted = FALSE;
  g_free (domain->info->state);
  domain->info->state = g_strdup ("shutoff");
  g_free (domain->last_stop);
  domain->last_stop = g_strdup (how);
  domain->last_stop_time = g_get_real_time ();
}
