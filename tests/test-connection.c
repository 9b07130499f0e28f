/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against libvirt's test driver, whose state is one for all connections of this process. */
#include <libvirt/libvirt.h>

#include "async-result.h"
#include "cold-connection.h"
#include "cold-error.h"
#include "loop-fixture.h"

#define URI "test:///default"

typedef struct
{
  ColdConnection *connection;
  virConnectPtr conn;
  guint connected;
  guint disconnected;
  GString *events;     /* "name event detail;" */
  guint64 generation;  /* when the last event was heard */
} Fixture;

static void
on_connected (ColdConnection *connection, Fixture *f)
{
  g_assert_true (cold_connection_is_connected (connection));
  f->connected++;
}

static void
on_disconnected (ColdConnection *connection, const char *why, Fixture *f)
{
  g_assert_nonnull (why);
  f->disconnected++;
}

static void
on_domain_event (ColdConnection *connection, const char *uuid, const char *name, const char *event, const char *detail,
                 Fixture *f)
{
  g_assert_true (g_uuid_string_is_valid (uuid));
  f->generation = cold_connection_get_generation (connection);
  g_string_append_printf (f->events, "%s %s %s;", name, event, detail);
}

static void
on_pool_event (ColdConnection *connection, const char *uuid, const char *event, Fixture *f)
{
  g_assert_true (g_uuid_string_is_valid (uuid));
  g_string_append_printf (f->events, "pool %s;", event);
}

static void
setup (Fixture *f, gconstpointer uri)
{
  f->events = g_string_new (NULL);
  f->connection = cold_connection_new (uri);
  g_assert_cmpstr (cold_connection_get_uri (f->connection), ==, uri);
  g_signal_connect (f->connection, "connected", G_CALLBACK (on_connected), f);
  g_signal_connect (f->connection, "disconnected", G_CALLBACK (on_disconnected), f);
  g_signal_connect (f->connection, "domain-event", G_CALLBACK (on_domain_event), f);
  g_signal_connect (f->connection, "pool-event", G_CALLBACK (on_pool_event), f);
  cold_connection_start (f->connection);
  /* Never before the main loop runs, however fast libvirt is. */
  g_assert_false (cold_connection_is_connected (f->connection));
  WAIT_FOR (f->connected + f->disconnected > 0);
  f->conn = virConnectOpen (URI);
  g_assert_nonnull (f->conn);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (f->connection, f);
  g_object_unref (f->connection);
  virConnectClose (f->conn);
  g_string_free (f->events, TRUE);
}

static void
test_domain_events (Fixture *f, gconstpointer data)
{
  guint64 before = cold_connection_get_generation (f->connection);
  virDomainPtr domain = virDomainDefineXML (f->conn, "<domain type='test'><name>e</name><memory>8192</memory>"
                                                     "<os><type>hvm</type></os></domain>");

  g_assert_nonnull (domain);
  g_assert_cmpint (virDomainCreate (domain), ==, 0);
  g_assert_cmpint (virDomainSuspend (domain), ==, 0);
  g_assert_cmpint (virDomainResume (domain), ==, 0);
  g_assert_cmpint (virDomainShutdown (domain), ==, 0);
  g_assert_cmpint (virDomainCreate (domain), ==, 0);
  g_assert_cmpint (virDomainDestroy (domain), ==, 0);
  g_assert_cmpint (virDomainUndefine (domain), ==, 0);
  virDomainFree (domain);
  WAIT_FOR (g_strrstr (f->events->str, "undefined") != NULL);
  g_assert_cmpstr (f->events->str, ==,
                   "e defined ;e started ;e suspended ;e resumed ;e stopped shutdown;e started ;e stopped destroyed;"
                   "e undefined ;");
  /* Raised before it was told. */
  g_assert_cmpuint (f->generation, ==, before + 8);
}

