/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bundle-store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-waiters.h"

#define FILE_NAME "bundle.iso" /* as the protocol names it */

struct _ColdBundleStore
{
  GHashTable *bundles; /* (element-type utf8 ColdStoredBundle) by key, those that may be taken or waited for; borrowed */
};

struct _ColdStoredBundle
{
  ColdBundleStore *store;    /* a reference */
  char *key;
  ColdWorkerProcess *worker; /* its folder is the bundle's: gone with it */
  GCancellable *cancellable; /* of the worker */
  char *path;                /* (nullable) while it is made */
  ColdWaiters *waiters;
  guint users;
  guint timer;               /* while nobody uses it */
};

static void
store_clear (ColdBundleStore *self)
{
  g_hash_table_unref (self->bundles);
}

/* Whoever comes later gets another one. */
static void
forget (ColdStoredBundle *bundle)
{
  if (g_hash_table_lookup (bundle->store->bundles, bundle->key) == bundle)
    g_hash_table_remove (bundle->store->bundles, bundle->key);
}

static void
bundle_free (ColdStoredBundle *bundle)
{
  forget (bundle);
  g_clear_handle_id (&bundle->timer, g_source_remove);
  cold_waiters_free (bundle->waiters);
  g_object_unref (bundle->worker);
  g_object_unref (bundle->cancellable);
  g_free (bundle->path);
  g_free (bundle->key);
  g_rc_box_release_full (bundle->store, (GDestroyNotify) store_clear);
  g_free (bundle);
}

ColdBundleStore *
cold_bundle_store_new (void)
{
  ColdBundleStore *self = g_rc_box_new0 (ColdBundleStore);

  self->bundles = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
cold_bundle_store_free (ColdBundleStore *self)
{
  g_autoptr (GList) bundles = g_hash_table_get_values (self->bundles);

  /* Those that are made or used end by themselves. */
  g_hash_table_remove_all (self->bundles);
  for (GList *l = bundles; l != NULL; l = l->next)
    if (((ColdStoredBundle *) l->data)->timer != 0)
      bundle_free (l->data);
  g_rc_box_release_full (self, (GDestroyNotify) store_clear);
}

static gboolean
on_kept_long_enough (gpointer user_data)
{
  ColdStoredBundle *bundle = user_data;

  bundle->timer = 0;
  bundle_free (bundle);
  return G_SOURCE_REMOVE;
}

static void
use (ColdStoredBundle *bundle)
{
  g_clear_handle_id (&bundle->timer, g_source_remove);
  bundle->users++;
}

void
cold_stored_bundle_release (ColdStoredBundle *bundle)
{
  if (--bundle->users > 0)
    return;
  if (g_hash_table_lookup (bundle->store->bundles, bundle->key) == bundle)
    bundle->timer = g_timeout_add_seconds (COLD_BUNDLE_KEEP_SECONDS, on_kept_long_enough, bundle);
  else
    bundle_free (bundle);
}

static void
give (ColdStoredBundle *bundle, GTask *task)
{
  use (bundle);
  g_task_return_pointer (task, bundle, (GDestroyNotify) cold_stored_bundle_release);
}

const char *
cold_stored_bundle_get_path (const ColdStoredBundle *bundle)
{
  return bundle->path;
}

/* What was the worker's becomes root's: other workers have the same user, and get it to read. */
static gboolean
take_over (ColdStoredBundle *bundle, JsonObject *answer, GError **error)
{
  const char *folder = cold_worker_process_get_scratch (bundle->worker);
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);
  int fd = g_strcmp0 (cold_json_string (answer, "bundle"), FILE_NAME) == 0
               ? open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
               : -1;
  struct stat st;
  gboolean taken = fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_nlink == 1 && chown (folder, 0, 0) == 0
                   && fchown (fd, 0, 0) == 0 && fchmod (fd, 0444) == 0;

  if (fd >= 0)
    close (fd);
  if (taken)
    bundle->path = g_steal_pointer (&path);
  else
    g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the worker left no usable bundle in %s", folder);
  return taken;
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColdStoredBundle *bundle = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = cold_worker_process_run_finish (bundle->worker, result, &error);
  gboolean made = answer != NULL && take_over (bundle, answer, &error);
  GTask *task;

  if (!made)
    forget (bundle);
  /* In use until all have it: what a task calls may release it at once. */
  use (bundle);
  while ((task = cold_waiters_pop (bundle->waiters)) != NULL)
    {
      if (made)
        give (bundle, task);
      else
        g_task_return_error (task, g_error_copy (error));
      g_object_unref (task);
    }
  cold_stored_bundle_release (bundle);
}

/* Nobody wants it any more; one that is made stays for who comes later. */
static void
abandon (gpointer user_data)
{
  ColdStoredBundle *bundle = user_data;

  if (bundle->path != NULL)
    return;
  forget (bundle);
  g_cancellable_cancel (bundle->cancellable);
}

/* The folder is a cache: somebody may have emptied it. */
static ColdStoredBundle *
lookup (ColdBundleStore *self, const char *key)
{
  ColdStoredBundle *bundle = g_hash_table_lookup (self->bundles, key);

  if (bundle == NULL || bundle->path == NULL || access (bundle->path, F_OK) == 0)
    return bundle;
  forget (bundle);
  if (bundle->users == 0)
    bundle_free (bundle);
  return NULL;
}

gboolean
cold_bundle_store_ask (ColdBundleStore *self, const char *key, GTask *task)
{
  ColdStoredBundle *bundle = lookup (self, key);

  if (bundle == NULL)
    return FALSE;
  if (bundle->path == NULL)
    {
      cold_waiters_add (bundle->waiters, task);
      return TRUE;
    }
  give (bundle, task);
  g_object_unref (task);
  return TRUE;
}

void
cold_bundle_store_make (ColdBundleStore *self, const char *key, ColdWorkerProcess *worker, JsonObject *request,
                        GTask *task)
{
  ColdStoredBundle *bundle = g_new0 (ColdStoredBundle, 1);

  bundle->store = g_rc_box_acquire (self);
  bundle->key = g_strdup (key);
  bundle->worker = g_object_ref (worker);
  bundle->cancellable = g_cancellable_new ();
  bundle->waiters = cold_waiters_new (abandon, bundle);
  g_hash_table_insert (self->bundles, bundle->key, bundle);
  cold_waiters_add (bundle->waiters, task);
  cold_worker_process_run_async (worker, request, bundle->cancellable, on_made, bundle);
}
