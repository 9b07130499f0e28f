/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-connection.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "cold-error.h"
#include "cold-libvirt-about.h"
#include "cold-libvirt-events.h"
#include "cold-libvirt-reader.h"

/* A dead libvirtd is noticed within KEEPALIVE_INTERVAL * KEEPALIVE_COUNT seconds. */
#define KEEPALIVE_INTERVAL 5
#define KEEPALIVE_COUNT 6
#define BACKOFF_MAX_US (60 * G_USEC_PER_SEC)

/*
 * What the threads share; outlives the object when a call to libvirt hangs while the agent ends.
 * The connection's thread alone touches conn and events.
 */
typedef struct
{
  char *uri;
  GMainContext *context; /* where signals are emitted */
  GAsyncQueue *orders;   /* (element-type Order) */
  guint64 generation;    /* atomic */
  GWeakRef object;
  virConnectPtr conn;
  ColdLibvirtEvents events;
  gboolean reported; /* that it could not be opened */
  ColdLibvirtAbout about; /* as of the last connect */
} Core;

typedef struct
{
  void (*run) (Core *core, GTask *task);
  GTask *task;
  gboolean closed; /* libvirt's close callback */
  gboolean stop;
} Order;

struct _ColdConnection
{
  GObject parent_instance;

  Core *core;
  gboolean connected; /* as the main context knows it */
  gboolean started;
};

enum
{
  CONNECTED,
  DISCONNECTED,
  POOL_EVENT,
  DOMAIN_EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdConnection, cold_connection, G_TYPE_OBJECT)

static void
core_clear (Core *core)
{
  g_free (core->uri);
  g_main_context_unref (core->context);
  g_async_queue_unref (core->orders);
  g_weak_ref_clear (&core->object);
}

static void
core_unref (gpointer core)
{
  g_atomic_rc_box_release_full (core, (GDestroyNotify) core_clear);
}

static void
push (Core *core, void (*run) (Core *, GTask *), GTask *task)
{
  Order *order = g_new0 (Order, 1);

  order->run = run;
  order->task = task;
  g_async_queue_push (core->orders, order);
}

/* One signal on its way to the main context. */
typedef struct
{
  Core *core;
  guint signal;
  char *uuid;
  char *name;
  const char *event;  /* static */
  const char *detail; /* static */
} Message;

static void
message_free (gpointer user_data)
{
  Message *message = user_data;

  core_unref (message->core);
  g_free (message->uuid);
  g_free (message->name);
  g_free (message);
}

static void
run_about (Core *core, GTask *task)
{
  cold_libvirt_about_read (&core->about, core->conn);
  g_task_return_boolean (task, TRUE);
}

static gboolean
deliver (gpointer user_data)
{
  Message *message = user_data;
  g_autoptr (ColdConnection) self = g_weak_ref_get (&message->core->object);

  if (self == NULL)
    return G_SOURCE_REMOVE;
  switch (message->signal)
    {
    case CONNECTED:
      self->connected = TRUE;
      g_signal_emit (self, signals[CONNECTED], 0);
      /* After what has just been asked of it. */
      push (self->core, run_about, g_task_new (NULL, NULL, NULL, NULL));
      break;
    case DISCONNECTED:
      self->connected = FALSE;
      g_signal_emit (self, signals[DISCONNECTED], 0, message->name);
      break;
    case POOL_EVENT:
      g_signal_emit (self, signals[POOL_EVENT], 0, message->uuid, message->event);
      break;
    default:
      g_signal_emit (self, signals[DOMAIN_EVENT], 0, message->uuid, message->name, message->event, message->detail);
      break;
    }
  return G_SOURCE_REMOVE;
}

static void
send (Core *core, guint signal, const char *uuid, const char *name, const char *event, const char *detail)
{
  Message *message = g_new0 (Message, 1);
  g_autoptr (GSource) source = NULL;

  message->core = g_atomic_rc_box_acquire (core);
  message->signal = signal;
  message->uuid = g_strdup (uuid);
  message->name = g_strdup (name);
  message->event = event;
  message->detail = detail;
  /* Not g_main_context_invoke(), which calls on this thread while nobody runs the loop yet. */
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, message, message_free);
  g_source_attach (source, core->context);
}

static void
on_event (const ColdLibvirtEvent *event, gpointer user_data)
{
  Core *core = user_data;

  /* Before anybody can hear of it: an exchange under way compares this number under the gate. */
  if (event->changes)
    __atomic_add_fetch (&core->generation, 1, __ATOMIC_SEQ_CST);
  send (core, event->is_pool ? POOL_EVENT : DOMAIN_EVENT, event->uuid, event->name, event->event, event->detail);
}

