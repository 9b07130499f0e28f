/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-headers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-worker-process.h"

struct ColdHeaders
{
  void (*changed) (gpointer user_data);
  gpointer user_data;
  GHashTable *entries; /* (element-type utf8 Entry): by make_key() */
  GQueue waiting;      /* (element-type Probe) */
  GCancellable *cancellable;
  gboolean running;
};

typedef struct
{
  gboolean read;
  gboolean retry;
  gboolean used; /* since the last sweep */
  ColdHeader header;
} Entry;

/* One image on its way through the worker. */
typedef struct
{
  ColdHeaders *headers; /* a reference */
  char *key;
  char *path;
  char *format;
  ColdWorkerProcess *worker;
  ColdHeader header;
} Probe;

static void
header_clear (ColdHeader *header)
{
  g_clear_pointer (&header->problem, g_free);
  g_clear_pointer (&header->backing_path, g_free);
  g_clear_pointer (&header->backing_format, g_free);
  header->backing_file = (ColdFileId){ 0 };
}

static void
entry_free (Entry *entry)
{
  header_clear (&entry->header);
  g_free (entry);
}

static void
headers_clear (ColdHeaders *headers)
{
  g_hash_table_unref (headers->entries);
  g_object_unref (headers->cancellable);
}

static void
headers_unref (ColdHeaders *headers)
{
  g_rc_box_release_full (headers, (GDestroyNotify) headers_clear);
}

ColdHeaders *
cold_headers_new (void (*changed) (gpointer user_data), gpointer user_data)
{
  ColdHeaders *headers = g_rc_box_new0 (ColdHeaders);

  headers->changed = changed;
  headers->user_data = user_data;
  headers->entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) entry_free);
  headers->cancellable = g_cancellable_new ();
  g_queue_init (&headers->waiting);
  return headers;
}

static void
probe_free (Probe *probe)
{
  g_clear_object (&probe->worker);
  header_clear (&probe->header);
  g_free (probe->key);
  g_free (probe->path);
  g_free (probe->format);
  headers_unref (probe->headers);
  g_free (probe);
}

void
cold_headers_free (ColdHeaders *headers)
{
  g_cancellable_cancel (headers->cancellable);
  /* Each holds a reference, as the one that is running does. */
  g_queue_clear_full (&headers->waiting, (GDestroyNotify) probe_free);
  headers_unref (headers);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Probe, probe_free)

/* With the file's state: domains that were read at different times may know one image in two, and each asks for its own. */
static char *
make_key (const char *path, const char *format, const ColdFileId *file)
{
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %s", format,
                          file->device, file->inode, file->size, file->mtime_ns, path);
}

const ColdHeader *
cold_headers_lookup (ColdHeaders *headers, const char *path, const char *format, const ColdFileId *file)
{
  g_autofree char *key = make_key (path, format, file);
  Entry *entry = g_hash_table_lookup (headers->entries, key);

  if (entry == NULL)
    return NULL;
  entry->used = TRUE;
  return entry->read ? &entry->header : NULL;
}

static gboolean
was_not_used (gpointer key, gpointer value, gpointer user_data)
{
  Entry *entry = value;
  gboolean used = entry->used;

  entry->used = FALSE;
  return !used;
}

void
cold_headers_sweep (ColdHeaders *headers)
{
  g_hash_table_foreach_remove (headers->entries, was_not_used, NULL);
}

gboolean
cold_headers_retry (ColdHeaders *headers)
{
  GHashTableIter iter;
  gboolean any = FALSE;
  gpointer value;

  g_hash_table_iter_init (&iter, headers->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Entry *entry = value;

      entry->retry = entry->header.problem != NULL;
      any |= entry->retry;
    }
  return any;
}

static void probe_next (ColdHeaders *headers);

static void
finish (Probe *owned)
{
  g_autoptr (Probe) probe = owned;
  ColdHeaders *headers = probe->headers;
  Entry *entry = g_hash_table_lookup (headers->entries, probe->key);

  headers->running = FALSE;
  if (g_cancellable_is_cancelled (headers->cancellable))
    return;
  /* Otherwise nobody wants to know any more. */
  if (entry != NULL)
    {
      header_clear (&entry->header);
      entry->header = probe->header;
      probe->header = (ColdHeader){ 0 };
      entry->read = TRUE;
      if (entry->header.problem != NULL)
        g_message ("the header of %s cannot be read: %s", probe->path, entry->header.problem);
    }
  probe_next (headers);
  if (headers->changed != NULL)
    headers->changed (headers->user_data);
}

/* Frees @error. */
static void
fail (Probe *probe, GError *error)
{
  probe->header.problem = g_strdup (error->message);
  g_error_free (error);
  finish (probe);
}

static void
peek_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Probe *probe = task_data;

  cold_file_id_peek (probe->header.backing_path, &probe->header.backing_file);
  g_task_return_boolean (task, TRUE);
}

static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  finish (user_data);
}

