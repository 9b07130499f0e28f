/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes on the bus: 1 is a.raw, 2 is b.raw. */
#include <string.h>

#include "bus-fixture.h"

#define VOLUME "/volume/1"

static void
replace (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

static void
touch (BusFixture *f)
{
  cold_inventory_volume_touch (f->world.inventory, f->world.volume);
}

static void
give_guest (BusFixture *f)
{
  ColdVolume *volume = f->world.volume;

  volume->facts = cold_facts_new ();
  volume->inspected = MAX (volume->inspected, 1);
  volume->inspected_file = volume->file;
  volume->facts->has_guest = TRUE;
  replace (&volume->facts->os, "debian");
  replace (&volume->facts->os_version, "12");
  replace (&volume->facts->hostname, "web1");
  replace (&volume->facts->manifest, "cafe");
  volume->facts->package_count = 2;
  touch (f);
  bus_fixture_settle (f);
}

static void
test_properties (BusFixture *f, gconstpointer data)
{
  ColdVolume *volume = f->world.volume;
  const char *const expected[][2] = {
    { "Name", "'a.raw'" },
    { "Path", "'/pool/a.raw'" },
    { "Pool", "'/org/coldpatch1/pool/11111111_1111_4111_8111_111111111111'" },
    { "Format", "'raw'" },
    { "Capacity", "1001" },
    { "Allocation", "1002" },
    { "Domains", "[]" },
    { "Os", "'debian'" },
    { "OsVersion", "'12'" },
    { "Hostname", "'web1'" },
    { "PackageCount", "2" },
    { "PendingCount", "3" },
    { "PendingSecurity", "1" },
    { "PendingBytes", "1003" },
    { "Inspected", "1004" },
    { "Upgraded", "1005" },
    { "LastOutcome", "'upgraded'" },
    { "Policy", "'inherit'" },
    { "RollbackUntil", "1006" },
    { "RollbackBytes", "1007" },
    { "AwaitsBoot", "true" },
    { "FirstSeen", "1008" },
    { "LastSeen", "1009" },
  };

  volume->capacity = 1001;
  volume->allocation = 1002;
  volume->pending_count = 3;
  volume->pending_security = 1;
  volume->pending_bytes = 1003;
  volume->inspected = 1004;
  volume->inspected_file = volume->file;
  volume->upgraded = 1005;
  replace (&volume->last_outcome, "upgraded");
  volume->rollback_until = 1006;
  volume->rollback_bytes = 1007;
  volume->awaits_boot = TRUE;
  volume->first_seen = 1008;
  volume->last_seen = 1009;
  give_guest (f);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    bus_assert_property (f, VOLUME, "Volume", expected[i][0], expected[i][1]);
}

/* What a call changed is seen by the next one, without waiting for the signal. */
static void
test_property_is_fresh (BusFixture *f, gconstpointer data)
{
  bus_assert_answer (f, VOLUME, "Volume.SetPolicy", g_variant_new ("(s)", "off"), "()");
  bus_assert_property (f, VOLUME, "Volume", "Policy", "'off'");
}

static void
test_invalid_text (BusFixture *f, gconstpointer data)
{
  ColdVolume *volume = f->world.volume;

  give_guest (f);
  replace (&volume->facts->hostname, "bad\xff\xfename\001");
  replace (&volume->name, "b\xe4r.raw");
  touch (f);
  bus_assert_property (f, VOLUME, "Volume", "Hostname", "'bad\xef\xbf\xbd\xef\xbf\xbdname?'");
  bus_assert_property (f, VOLUME, "Volume", "Name", "'b\xef\xbf\xbdr.raw'");
  g_variant_unref (
      bus_call (f, "", "Manager.ListVolumes", g_variant_new ("(@a{sv}uu)", BUS_NO_OPTIONS, 0, 0)));
  g_variant_unref (bus_call (f, "", "Manager.GetReport", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS)));
}

