/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-libvirt-events.h"

/* Between the end of a refresh and its event. */
#define EVENT_MAX_US (5 * G_USEC_PER_SEC)

/* Shared by the callbacks of one connection. */
struct ColdLibvirtReceiver
{
  ColdLibvirtEventFunc func;
  gpointer user_data;
  GDestroyNotify free_func;
  GMutex lock;
  GHashTable *refreshes; /* (element-type utf8 Refreshes): by UUID of the pool; under the lock */
};

/* Our own, of one pool, whose events are still to come. */
typedef struct
{
  guint count;
  gint64 until; /* monotonic: for the last of them */
} Refreshes;

typedef ColdLibvirtReceiver Receiver;

static void
receiver_clear (gpointer data)
{
  Receiver *receiver = data;

  receiver->free_func (receiver->user_data);
  g_hash_table_unref (receiver->refreshes);
  g_mutex_clear (&receiver->lock);
}

static void
receiver_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, receiver_clear);
}

static const char *
pick (const char *const *words, gsize n, int i)
{
  return i >= 0 && (gsize) i < n && words[i] != NULL ? words[i] : "unknown";
}

static void
send_domain (Receiver *receiver, virDomainPtr domain, const char *event, const char *detail)
{
  char uuid[VIR_UUID_STRING_BUFLEN];
  const ColdLibvirtEvent sent = {
    .changes = TRUE, .uuid = uuid, .name = virDomainGetName (domain), .event = event, .detail = detail,
  };

  if (virDomainGetUUIDString (domain, uuid) == 0)
    receiver->func (&sent, receiver->user_data);
}

