/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the agent takes to tell and to answer, as a client on the bus sees it.
 *
 *   latency-meter volumes POOL FOLDER COUNT   from when libvirt knows a new volume until the pool's VolumeCount is signalled; of volumes
 *                                       that libvirt makes, and of files that are put into the folder (FOLDER is the pool's)
 *   latency-meter answers                     how long a property's answer takes, asked for all the time until SIGTERM: no handler of the
 *                                       agent's main loop takes longer than the longest
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "org.coldpatch1"
#define WAIT_US (20 * G_USEC_PER_SEC)

typedef struct
{
  GDBusConnection *bus;
  virStoragePoolPtr pool;
  guint count;      /* VolumeCount, as last signalled */
  gint64 signalled; /* monotonic */
  gint64 refreshed; /* the first refresh that libvirt told since this was set to 0 */
} Listener;

static void
check (gboolean good, const char *what, const GError *error)
{
  if (good)
    return;
  fprintf (stderr, "latency-meter: %s: %s\n", what, error != NULL ? error->message : virGetLastErrorMessage ());
  exit (1);
}

static void
on_properties (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
               GVariant *parameters, gpointer user_data)
{
  Listener *self = user_data;
  g_autoptr (GVariant) changed = g_variant_get_child_value (parameters, 1);

  if (g_variant_lookup (changed, "VolumeCount", "u", &self->count))
    self->signalled = g_get_monotonic_time ();
}

static void
on_refreshed (virConnectPtr conn, virStoragePoolPtr pool, void *user_data)
{
  Listener *self = user_data;

  if (self->refreshed == 0)
    self->refreshed = g_get_monotonic_time ();
}

static void
wait_for_count (Listener *self, guint count)
{
  gint64 end = g_get_monotonic_time () + WAIT_US;

  while (self->count != count && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE) ? (void) 0 : g_usleep (200);
  check (self->count == count, "a new volume is not told", NULL);
}

static void
rest (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE) ? (void) 0 : g_usleep (500);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return (left > right) - (left < right);
}

static void
report (const char *what, gint64 *times, guint n, const char *budget)
{
  qsort (times, n, sizeof *times, compare);
  printf ("%-44s %8.1f ms median, %.1f ms p99, %.1f ms longest%s\n", what, times[n / 2] / 1000.0, times[(n - 1) * 99 / 100] / 1000.0,
          times[n - 1] / 1000.0, budget);
}

/* By libvirt: it knows the volume when its call returns, if not before. */
static gint64
make_volume (Listener *self, guint i)
{
  g_autofree char *xml = g_strdup_printf ("<volume><name>made-%u.raw</name><capacity>1048576</capacity><allocation>0</allocation>"
                                          "</volume>", i);
  guint count = self->count + 1;
  gint64 known;
  virStorageVolPtr volume = virStorageVolCreateXML (self->pool, xml, 0);

  known = g_get_monotonic_time ();
  check (volume != NULL, "libvirt makes no volume", NULL);
  virStorageVolFree (volume);
  wait_for_count (self, count);
  return MAX (self->signalled - known, 0);
}

/* Behind libvirt's back: it knows the file after a refresh. */
static gint64
put_file (Listener *self, const char *folder, guint i, gint64 *total)
{
  g_autofree char *path = g_strdup_printf ("%s/put-%u.raw", folder, i);
  guint count = self->count + 1;
  gint64 begun = g_get_monotonic_time ();
  FILE *file;

  self->refreshed = 0;
  file = fopen (path, "we");
  check (file != NULL && fputs ("not much", file) >= 0 && fclose (file) == 0, path, NULL);
  wait_for_count (self, count);
  *total = self->signalled - begun;
  return self->refreshed == 0 ? 0 : MAX (self->signalled - self->refreshed, 0);
}

static char *
pool_path (virStoragePoolPtr pool)
{
  char uuid[VIR_UUID_STRING_BUFLEN];

  check (virStoragePoolGetUUIDString (pool, uuid) == 0, "pool", NULL);
  return g_strconcat ("/org/coldpatch1/pool/", g_strdelimit (uuid, "-", '_'), NULL);
}

static void
measure_volumes (const char *name, const char *folder, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autofree gint64 *made = g_new0 (gint64, n), *put = g_new0 (gint64, n), *total = g_new0 (gint64, n);
  g_autofree char *path = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) value = NULL;
  Listener self = { 0 };
  virConnectPtr conn;

  virEventRegisterDefaultImpl ();
  conn = virConnectOpen ("qemu:///system");
  check (conn != NULL, "libvirt", NULL);
  self.pool = virStoragePoolLookupByName (conn, name);
  check (self.pool != NULL, name, NULL);
  check (virConnectStoragePoolEventRegisterAny (conn, self.pool, VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                                                VIR_STORAGE_POOL_EVENT_CALLBACK (on_refreshed), &self, NULL) >= 0, "events", NULL);
  path = pool_path (self.pool);
  self.bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  check (self.bus != NULL, "bus", error);
  g_dbus_connection_signal_subscribe (self.bus, NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
                                      NAME ".Pool", G_DBUS_SIGNAL_FLAGS_NONE, on_properties, &self, NULL);
  answer = g_dbus_connection_call_sync (self.bus, NAME, path, "org.freedesktop.DBus.Properties", "Get",
                                        g_variant_new ("(ss)", NAME ".Pool", "VolumeCount"), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                                        &error);
  check (answer != NULL, path, error);
  g_variant_get (answer, "(v)", &value);
  self.count = g_variant_get_uint32 (value);
  for (guint i = 0; i < n; i++)
    {
      made[i] = make_volume (&self, i);
      rest (500);
      put[i] = put_file (&self, folder, i, &total[i]);
      rest (500);
    }
  report ("volume made by libvirt -> signal", made, n, " (budget: p99 50 ms)");
  report ("file put into the folder, refreshed -> signal", put, n, " (budget: p99 50 ms)");
  report ("file put into the folder -> signal", total, n, "");
  virStoragePoolFree (self.pool);
  virConnectClose (conn);
  g_object_unref (self.bus);
}

static gboolean
on_term (gpointer stop)
{
  *(gboolean *) stop = TRUE;
  return G_SOURCE_REMOVE;
}

static void
measure_answers (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean stop = FALSE;

  check (bus != NULL, "bus", error);
  g_unix_signal_add (SIGTERM, on_term, &stop);
  while (!stop)
    {
      gint64 begun = g_get_monotonic_time (), took;
      /* Not a ping, which GDBus answers on a thread of its own. */
      g_autoptr (GVariant) answer = g_dbus_connection_call_sync (bus, NAME, "/org/coldpatch1", "org.freedesktop.DBus.Properties", "Get",
                                                                 g_variant_new ("(ss)", NAME ".Manager", "Version"), NULL,
                                                                 G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL);

      took = g_get_monotonic_time () - begun;
      if (answer != NULL)
        g_array_append_val (times, took);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (1000);
    }
  check (times->len > 0, "no answer", NULL);
  report ("the main loop's answers", (gint64 *) (gpointer) times->data, times->len, " (budget: longest 50 ms)");
}

int
main (int argc, char *argv[])
{
  if (argc == 5 && g_str_equal (argv[1], "volumes") && atoi (argv[4]) > 0)
    measure_volumes (argv[2], argv[3], (guint) atoi (argv[4]));
  else if (argc == 2 && g_str_equal (argv[1], "answers"))
    measure_answers ();
  else
    {
      fprintf (stderr, "usage: latency-meter volumes POOL FOLDER COUNT | latency-meter answers\n");
      return 2;
    }
  return 0;
}
