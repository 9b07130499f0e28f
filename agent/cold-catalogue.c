/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-catalogue.h"

#include "cold-catalogue-request.h"
#include "cold-catalogue-state.h"
#include "cold-error.h"
#include "cold-guest-repositories.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-plan-queue.h"
#include "cold-protocol.h"
#include "cold-waiters.h"

/* A worker that fetches. One at a time: two would share the same folders. */
typedef struct
{
  GTask *task;
  ColdWorkerProcess *worker;
  JsonObject *request;
  gulong handler;           /* of the task's cancellable; 0: none */
} Fetch;

struct _ColdCatalogue
{
  GObject parent;
  ColdConfig *config;       /* borrowed */
  ColdCatalogueState *state;
  GPtrArray *from_guests;   /* (element-type ColdRepository) that the last refresh asked for */
  GHashTable *asked;        /* (element-type utf8) those that the guests named then, fetched or not, and "ID ARCHITECTURE" */
  GQueue fetches;           /* (element-type Fetch) the first one runs */
  ColdPlanQueue *plans;
  ColdBundleStore *bundles;
};

G_DEFINE_FINAL_TYPE (ColdCatalogue, cold_catalogue, G_TYPE_OBJECT)

enum
{
  CHANGED,
  REFRESHED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static void start_fetch (ColdCatalogue *self);

static void
fetch_free (Fetch *fetch)
{
  if (fetch->handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (fetch->task), fetch->handler);
  g_object_unref (fetch->task);
  g_object_unref (fetch->worker);
  json_object_unref (fetch->request);
  g_free (fetch);
}

static void
cold_catalogue_finalize (GObject *object)
{
  ColdCatalogue *self = COLD_CATALOGUE (object);

  cold_catalogue_state_free (self->state);
  g_ptr_array_unref (self->from_guests);
  g_hash_table_unref (self->asked);
  g_queue_clear_full (&self->fetches, (GDestroyNotify) fetch_free);
  cold_plan_queue_free (self->plans);
  cold_bundle_store_free (self->bundles);
  G_OBJECT_CLASS (cold_catalogue_parent_class)->finalize (object);
}

static void
cold_catalogue_class_init (ColdCatalogueClass *class)
{
  G_OBJECT_CLASS (class)->finalize = cold_catalogue_finalize;
  signals[CHANGED] = g_signal_new ("changed", COLD_TYPE_CATALOGUE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[REFRESHED] = g_signal_new ("refreshed", COLD_TYPE_CATALOGUE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_catalogue_init (ColdCatalogue *self)
{
  self->state = cold_catalogue_state_load ();
  self->from_guests = g_ptr_array_new ();
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->plans = cold_plan_queue_new ();
  self->bundles = cold_bundle_store_new ();
  g_queue_init (&self->fetches);
}

ColdCatalogue *
cold_catalogue_new (ColdConfig *config)
{
  ColdCatalogue *self = g_object_new (COLD_TYPE_CATALOGUE, NULL);

  self->config = config;
  return self;
}

guint64
cold_catalogue_get_generation (ColdCatalogue *self)
{
  return self->state->counter;
}

gint64
cold_catalogue_get_time (ColdCatalogue *self)
{
  return self->state->time;
}

JsonObject *
cold_catalogue_describe (ColdCatalogue *self)
{
  return cold_catalogue_state_describe (self->state, self->config, self->from_guests);
}

/* Of the guest's own repositories, those that the catalogue has. A source that cannot be fetched does not keep the guest from
 * being upgraded from the others. Returns: (transfer full) (element-type ColdRepository) */
static GPtrArray *
fetched_from_guest (ColdCatalogue *self, const ColdFacts *facts)
{
  GPtrArray *repositories = cold_guest_repositories_of (self->config, facts);

  for (guint i = repositories->len; i > 0; i--)
    if (!g_hash_table_contains (self->state->generations, ((ColdRepository *) repositories->pdata[i - 1])->id))
      g_ptr_array_remove_index (repositories, i - 1);
  return repositories;
}

static void
add_foreign (GPtrArray *repositories, GPtrArray *guests, GPtrArray *keys)
{
  for (guint i = 0; i < repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (repositories, i);
      g_auto (GStrv) foreign = cold_catalogue_foreign_architectures (repository, guests);

      for (guint k = 0; foreign[k] != NULL; k++)
        g_ptr_array_add (keys, g_strdup_printf ("%s %s", repository->id, foreign[k]));
    }
}

/* Returns: (transfer full) (element-type utf8): "ID ARCHITECTURE" of what the guest wants beside its own architecture */
static GPtrArray *
foreign_of (ColdCatalogue *self, const ColdFacts *facts)
{
  g_autoptr (GPtrArray) own = cold_guest_repositories_of (self->config, facts);
  g_autoptr (GPtrArray) guests = g_ptr_array_new ();
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (guests, (gpointer) facts);
  add_foreign (self->config->repositories, guests, keys);
  add_foreign (own, guests, keys);
  return keys;
}

/* Also what is not fetched because too much is wanted: it would be asked for again and again. */
static void
ask_foreign (ColdCatalogue *self, GPtrArray *guests)
{
  for (guint i = 0; i < guests->len; i++)
    {
      const ColdFacts *facts = g_ptr_array_index (guests, i);
      g_autoptr (GPtrArray) keys = facts->foreign[0] != NULL ? foreign_of (self, facts) : NULL;

      for (guint k = 0; keys != NULL && k < keys->len; k++)
        g_hash_table_add (self->asked, g_strdup (g_ptr_array_index (keys, k)));
    }
}

static gboolean
lacks_foreign (ColdCatalogue *self, const ColdFacts *facts)
{
  g_autoptr (GPtrArray) keys = foreign_of (self, facts);

  for (guint i = 0; i < keys->len; i++)
    if (!g_hash_table_contains (self->asked, g_ptr_array_index (keys, i)))
      return TRUE;
  return FALSE;
}

gboolean
cold_catalogue_lacks (ColdCatalogue *self, const ColdFacts *facts)
{
  g_autoptr (GPtrArray) repositories = cold_guest_repositories_of (self->config, facts);

  for (guint i = 0; i < repositories->len; i++)
    {
      const char *id = ((ColdRepository *) repositories->pdata[i])->id;

      if (!g_hash_table_contains (self->state->generations, id) && !g_hash_table_contains (self->asked, id))
        return TRUE;
    }
  return facts->foreign[0] != NULL && lacks_foreign (self, facts);
}

gboolean
cold_catalogue_serves (ColdCatalogue *self, const ColdFacts *facts)
{
  g_autoptr (GPtrArray) own = NULL;

  for (guint i = 0; i < self->config->repositories->len; i++)
    {
      const ColdRepository *repository = g_ptr_array_index (self->config->repositories, i);

      if (g_hash_table_contains (self->state->generations, repository->id)
          && cold_catalogue_repository_serves (repository, facts))
        return TRUE;
    }
  own = fetched_from_guest (self, facts);
  return own->len > 0;
}

/* Fetching. */

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColdCatalogue) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;
  JsonObject *answer = cold_worker_process_run_finish (COLD_WORKER_PROCESS (source), result, &error);
  Fetch *fetch = g_queue_pop_head (&self->fetches);

  if (answer != NULL)
    g_task_return_pointer (fetch->task, answer, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (fetch->task, g_steal_pointer (&error));
  fetch_free (fetch);
  start_fetch (self);
}

/* Runs the first of the queue. */
static void
start_fetch (ColdCatalogue *self)
{
  Fetch *fetch;

  while ((fetch = g_queue_peek_head (&self->fetches)) != NULL)
    {
      if (!g_task_return_error_if_cancelled (fetch->task))
        {
          cold_worker_process_run_async (fetch->worker, fetch->request, g_task_get_cancellable (fetch->task), on_fetched,
                                         self);
          return;
        }
      fetch_free (g_queue_pop_head (&self->fetches));
    }
}

/* Emitted from inside g_cancellable_cancel(), on the main thread. The first one's worker sees it by itself; the others do not
 * wait for their turn to learn of it. */
static void
on_fetch_cancelled (GCancellable *cancellable, Fetch *fetch)
{
  ColdCatalogue *self = g_task_get_source_object (fetch->task);

  if (g_queue_peek_head (&self->fetches) == fetch)
    return;
  g_queue_remove (&self->fetches, fetch);
  cold_task_return_cancelled_later (g_object_ref (fetch->task));
  fetch_free (fetch);
}

/* @task: keeps the catalogue alive until it returns the worker's answer (JsonObject) */
static void
queue_fetch (ColdCatalogue *self, GTask *task, ColdWorkerProcess *worker, JsonObject *request)
{
  Fetch *fetch = g_new0 (Fetch, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (cancellable != NULL)
    fetch->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_fetch_cancelled), fetch);
  fetch->task = task;
  fetch->worker = worker;
  fetch->request = request;
  cold_worker_process_set_catalogue (worker, COLD_WORKER_CATALOGUE_WRITE);
  g_queue_push_tail (&self->fetches, fetch);
  if (g_queue_get_length (&self->fetches) == 1)
    start_fetch (self);
}

void
cold_catalogue_refresh_async (ColdCatalogue *self, GPtrArray *guests, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  JsonObject *request;
  ColdWorkerProcess *worker;

  g_task_set_source_tag (task, cold_catalogue_refresh_async);
  g_ptr_array_unref (self->from_guests);
  g_hash_table_remove_all (self->asked);
  self->from_guests = cold_guest_repositories_of_all (self->config, guests, self->asked);
  ask_foreign (self, guests);
  if (self->config->repositories->len == 0 && self->from_guests->len == 0)
    {
      g_task_return_pointer (task, json_object_new (), (GDestroyNotify) json_object_unref);
      g_object_unref (task);
      return;
    }
  request = json_object_new ();
  worker = cold_worker_process_new (COLD_VERB_FETCH, NULL);
  json_object_set_string_member (request, "what", "metadata");
  cold_catalogue_add_repositories (request, worker, self->config, NULL, guests, NULL, self->from_guests);
  queue_fetch (self, task, worker, request);
}

static gboolean
has_id (GPtrArray *repositories, const char *id)
{
  for (guint i = 0; id != NULL && i < repositories->len; i++)
    if (g_str_equal (((ColdRepository *) g_ptr_array_index (repositories, i))->id, id))
      return TRUE;
  return FALSE;
}

static gboolean
is_forgotten (gpointer id, gpointer value, gpointer user_data)
{
  ColdCatalogue *self = user_data;

  return g_str_has_prefix (id, COLD_GUEST_REPOSITORY_PREFIX) && !has_id (self->from_guests, id);
}

/* Takes over what a refresh brought. Returns: %FALSE with @error naming the repositories that failed */
static gboolean
take_refresh (ColdCatalogue *self, JsonObject *answer, gboolean *changed, GError **error)
{
  JsonArray *repositories = cold_json_array (answer, "repositories");
  g_autoptr (GString) failed = g_string_new (NULL);
  ColdError code = COLD_ERROR_FAILED;

  for (guint i = 0; repositories != NULL && i < json_array_get_length (repositories); i++)
    {
      JsonObject *repository = cold_json_array_object (repositories, i);
      const char *id = cold_json_string (repository, "id");
      const char *generation = cold_json_string (repository, "generation");
      const char *message = cold_json_string (repository, "error");

      if (!has_id (self->config->repositories, id) && !has_id (self->from_guests, id))
        continue;
      if (cold_json_bool (repository, "ok") && generation != NULL)
        {
          if (message != NULL)
            g_hash_table_insert (self->state->errors, g_strdup (id), g_strdup (message));
          else
            g_hash_table_remove (self->state->errors, id);
          if (g_strcmp0 (g_hash_table_lookup (self->state->generations, id), generation) == 0)
            continue;
          g_hash_table_insert (self->state->generations, g_strdup (id), g_strdup (generation));
          *changed = TRUE;
          continue;
        }
      if (message == NULL)
        message = "no reason given";
      g_hash_table_insert (self->state->errors, g_strdup (id), g_strdup (message));
      /* What a guest names is its own affair: it must not make everybody's refresh a failure. */
      if (has_id (self->from_guests, id))
        continue;
      if (failed->len == 0)
        code = cold_error_from_nick (cold_json_string (repository, "code"));
      g_string_append_printf (failed, "%srepository %s: %s", failed->len > 0 ? "; " : "", id,
                              message);
    }
  g_hash_table_foreach_remove (self->state->generations, is_forgotten, self);
  g_hash_table_foreach_remove (self->state->errors, is_forgotten, self);
  if (failed->len == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, code, "%s; what was fetched before stays in use", failed->str);
  return FALSE;
}

gboolean
cold_catalogue_refresh_finish (ColdCatalogue *self, GAsyncResult *result, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) answer = g_task_propagate_pointer (G_TASK (result), &local);
  gboolean changed = FALSE;
  gboolean done = answer != NULL && take_refresh (self, answer, &changed, &local);

  g_free (self->state->error);
  self->state->error = local != NULL ? g_strdup (local->message) : NULL;
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  if (answer == NULL)
    {
      g_signal_emit (self, signals[REFRESHED], 0);
      return FALSE;
    }
  if (done)
    self->state->time = g_get_real_time ();
  if (changed)
    self->state->counter++;
  if (done || changed)
    cold_catalogue_state_save (self->state);
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);
  g_signal_emit (self, signals[REFRESHED], 0);
  return done;
}

