/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manager, pools, domains, jobs and the ObjectManager, as a client sees them; test-bus-volume.c has the volumes. */
#include <string.h>
#include <unistd.h>

#include "bus-fixture.h"
#include "cold-json.h"
#include "cold-names.h"

#define POOL "/pool/11111111_1111_4111_8111_111111111111"
#define WEB "/domain/22222222_2222_4222_8222_222222222222"
#define MAIL "/domain/33333333_3333_4333_8333_333333333333"

static void
test_manager_properties (BusFixture *f, gconstpointer data)
{
  bus_assert_property (f, "", "Manager", "Version", "'" COLD_VERSION "'");
  bus_assert_property (f, "", "Manager", "Connected", "true");
  bus_assert_property (f, "", "Manager", "Policy", "'manual'");
  bus_assert_property (f, "", "Manager", "VolumeCount", "2");
  bus_assert_property (f, "", "Manager", "PendingCount", "0");
  bus_assert_property (f, "", "Manager", "JobCount", "0");
  bus_assert_property (f, "", "Manager", "ApplianceState", "'none'");
}

static void
test_manager_errors (BusFixture *f, gconstpointer data)
{
  const struct
  {
    const char *method;
    GVariant *parameters;
    const char *error;
  } cases[] = {
    { "SetPolicy", g_variant_new ("(s)", "sometimes"), "InvalidArgument" },
    { "SetPolicy", g_variant_new ("(s)", "inherit"), "InvalidArgument" },
    { "Inhibit", g_variant_new ("(su)", "why", 0), "InvalidArgument" },
    { "Inhibit", g_variant_new ("(su)", "why", 86401), "InvalidArgument" },
    { "Uninhibit", g_variant_new ("(u)", 4711), "NotFound" },
    { "LookupVolume", g_variant_new ("(s)", "/pool/nothing.raw"), "NotFound" },
    { "LookupVolume", g_variant_new ("(s)", "a.raw"), "InvalidArgument" },
    { "LookupVolume", g_variant_new ("(s)", ""), "InvalidArgument" },
    { "LookupVolumeByName", g_variant_new ("(ss)", "pool", "nothing.raw"), "NotFound" },
    { "LookupVolumeByName", g_variant_new ("(ss)", "nothing", "a.raw"), "NotFound" },
    { "LookupDomain", g_variant_new ("(s)", "nobody"), "NotFound" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("colour", g_variant_new_string ("red")), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("state", g_variant_new_boolean (TRUE)), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("state", g_variant_new_string ("lost")), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("policy", g_variant_new_string ("lost")), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("blocker", g_variant_new_string ("lost")), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("has-guest", g_variant_new_string ("yes")), 0, 0),
      "InvalidArgument" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("pool", g_variant_new_string ("lost")), 0, 0), "NotFound" },
    { "ListVolumes", g_variant_new ("(@a{sv}uu)", bus_option ("domain", g_variant_new_string ("lost")), 0, 0),
      "NotFound" },
    { "GetReport", g_variant_new ("(@a{sv})", bus_option ("colour", g_variant_new_string ("red"))), "InvalidArgument" },
    { "UpgradeAll", g_variant_new ("(@a{sv})", bus_option ("force", g_variant_new_boolean (TRUE))), "InvalidArgument" },
    { "RefreshCatalogue", NULL, "NotSupported" },
    { "FindPackage", g_variant_new ("(ss)", "bash", ""), "NotSupported" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *method = g_strconcat ("Manager.", cases[i].method, NULL);
      g_autofree char *message = bus_assert_error (f, "", method, cases[i].parameters, cases[i].error);

      g_test_message ("%s: %s", method, message);
    }
}

static void
test_manager_policy (BusFixture *f, gconstpointer data)
{
  bus_assert_answer (f, "", "Manager.SetPolicy", g_variant_new ("(s)", "auto"), "()");
  bus_assert_property (f, "", "Manager", "Policy", "'auto'");
  bus_fixture_settle (f);
  bus_assert_changed (f, "", "{'Policy': <'auto'>}");
  /* Once more is no change. */
  bus_fixture_forget (f);
  bus_assert_answer (f, "", "Manager.SetPolicy", g_variant_new ("(s)", "auto"), "()");
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "PropertiesChanged"), ==, 0);
}