static void
on_closed (virConnectPtr conn, int reason, void *user_data)
{
  Core *core = user_data;
  Order *order = g_new0 (Order, 1);

  __atomic_add_fetch (&core->generation, 1, __ATOMIC_SEQ_CST);
  order->closed = TRUE;
  g_async_queue_push_front (core->orders, order);
}

static void
ignore_error (void *user_data, virErrorPtr error)
{
}

/*
 * Must be there before the first connection is opened; once a process. libvirt's default implementation is GLib's default main
 * context (virEventGLibRunOnce iterates it), so our main loop drives it: a thread that called virEventRunDefaultImpl would
 * run the agent's own handlers. What happens there is short: sockets are read without waiting, calls wait on our threads.
 */
static void
start_events (void)
{
  static gsize once;

  if (!g_once_init_enter (&once))
    return;
  virSetErrorFunc (NULL, ignore_error);
  virEventRegisterDefaultImpl ();
  g_once_init_leave (&once, 1);
}

static void
close_connection (Core *core)
{
  if (core->conn == NULL)
    return;
  cold_libvirt_events_deregister (&core->events, core->conn);
  virConnectUnregisterCloseCallback (core->conn, on_closed);
  virConnectClose (core->conn);
  core->conn = NULL;
}

static gboolean
open_connection (Core *core)
{
  core->conn = virConnectOpen (core->uri);
  if (core->conn == NULL)
    {
      if (!core->reported)
        send (core, DISCONNECTED, NULL, virGetLastErrorMessage (), NULL, NULL);
      core->reported = TRUE;
      return FALSE;
    }
  core->reported = FALSE;
  /* Drivers without a transport (test:///) know neither; their connection cannot be lost. */
  if (virConnectRegisterCloseCallback (core->conn, on_closed, g_atomic_rc_box_acquire (core), core_unref) < 0)
    core_unref (core);
  virConnectSetKeepAlive (core->conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
  cold_libvirt_events_register (&core->events, core->conn, on_event, g_atomic_rc_box_acquire (core), core_unref);
  send (core, CONNECTED, NULL, NULL, NULL, NULL);
  return TRUE;
}

static void
carry_out (Core *core, Order *order)
{
  if (order->run == NULL)
    return;
  if (core->conn == NULL)
    g_task_return_new_error (order->task, COLD_ERROR, COLD_ERROR_NOT_CONNECTED,
                             "libvirt cannot be reached at %s: start libvirtd (or virtqemud), it is tried again by itself",
                             core->uri);
  else if (!g_task_return_error_if_cancelled (order->task))
    order->run (core, order->task);
  g_object_unref (order->task);
}

static gpointer
connection_thread (gpointer user_data)
{
  Core *core = user_data;
  gint64 backoff = G_USEC_PER_SEC, next_try = 0;
  gboolean stop = FALSE;

  while (!stop)
    {
      gint64 now = g_get_monotonic_time ();
      Order *order;

      if (core->conn == NULL && now >= next_try)
        {
          if (open_connection (core))
            backoff = G_USEC_PER_SEC;
          else
            {
              next_try = g_get_monotonic_time () + backoff;
              backoff = MIN (backoff * 2, BACKOFF_MAX_US);
            }
        }
      now = g_get_monotonic_time ();
      order = core->conn != NULL ? g_async_queue_pop (core->orders)
                                 : g_async_queue_timeout_pop (core->orders, MAX (next_try - now, 1));
      if (order == NULL)
        continue;
      if (order->closed && core->conn != NULL)
        {
          close_connection (core);
          send (core, DISCONNECTED, NULL, "the connection was closed", NULL, NULL);
          next_try = g_get_monotonic_time () + backoff;
        }
      carry_out (core, order);
      stop = order->stop;
      g_free (order);
    }
  close_connection (core);
  core_unref (core);
  return NULL;
}

static void
cold_connection_dispose (GObject *object)
{
  ColdConnection *self = COLD_CONNECTION (object);

  if (self->core != NULL)
    {
      if (self->started)
        {
          Order *order = g_new0 (Order, 1);

          order->stop = TRUE;
          g_async_queue_push_front (self->core->orders, order);
        }
      g_weak_ref_set (&self->core->object, NULL);
      core_unref (g_steal_pointer (&self->core));
    }
  G_OBJECT_CLASS (cold_connection_parent_class)->dispose (object);
}

static void
cold_connection_class_init (ColdConnectionClass *klass)
{
  GType type = COLD_TYPE_CONNECTION;

  G_OBJECT_CLASS (klass)->dispose = cold_connection_dispose;
  signals[CONNECTED] = g_signal_new ("connected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[DISCONNECTED]
      = g_signal_new ("disconnected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[POOL_EVENT] = g_signal_new ("pool-event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                      G_TYPE_STRING, G_TYPE_STRING);
  signals[DOMAIN_EVENT] = g_signal_new ("domain-event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                                        G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
}

static void
cold_connection_init (ColdConnection *self)
{
}

ColdConnection *
cold_connection_new (const char *uri)
{
  ColdConnection *self = g_object_new (COLD_TYPE_CONNECTION, NULL);

  self->core = g_atomic_rc_box_new0 (Core);
  self->core->uri = g_strdup (uri);
  self->core->context = g_main_context_ref_thread_default ();
  self->core->orders = g_async_queue_new ();
  g_weak_ref_init (&self->core->object, self);
  return self;
}

void
cold_connection_start (ColdConnection *self)
{
  g_return_if_fail (!self->started);
  self->started = TRUE;
  start_events ();
  g_thread_unref (g_thread_new ("libvirt", connection_thread, g_atomic_rc_box_acquire (self->core)));
}

const char *
cold_connection_get_uri (ColdConnection *self)
{
  return self->core->uri;
}

gboolean
cold_connection_is_connected (ColdConnection *self)
{
  return self->connected;
}

guint64
cold_connection_get_generation (ColdConnection *self)
{
  return __atomic_load_n (&self->core->generation, __ATOMIC_SEQ_CST);
}

typedef struct
{
  char *uuid; /* (nullable) of a pool or a domain */
  gboolean pools;
  ColdRefresh refresh;
  gboolean domains;
  GHashTable *known;
} ReadRequest;

static void
read_request_free (ReadRequest *request)
{
  g_free (request->uuid);
  g_clear_pointer (&request->known, g_hash_table_unref);
  g_free (request);
}

static void
run_read (Core *core, GTask *task)
{
  const ReadRequest *request = g_task_get_task_data (task);
  ColdSnapshot *snapshot = cold_snapshot_new ();
  GError *error = NULL;

  snapshot->uri = g_strdup (core->uri);
  snapshot->generation = __atomic_load_n (&core->generation, __ATOMIC_SEQ_CST);
  if ((request->pools
       && !cold_libvirt_read_pools (core->conn, request->uuid, request->refresh, &core->events, request->known, snapshot,
                                    &error))
      || (request->domains
          && !cold_libvirt_read_domains (core->conn, request->pools ? NULL : request->uuid, snapshot, &error)))
    {
      cold_snapshot_unref (snapshot);
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, snapshot, (GDestroyNotify) cold_snapshot_unref);
}

static void
push_read (ColdConnection *self, ReadRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
           gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_task_data (task, request, (GDestroyNotify) read_request_free);
  push (self->core, run_read, task);
}

void
cold_connection_read_async (ColdConnection *self, const char *pool_uuid, ColdRefresh refresh, gboolean domains,
                            GHashTable *known, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  ReadRequest *request = g_new0 (ReadRequest, 1);

  request->uuid = g_strdup (pool_uuid);
  request->pools = TRUE;
  request->refresh = refresh;
  request->domains = domains;
  request->known = known;
  push_read (self, request, cancellable, callback, user_data);
}

ColdSnapshot *
cold_connection_read_finish (ColdConnection *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
cold_connection_read_domains_async (ColdConnection *self, const char *uuid, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  ReadRequest *request = g_new0 (ReadRequest, 1);

  request->uuid = g_strdup (uuid);
  request->domains = TRUE;
  push_read (self, request, cancellable, callback, user_data);
}

typedef struct
{
  char *nonce;
  virConnectPtr conn;
} Proof;

static void
proof_free (Proof *proof)
{
  if (proof->conn != NULL)
    virConnectClose (proof->conn);
  g_free (proof->nonce);
  g_free (proof);
}

static void
prove_gate_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Proof *proof = task_data;
  GError *error = NULL;

  if (cold_libvirt_prove_gate (proof->conn, proof->nonce, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* The first domain since libvirtd's start makes it ask every QEMU what it can do: seconds that reading must not wait. */
static void
run_prove_gate (Core *core, GTask *task)
{
  Proof *proof = g_task_get_task_data (task);

  virConnectRef (core->conn);
  proof->conn = core->conn;
  g_task_run_in_thread (task, prove_gate_thread);
}

void
cold_connection_prove_gate_async (ColdConnection *self, const char *nonce, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Proof *proof = g_new0 (Proof, 1);

  proof->nonce = g_strdup (nonce);
  g_task_set_task_data (task, proof, (GDestroyNotify) proof_free);
  push (self->core, run_prove_gate, task);
}

gboolean
cold_connection_prove_gate_finish (ColdConnection *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

JsonObject *
cold_connection_describe (ColdConnection *self)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "uri", self->core->uri);
  json_object_set_boolean_member (object, "connected", self->connected);
  cold_libvirt_about_describe (&self->core->about, object);
  return object;
}
