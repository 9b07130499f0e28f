/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-json.h"
#include "cold-process.h"

#define SUFFIX ".json"
#define ABANDONED_SECONDS 60 /* a hook takes less than one */

static char *
claim_path (const char *claim_dir, const char *domain, GError **error)
{
  if (!g_uuid_string_is_valid (domain))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "%s is no UUID of a domain", domain);
      return NULL;
    }
  return g_strdup_printf ("%s/%s" SUFFIX, claim_dir, domain);
}

gboolean
cold_claim_write (const char *claim_dir, const ColdClaim *claim, GError **error)
{
  g_autofree char *path = claim_path (claim_dir, claim->domain, error);
  g_autofree char *temporary = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) object = json_object_new ();
  cold_fd_auto fd = -1;

  if (path == NULL)
    return FALSE;
  json_object_set_int_member (object, "version", 1);
  json_object_set_string_member (object, "domain", claim->domain);
  json_object_set_string_member (object, "name", claim->name != NULL ? claim->name : "");
  json_object_set_string_member (object, "operation", claim->operation != NULL ? claim->operation : "");
  json_object_set_int_member (object, "libvirtd-pid", claim->libvirtd_pid);
  json_object_set_int_member (object, "libvirtd-start", claim->libvirtd_start);
  json_object_set_string_member (object, "boot-id", claim->boot_id != NULL ? claim->boot_id : "");
  json_object_set_int_member (object, "time", claim->time);
  text = cold_json_to_text (object);

  g_mkdir_with_parents (claim_dir, 0755);
  temporary = g_strdup_printf ("%s/.%s.%d", claim_dir, claim->domain, (int) getpid ());
  fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return cold_error_set_errno (error, errno, "cannot write claim %s", temporary);
  /* Not synced: claims do not outlive a boot. A short write leaves a claim that cannot be parsed, still a claim. */
  if (write (fd, text, strlen (text)) < 0)
    g_debug ("claim %s is left empty: %s", path, g_strerror (errno));
  if (rename (temporary, path) != 0)
    {
      cold_error_set_errno (error, errno, "cannot put claim %s in place", path);
      unlink (temporary);
      return FALSE;
    }
  return TRUE;
}

gboolean
cold_claim_remove (const char *claim_dir, const char *domain, GError **error)
{
  g_autofree char *path = claim_path (claim_dir, domain, error);

  if (path == NULL)
    return FALSE;
  if (unlink (path) != 0 && errno != ENOENT)
    return cold_error_set_errno (error, errno, "cannot remove claim %s", path);
  return TRUE;
}

ColdClaim *
cold_claim_read (const char *claim_dir, const char *domain, GError **error)
{
  g_autofree char *path = claim_path (claim_dir, domain, error);
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) object = NULL;
  ColdClaim *claim;

  if (path == NULL)
    return NULL;
  object = cold_json_load_file (path, &local);
  if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return NULL;
  claim = g_new0 (ColdClaim, 1);
  claim->domain = g_strdup (domain);
  if (object == NULL)
    {
      g_warning ("claim %s cannot be read and is obeyed all the same: %s", path, local->message);
      return claim;
    }
  claim->name = g_strdup (cold_json_string (object, "name"));
  claim->operation = g_strdup (cold_json_string (object, "operation"));
  claim->libvirtd_pid = cold_json_int (object, "libvirtd-pid");
  claim->libvirtd_start = cold_json_int (object, "libvirtd-start");
  claim->boot_id = g_strdup (cold_json_string (object, "boot-id"));
  claim->time = cold_json_int (object, "time");
  return claim;
}

gboolean
cold_claim_exists (const char *claim_dir, const char *domain)
{
  g_autofree char *path = claim_path (claim_dir, domain, NULL);

  return path != NULL && g_file_test (path, G_FILE_TEST_EXISTS);
}

GStrv
cold_claim_list (const char *claim_dir, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (claim_dir, 0, &local);
  const char *name;

  if (dir == NULL && g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_strv_builder_end (builder);
  if (dir == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "cannot list claims: %s", local->message);
      return NULL;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *domain = NULL;

      if (name[0] == '.')
        continue;
      domain = g_str_has_suffix (name, SUFFIX) ? g_strndup (name, strlen (name) - strlen (SUFFIX)) : g_strdup (name);
      g_strv_builder_add (builder, domain);
    }
  return g_strv_builder_end (builder);
}

/* Returns: whether @name is what a hook was about to rename that is gone */
static gboolean
is_abandoned (const char *claim_dir, const char *name)
{
  g_autofree char *path = g_build_filename (claim_dir, name, NULL);
  const char *pid = strrchr (name, '.') + 1;
  struct stat st;

  /* Both, since a hook in another pid namespace, and one whose number somebody else has by now, look alike. */
  return g_ascii_isdigit (*pid) && lstat (path, &st) == 0 && S_ISREG (st.st_mode)
         && g_get_real_time () / G_USEC_PER_SEC - st.st_mtime > ABANDONED_SECONDS
         && cold_process_start_time (g_ascii_strtoll (pid, NULL, 10)) == 0;
}

void
cold_claim_sweep (const char *claim_dir)
{
  g_autoptr (GDir) dir = g_dir_open (claim_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] == '.' && is_abandoned (claim_dir, name))
      {
        g_autofree char *path = g_build_filename (claim_dir, name, NULL);

        if (g_unlink (path) != 0)
          g_warning ("cannot delete %s: %s", path, g_strerror (errno));
      }
}

gboolean
cold_claim_is_live (const ColdClaim *claim)
{
  g_autofree char *boot_id = cold_boot_id ();

  return claim->boot_id != NULL && g_str_equal (claim->boot_id, boot_id) && claim->libvirtd_start != 0
         && cold_process_start_time (claim->libvirtd_pid) == claim->libvirtd_start;
}

void
cold_claim_free (ColdClaim *claim)
{
  if (claim == NULL)
    return;
  g_free (claim->domain);
  g_free (claim->name);
  g_free (claim->operation);
  g_free (claim->boot_id);
  g_free (claim);
}