static void
test_unknown (BusFixture *f, gconstpointer data)
{
  const char *const paths[] = { "/volume/99", "/volume/01", "/volume/x", "/volume/1/2", "/volume" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (bus_call_from (f->client, f, paths[i], "Volume.GetBlockers", NULL, &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
    }
}

static void
test_introspection (BusFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) one = bus_call (f, VOLUME, "org.freedesktop.DBus.Introspectable.Introspect", NULL);
  g_autoptr (GVariant) all = bus_call (f, "/volume", "org.freedesktop.DBus.Introspectable.Introspect", NULL);
  const char *text;

  g_variant_get (one, "(&s)", &text);
  g_assert_nonnull (strstr (text, "org.coldpatch1.Volume"));
  g_variant_get (all, "(&s)", &text);
  g_assert_nonnull (strstr (text, "<node name=\"1\"/>"));
  g_assert_nonnull (strstr (text, "<node name=\"2\"/>"));
}

static void
test_errors (BusFixture *f, gconstpointer data)
{
  const struct
  {
    const char *method;
    GVariant *parameters;
    const char *error;
  } cases[] = {
    { "Upgrade", g_variant_new ("(@a{sv})", bus_option ("force", g_variant_new_boolean (TRUE))),
      "InvalidArgument" },
    { "Upgrade", g_variant_new ("(@a{sv})", bus_option ("dry-run", g_variant_new_string ("yes"))),
      "InvalidArgument" },
    { "Upgrade", g_variant_new ("(@a{sv})", bus_option ("exclude", g_variant_new_string ("bash"))),
      "InvalidArgument" },
    { "Rollback", g_variant_new ("(@a{sv})", bus_option ("force", g_variant_new_boolean (TRUE))),
      "InvalidArgument" },
    { "Rollback", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS), "NotFound" },
    { "DropRollback", NULL, "NotFound" },
    { "GetPlan", NULL, "NotFound" },
    { "GetPackages", NULL, "NotFound" },
    { "GetSbom", g_variant_new ("(s)", "cyclonedx"), "NotFound" },
    { "GetSbom", g_variant_new ("(s)", "swid"), "InvalidArgument" },
    { "SetPolicy", g_variant_new ("(s)", "never"), "InvalidArgument" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *method = g_strconcat ("Volume.", cases[i].method, NULL);

      g_free (bus_assert_error (f, VOLUME, method, cases[i].parameters, cases[i].error));
    }
  g_assert_cmpstr (f->world.volume->policy, ==, "inherit");
}

static void
test_upgrade_blocked (BusFixture *f, gconstpointer data)
{
  g_autofree char *message = NULL;
  g_autoptr (GVariant) blockers = NULL;
  g_autofree char *text = NULL;
  const char *code;

  give_guest (f);
  message
      = bus_assert_error (f, VOLUME, "Volume.Upgrade", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS), "Blocked");
  g_assert_cmpuint (f->world.volume->blockers->len, >, 0);
  code = ((ColdBlocker *) g_ptr_array_index (f->world.volume->blockers, 0))->code;
  g_assert_true (g_str_has_prefix (message, code));

  blockers = bus_call (f, VOLUME, "Volume.GetBlockers", NULL);
  text = g_variant_print (blockers, FALSE);
  g_assert_nonnull (strstr (text, code));
  g_assert_nonnull (strstr (text, "RefreshCatalogue"));
}

static void
test_gone (BusFixture *f, gconstpointer data)
{
  f->world.volume->gone = TRUE;
  touch (f);
  g_free (bus_assert_error (f, VOLUME, "Volume.Inspect", NULL, "NotFound"));
  g_free (
      bus_assert_error (f, VOLUME, "Volume.Upgrade", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS), "NotFound"));
  bus_assert_property (f, VOLUME, "Volume", "State", "'gone'");
  bus_assert_property (f, "", "Manager", "VolumeCount", "1");
  bus_assert_answer (f, VOLUME, "Volume.GetHistory", NULL, "('[]',)");
}

static void
test_busy (BusFixture *f, gconstpointer data)
{
  f->world.volume->job = 4711;
  g_free (bus_assert_error (f, VOLUME, "Volume.Inspect", NULL, "Busy"));
  f->world.volume->job = 0;
}