/* Of another kind than files of this host: what is not on it cannot be changed here. QEMU's own rule. */
static gboolean
has_protocol (const char *name)
{
  return name[strcspn (name, ":/")] == ':';
}

/* @problem: (out): set, with %NULL, when it names something that only QEMU understands */
static char *
resolve_backing (const char *image, const char *name, const char **problem)
{
  g_autofree char *folder = g_path_get_dirname (image);

  if (g_str_has_prefix (name, "json:"))
    {
      *problem = "its backing image is described in JSON";
      return NULL;
    }
  if (g_str_has_prefix (name, "file:"))
    name += strlen ("file:");
  else if (has_protocol (name))
    return NULL;
  /* Not made shorter: with symbolic links ".." is not what it seems. */
  return g_path_is_absolute (name) ? g_strdup (name) : g_build_filename (folder, name, NULL);
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Probe *probe = user_data;
  GError *error = NULL;
  g_autoptr (JsonObject) answer = cold_worker_process_run_finish (probe->worker, result, &error);
  JsonArray *disks = answer != NULL ? cold_json_array (answer, "disks") : NULL;
  JsonObject *disk = disks != NULL ? cold_json_array_object (disks, 0) : NULL;
  const char *backing = disk != NULL ? cold_json_string (disk, "backing-file") : NULL;
  const char *problem = NULL;
  g_autoptr (GTask) peek = NULL;

  if (answer == NULL)
    {
      fail (probe, error);
      return;
    }
  if (disk == NULL)
    problem = "the worker did not describe it";
  else if (cold_json_string (disk, "error") != NULL)
    problem = cold_json_string (disk, "error");
  else if (backing != NULL)
    probe->header.backing_path = resolve_backing (probe->path, backing, &problem);
  probe->header.problem = g_strdup (problem);
  if (probe->header.backing_path == NULL)
    {
      finish (probe);
      return;
    }
  probe->header.backing_format = g_strdup (cold_json_string (disk, "backing-format"));
  peek = g_task_new (NULL, NULL, on_peeked, probe);
  g_task_set_task_data (peek, probe, NULL);
  g_task_run_in_thread (peek, peek_in_thread);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Probe *probe = task_data;
  int fd = open (probe->path, O_PATH | O_CLOEXEC);
  GError *error = NULL;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0)
    cold_error_set_errno (&error, errno, "cannot open it");
  else if (!S_ISREG (st.st_mode))
    g_set_error_literal (&error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "it is no regular file");
  if (error == NULL)
    {
      g_task_return_int (task, fd);
      return;
    }
  if (fd >= 0)
    g_close (fd, NULL);
  g_task_return_error (task, error);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Probe *probe = user_data;
  g_autoptr (JsonObject) request = json_object_new ();
  JsonArray *disks = json_array_new ();
  JsonObject *disk = json_object_new ();
  GError *error = NULL;
  int fd = g_task_propagate_int (G_TASK (result), &error);

  json_object_set_string_member (disk, "path", "/disks/0");
  json_object_set_string_member (disk, "format", probe->format);
  json_object_set_array_member (disk, "chain", json_array_new ());
  json_array_add_object_element (disks, disk);
  json_object_set_array_member (request, "disks", disks);
  if (error == NULL)
    {
      probe->worker = cold_worker_process_new (COLD_VERB_PROBE, NULL);
      cold_worker_process_add_disk (probe->worker, fd, "/disks/0", FALSE, &error);
      g_close (fd, NULL);
    }
  if (error != NULL)
    fail (probe, error);
  else
    cold_worker_process_run_async (probe->worker, request, probe->headers->cancellable, on_probed, probe);
}

static void
probe_next (ColdHeaders *headers)
{
  g_autoptr (GTask) opening = NULL;
  Probe *probe;

  if (headers->running || g_queue_is_empty (&headers->waiting))
    return;
  headers->running = TRUE;
  probe = g_queue_pop_head (&headers->waiting);
  /* By the name that the admin wrote in a definition, links and all; the worker gets this one file, to read. */
  opening = g_task_new (NULL, NULL, on_opened, probe);
  g_task_set_task_data (opening, probe, NULL);
  g_task_run_in_thread (opening, open_in_thread);
}

void
cold_headers_request (ColdHeaders *headers, const char *path, const char *format, const ColdFileId *file)
{
  g_autofree char *key = make_key (path, format, file);
  Entry *entry = g_hash_table_lookup (headers->entries, key);
  Probe *probe;

  if (entry != NULL && !entry->retry)
    return;
  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      g_hash_table_insert (headers->entries, g_strdup (key), entry);
    }
  entry->used = TRUE;
  entry->retry = FALSE;

  probe = g_new0 (Probe, 1);
  probe->headers = g_rc_box_acquire (headers);
  probe->key = g_steal_pointer (&key);
  probe->path = g_strdup (path);
  probe->format = g_strdup (format);
  g_queue_push_tail (&headers->waiting, probe);
  probe_next (headers);
}