static int
on_lifecycle (virConnectPtr conn, virDomainPtr domain, int event, int detail, void *user_data)
{
  static const char *const events[] = {
    [VIR_DOMAIN_EVENT_DEFINED] = "defined",     [VIR_DOMAIN_EVENT_UNDEFINED] = "undefined",
    [VIR_DOMAIN_EVENT_STARTED] = "started",     [VIR_DOMAIN_EVENT_SUSPENDED] = "suspended",
    [VIR_DOMAIN_EVENT_RESUMED] = "resumed",     [VIR_DOMAIN_EVENT_STOPPED] = "stopped",
    [VIR_DOMAIN_EVENT_SHUTDOWN] = "shutdown",   [VIR_DOMAIN_EVENT_PMSUSPENDED] = "pmsuspended",
    [VIR_DOMAIN_EVENT_CRASHED] = "crashed",
  };
  static const char *const stops[] = {
    [VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = "shutdown", [VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = "destroyed",
    [VIR_DOMAIN_EVENT_STOPPED_CRASHED] = "crashed",   [VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = "migrated",
    [VIR_DOMAIN_EVENT_STOPPED_SAVED] = "saved",       [VIR_DOMAIN_EVENT_STOPPED_FAILED] = "failed",
    [VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT] = "from-snapshot",
  };

  send_domain (user_data, domain, pick (events, G_N_ELEMENTS (events), event),
               event == VIR_DOMAIN_EVENT_STOPPED ? pick (stops, G_N_ELEMENTS (stops), detail) : "");
  return 0;
}

static void
on_device (virConnectPtr conn, virDomainPtr domain, const char *alias, void *user_data)
{
  send_domain (user_data, domain, "disks-changed", "");
}

static void
on_medium (virConnectPtr conn, virDomainPtr domain, const char *old_path, const char *new_path, const char *alias, int reason,
           void *user_data)
{
  send_domain (user_data, domain, "disks-changed", "");
}

static void
on_block_job (virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *user_data)
{
  send_domain (user_data, domain, "disks-changed", "");
}

void
cold_libvirt_events_begin_refresh (ColdLibvirtEvents *events, const char *pool)
{
  Receiver *receiver = events->receiver;
  Refreshes *refreshes;

  g_mutex_lock (&receiver->lock);
  refreshes = g_hash_table_lookup (receiver->refreshes, pool);
  if (refreshes == NULL)
    {
      refreshes = g_new0 (Refreshes, 1);
      g_hash_table_insert (receiver->refreshes, g_strdup (pool), refreshes);
    }
  if (g_get_monotonic_time () > refreshes->until)
    refreshes->count = 0;
  refreshes->count++;
  refreshes->until = G_MAXINT64;
  g_mutex_unlock (&receiver->lock);
}

void
cold_libvirt_events_end_refresh (ColdLibvirtEvents *events, const char *pool, gboolean good)
{
  Receiver *receiver = events->receiver;
  Refreshes *refreshes;

  g_mutex_lock (&receiver->lock);
  refreshes = g_hash_table_lookup (receiver->refreshes, pool);
  if (!good && refreshes->count > 0)
    refreshes->count--;
  refreshes->until = g_get_monotonic_time () + EVENT_MAX_US;
  g_mutex_unlock (&receiver->lock);
}

/* Whether it is the event of one of our own. Somebody else's that ended before ours is shown by what ours reads; of two, one is
 * told in any case. */
static gboolean
is_own_refresh (Receiver *receiver, virStoragePoolPtr pool)
{
  char uuid[VIR_UUID_STRING_BUFLEN];
  Refreshes *refreshes;
  gboolean own;

  if (virStoragePoolGetUUIDString (pool, uuid) != 0)
    return FALSE;
  g_mutex_lock (&receiver->lock);
  refreshes = g_hash_table_lookup (receiver->refreshes, uuid);
  own = refreshes != NULL && refreshes->count > 0 && g_get_monotonic_time () <= refreshes->until;
  if (own)
    refreshes->count--;
  g_mutex_unlock (&receiver->lock);
  return own;
}

static void
send_pool (Receiver *receiver, virStoragePoolPtr pool, const char *event, gboolean changes)
{
  char uuid[VIR_UUID_STRING_BUFLEN];
  const ColdLibvirtEvent sent = { .is_pool = TRUE, .changes = changes, .uuid = uuid, .event = event, .detail = "" };

  if (virStoragePoolGetUUIDString (pool, uuid) == 0)
    receiver->func (&sent, receiver->user_data);
}

static void
on_pool_lifecycle (virConnectPtr conn, virStoragePoolPtr pool, int event, int detail, void *user_data)
{
  static const char *const events[] = {
    [VIR_STORAGE_POOL_EVENT_DEFINED] = "defined", [VIR_STORAGE_POOL_EVENT_UNDEFINED] = "undefined",
    [VIR_STORAGE_POOL_EVENT_STARTED] = "started", [VIR_STORAGE_POOL_EVENT_STOPPED] = "stopped",
    [VIR_STORAGE_POOL_EVENT_CREATED] = "created", [VIR_STORAGE_POOL_EVENT_DELETED] = "deleted",
  };

  send_pool (user_data, pool, pick (events, G_N_ELEMENTS (events), event), TRUE);
}

static void
on_pool_refreshed (virConnectPtr conn, virStoragePoolPtr pool, void *user_data)
{
  if (!is_own_refresh (user_data, pool))
    send_pool (user_data, pool, "refreshed", FALSE);
}

void
cold_libvirt_events_register (ColdLibvirtEvents *events, virConnectPtr conn, ColdLibvirtEventFunc func, gpointer user_data,
                              GDestroyNotify free_func)
{
  static const struct
  {
    int id;
    virConnectDomainEventGenericCallback callback;
  } domain_events[COLD_LIBVIRT_DOMAIN_EVENTS] = {
    { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle) },
    { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK (on_device) },
    { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK (on_device) },
    { VIR_DOMAIN_EVENT_ID_DISK_CHANGE, VIR_DOMAIN_EVENT_CALLBACK (on_medium) },
    { VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK (on_block_job) },
  };
  static const struct
  {
    int id;
    virConnectStoragePoolEventGenericCallback callback;
  } pool_events[COLD_LIBVIRT_POOL_EVENTS] = {
    { VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, VIR_STORAGE_POOL_EVENT_CALLBACK (on_pool_lifecycle) },
    { VIR_STORAGE_POOL_EVENT_ID_REFRESH, VIR_STORAGE_POOL_EVENT_CALLBACK (on_pool_refreshed) },
  };
  Receiver *receiver = g_atomic_rc_box_new0 (Receiver);

  receiver->func = func;
  receiver->user_data = user_data;
  receiver->free_func = free_func;
  receiver->refreshes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_mutex_init (&receiver->lock);
  events->receiver = receiver;
  for (guint i = 0; i < COLD_LIBVIRT_DOMAIN_EVENTS; i++)
    {
      events->domain[i] = virConnectDomainEventRegisterAny (conn, NULL, domain_events[i].id, domain_events[i].callback,
                                                            g_atomic_rc_box_acquire (receiver), receiver_unref);
      if (events->domain[i] < 0)
        receiver_unref (receiver);
    }
  for (guint i = 0; i < COLD_LIBVIRT_POOL_EVENTS; i++)
    {
      events->pool[i] = virConnectStoragePoolEventRegisterAny (conn, NULL, pool_events[i].id, pool_events[i].callback,
                                                               g_atomic_rc_box_acquire (receiver), receiver_unref);
      if (events->pool[i] < 0)
        receiver_unref (receiver);
    }
}

void
cold_libvirt_events_deregister (ColdLibvirtEvents *events, virConnectPtr conn)
{
  for (guint i = 0; i < COLD_LIBVIRT_DOMAIN_EVENTS; i++)
    if (events->domain[i] >= 0)
      virConnectDomainEventDeregisterAny (conn, events->domain[i]);
  for (guint i = 0; i < COLD_LIBVIRT_POOL_EVENTS; i++)
    if (events->pool[i] >= 0)
      virConnectStoragePoolEventDeregisterAny (conn, events->pool[i]);
  g_clear_pointer (&events->receiver, receiver_unref);
}