static void
test_signals_real_changes (BusFixture *f, gconstpointer data)
{
  touch (f);
  f->world.volume->last_seen = 4711;
  touch (f);
  bus_fixture_settle (f);
  bus_fixture_forget (f);
  touch (f);
  bus_fixture_settle (f);
  g_assert_cmpuint (f->signals->len, ==, 0);

  f->world.volume->capacity = 4096;
  f->world.volume->awaits_boot = TRUE;
  touch (f);
  touch (f);
  bus_fixture_settle (f);
  bus_assert_changed (f, VOLUME, "{'Capacity': <uint64 4096>, 'AwaitsBoot': <true>}");
  g_assert_cmpuint (f->signals->len, ==, 1);
}

static gboolean
is_managed (BusFixture *f, const char *path)
{
  g_autoptr (GVariant) answer
      = bus_call (f, "", "org.freedesktop.DBus.ObjectManager.GetManagedObjects", NULL);
  g_autoptr (GVariant) objects = g_variant_get_child_value (answer, 0);
  g_autofree char *full = g_strconcat ("/org/coldpatch1", path, NULL);
  g_autoptr (GVariant) object = g_variant_lookup_value (objects, full, NULL);

  return object != NULL;
}

static void
test_managed_with_guest (BusFixture *f, gconstpointer data)
{
  g_assert_false (is_managed (f, VOLUME));
  give_guest (f);
  g_assert_true (is_managed (f, VOLUME));
  g_assert_false (is_managed (f, "/volume/2"));
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesAdded"), ==, 1);
  f->world.volume->gone = TRUE;
  touch (f);
  bus_fixture_settle (f);
  g_assert_false (is_managed (f, VOLUME));
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
}

static void
test_managed_properties (BusFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) answer = NULL;
  g_autofree char *text = NULL;

  f->world.volume->last_seen = 4711;
  give_guest (f);
  /* LastSeen is not signalled, and yet never old. */
  f->world.volume->last_seen = 4712;
  answer = bus_call (f, "", "org.freedesktop.DBus.ObjectManager.GetManagedObjects", NULL);
  text = g_variant_print (answer, FALSE);
  g_assert_nonnull (strstr (text, "'Hostname': <'web1'>"));
  g_assert_nonnull (strstr (text, "'LastSeen': <uint64 4712>"));
  g_assert_nonnull (strstr (text, "/org/coldpatch1/domain/"));
  g_assert_nonnull (strstr (text, "/org/coldpatch1/pool/"));
}

/* An empty volume is not in GetManagedObjects, and yet somebody may wait for it. */
static void
test_comes_back (BusFixture *f, gconstpointer data)
{
  f->world.other->gone = TRUE;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  bus_fixture_forget (f);
  f->world.other->gone = FALSE;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "/volume/2", "PropertiesChanged"), ==, 1);
  bus_assert_changed (f, "", "{'VolumeCount': <uint32 2>}");
}

static void
test_plan (BusFixture *f, gconstpointer data)
{
  give_guest (f);
  g_free (bus_assert_error (f, VOLUME, "Volume.GetPlan", NULL, "NotFound"));
  cold_volume_share_text (
      &f->world.volume->plan, "{\"packages\":[{\"name\":\"bash\",\"installed\":\"5.2-1\",\"candidate\":\"5.2-2\","
                  "\"origin\":\"Debian\","
                  "\"security\":true},{\"name\":\"libnew1\",\"installed\":\"\",\"candidate\":\"1\"}]}");
  bus_assert_answer (f, VOLUME, "Volume.GetPlan", NULL,
                     "([('bash', '5.2-1', '5.2-2', 'Debian', true), ('libnew1', '', '1', '', false)],)");
  cold_volume_share_text (&f->world.volume->plan, "{\"packages\":[]}");
  bus_assert_answer (f, VOLUME, "Volume.GetPlan", NULL, "([],)");
}

static void
test_packages (BusFixture *f, gconstpointer data)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (
      parser, "[[\"zsh\",\"5.9\",\"amd64\",\"zsh\"],[\"bash\",\"5.2\",\"amd64\",\"bash\"]]", -1, NULL));
  give_guest (f);
  cold_store_save_manifest (f->world.store, "cafe", "deb",
                            json_node_get_array (json_parser_get_root (parser)));
  bus_assert_answer (f, VOLUME, "Volume.GetPackages", NULL,
                     "([('bash', '5.2', 'amd64'), ('zsh', '5.9', 'amd64')],)");
}

