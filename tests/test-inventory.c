/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inventory on libvirt's test driver, whose state is one for all connections of this process: what the test changes
 * through its own connection, the inventory's hears of.
 */
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <string.h>

#include "async-result.h"
#include "cold-error.h"
#include "cold-inventory.h"
#include "loop-fixture.h"

#define URI "test:///default"
#define DOMAIN_XML(name) \
  "<domain type='test'><name>" name "</name><memory>8192</memory><os><type>hvm</type></os></domain>"
#define POOL_XML "<pool type='dir'><name>p</name><target><path>/test-pool</path></target></pool>"
#define LOGICAL_POOL_XML \
  "<pool type='logical'><name>vg</name><source><name>vg</name></source><target><path>/dev/vg</path></target></pool>"
#define VOLUME_XML(name, bytes) \
  "<volume><name>" name "</name><capacity>" bytes "</capacity><target><format type='qcow2'/></target></volume>"

typedef struct
{
  virConnectPtr conn;
  char *folder;
  char *store_path;
  ColdStore *store;
  ColdInventory *inventory;
  guint synced;
  guint volumes_changed;
  guint stopped;
  guint unclean; /* of them not by a clean shutdown */
} Fixture;

static void
on_volume_changed (ColdInventory *inventory, ColdVolume *volume, Fixture *f)
{
  f->volumes_changed++;
}

static void
on_domain_stopped (ColdInventory *inventory, ColdDomain *domain, Fixture *f)
{
  f->stopped++;
  f->unclean += !g_str_equal (domain->last_stop, "shutdown");
}

static void
count (ColdInventory *inventory, Fixture *f)
{
  f->synced++;
}

static void
begin_with (Fixture *f, const char *const *uris, guint resync_seconds)
{
  g_autoptr (GError) error = NULL;

  f->store = cold_store_open (f->store_path, &error);
  g_assert_no_error (error);
  f->synced = f->volumes_changed = f->stopped = f->unclean = 0;
  f->inventory = cold_inventory_new (f->store, uris, resync_seconds);
  g_signal_connect (f->inventory, "synced", G_CALLBACK (count), f);
  g_signal_connect (f->inventory, "volume-changed", G_CALLBACK (on_volume_changed), f);
  g_signal_connect (f->inventory, "domain-stopped", G_CALLBACK (on_domain_stopped), f);
  cold_inventory_start (f->inventory);
}

static void
begin (Fixture *f, const char *uri)
{
  const char *const uris[] = { uri, NULL };

  begin_with (f, uris, 3600);
}

static void
end (Fixture *f)
{
  g_signal_handlers_disconnect_by_data (f->inventory, f);
  /* Reads under way hold it. */
  loop_assert_finalized (g_steal_pointer (&f->inventory));
  cold_store_flush (f->store);
  g_clear_object (&f->store);
}

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("test-inventory-XXXXXX", &error);
  g_assert_no_error (error);
  f->store_path = g_build_filename (f->folder, "store.db", NULL);
  begin (f, URI);
  WAIT_FOR (f->synced > 0);
  /* Only now: libvirt's events must be set up before the first connection is opened. */
  f->conn = virConnectOpen (URI);
  g_assert_nonnull (f->conn);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->folder);

  end (f);
  virConnectClose (f->conn);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->store_path);
  g_free (f->folder);
}

static ColdDomain *
find_domain (Fixture *f, const char *name)
{
  return cold_inventory_lookup_domain (f->inventory, name);
}

static const ColdPool *
find_pool (Fixture *f, const char *name)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cold_inventory_get_pools (f->inventory));
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_str_equal (((ColdPool *) value)->name, name))
      return value;
  return NULL;
}

static virStoragePoolPtr
make_pool (Fixture *f)
{
  virStoragePoolPtr pool = virStoragePoolDefineXML (f->conn, POOL_XML, 0);

  g_assert_nonnull (pool);
  g_assert_cmpint (virStoragePoolBuild (pool, 0), ==, 0);
  g_assert_cmpint (virStoragePoolCreate (pool, 0), ==, 0);
  return pool;
}

static void
remove_pool (virStoragePoolPtr pool)
{
  if (virStoragePoolIsActive (pool) == 1)
    virStoragePoolDestroy (pool);
  virStoragePoolUndefine (pool);
  virStoragePoolFree (pool);
}

static void
make_volume (virStoragePoolPtr pool, const char *xml)
{
  virStorageVolPtr vol = virStorageVolCreateXML (pool, xml, 0);

  g_assert_nonnull (vol);
  virStorageVolFree (vol);
  g_assert_cmpint (virStoragePoolRefresh (pool, 0), ==, 0);
}

