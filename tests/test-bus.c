/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager as a client sees it. */
#include <string.h>
#include <unistd.h>

#include "bus-fixture.h"
#include "cold-json.h"
#include "cold-names.h"

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

static GVariant *
list_by (const char *key, GVariant *value)
{
  return g_variant_new ("(@a{sv}uu)", bus_option (key, value), 0, 0);
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
    { "ListVolumes", list_by ("colour", g_variant_new_string ("red")), "InvalidArgument" },
    { "ListVolumes", list_by ("state", g_variant_new_boolean (TRUE)), "InvalidArgument" },
    { "ListVolumes", list_by ("state", g_variant_new_string ("lost")), "InvalidArgument" },
    { "ListVolumes", list_by ("policy", g_variant_new_string ("lost")), "InvalidArgument" },
    { "ListVolumes", list_by ("blocker", g_variant_new_string ("lost")), "InvalidArgument" },
    { "ListVolumes", list_by ("has-guest", g_variant_new_string ("yes")), "InvalidArgument" },
    { "ListVolumes", list_by ("pool", g_variant_new_string ("lost")), "NotFound" },
    { "ListVolumes", list_by ("domain", g_variant_new_string ("lost")), "NotFound" },
    { "GetReport", g_variant_new ("(@a{sv})", bus_option ("colour", g_variant_new_string ("red"))),
      "InvalidArgument" },
    { "UpgradeAll", g_variant_new ("(@a{sv})", bus_option ("force", g_variant_new_boolean (TRUE))),
      "InvalidArgument" },
    { "RefreshCatalogue", NULL, "NotSupported" },
    { "FindPackage", g_variant_new ("(ss)", "", ""), "InvalidArgument" },
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
  bus_assert_answer (f, "", "Manager.LookupDomain", g_variant_new ("(s)", "web"),
                     "('/org/coldpatch1" WEB "',)");
  bus_assert_answer (f, "", "Manager.LookupDomain", g_variant_new ("(s)", f->world.other_domain->uuid),
                     "('/org/coldpatch1" MAIL "',)");

  /* By another name of the same file. */
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink (file, alias), ==, 0);
  g_assert_true (cold_file_id_stat (file, &f->world.other->file));
  /* Settled long ago, or the scheduler waits for it. */
  f->world.other->file.mtime_ns = 1;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  bus_assert_answer (f, "", "Manager.LookupVolume", g_variant_new ("(s)", alias),
                     "('/org/coldpatch1/volume/2',)");
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
  volume->inspected = 1;
  volume->inspected_file = volume->file;
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
  JsonObject *guest, *pending, *package, *host, *catalogue;

  volume->facts = cold_facts_new ();
  volume->inspected = 1;
  volume->inspected_file = volume->file;
  volume->facts->has_guest = TRUE;
  volume->facts->package_count = 300;
  volume->pending_count = 1;
  cold_volume_share_text (&volume->plan, "{\"packages\":[{\"name\":\"bash\",\"arch\":\"amd64\",\"installed\":\"5.2-1\","
                           "\"candidate\":\"5.2-2\",\"origin\":\"Debian\",\"security\":true}],"
                           "\"held\":[\"zsh\"],\"kept-back\":[\"foo\",\"bar\"],\"problems\":[\"foo is kept back: why\"]}");
  cold_volume_share_text (&volume->pending_since, "{\"bash amd64 5.2-1\":4711}");
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
  pending = cold_json_object (guest, "pending");
  g_assert_true (cold_json_bool (pending, "planned"));
  g_assert_cmpint (cold_json_int (pending, "count"), ==, 1);
  g_assert_cmpint (cold_json_int (pending, "since"), ==, 4711);
  package = cold_json_array_object (cold_json_array (pending, "packages"), 0);
  g_assert_cmpstr (cold_json_string (package, "name"), ==, "bash");
  g_assert_cmpstr (cold_json_string (package, "installed"), ==, "5.2-1");
  g_assert_cmpstr (cold_json_string (package, "candidate"), ==, "5.2-2");
  g_assert_true (cold_json_bool (package, "security"));
  g_assert_cmpint (cold_json_int (package, "since"), ==, 4711);
  g_assert_cmpstr (cold_json_array_string (cold_json_array (pending, "held"), 0), ==, "zsh");
  g_assert_cmpuint (json_array_get_length (cold_json_array (pending, "kept-back")), ==, 2);
  g_assert_cmpstr (cold_json_array_string (cold_json_array (pending, "problems"), 0), ==, "foo is kept back: why");
  host = cold_json_object (report, "host");
  g_assert_cmpstr (cold_json_string (host, "name"), ==, g_get_host_name ());
  g_assert_cmpstr (cold_json_string (host, "appliance"), ==, "none");
  g_assert_nonnull (cold_json_array (host, "connections"));
  catalogue = cold_json_object (report, "catalogue");
  g_assert_cmpstr (cold_json_string (catalogue, "error"), ==, "");
  g_assert_nonnull (cold_json_array (catalogue, "repositories"));
  g_assert_cmpuint (json_array_get_length (cold_json_array (guest, "blockers")), ==, volume->blockers->len);
  g_assert_cmpuint (volume->blockers->len, >, 0);
}