void
cold_catalogue_fetch_async (ColdCatalogue *self, const ColdFacts *facts, JsonObject *plan, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  JsonObject *request = json_object_new ();
  ColdWorkerProcess *worker = cold_worker_process_new (COLD_VERB_FETCH, NULL);
  g_autoptr (GPtrArray) own = fetched_from_guest (self, facts);

  g_task_set_source_tag (task, cold_catalogue_fetch_async);
  json_object_set_string_member (request, "what", "packages");
  json_object_set_array_member (request, "files", cold_catalogue_plan_files (plan));
  json_object_set_int_member (request, "cache-max", self->config->cache_max);
  cold_catalogue_add_repositories (request, worker, self->config, facts, NULL, self->state->generations, own);
  queue_fetch (self, task, worker, request);
}

gboolean
cold_catalogue_fetch_finish (ColdCatalogue *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonObject) answer = g_task_propagate_pointer (G_TASK (result), error);

  return answer != NULL;
}

/* Planning. */

void
cold_catalogue_plan_async (ColdCatalogue *self, const ColdFacts *facts, gboolean security_only,
                           const char *const *exclude, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (GPtrArray) own = NULL;

  g_task_set_source_tag (task, cold_catalogue_plan_async);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (*facts->manifest == '\0' || !cold_catalogue_serves (self, facts))
    {
      g_task_return_new_error (task, COLD_ERROR, COLD_ERROR_BLOCKED,
                               "no-catalogue: no repository of sources.d that was fetched serves %s %s %s", facts->os,
                               facts->os_version, facts->arch);
      return;
    }
  request = json_object_new ();
  own = fetched_from_guest (self, facts);
  cold_catalogue_add_repositories (request, NULL, self->config, facts, NULL, self->state->generations, own);
  cold_plan_queue_ask (self->plans, request, self->state->counter, facts->manifest, security_only, exclude,
                       g_steal_pointer (&task));
}