static void
test_manager_lookup (BusFixture *f, gconstpointer data)
{
  g_autofree char *file = g_build_filename (f->folder, "image", NULL);
  g_autofree char *alias = g_build_filename (f->folder, "alias", NULL);

  bus_assert_answer (f, "", "Manager.LookupVolume", g_variant_new ("(s)", "/pool/b.raw"),
                     "('/org/coldpatch1/volume/2',)");
  bus_assert_answer (f, "", "Manager.LookupVolumeByName", g_variant_new ("(ss)", "pool", "a.raw"),
                     "('/org/coldpatch1/volume/1',)");
  bus_assert_answer (f, "", "Manager.LookupVolumeByName", g_variant_new ("(ss)", FIXTURE_POOL, "a.raw"),
                     "('/org/coldpatch1/volume/1',)");
  bus_assert_answer (f, "", "Manager.LookupDomain", g_variant_new ("(s)", "web"), "('/org/coldpatch1" WEB "',)");
  bus_assert_answer (f, "", "Manager.LookupDomain", g_variant_new ("(s)", f->world.other_domain->uuid),
                     "('/org/coldpatch1" MAIL "',)");

  /* By another name of the same file. */
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink (file, alias), ==, 0);
  g_assert_true (cold_file_id_stat (file, &f->world.other->file));
  /* Settled long ago, or the scheduler waits for it. */
  f->world.other->file.mtime_ns = 1;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  bus_assert_answer (f, "", "Manager.LookupVolume", g_variant_new ("(s)", alias), "('/org/coldpatch1/volume/2',)");
}

static void
assert_listed (BusFixture *f, GVariant *filter, guint offset, guint limit, const char *expected)
{
  g_autoptr (GVariant) answer
      = bus_call (f, "", "Manager.ListVolumes", g_variant_new ("(@a{sv}uu)", filter, offset, limit));
  g_autoptr (GVariant) volumes = g_variant_get_child_value (answer, 0);
  g_autoptr (GString) names = g_string_new ("");
  GVariantIter iter;
  const char *path, *name, *state;

  g_variant_iter_init (&iter, volumes);
  while (g_variant_iter_next (&iter, "(&o&s&s)", &path, &name, &state))
    g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", name);
  g_assert_cmpstr (names->str, ==, expected);
}

static void
test_list_pages (BusFixture *f, gconstpointer data)
{
  assert_listed (f, BUS_NO_OPTIONS, 0, 0, "a.raw b.raw");
  assert_listed (f, BUS_NO_OPTIONS, 0, 1, "a.raw");
  assert_listed (f, BUS_NO_OPTIONS, 1, 1, "b.raw");
  assert_listed (f, BUS_NO_OPTIONS, 1, 5, "b.raw");
  assert_listed (f, BUS_NO_OPTIONS, 2, 1, "");
  assert_listed (f, BUS_NO_OPTIONS, G_MAXUINT, G_MAXUINT, "");
}

static GVariant *
text_option (const char *key, const char *text)
{
  return bus_option (key, g_variant_new_string (text));
}