/* What a plan of that format says is what the report says. */
static void
test_report_of_formats (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *format;
    const char *manager;
    const char *os;
    const char *arch;
    const char *installed;
    const char *candidate;
  } guests[] = {
    { "rpm", "dnf", "fedora", "x86_64", "1:1.0~rc1-1.fc39", "1:1.0-1.fc39" },
    { "rpm", "zypper", "opensuse-leap", "noarch", "1.0-150500.1", "1.0-150500.3.1" },
    { "pacman", "pacman", "archlinux", "any", "1.0rc1-1", "1.0-1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (guests); i++)
    {
      ColdVolume *volume = i % 2 == 0 ? f->world.volume : f->world.other;
      g_autofree char *key = g_strdup_printf ("demo %s %s", guests[i].arch, guests[i].installed);
      g_autofree char *plan = NULL;
      g_autofree char *since = NULL;
      g_autoptr (GVariant) answer = NULL;
      g_autoptr (JsonObject) report = NULL;
      JsonObject *guest = NULL, *package;
      const char *text;

      g_clear_pointer (&volume->facts, cold_facts_free);
      volume->facts = cold_facts_new ();
      volume->inspected = 1;
      volume->inspected_file = volume->file;
      volume->facts->has_guest = TRUE;
      g_free (volume->facts->package_format);
      volume->facts->package_format = g_strdup (guests[i].format);
      g_free (volume->facts->package_manager);
      volume->facts->package_manager = g_strdup (guests[i].manager);
      g_free (volume->facts->os);
      volume->facts->os = g_strdup (guests[i].os);
      plan = g_strdup_printf ("{\"packages\":[{\"name\":\"demo\",\"arch\":\"%s\",\"installed\":\"%s\","
                              "\"candidate\":\"%s\",\"origin\":\"updates\",\"security\":false}]}",
                              guests[i].arch, guests[i].installed, guests[i].candidate);
      since = g_strdup_printf ("{\"%s\":%u}", key, 100 + i);
      cold_volume_share_text (&volume->plan, plan);
      cold_volume_share_text (&volume->pending_since, since);
      cold_inventory_volume_touch (f->world.inventory, volume);
      bus_fixture_settle (f);
      answer = bus_call (f, "", "Manager.GetReport", g_variant_new ("(@a{sv})", BUS_NO_OPTIONS));
      g_variant_get (answer, "(&s)", &text);
      report = cold_json_parse_object (text, -1, NULL);
      for (guint k = 0; k < json_array_get_length (cold_json_array (report, "guests")); k++)
        {
          JsonObject *each = cold_json_array_object (cold_json_array (report, "guests"), k);

          if (g_strcmp0 (cold_json_string (each, "package-manager"), guests[i].manager) == 0)
            guest = each;
        }
      g_assert_nonnull (guest);
      g_assert_cmpstr (cold_json_string (guest, "os"), ==, guests[i].os);
      package = cold_json_array_object (cold_json_array (cold_json_object (guest, "pending"), "packages"), 0);
      g_assert_cmpstr (cold_json_string (package, "arch"), ==, guests[i].arch);
      g_assert_cmpstr (cold_json_string (package, "installed"), ==, guests[i].installed);
      g_assert_cmpstr (cold_json_string (package, "candidate"), ==, guests[i].candidate);
      g_assert_cmpint (cold_json_int (package, "since"), ==, 100 + i);
    }
}

/* A guest with the one package demo. */
static void
give_package (BusFixture *f, ColdVolume *volume, const char *format, const char *version, const char *hostname)
{
  g_autofree char *text = g_strdup_printf ("[[\"demo\",\"%s\",\"amd64\",\"demo\"]]", version);
  g_autoptr (JsonNode) packages = json_from_string (text, NULL);

  volume->facts = cold_facts_new ();
  volume->inspected = 1;
  volume->inspected_file = volume->file;
  volume->facts->has_guest = TRUE;
  g_free (volume->facts->manifest);
  volume->facts->manifest = g_strdup (format);
  g_free (volume->facts->hostname);
  volume->facts->hostname = g_strdup (hostname);
  cold_store_save_manifest (f->world.store, format, format, json_node_get_array (packages));
  cold_inventory_volume_touch (f->world.inventory, volume);
}

static void
test_find_package (BusFixture *f, gconstpointer data)
{
  /* 1.0rc is lower than 1.0 for pacman, and higher for dpkg. */
  give_package (f, f->world.volume, "deb", "1.0rc-1", "web1");
  give_package (f, f->world.other, "pacman", "1.0rc-1", "web2");
  bus_assert_answer (f, "", "Manager.FindPackage", g_variant_new ("(ss)", "demo", ""),
                     "([('/org/coldpatch1/volume/1', '1.0rc-1', 'amd64', 'web1'),"
                     " ('/org/coldpatch1/volume/2', '1.0rc-1', 'amd64', 'web2')],)");
  bus_assert_answer (f, "", "Manager.FindPackage", g_variant_new ("(ss)", "demo", "1.0-1"),
                     "([('/org/coldpatch1/volume/2', '1.0rc-1', 'amd64', 'web2')],)");
  bus_assert_answer (f, "", "Manager.FindPackage", g_variant_new ("(ss)", "dem", ""), "([],)");
  f->world.other->gone = TRUE;
  cold_inventory_volume_touch (f->world.inventory, f->world.other);
  bus_assert_answer (f, "", "Manager.FindPackage", g_variant_new ("(ss)", "demo", "1.0-1"), "([],)");
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
  while (cold_inhibitors_remove (cold_scheduler_get_inhibitors (f->scheduler), cookie, NULL))
    {
      /* It was still there; put back, as the same caller's, until the bus tells that it has gone. */
      cookie = cold_inhibitors_add (cold_scheduler_get_inhibitors (f->scheduler), "maintenance", 600,
                                    g_dbus_connection_get_unique_name (other));
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      bus_fixture_settle (f);
    }
  /* One that was ended by its cookie is gone as well. */
  answer
      = (g_variant_unref (answer), bus_call (f, "", "Manager.Inhibit", g_variant_new ("(su)", "why", 600)));
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
  g_test_init (&argc, &argv, NULL);
  BUS_FIXTURE_ADD ("/bus/manager/properties", test_manager_properties);
  BUS_FIXTURE_ADD ("/bus/manager/errors", test_manager_errors);
  BUS_FIXTURE_ADD ("/bus/manager/policy/signalled-once", test_manager_policy);
  BUS_FIXTURE_ADD ("/bus/manager/lookup", test_manager_lookup);
  BUS_FIXTURE_ADD ("/bus/manager/list/pages", test_list_pages);
  BUS_FIXTURE_ADD ("/bus/manager/list/filters", test_list_filters);
  BUS_FIXTURE_ADD ("/bus/manager/find-package", test_find_package);
  BUS_FIXTURE_ADD ("/bus/manager/report", test_report);
  BUS_FIXTURE_ADD ("/bus/manager/report/each-format", test_report_of_formats);
  BUS_FIXTURE_ADD ("/bus/manager/pause", test_pause);
  BUS_FIXTURE_ADD ("/bus/manager/inhibitor/ends-with-caller", test_inhibitor_ends_with_caller);
  return bus_fixture_run ();
}