static void
test_sbom (BusFixture *f, gconstpointer data)
{
  g_autoptr (JsonNode) packages = json_from_string ("[[\"bash\",\"5.2\",\"amd64\",\"bash\"]]", NULL);
  g_autofree char *message = NULL;

  give_guest (f);
  replace (&f->world.volume->facts->package_format, "deb");
  cold_store_save_manifest (f->world.store, "cafe", "deb", json_node_get_array (packages));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) answer
          = bus_call (f, VOLUME, "Volume.GetSbom", g_variant_new ("(s)", i == 0 ? "cyclonedx" : "spdx"));
      const char *text;

      g_variant_get (answer, "(&s)", &text);
      g_assert_nonnull (strstr (text, "\"pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12\""));
      g_assert_nonnull (strstr (text, i == 0 ? "\"CycloneDX\"" : "\"SPDX-2.3\""));
    }
  message = bus_assert_error (f, VOLUME, "Volume.GetSbom", g_variant_new ("(s)", "CycloneDX"), "InvalidArgument");
  g_assert_nonnull (strstr (message, "cyclonedx"));
  g_assert_nonnull (strstr (message, "spdx"));
  f->world.volume->facts->has_guest = FALSE;
  g_free (bus_assert_error (f, VOLUME, "Volume.GetSbom", g_variant_new ("(s)", "spdx"), "NotFound"));
}

static void
test_history (BusFixture *f, gconstpointer data)
{
  const ColdJobRecord record = { .number = 5,
                                 .kind = "upgrade",
                                 .volume = 1,
                                 .state = "done",
                                 .started = 1,
                                 .finished = 2,
                                 .outcome = "upgraded",
                                 .error_name = "",
                                 .error_message = "",
                                 .report = "{\"packages\":[]}" };
  g_autoptr (GVariant) answer = NULL;
  const char *text;

  cold_store_save_job (f->world.store, &record);
  answer = bus_call (f, VOLUME, "Volume.GetHistory", NULL);
  g_variant_get (answer, "(&s)", &text);
  g_assert_nonnull (strstr (text, "\"outcome\":\"upgraded\""));
  bus_assert_answer (f, "/volume/2", "Volume.GetHistory", NULL, "('[]',)");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  BUS_FIXTURE_ADD ("/bus/volume/properties", test_properties);
  BUS_FIXTURE_ADD ("/bus/volume/property-is-fresh", test_property_is_fresh);
  BUS_FIXTURE_ADD ("/bus/volume/invalid-text", test_invalid_text);
  BUS_FIXTURE_ADD ("/bus/volume/unknown", test_unknown);
  BUS_FIXTURE_ADD ("/bus/volume/introspection", test_introspection);
  BUS_FIXTURE_ADD ("/bus/volume/errors", test_errors);
  BUS_FIXTURE_ADD ("/bus/volume/upgrade/blocked", test_upgrade_blocked);
  BUS_FIXTURE_ADD ("/bus/volume/gone", test_gone);
  BUS_FIXTURE_ADD ("/bus/volume/busy", test_busy);
  BUS_FIXTURE_ADD ("/bus/volume/signals/real-changes-only", test_signals_real_changes);
  BUS_FIXTURE_ADD ("/bus/volume/managed/with-guest-only", test_managed_with_guest);
  BUS_FIXTURE_ADD ("/bus/volume/managed/properties", test_managed_properties);
  BUS_FIXTURE_ADD ("/bus/volume/comes-back", test_comes_back);
  BUS_FIXTURE_ADD ("/bus/volume/plan", test_plan);
  BUS_FIXTURE_ADD ("/bus/volume/packages", test_packages);
  BUS_FIXTURE_ADD ("/bus/volume/history", test_history);
  BUS_FIXTURE_ADD ("/bus/volume/sbom", test_sbom);
  return bus_fixture_run ();
}
