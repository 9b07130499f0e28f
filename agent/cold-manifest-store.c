/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-manifest-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"

#define SWEEP_AGE_SECONDS 3600

/* 100,000 packages with their dependencies are 60 MB. */
#define SIZE_MAX_BYTES (64 * 1024 * 1024)

typedef struct
{
  char *folder;
  char *path;
  char *id;
} Put;

static void
put_free (Put *put)
{
  g_free (put->folder);
  g_free (put->path);
  g_free (put->id);
  g_free (put);
}

static gboolean
is_id (const char *id)
{
  for (guint i = 0; i < 64; i++)
    if (!g_ascii_isdigit (id[i]) && (id[i] < 'a' || id[i] > 'f'))
      return FALSE;
  return id[64] == '\0';
}

/* The worker's folder is the worker's: no link is followed, and nothing that blocks or never ends is read. */
static GBytes *
read_regular (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  g_autofree char *data = NULL;
  struct stat st;
  gsize length = 0;

  if (fd < 0 || fstat (fd, &st) < 0)
    {
      cold_error_set_errno (error, errno, "cannot read the manifest %s", path);
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  if (!S_ISREG (st.st_mode) || st.st_size > SIZE_MAX_BYTES)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the worker's manifest is no regular file of at most %d MiB",
                   SIZE_MAX_BYTES >> 20);
      close (fd);
      return NULL;
    }
  data = g_malloc (st.st_size + 1);
  while (length < (gsize) st.st_size)
    {
      gssize n = read (fd, data + length, st.st_size - length);

      if (n <= 0)
        break;
      length += n;
    }
  close (fd);
  return g_bytes_new_take (g_steal_pointer (&data), length);
}

/* Between those who keep manifests and whoever sweeps. Returns: (transfer full): a descriptor, or -1 */
static int
lock_folder (const char *folder)
{
  int fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  while (fd >= 0 && flock (fd, LOCK_EX) < 0 && errno == EINTR)
    ;
  return fd;
}

static void
put_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Put *put = task_data;
  g_autofree char *target = g_build_filename (put->folder, put->id, NULL);
  g_autoptr (GBytes) content = NULL;
  g_autofree char *hash = NULL;
  GError *error = NULL;
  cold_fd_auto lock = -1;

  content = read_regular (put->path, &error);
  if (content == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, content);
  if (!g_str_equal (hash, put->id))
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_WORKER, "the worker's manifest has the hash %s, not %s", hash,
                               put->id);
      return;
    }
  lock = lock_folder (put->folder);
  /* A clone has the same packages. The time says that somebody is about to refer to it. */
  if (utimensat (AT_FDCWD, target, NULL, AT_SYMLINK_NOFOLLOW) == 0)
    g_task_return_boolean (task, TRUE);
  else if (!g_file_set_contents_full (target, g_bytes_get_data (content, NULL), g_bytes_get_size (content),
                                     G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, &error))
    g_task_return_error (task, error);
  /* Its name, too, before the store refers to it: a guest that has not changed is not looked at again. */
  else if (lock >= 0 && fsync (lock) != 0 && !cold_error_set_errno (&error, errno, "cannot sync %s", put->folder))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
cold_manifest_store_put_async (const char *folder, const char *path, const char *id, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Put *put;

  if (!is_id (id))
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_WORKER, "the worker named its manifest '%s', which is no SHA-256",
                               id);
      return;
    }
  put = g_new0 (Put, 1);
  put->folder = g_strdup (folder);
  put->path = g_strdup (path);
  put->id = g_strdup (id);
  g_task_set_task_data (task, put, (GDestroyNotify) put_free);
  g_task_run_in_thread (task, put_in_thread);
}

gboolean
cold_manifest_store_put_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

typedef struct
{
  char *folder;
  GHashTable *keep;
} Sweep;

static void
sweep_free (Sweep *sweep)
{
  g_free (sweep->folder);
  g_hash_table_unref (sweep->keep);
  g_free (sweep);
}

/* One that was kept, or found again, a moment ago has nobody yet who refers to it. */
static void
sweep_file (const char *path)
{
  struct stat st;

  if (lstat (path, &st) == 0 && g_get_real_time () / G_USEC_PER_SEC - st.st_mtime >= SWEEP_AGE_SECONDS)
    unlink (path);
}

static void
sweep_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Sweep *sweep = task_data;
  g_autoptr (GDir) dir = g_dir_open (sweep->folder, 0, NULL);
  const char *name;
  int lock = lock_folder (sweep->folder);

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (!g_hash_table_contains (sweep->keep, name))
      {
        g_autofree char *path = g_build_filename (sweep->folder, name, NULL);

        sweep_file (path);
      }
  if (lock >= 0)
    close (lock);
  g_task_return_boolean (task, TRUE);
}

void
cold_manifest_store_sweep_async (const char *folder, GHashTable *keep, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Sweep *sweep = g_new0 (Sweep, 1);

  sweep->folder = g_strdup (folder);
  sweep->keep = g_hash_table_ref (keep);
  g_task_set_task_data (task, sweep, (GDestroyNotify) sweep_free);
  g_task_run_in_thread (task, sweep_in_thread);
}