static void
drop_volume (virStoragePoolPtr pool, const char *name)
{
  virStorageVolPtr vol = virStorageVolLookupByName (pool, name);

  g_assert_cmpint (virStorageVolDelete (vol, 0), ==, 0);
  virStorageVolFree (vol);
  g_assert_cmpint (virStoragePoolRefresh (pool, 0), ==, 0);
}

static void
test_first_sync (Fixture *f, gconstpointer data)
{
  const ColdPool *pool = find_pool (f, "default-pool");
  const ColdDomain *domain = find_domain (f, "test");

  g_assert_true (cold_inventory_is_connected (f->inventory));
  g_assert_nonnull (pool);
  g_assert_true (pool->active);
  g_assert_nonnull (domain);
  g_assert_true (domain->info->active);
  g_assert_cmpstr (domain->info->state, ==, "running");
  g_assert_true (cold_inventory_lookup_domain (f->inventory, domain->uuid) == domain);
}

static void
test_volume_life (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = make_pool (f);
  const ColdVolume *volume;
  gint64 id, first_seen;

  make_volume (pool, VOLUME_XML ("a \"b\" &lt;c&gt; \xc3\xa4&#10;d", "4096"));
#define NAME "a \"b\" <c> \xc3\xa4\nd"
  WAIT_FOR (cold_inventory_lookup_name (f->inventory, "p", NAME) != NULL);
  volume = cold_inventory_lookup_name (f->inventory, "p", NAME);
  g_assert_cmpuint (volume->capacity, ==, 4096);
  g_assert_cmpstr (volume->format, ==, "qcow2");
  g_assert_cmpstr (volume->path, ==, "/test-pool/" NAME);
  g_assert_true (cold_inventory_lookup_path (f->inventory, volume->path) == volume);
  id = volume->id;
  first_seen = volume->first_seen;

  drop_volume (pool, NAME);
  WAIT_FOR (volume->gone);
  g_assert_null (cold_inventory_lookup_path (f->inventory, volume->path));
  g_assert_true (cold_inventory_lookup_volume (f->inventory, id) == volume);

  make_volume (pool, VOLUME_XML ("a \"b\" &lt;c&gt; \xc3\xa4&#10;d", "8192"));
  WAIT_FOR (!volume->gone);
  g_assert_cmpint (volume->id, ==, id);
  g_assert_cmpint (volume->first_seen, ==, first_seen);
  g_assert_cmpuint (volume->capacity, ==, 8192);
  remove_pool (pool);
}

static void
test_own_folder (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = make_pool (f);

  make_volume (pool, VOLUME_XML (".coldpatch", "4096"));
  make_volume (pool, VOLUME_XML ("seen", "4096"));
  WAIT_FOR (cold_inventory_lookup_name (f->inventory, "p", "seen") != NULL);
  g_assert_null (cold_inventory_lookup_name (f->inventory, "p", ".coldpatch"));
  remove_pool (pool);
}

static void
test_pool_life (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr handle = make_pool (f);
  const ColdVolume *volume;
  const ColdPool *pool;

  make_volume (handle, VOLUME_XML ("v", "4096"));
  WAIT_FOR (cold_inventory_lookup_name (f->inventory, "p", "v") != NULL);
  volume = cold_inventory_lookup_name (f->inventory, "p", "v");
  pool = find_pool (f, "p");

  g_assert_cmpint (virStoragePoolDestroy (handle), ==, 0);
  WAIT_FOR (!pool->active);
  loop_run_for (100);
  /* An inactive pool only hides its volumes. */
  g_assert_false (volume->gone);
  g_assert_false (pool->gone);

  g_assert_cmpint (virStoragePoolUndefine (handle), ==, 0);
  WAIT_FOR (pool->gone);
  WAIT_FOR (volume->gone);
  virStoragePoolFree (handle);
}

/* Until all that libvirt told has been read: an event, the read that it asks for, and another one that was asked for meanwhile. */
static void
settle (Fixture *f)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;

      cold_inventory_resync_async (f->inventory, NULL, NULL, keep_result, &result);
      WAIT_FOR (result != NULL);
      g_assert_true (cold_inventory_resync_finish (f->inventory, result, NULL));
    }
}

static void
test_nothing_new (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = make_pool (f);
  guint before;

  make_volume (pool, VOLUME_XML ("v", "4096"));
  WAIT_FOR (cold_inventory_lookup_name (f->inventory, "p", "v") != NULL);
  settle (f);
  before = f->volumes_changed;
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (virStoragePoolRefresh (pool, 0), ==, 0);
  settle (f);
  loop_run_for (300);
  g_assert_cmpuint (f->volumes_changed, ==, before);
  remove_pool (pool);
}

/*
 * Stops and starts follow each other faster than domains can be read: a read that saw the state before must neither
 * bring a stopped domain back nor make its clean end an unknown one.
 */