static void
test_list_filters (BusFixture *f, gconstpointer data)
{
  ColdVolume *volume = f->world.volume;

  volume->facts = cold_facts_new ();
  volume->facts->has_guest = TRUE;
  g_free (volume->facts->os);
  volume->facts->os = g_strdup ("debian");
  inventory_fixture_attach (f->world.domain, volume);
  cold_inventory_volume_touch (f->world.inventory, volume);
  bus_fixture_settle (f);

  assert_listed (f, bus_option ("has-guest", g_variant_new_boolean (TRUE)), 0, 0, "a.raw");
  assert_listed (f, bus_option ("has-guest", g_variant_new_boolean (FALSE)), 0, 0, "b.raw");
  assert_listed (f, text_option ("os", "debian"), 0, 0, "a.raw");
  assert_listed (f, text_option ("os", "fedora"), 0, 0, "");
  assert_listed (f, text_option ("domain", "web"), 0, 0, "a.raw");
  assert_listed (f, text_option ("domain", "mail"), 0, 0, "");
  assert_listed (f, text_option ("pool", "pool"), 0, 0, "a.raw b.raw");
  assert_listed (f, text_option ("pool", FIXTURE_POOL), 0, 0, "a.raw b.raw");
  assert_listed (f, text_option ("policy", "auto"), 0, 0, "");
  assert_listed (f, text_option ("blocker", "no-catalogue"), 0, 0, "a.raw");
  assert_listed (f, text_option ("state", "gone"), 0, 0, "");

  f->world.other->gone = TRUE;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  assert_listed (f, BUS_NO_OPTIONS, 0, 0, "a.raw");
  assert_listed (f, text_option ("state", "gone"), 0, 0, "b.raw");
}

static void
test_report (BusFixture *f, gconstpointer data)
{
  ColdVolume *volume = f->world.volume;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (JsonObject) report = NULL;
  const char *text;
  JsonObject *guest;

  volume->facts = cold_facts_new ();
  volume->facts->has_guest = TRUE;
  volume->facts->package_count = 300;
  volume->pending_count = 7;
  cold_inventory_volume_touch (f->world.inventory, volume);
  bus_fixture_settle (f);
  answer = bus_call (f, "", "Manager.GetReport", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS));
  g_variant_get (answer, "(&s)", &text);
  report = cold_json_parse_object (text, -1, NULL);
  g_assert_nonnull (report);
  g_assert_cmpstr (cold_json_string (report, "policy"), ==, "manual");
  /* b.raw has no guest. */
  g_assert_cmpuint (json_array_get_length (cold_json_array (report, "guests")), ==, 1);
  guest = cold_json_array_object (cold_json_array (report, "guests"), 0);
  g_assert_cmpstr (cold_json_string (guest, "volume"), ==, "/org/coldpatch1/volume/1");
  g_assert_cmpstr (cold_json_string (guest, "path"), ==, "/pool/a.raw");
  g_assert_cmpstr (cold_json_string (guest, "pool"), ==, "pool");
  g_assert_cmpint (cold_json_int (guest, "packages"), ==, 300);
  g_assert_cmpint (cold_json_int (cold_json_object (guest, "pending"), "count"), ==, 7);
  g_assert_cmpuint (json_array_get_length (cold_json_array (guest, "blockers")), ==, volume->blockers->len);
  g_assert_cmpuint (volume->blockers->len, >, 0);
}

static void
test_pool (BusFixture *f, gconstpointer data)
{
  g_autofree char *message = NULL;

  bus_assert_property (f, POOL, "Pool", "Name", "'pool'");
  bus_assert_property (f, POOL, "Pool", "Uuid", "'" FIXTURE_POOL "'");
  bus_assert_answer (f, POOL, "Pool.SetPolicy", g_variant_new ("(s)", "auto"), "()");
  bus_fixture_settle (f);
  g_assert_cmpstr (f->world.pool->policy, ==, "auto");
  /* The fixture has made it active without telling anybody. */
  bus_assert_changed (f, POOL, "{'Policy': <'auto'>}");
  message = bus_assert_error (f, POOL, "Pool.SetPolicy", g_variant_new ("(s)", "never"), "InvalidArgument");
  g_assert_nonnull (strstr (message, "never"));
  bus_assert_answer (f, POOL, "Pool.Resync", NULL, "()");

  bus_fixture_forget (f);
  f->world.pool->gone = TRUE;
  cold_inventory_pool_touch (f->world.inventory, f->world.pool);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
  /* It comes back, under its path. */
  f->world.pool->gone = FALSE;
  cold_inventory_pool_touch (f->world.inventory, f->world.pool);
  bus_assert_property (f, POOL, "Pool", "Policy", "'auto'");
}

