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
  cold_domain_set_last_stop (domain, how);
  domain->last_stop_time = g_get_real_time ();
}

gboolean
cold_domain_set_last_stop (ColdDomain *domain, const char *how)
{
  if (g_str_equal (domain->last_stop, how)
      || (g_str_equal (how, "failed") && cold_domain_is_suspended_elsewhere (domain)))
    return FALSE;
  g_free (domain->last_stop);
  domain->last_stop = g_strdup (how);
  return TRUE;
}

gboolean
cold_domain_is_suspended_elsewhere (const ColdDomain *domain)
{
  return g_str_equal (domain->last_stop, "saved") || g_str_equal (domain->last_stop, "migrated");
}

static gboolean
is_image (const char *path, const ColdFileId *file, const char *other_path, const ColdFileId *other)
{
  return cold_file_id_same_file (file, other) || (*path != '\0' && g_strcmp0 (path, other_path) == 0);
}

gboolean
cold_domain_uses (const ColdDomain *domain, const char *path, const ColdFileId *file)
{
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

      if (is_image (path, file, disk->path, &disk->file))
        return TRUE;
      for (guint j = 0; j < disk->chain->len; j++)
        {
          const ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          if (is_image (path, file, member->path, &member->file))
            return TRUE;
        }
    }
  return FALSE;
}

gboolean
cold_domain_writes (const ColdDomain *domain, const char *path, const ColdFileId *file)
{
  for (guint i = 0; i < domain->info->disks->len; i++)
    {
      const ColdDisk *disk = g_ptr_array_index (domain->info->disks, i);

      if (!disk->readonly && is_image (path, file, disk->path, &disk->file))
        return TRUE;
    }
  return FALSE;
}