JsonObject *
cold_catalogue_plan_finish (ColdCatalogue *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Bundles. */

static char *
bundle_key (ColdCatalogue *self, JsonObject *request)
{
  g_autofree char *text = cold_json_to_text (request);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", self->state->counter, hash);
}

void
cold_catalogue_bundle_async (ColdCatalogue *self, const ColdFacts *facts, JsonObject *plan, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (JsonObject) request = json_object_new ();
  g_autoptr (ColdWorkerProcess) worker = NULL;
  g_autofree char *manifest = g_build_filename (COLD_MANIFEST_DIR, facts->manifest, NULL);
  g_autofree char *inside = g_strconcat ("/manifests/", facts->manifest, NULL);
  g_autofree char *key = NULL;
  g_autoptr (GPtrArray) own = fetched_from_guest (self, facts);

  g_task_set_source_tag (task, cold_catalogue_bundle_async);
  json_object_set_object_member (request, "plan", json_object_ref (plan));
  json_object_set_string_member (request, "manifest", inside);
  cold_catalogue_add_repositories (request, NULL, self->config, facts, NULL, self->state->generations, own);
  key = bundle_key (self, request);
  if (cold_bundle_store_ask (self->bundles, key, task))
    return;
  worker = cold_worker_process_new (COLD_VERB_BUNDLE, NULL);
  cold_worker_process_add_bind (worker, manifest, inside);
  cold_worker_process_set_catalogue (worker, COLD_WORKER_CATALOGUE_READ);
  cold_catalogue_bind_package_keyrings (worker, self->config, facts, own);
  cold_bundle_store_make (self->bundles, key, worker, request, task);
}

ColdStoredBundle *
cold_catalogue_bundle_finish (ColdCatalogue *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