static void
test_domain (BusFixture *f, gconstpointer data)
{
  bus_assert_property (f, WEB, "Domain", "Name", "'web'");
  bus_assert_property (f, WEB, "Domain", "State", "'shutoff'");
  inventory_fixture_attach (f->world.domain, f->world.volume);
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  bus_assert_changed (f, WEB, "{'Volumes': <[objectpath '/org/coldpatch1/volume/1']>}");
  bus_assert_property (f, "/volume/1", "Volume", "Domains", "['/org/coldpatch1" WEB "']");

  /* And it lets go of the disk again. */
  bus_fixture_forget (f);
  g_ptr_array_set_size (f->world.domain->info->disks, 0);
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  bus_assert_changed (f, WEB, "{'Volumes': <@ao []>}");
  g_assert_nonnull (bus_find_signal (f, "/volume/1", "PropertiesChanged"));
  bus_assert_property (f, "/volume/1", "Volume", "Domains", "[]");

  bus_assert_answer (f, WEB, "Domain.SetPolicy", g_variant_new ("(s)", "off"), "()");
  bus_assert_property (f, WEB, "Domain", "Policy", "'off'");
  g_free (bus_assert_error (f, WEB, "Domain.SetPolicy", g_variant_new ("(s)", ""), "InvalidArgument"));
  bus_fixture_forget (f);
  f->world.domain->gone = TRUE;
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
  g_free (bus_assert_error (f, "", "Manager.LookupDomain", g_variant_new ("(s)", f->world.domain->uuid), "NotFound"));
}

static void
test_job (BusFixture *f, gconstpointer data)
{
  g_autoptr (ColdJob) job = cold_job_new (9, "upgrade", 1);
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "it was cancelled");

  g_signal_emit_by_name (f->scheduler, "job-added", job);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesAdded"), ==, 1);
  bus_assert_property (f, "/job/9", "Job", "Kind", "'upgrade'");
  bus_assert_property (f, "/job/9", "Job", "State", "'queued'");
  bus_assert_property (f, "/job/9", "Job", "Volume", "'/org/coldpatch1/volume/1'");

  cold_job_start (job);
  cold_job_set_phase (job, "copying");
  bus_fixture_forget (f);
  for (guint i = 1; i <= 100; i++)
    {
      cold_job_set_progress (job, i / 100.0);
      bus_fixture_settle (f);
    }
  /* A hundred steps within a moment. */
  g_assert_cmpuint (bus_count_signals (f, "/job/9", "PropertiesChanged"), >=, 1);
  g_assert_cmpuint (bus_count_signals (f, "/job/9", "PropertiesChanged"), <=, 3);

  g_assert_false (g_cancellable_is_cancelled (cold_job_get_cancellable (job)));
  bus_assert_answer (f, "/job/9", "Job.Cancel", NULL, "()");
  g_assert_true (g_cancellable_is_cancelled (cold_job_get_cancellable (job)));
  cold_job_finish (job, "", error);
  bus_fixture_settle (f);
  bus_assert_property (f, "/job/9", "Job", "State", "'cancelled'");
  bus_assert_property (f, "/job/9", "Job", "Outcome", "'cancelled'");
  bus_assert_answer (f, "/job/9", "Job.Cancel", NULL, "()");

  bus_fixture_forget (f);
  g_signal_emit_by_name (f->scheduler, "job-removed", job);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
}

