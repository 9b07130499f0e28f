/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-folders.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-half-written.h"
#include "cold-job-logs.h"
#include "cold-names.h"
#include "cold-worker-leftovers.h"

void
cold_folders_remove_tree (const char *path, gboolean wait)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "rm", "-rf", "--one-file-system", "--", path, NULL);

  if (process == NULL || (wait && !g_subprocess_wait_check (process, NULL, &error)))
    g_warning ("cannot delete %s: %s", path, error->message);
}

static gboolean
make (const char *path, mode_t mode, const struct passwd *owner, GError **error)
{
  if (g_mkdir_with_parents (path, 0755) < 0)
    return cold_error_set_errno (error, errno, "cannot make %s", path);
  if (chmod (path, mode) < 0 || (owner != NULL && chown (path, owner->pw_uid, owner->pw_gid) < 0))
    return cold_error_set_errno (error, errno, "cannot set mode and owner of %s", path);
  return TRUE;
}

/* Journals and the store are synced with their folder, but that is of no use while nobody would find the folder. */
static void
sync_folder (const char *path)
{
  g_autoptr (GError) error = NULL;

  if (!cold_fd_sync_path (path, &error))
    g_warning ("%s", error->message);
}

static void
empty (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      cold_folders_remove_tree (path, TRUE);
    }
}

gboolean
cold_folders_prepare (GError **error)
{
  const struct
  {
    const char *path;
    mode_t mode;
    gboolean workers;
  } folders[] = {
    { COLD_STATE_DIR, 0711, FALSE },
    { COLD_JOURNAL_DIR, 0700, FALSE },
    /* Bound read-only into workers, which must be able to read a manifest by its name. */
    { COLD_MANIFEST_DIR, 0711, FALSE },
    { COLD_LOG_DIR, 0700, FALSE },
    { COLD_CACHE_DIR, 0755, FALSE },
    { COLD_APPLIANCE_DIR, 0755, FALSE },
    { COLD_CATALOGUE_DIR, 0700, TRUE },
    { COLD_SCRATCH_DIR, 0711, FALSE },
    { COLD_RUN_DIR, 0755, FALSE },
    { COLD_CLAIM_DIR, 0700, FALSE },
    { COLD_GATE_PROOF_DIR, 0700, FALSE },
  };
  const struct passwd *worker = getpwnam (COLD_WORKER_USER);

  if (worker == NULL || worker->pw_uid == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_CONFIG,
                           "the user " COLD_WORKER_USER " does not exist (or is root): make it with systemd-sysusers, "
                           "or with useradd --system " COLD_WORKER_USER);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    if (!make (folders[i].path, folders[i].mode, folders[i].workers ? worker : NULL, error))
      return FALSE;
  sync_folder (COLD_STATE_DIR "/..");
  sync_folder (COLD_STATE_DIR);
  cold_worker_leftovers_end (worker->pw_uid);
  empty (COLD_SCRATCH_DIR);
  empty (COLD_GATE_PROOF_DIR);
  cold_half_written_sweep (COLD_STATE_DIR, ".json");
  cold_job_logs_sweep (COLD_LOG_DIR, COLD_JOB_LOGS_MAX);
  return TRUE;
}

int
cold_folders_lock (GError **error)
{
  const char *path = COLD_RUN_DIR "/lock";
  int fd;

  if (g_mkdir_with_parents (COLD_RUN_DIR, 0755) < 0)
    {
      cold_error_set_errno (error, errno, "cannot make %s", COLD_RUN_DIR);
      return -1;
    }
  fd = g_open (path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open %s", path);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) < 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BUSY, "another coldpatchd runs on this host: it holds %s", path);
      g_close (fd, NULL);
      return -1;
    }
  return fd;
}
