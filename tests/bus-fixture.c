/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus-fixture.h"

#include "async-result.h"
#include "cold-error.h"
#include "cold-names.h"
#include "loop-fixture.h"

static GTestDBus *test_bus;

int
bus_fixture_run (void)
{
  int status;

  test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (test_bus);
  status = g_test_run ();
  g_test_dbus_down (test_bus);
  g_object_unref (test_bus);
  return status;
}

GDBusConnection *
bus_fixture_connect (void)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (test_bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static void
signal_free (gpointer user_data)
{
  BusSignal *signal = user_data;

  g_free (signal->path);
  g_free (signal->member);
  g_variant_unref (signal->parameters);
  g_free (signal);
}

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *member, GVariant *parameters, gpointer user_data)
{
  BusFixture *f = user_data;
  BusSignal *signal = g_new0 (BusSignal, 1);

  g_assert_true (g_str_has_prefix (path, COLD_BUS_ROOT));
  signal->path = g_strdup (path + strlen (COLD_BUS_ROOT));
  signal->member = g_strdup (member);
  signal->parameters = g_variant_ref (parameters);
  g_ptr_array_add (f->signals, signal);
}

void
bus_fixture_setup (BusFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = NULL, *claims = NULL;

  inventory_fixture_setup (&f->world, data);
  f->folder = g_dir_make_tmp ("test-bus-XXXXXX", &error);
  g_assert_no_error (error);
  config = g_build_filename (f->folder, "coldpatch.conf", NULL);
  claims = g_build_filename (f->folder, "claims", NULL);
  f->config = cold_config_load (config, &error);
  g_assert_no_error (error);
  f->claims = cold_claim_watch_new (claims, &error);
  g_assert_no_error (error);
  f->catalogue = cold_catalogue_new (f->config);
  f->appliance = cold_appliance_new ("tcg");
  f->scheduler = cold_scheduler_new (f->config, f->world.store, f->world.inventory, f->catalogue,
                                     f->appliance, f->claims);
  f->server = bus_fixture_connect ();
  f->client = bus_fixture_connect ();
  f->signals = g_ptr_array_new_with_free_func (signal_free);
  g_dbus_connection_signal_subscribe (f->client, g_dbus_connection_get_unique_name (f->server), NULL, NULL,
                                      NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, f, NULL);
  f->bus = cold_bus_new (f->server, f->scheduler, f->world.inventory, f->world.store, f->catalogue,
                         f->appliance);
  /* As after the first resync: from now on what is new is news. */
  bus_fixture_settle (f);
  g_signal_emit_by_name (f->world.inventory, "synced");
  bus_fixture_forget (f);
}

void
bus_fixture_teardown (BusFixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->folder);

  bus_fixture_settle (f);
  loop_assert_finalized (f->bus);
  g_assert_true (g_dbus_connection_close_sync (f->client, NULL, NULL));
  g_assert_true (g_dbus_connection_close_sync (f->server, NULL, NULL));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (f->client);
  g_object_unref (f->server);
  loop_assert_finalized (f->scheduler);
  loop_assert_finalized (f->appliance);
  loop_assert_finalized (f->catalogue);
  loop_assert_finalized (f->claims);
  cold_config_free (f->config);
  inventory_fixture_teardown (&f->world, data);
  g_ptr_array_unref (f->signals);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->folder);
}

GVariant *
bus_call_from (GDBusConnection *client, BusFixture *f, const char *path, const char *method,
               GVariant *parameters, GError **error)
{
  g_autofree char *full_path = g_strconcat (COLD_BUS_ROOT, path, NULL);
  g_autofree char *interface = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  const char *dot = strrchr (method, '.');

  g_assert_nonnull (dot);
  interface = g_strndup (method, dot - method);
  if (strchr (interface, '.') == NULL)
    {
      g_autofree char *word = g_steal_pointer (&interface);

      interface = g_strconcat (COLD_BUS_NAME ".", word, NULL);
    }
  g_dbus_connection_call (client, g_dbus_connection_get_unique_name (f->server), full_path, interface,
                          dot + 1, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, 60000, NULL, keep_result, &result);
  wait_for_result (&result);
  return g_dbus_connection_call_finish (client, result, error);
}

GVariant *
bus_call (BusFixture *f, const char *path, const char *method, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  GVariant *answer = bus_call_from (f->client, f, path, method, parameters, &error);

  g_assert_no_error (error);
  return answer;
}

void
bus_assert_answer (BusFixture *f, const char *path, const char *method, GVariant *parameters,
                   const char *expected)
{
  g_autoptr (GVariant) answer = bus_call (f, path, method, parameters);
  g_autofree char *text = g_variant_print (answer, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

char *
bus_assert_error (BusFixture *f, const char *path, const char *method, GVariant *parameters, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = bus_call_from (f->client, f, path, method, parameters, &error);
  g_autofree char *full = g_strconcat (COLD_BUS_ERROR_PREFIX, name, NULL);
  g_autofree char *remote = NULL;

  g_assert_null (answer);
  remote = g_dbus_error_get_remote_error (error);
  g_assert_cmpstr (remote, ==, full);
  g_dbus_error_strip_remote_error (error);
  /* Every error says what to do: none is empty. */
  g_assert_cmpuint (strlen (error->message), >, 10);
  return g_strdup (error->message);
}

GVariant *
bus_property (BusFixture *f, const char *path, const char *interface, const char *name)
{
  g_autofree char *full = g_strconcat (COLD_BUS_NAME ".", interface, NULL);
  g_autoptr (GVariant) answer
      = bus_call (f, path, "org.freedesktop.DBus.Properties.Get", g_variant_new ("(ss)", full, name));
  GVariant *value = NULL;

  g_variant_get (answer, "(v)", &value);
  return value;
}

void
bus_assert_property (BusFixture *f, const char *path, const char *interface, const char *name,
                     const char *expected)
{
  g_autoptr (GVariant) value = bus_property (f, path, interface, name);
  g_autofree char *text = g_variant_print (value, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

void
bus_fixture_settle (BusFixture *f)
{
  /* What is idle first; the answer then comes after all signals that were sent before it. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_variant_unref (bus_call (f, "", "org.freedesktop.DBus.Peer.Ping", NULL));
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

void
bus_fixture_forget (BusFixture *f)
{
  bus_fixture_settle (f);
  g_ptr_array_set_size (f->signals, 0);
}

const BusSignal *
bus_find_signal (BusFixture *f, const char *path, const char *member)
{
  for (guint i = 0; i < f->signals->len; i++)
    {
      const BusSignal *signal = g_ptr_array_index (f->signals, i);

      if (g_str_equal (signal->path, path) && g_str_equal (signal->member, member))
        return signal;
    }
  return NULL;
}

guint
bus_count_signals (BusFixture *f, const char *path, const char *member)
{
  guint n = 0;

  for (guint i = 0; i < f->signals->len; i++)
    {
      const BusSignal *signal = g_ptr_array_index (f->signals, i);

      n += g_str_equal (signal->path, path) && g_str_equal (signal->member, member);
    }
  return n;
}

void
bus_assert_changed (BusFixture *f, const char *path, const char *expected)
{
  const BusSignal *signal = bus_find_signal (f, path, "PropertiesChanged");
  g_autoptr (GVariant) properties = NULL;
  g_autofree char *text = NULL;

  g_assert_cmpuint (bus_count_signals (f, path, "PropertiesChanged"), ==, 1);
  properties = g_variant_get_child_value (signal->parameters, 1);
  text = g_variant_print (properties, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

GVariant *
bus_option (const char *key, GVariant *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", key, value);
  return g_variant_builder_end (&builder);
}