static void
test_upgrade_signals (BusFixture *f, gconstpointer data)
{
  g_autoptr (ColdJob) job = cold_job_new (3, "upgrade", 1);
  g_autofree char *started = NULL, *finished = NULL;

  g_signal_emit_by_name (f->scheduler, "job-added", job);
  g_signal_emit_by_name (f->scheduler, "upgrade-started", f->world.volume, job);
  cold_job_start (job);
  cold_job_set_packages (job, 12);
  cold_job_finish (job, "upgraded", NULL);
  g_signal_emit_by_name (f->scheduler, "upgrade-finished", f->world.volume, job);
  bus_fixture_settle (f);
  started = g_variant_print (bus_find_signal (f, "", "UpgradeStarted")->parameters, FALSE);
  finished = g_variant_print (bus_find_signal (f, "", "UpgradeFinished")->parameters, FALSE);
  g_assert_cmpstr (started, ==, "('/org/coldpatch1/volume/1', '/org/coldpatch1/job/3')");
  g_assert_cmpstr (finished, ==, "('/org/coldpatch1/volume/1', '/org/coldpatch1/job/3', 'upgraded', 12)");
  /* Whoever hears that it has ended reads how. */
  for (guint i = 0; i < f->signals->len; i++)
    {
      const BusSignal *signal = g_ptr_array_index (f->signals, i);

      g_assert_cmpstr (signal->member, !=, "UpgradeFinished");
      if (g_str_equal (signal->path, "/job/3") && g_str_equal (signal->member, "PropertiesChanged"))
        break;
    }
  g_signal_emit_by_name (f->scheduler, "job-removed", job);
}

static void
test_inhibitor_ends_with_caller (BusFixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) other = bus_fixture_connect ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = bus_call_from (other, f, "", "Manager.Inhibit", g_variant_new ("(su)", "maintenance", 600), &error);
  gint64 end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  guint cookie;

  g_assert_no_error (error);
  g_variant_get (answer, "(u)", &cookie);
  g_assert_cmpuint (cookie, !=, 0);
  g_assert_true (g_dbus_connection_close_sync (other, NULL, NULL));
  while (cold_scheduler_uninhibit (f->scheduler, cookie, NULL))
    {
      /* It was still there; put back, as the same caller's, until the bus tells that it has gone. */
      cookie = cold_scheduler_inhibit (f->scheduler, "maintenance", 600, g_dbus_connection_get_unique_name (other));
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      bus_fixture_settle (f);
    }
  /* One that was ended by its cookie is gone as well. */
  answer = (g_variant_unref (answer), bus_call (f, "", "Manager.Inhibit", g_variant_new ("(su)", "why", 600)));
  g_variant_get (answer, "(u)", &cookie);
  bus_assert_answer (f, "", "Manager.Uninhibit", g_variant_new ("(u)", cookie), "()");
  g_free (bus_assert_error (f, "", "Manager.Uninhibit", g_variant_new ("(u)", cookie), "NotFound"));
}

static void
test_pause (BusFixture *f, gconstpointer data)
{
  bus_assert_answer (f, "", "Manager.Pause", g_variant_new ("(s)", "snow"), "()");
  bus_assert_answer (f, "", "Manager.Pause", g_variant_new ("(s)", "more snow"), "()");
  bus_assert_answer (f, "", "Manager.Resume", NULL, "()");
  bus_assert_answer (f, "", "Manager.Resume", NULL, "()");
  bus_assert_answer (f, "", "Manager.UpgradeAll", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS), "([],)");
  bus_assert_answer (f, "", "Manager.Resync", NULL, "()");
}

int
main (int argc, char *argv[])
{
  const struct
  {
    const char *name;
    void (*test) (BusFixture *f, gconstpointer data);
  } tests[] = {
    { "/bus/manager/properties", test_manager_properties },
    { "/bus/manager/errors", test_manager_errors },
    { "/bus/manager/policy/signalled-once", test_manager_policy },
    { "/bus/manager/lookup", test_manager_lookup },
    { "/bus/manager/list/pages", test_list_pages },
    { "/bus/manager/list/filters", test_list_filters },
    { "/bus/manager/report", test_report },
    { "/bus/manager/pause", test_pause },
    { "/bus/manager/inhibitor/ends-with-caller", test_inhibitor_ends_with_caller },
    { "/bus/manager/upgrade-signals", test_upgrade_signals },
    { "/bus/pool", test_pool },
    { "/bus/domain", test_domain },
    { "/bus/job", test_job },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, BusFixture, NULL, bus_fixture_setup, tests[i].test, bus_fixture_teardown);
  return bus_fixture_run ();
}