static ColdSnapshot *
finish (Fixture *f, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  ColdSnapshot *snapshot = cold_connection_read_finish (f->connection, result, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (snapshot->uri, ==, URI);
  return snapshot;
}

static void
read_refreshed (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  ColdSnapshot *snapshot;

  cold_connection_read_async (f->connection, NULL, COLD_REFRESH_ALL, FALSE, NULL, NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  snapshot = finish (f, result);
  cold_snapshot_unref (snapshot);
}

static void
test_pool_events (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (f->conn, "default-pool");
  guint64 before = cold_connection_get_generation (f->connection);

  /* Our own refreshes are not told: what they show is read with them. */
  read_refreshed (f);
  read_refreshed (f);
  g_assert_cmpint (virStoragePoolRefresh (pool, 0), ==, 0);
  WAIT_FOR (g_str_equal (f->events->str, "pool refreshed;"));
  /* Nobody's refresh makes an exchange start over. */
  g_assert_cmpuint (cold_connection_get_generation (f->connection), ==, before);
  g_assert_cmpint (virStoragePoolDestroy (pool), ==, 0);
  g_assert_cmpint (virStoragePoolCreate (pool, 0), ==, 0);
  WAIT_FOR (g_str_equal (f->events->str, "pool refreshed;pool stopped;pool started;"));
  g_assert_cmpuint (cold_connection_get_generation (f->connection), ==, before + 2);
  virStoragePoolFree (pool);
}

static void
test_read (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) all = NULL, no_domain = NULL, no_pool = NULL;
  g_autoptr (ColdSnapshot) snapshot = NULL, without_domain = NULL, without_pool = NULL;
  const ColdPoolInfo *pool;
  const ColdDomainInfo *domain;

  cold_connection_read_async (f->connection, NULL, COLD_REFRESH_ALL, TRUE, NULL, NULL, keep_result, &all);
  cold_connection_read_domains_async (f->connection, "00000000-0000-4000-8000-000000000000", NULL, keep_result, &no_domain);
  cold_connection_read_async (f->connection, "00000000-0000-4000-8000-000000000000", COLD_REFRESH_ALL, FALSE, NULL, NULL,
                              keep_result, &no_pool);
  WAIT_FOR (no_pool != NULL);
  /* In order: the earlier ones have come. */
  snapshot = finish (f, all);
  without_domain = finish (f, no_domain);
  without_pool = finish (f, no_pool);
  g_assert_cmpuint (snapshot->pools->len, ==, 1);
  pool = g_ptr_array_index (snapshot->pools, 0);
  g_assert_cmpstr (pool->name, ==, "default-pool");
  g_assert_cmpstr (pool->type, ==, "dir");
  g_assert_cmpstr (pool->path, ==, "/default-pool");
  g_assert_true (pool->active);
  g_assert_cmpuint (snapshot->domains->len, ==, 1);
  domain = g_ptr_array_index (snapshot->domains, 0);
  g_assert_cmpstr (domain->name, ==, "test");
  g_assert_true (domain->active);
  g_assert_true (domain->persistent);
  /* What does not exist is left out, without an error. */
  g_assert_cmpuint (without_domain->domains->len, ==, 0);
  g_assert_cmpuint (without_pool->pools->len, ==, 0);
}

/* Disks that are named by pool and volume: without a path when there is no such thing, which is no error. */
static void
test_volume_disks (Fixture *f, gconstpointer data)
{
#define VOLUME_DISK(pool, target) \
  "<disk type='volume' device='disk'><source pool='" pool "' volume='v'/><target dev='" target "' bus='virtio'/></disk>"
  virStoragePoolPtr inactive = virStoragePoolDefineXML (
      f->conn, "<pool type='dir'><name>inactive</name><target><path>/inactive</path></target></pool>", 0);
  virDomainPtr domain = virDomainDefineXML (
      f->conn, "<domain type='test'><name>disks</name><memory>8192</memory><os><type>hvm</type></os><devices>"
               VOLUME_DISK ("default-pool", "vda") VOLUME_DISK ("inactive", "vdb") VOLUME_DISK ("none", "vdc")
               "</devices></domain>");
  char uuid[VIR_UUID_STRING_BUFLEN];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (ColdSnapshot) snapshot = NULL;
  const ColdDomainInfo *info;

  g_assert_nonnull (inactive);
  g_assert_nonnull (domain);
  virDomainGetUUIDString (domain, uuid);
  cold_connection_read_domains_async (f->connection, uuid, NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  snapshot = finish (f, result);
  g_assert_cmpuint (snapshot->domains->len, ==, 1);
  info = g_ptr_array_index (snapshot->domains, 0);
  g_assert_cmpuint (info->disks->len, ==, 3);
  for (guint i = 0; i < info->disks->len; i++)
    g_assert_null (((ColdDisk *) g_ptr_array_index (info->disks, i))->path);
  virDomainUndefine (domain);
  virDomainFree (domain);
  virStoragePoolUndefine (inactive);
  virStoragePoolFree (inactive);
}

static void
test_known (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (f->conn, "default-pool");
  virStorageVolPtr vol = virStorageVolCreateXML (pool, "<volume><name>v</name><capacity>4096</capacity></volume>", 0);
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) cold_known_volume_free);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (ColdSnapshot) snapshot = NULL;
  const ColdVolumeInfo *info;

  g_assert_nonnull (vol);
  /* A path that cannot be statted is never taken for unchanged. */
  g_hash_table_insert (known, g_strdup ("/default-pool/v"), g_new0 (ColdKnownVolume, 1));
  cold_connection_read_async (f->connection, NULL, COLD_REFRESH_NONE, FALSE, known, NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  snapshot = finish (f, result);
  g_assert_cmpuint (snapshot->domains->len, ==, 0);
  info = g_ptr_array_index (((ColdPoolInfo *) g_ptr_array_index (snapshot->pools, 0))->volumes, 0);
  g_assert_cmpstr (info->name, ==, "v");
  g_assert_true (info->described);
  g_assert_cmpuint (info->capacity, ==, 4096);
  g_assert_cmpint (virStorageVolDelete (vol, 0), ==, 0);
  virStorageVolFree (vol);
  virStoragePoolFree (pool);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  cold_connection_read_async (f->connection, NULL, COLD_REFRESH_NONE, TRUE, NULL, cancellable, keep_result, &result);
  WAIT_FOR (result != NULL);
  g_assert_null (cold_connection_read_finish (f->connection, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_gate (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  cold_connection_prove_gate_async (f->connection, "nonce", NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  g_assert_false (cold_connection_prove_gate_finish (f->connection, result, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED);
}

static void
test_unreachable (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (f->connected, ==, 0);
  g_assert_false (cold_connection_is_connected (f->connection));
  cold_connection_read_async (f->connection, NULL, COLD_REFRESH_NONE, TRUE, NULL, NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  g_assert_null (cold_connection_read_finish (f->connection, result, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_CONNECTED);
  g_assert_nonnull (g_strrstr (error->message, data));
}

static void
test_versions (Fixture *f, gconstpointer data)
{
  unsigned long libvirt = 0;
  g_autofree char *expected = NULL;
  g_autoptr (JsonObject) about = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  /* Requests are carried out in order, and versions are asked after the connect. */
  cold_connection_read_domains_async (f->connection, NULL, NULL, keep_result, &result);
  WAIT_FOR (result != NULL);
  about = cold_connection_describe (f->connection);
  g_assert_cmpint (virConnectGetLibVersion (f->conn, &libvirt), ==, 0);
  expected = g_strdup_printf ("%lu.%lu.%lu", libvirt / 1000000, libvirt / 1000 % 1000, libvirt % 1000);
  g_assert_cmpstr (json_object_get_string_member (about, "uri"), ==, URI);
  g_assert_true (json_object_get_boolean_member (about, "connected"));
  g_assert_cmpstr (json_object_get_string_member (about, "libvirt"), ==, expected);
  /* Of libvirt's test driver. */
  g_assert_cmpstr (json_object_get_string_member (about, "driver-version"), ==, "0.0.2");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, uri, function) g_test_add (path, Fixture, uri, setup, function, teardown)
  ADD ("/connection/events/domain", URI, test_domain_events);
  ADD ("/connection/events/pool", URI, test_pool_events);
  ADD ("/connection/read/in-order", URI, test_read);
  ADD ("/connection/read/volume-disks-that-are-not-there", URI, test_volume_disks);
  ADD ("/connection/read/unknown-file-is-described", URI, test_known);
  ADD ("/connection/read/cancelled", URI, test_cancelled);
  ADD ("/connection/versions", URI, test_versions);
  ADD ("/connection/gate/driver-without-hooks", URI, test_gate);
  ADD ("/connection/unreachable", "test:///nonexistent/file.xml", test_unreachable);
  return g_test_run ();
}