static void
test_clean_shutdowns (Fixture *f, gconstpointer data)
{
  const guint rounds = 200;
  virDomainPtr handle = virDomainDefineXML (f->conn, DOMAIN_XML ("often"));
  const ColdDomain *domain;

  g_assert_nonnull (handle);
  WAIT_FOR (find_domain (f, "often") != NULL);
  domain = find_domain (f, "often");
  for (guint i = 0; i < rounds; i++)
    {
      g_assert_cmpint (virDomainCreate (handle), ==, 0);
      if (i % 3 == 0)
        g_main_context_iteration (NULL, FALSE);
      g_assert_cmpint (virDomainShutdown (handle), ==, 0);
      if (i % 2 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  WAIT_FOR (f->stopped >= rounds);
  loop_run_for (200);
  g_assert_cmpuint (f->stopped, ==, rounds);
  g_assert_cmpuint (f->unclean, ==, 0);
  g_assert_cmpstr (domain->last_stop, ==, "shutdown");
  g_assert_cmpint (domain->last_stop_time, >, 0);
  g_assert_false (domain->info->active);
  virDomainUndefine (handle);
  WAIT_FOR (domain->gone);
  virDomainFree (handle);
}

static void
test_destroyed (Fixture *f, gconstpointer data)
{
  virDomainPtr handle = virDomainDefineXML (f->conn, DOMAIN_XML ("once"));

  g_assert_cmpint (virDomainCreate (handle), ==, 0);
  WAIT_FOR (find_domain (f, "once") != NULL && find_domain (f, "once")->info->active);
  g_assert_cmpint (virDomainDestroy (handle), ==, 0);
  WAIT_FOR (!find_domain (f, "once")->info->active);
  g_assert_cmpstr (find_domain (f, "once")->last_stop, ==, "destroyed");
  virDomainUndefine (handle);
  virDomainFree (handle);
}

static void
test_restart (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = make_pool (f);
  virDomainPtr handle = virDomainDefineXML (f->conn, DOMAIN_XML ("across"));
  gint64 id;

  g_assert_cmpint (virDomainCreate (handle), ==, 0);
  make_volume (pool, VOLUME_XML ("v", "4096"));
  WAIT_FOR (cold_inventory_lookup_name (f->inventory, "p", "v") != NULL);
  WAIT_FOR (find_domain (f, "across") != NULL && find_domain (f, "across")->info->active);
  id = cold_inventory_lookup_name (f->inventory, "p", "v")->id;
  end (f);

  g_assert_cmpint (virDomainShutdown (handle), ==, 0);
  begin (f, URI);
  g_assert_nonnull (cold_inventory_lookup_volume (f->inventory, id));
  WAIT_FOR (f->synced > 0);
  g_assert_cmpint (cold_inventory_lookup_name (f->inventory, "p", "v")->id, ==, id);
  g_assert_cmpuint (f->volumes_changed, ==, 0);
  g_assert_false (find_domain (f, "across")->info->active);
  virDomainUndefine (handle);
  virDomainFree (handle);
  remove_pool (pool);
}

/* What happens while the agent does not run is as libvirt says. */
static void
test_stops_unseen (Fixture *f, gconstpointer data)
{
  g_autofree char *image = g_build_filename (f->folder, "saved", NULL);
  virDomainPtr before = virDomainDefineXML (f->conn, DOMAIN_XML ("before"));
  virDomainPtr saved = virDomainDefineXML (f->conn, DOMAIN_XML ("saved"));
  virDomainPtr clean = virDomainDefineXML (f->conn, DOMAIN_XML ("clean"));
  virDomainPtr transient = virDomainCreateXML (f->conn, DOMAIN_XML ("transient"), 0);

  g_assert_cmpint (virDomainCreate (saved), ==, 0);
  g_assert_cmpint (virDomainShutdown (saved), ==, 0);
  g_assert_cmpint (virDomainCreate (clean), ==, 0);
  WAIT_FOR (find_domain (f, "saved") != NULL && g_str_equal (find_domain (f, "saved")->last_stop, "shutdown"));
  WAIT_FOR (find_domain (f, "clean") != NULL && find_domain (f, "clean")->info->active);
  WAIT_FOR (find_domain (f, "transient") != NULL && find_domain (f, "transient")->info->active);
  end (f);

  g_assert_cmpint (virDomainCreate (before), ==, 0);
  g_assert_cmpint (virDomainSave (before, image), ==, 0);
  g_assert_cmpint (virDomainCreate (saved), ==, 0);
  g_assert_cmpint (virDomainSave (saved, image), ==, 0);
  g_assert_cmpint (virDomainShutdown (clean), ==, 0);
  g_assert_cmpint (virDomainDestroy (transient), ==, 0);
  begin (f, URI);
  WAIT_FOR (f->synced > 0);
  g_assert_cmpstr (find_domain (f, "before")->last_stop, ==, "saved");
  g_assert_cmpstr (find_domain (f, "saved")->last_stop, ==, "saved");
  g_assert_cmpstr (find_domain (f, "clean")->last_stop, ==, "shutdown");
  g_assert_null (find_domain (f, "transient"));
  virDomainUndefine (before);
  virDomainUndefine (saved);
  virDomainUndefine (clean);
  virDomainFree (before);
  virDomainFree (saved);
  virDomainFree (clean);
  virDomainFree (transient);
}

static void
test_resync (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) all = NULL, one = NULL, none = NULL, domains = NULL;
  g_autoptr (GError) error = NULL;

  cold_inventory_resync_async (f->inventory, NULL, NULL, keep_result, &all);
  WAIT_FOR (all != NULL);
  g_assert_true (cold_inventory_resync_finish (f->inventory, all, &error));
  cold_inventory_resync_async (f->inventory, find_pool (f, "default-pool")->uuid, NULL, keep_result, &one);
  WAIT_FOR (one != NULL);
  g_assert_true (cold_inventory_resync_finish (f->inventory, one, &error));
  cold_inventory_reread_async (f->inventory, LOOP_WAIT_MS, NULL, keep_result, &domains);
  WAIT_FOR (domains != NULL);
  g_assert_true (cold_inventory_reread_finish (f->inventory, domains, &error));
  g_assert_no_error (error);
  cold_inventory_resync_async (f->inventory, "no-such-pool", NULL, keep_result, &none);
  WAIT_FOR (none != NULL);
  g_assert_false (cold_inventory_resync_finish (f->inventory, none, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_FOUND);
}

static void
test_not_connected (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) all = NULL, domains = NULL;
  g_autoptr (GError) error = NULL, late = NULL;

  end (f);
  begin (f, "test:///nonexistent/file.xml");
  loop_run_for (100);
  g_assert_false (cold_inventory_is_connected (f->inventory));
  cold_inventory_resync_async (f->inventory, NULL, NULL, keep_result, &all);
  WAIT_FOR (all != NULL);
  g_assert_false (cold_inventory_resync_finish (f->inventory, all, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_NOT_CONNECTED);
  cold_inventory_reread_async (f->inventory, LOOP_WAIT_MS, NULL, keep_result, &domains);
  WAIT_FOR (domains != NULL);
  g_assert_false (cold_inventory_reread_finish (f->inventory, domains, &late));
  g_assert_error (late, COLD_ERROR, COLD_ERROR_NOT_CONNECTED);
}

static void
on_refreshed (virConnectPtr conn, virStoragePoolPtr pool, void *user_data)
{
  ++*(guint *) user_data;
}

/* What only a refresh can see into is refreshed by itself, whatever its type. */
static void
test_periodic_resync (Fixture *f, gconstpointer data)
{
  virStoragePoolPtr pool = virStoragePoolDefineXML (f->conn, LOGICAL_POOL_XML, 0);
  const char *const uris[] = { URI, NULL };
  guint refreshed = 0, before;
  int id;

  g_assert_nonnull (pool);
  g_assert_cmpint (virStoragePoolCreate (pool, 0), ==, 0);
  id = virConnectStoragePoolEventRegisterAny (f->conn, pool, VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                                              VIR_STORAGE_POOL_EVENT_CALLBACK (on_refreshed), &refreshed, NULL);
  g_assert_cmpint (id, >=, 0);
  end (f);
  begin_with (f, uris, 1);
  WAIT_FOR (f->synced > 0);
  /* What the first look has refreshed is told a little later. */
  loop_run_for (300);
  before = refreshed;
  WAIT_FOR (refreshed > before);
  virConnectStoragePoolEventDeregisterAny (f->conn, id);
  remove_pool (pool);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* The test driver's folders do not exist: the watch on them warns. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)
  ADD ("/inventory/first-sync", test_first_sync);
  ADD ("/inventory/volume/comes-goes-and-comes-back", test_volume_life);
  ADD ("/inventory/volume/own-folder-is-none", test_own_folder);
  ADD ("/inventory/volume/nothing-new-is-not-told", test_nothing_new);
  ADD ("/inventory/pool/inactive-keeps-its-volumes", test_pool_life);
  ADD ("/inventory/domain/clean-shutdowns-stay-clean", test_clean_shutdowns);
  ADD ("/inventory/domain/destroyed", test_destroyed);
  ADD ("/inventory/restart-loses-nothing", test_restart);
  ADD ("/inventory/domain/stops-that-nobody-saw", test_stops_unseen);
  ADD ("/inventory/resync", test_resync);
  ADD ("/inventory/resync-by-itself", test_periodic_resync);
  ADD ("/inventory/not-connected", test_not_connected);
  return g_test_run ();
}
