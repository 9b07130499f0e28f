/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-report.h"

#include "cold-bus-filter.h"
#include "cold-bus-volume-properties.h"
#include "cold-bus-volume.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-pending.h"
#include "cold-upgrade-report.h"

/* Never more at once. */
#define LIST_MAX 10000
/* A turn of the main loop that copies guests for a report. */
#define SLICE_US 5000

typedef struct
{
  gint64 id;
  char *name;
  const char *state;
} Row;

static void
row_free (gpointer user_data)
{
  Row *row = user_data;

  g_free (row->name);
  g_free (row);
}

static GVariant *
make_list (gpointer data, GError **error)
{
  GPtrArray *rows = data;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(oss)"));
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = g_ptr_array_index (rows, i);
      g_autofree char *path = cold_bus_volume_path (row->id);

      g_variant_builder_add (&builder, "(o@ss)", path, cold_bus_text (row->name), row->state);
    }
  return g_variant_new ("(a(oss))", &builder);
}

void
cold_bus_report_list (const ColdBusContext *context, GVariant *filter, guint offset, guint limit,
                      GDBusMethodInvocation *invocation)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) volumes = cold_bus_filter_volumes (context, filter, FALSE, &error);
  GPtrArray *rows;

  if (volumes == NULL)
    {
      cold_bus_return_error (invocation, error);
      return;
    }
  if (limit == 0 || limit > LIST_MAX)
    limit = LIST_MAX;
  rows = g_ptr_array_new_with_free_func (row_free);
  for (guint i = offset; i < volumes->len && i - offset < limit; i++)
    {
      const ColdVolume *volume = g_ptr_array_index (volumes, i);
      Row *row = g_new0 (Row, 1);

      row->id = volume->id;
      row->name = g_strdup (volume->name);
      row->state = cold_bus_volume_state (volume);
      g_ptr_array_add (rows, row);
    }
  cold_bus_return_made (invocation, make_list, rows, (GDestroyNotify) g_ptr_array_unref);
}

static GVariant *
make_found (gpointer data, GError **error)
{
  GPtrArray *all = data;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(osss)"));
  for (guint i = 0; i < all->len; i++)
    {
      const ColdFoundPackage *found = g_ptr_array_index (all, i);
      g_autofree char *path = cold_bus_volume_path (found->volume);

      g_variant_builder_add (&builder, "(o@s@s@s)", path, cold_bus_text (found->version),
                             cold_bus_text (found->arch), cold_bus_text (found->hostname));
    }
  return g_variant_new ("(a(osss))", &builder);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  GPtrArray *all = cold_store_find_package_finish (COLD_STORE (source), result, &error);

  if (all != NULL)
    cold_bus_return_made (user_data, make_found, all, (GDestroyNotify) g_ptr_array_unref);
  else
    cold_bus_return_error (user_data, error);
}

void
cold_bus_report_find (const ColdBusContext *context, const char *name, const char *below,
                      GDBusMethodInvocation *invocation)
{
  if (*name == '\0')
    cold_bus_return_new_error (invocation, COLD_ERROR_INVALID_ARGUMENT,
                               "no package has an empty name: Volume.GetPackages has the names of a guest's");
  else
    cold_store_find_package_async (context->store, name, below, on_found, invocation);
}

/* One guest of the report, copied. */
typedef struct
{
  GVariant *properties; /* as packed for the bus */
  GVariant *blockers;   /* a(sss) */
  GRefString *plan;     /* (nullable) */
  GRefString *since;    /* (nullable): cold-pending.h */
  gint64 id;
  char *pool;
} Guest;

typedef struct
{
  GPtrArray *guests; /* (element-type Guest) */
  char *policy;
  JsonObject *host;
  JsonObject *catalogue;
} Report;

static void
guest_free (gpointer user_data)
{
  Guest *guest = user_data;

  g_variant_unref (guest->properties);
  g_variant_unref (guest->blockers);
  g_clear_pointer (&guest->plan, g_ref_string_release);
  g_clear_pointer (&guest->since, g_ref_string_release);
  g_free (guest->pool);
  g_free (guest);
}

static void
report_free (gpointer user_data)
{
  Report *report = user_data;

  g_ptr_array_unref (report->guests);
  g_free (report->policy);
  json_object_unref (report->host);
  json_object_unref (report->catalogue);
  g_free (report);
}

static void
set_member (JsonObject *object, const char *member, const Guest *guest, const char *property)
{
  g_autoptr (GVariant) value = cold_bus_volume_get (guest->properties, 0, property);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    json_object_set_string_member (object, member, g_variant_get_string (value, NULL));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    json_object_set_int_member (object, member, g_variant_get_uint32 (value));
  else
    json_object_set_int_member (object, member, g_variant_get_uint64 (value));
}

static JsonArray *
make_blockers (const Guest *guest)
{
  JsonArray *blockers = json_array_new ();
  GVariantIter iter;
  const char *code, *reason, *remedy;

  g_variant_iter_init (&iter, guest->blockers);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &code, &reason, &remedy))
    {
      JsonObject *blocker = json_object_new ();

      json_object_set_string_member (blocker, "code", code);
      json_object_set_string_member (blocker, "reason", reason);
      json_object_set_string_member (blocker, "remedy", remedy);
      json_array_add_object_element (blockers, blocker);
    }
  return blockers;
}

/* Returns: the earliest time of all */
static gint64
add_pending (JsonArray *pending, JsonArray *packages, JsonObject *since)
{
  static const char *const members[] = { "name", "arch", "installed", "candidate", "origin" };
  gint64 first = 0;

  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);
      gint64 time = cold_pending_since (since, package);
      JsonObject *entry;

      if (package == NULL)
        continue;
      entry = json_object_new ();
      for (guint j = 0; j < G_N_ELEMENTS (members); j++)
        {
          g_autofree char *text = cold_text_make_valid (cold_json_string (package, members[j]));

          json_object_set_string_member (entry, members[j], text);
        }
      json_object_set_boolean_member (entry, "security", cold_json_bool (package, "security"));
      json_object_set_int_member (entry, "since", time);
      json_array_add_object_element (pending, entry);
      if (time != 0 && (first == 0 || time < first))
        first = time;
    }
  return first;
}

static JsonObject *
make_pending (const Guest *guest)
{
  g_autoptr (JsonObject) plan = guest->plan != NULL ? cold_json_parse_object (guest->plan, -1, NULL) : NULL;
  g_autoptr (JsonObject) since = guest->since != NULL ? cold_json_parse_object (guest->since, -1, NULL) : NULL;
  JsonObject *pending = json_object_new ();
  JsonArray *packages = json_array_new ();

  json_object_set_boolean_member (pending, "planned", plan != NULL);
  set_member (pending, "count", guest, "PendingCount");
  set_member (pending, "security", guest, "PendingSecurity");
  set_member (pending, "bytes", guest, "PendingBytes");
  json_object_set_int_member (pending, "since", add_pending (packages, cold_json_array (plan, "packages"), since));
  json_object_set_array_member (pending, "packages", packages);
  cold_upgrade_report_add_left (pending, plan);
  return pending;
}

static JsonObject *
make_guest (const Guest *guest)
{
  static const struct
  {
    const char *member;
    const char *property;
  } members[] = {
    { "path", "Path" },
    { "name", "Name" },
    { "hostname", "Hostname" },
    { "os", "Os" },
    { "os-version", "OsVersion" },
    { "os-product", "OsProduct" },
    { "arch", "Arch" },
    { "package-manager", "PackageManager" },
    { "state", "State" },
    { "packages", "PackageCount" },
    { "inspected", "Inspected" },
    { "upgraded", "Upgraded" },
    { "last-outcome", "LastOutcome" },
  };
  JsonObject *object = json_object_new ();
  g_autofree char *volume = cold_bus_volume_path (guest->id);

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    set_member (object, members[i].member, guest, members[i].property);
  json_object_set_string_member (object, "volume", volume);
  json_object_set_string_member (object, "pool", guest->pool);
  json_object_set_object_member (object, "pending", make_pending (guest));
  json_object_set_array_member (object, "blockers", make_blockers (guest));
  return object;
}

static GVariant *
make_report (gpointer data, GError **error)
{
  const Report *report = data;
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *guests = json_array_new ();

  json_object_set_string_member (object, "version", COLD_VERSION);
  json_object_set_object_member (object, "host", json_object_ref (report->host));
  json_object_set_int_member (object, "time", g_get_real_time ());
  json_object_set_string_member (object, "policy", report->policy);
  json_object_set_object_member (object, "catalogue", json_object_ref (report->catalogue));
  for (guint i = 0; i < report->guests->len; i++)
    json_array_add_object_element (guests, make_guest (g_ptr_array_index (report->guests, i)));
  json_object_set_array_member (object, "guests", guests);
  return g_variant_new ("(@s)", g_variant_new_take_string (cold_json_to_text (object)));
}

/* A report whose guests are being copied, a slice a turn of the main loop. */
typedef struct
{
  ColdBusContext context; /* only the inventory is used, and held */
  GDBusMethodInvocation *invocation;
  Report *report;
  GArray *ids; /* (element-type gint64) */
  guint next;
} Copying;

static void
copy_guest (const Copying *copying, const ColdVolume *volume)
{
  const ColdPool *pool = cold_inventory_lookup_pool (copying->context.inventory, volume->pool_uuid);
  Guest *guest = g_new0 (Guest, 1);

  guest->id = volume->id;
  guest->properties = cold_bus_volume_pack (&copying->context, volume);
  guest->blockers = g_variant_ref_sink (cold_bus_volume_blockers (volume));
  guest->plan = volume->plan != NULL ? g_ref_string_acquire (volume->plan) : NULL;
  guest->since = volume->pending_since != NULL ? g_ref_string_acquire (volume->pending_since) : NULL;
  guest->pool = cold_text_make_valid (pool != NULL ? pool->name : "");
  g_ptr_array_add (copying->report->guests, guest);
}

static gboolean
on_copy (gpointer user_data)
{
  Copying *copying = user_data;
  gint64 end = g_get_monotonic_time () + SLICE_US;

  while (copying->next < copying->ids->len && g_get_monotonic_time () < end)
    {
      gint64 id = g_array_index (copying->ids, gint64, copying->next++);
      const ColdVolume *volume = cold_inventory_lookup_volume (copying->context.inventory, id);

      if (volume != NULL)
        copy_guest (copying, volume);
    }
  if (copying->next < copying->ids->len)
    return G_SOURCE_CONTINUE;
  cold_bus_return_made (copying->invocation, make_report, copying->report, report_free);
  g_array_unref (copying->ids);
  g_object_unref (copying->context.inventory);
  g_free (copying);
  return G_SOURCE_REMOVE;
}

static JsonObject *
describe_host (const ColdBusContext *context)
{
  g_autoptr (GPtrArray) connections = cold_inventory_get_connections (context->inventory);
  JsonArray *array = json_array_new ();
  JsonObject *host = json_object_new ();

  for (guint i = 0; i < connections->len; i++)
    json_array_add_object_element (array, cold_connection_describe (g_ptr_array_index (connections, i)));
  json_object_set_string_member (host, "name", g_get_host_name ());
  json_object_set_string_member (host, "accelerator", cold_appliance_get_accelerator (context->appliance));
  json_object_set_string_member (host, "appliance", cold_appliance_get_state (context->appliance));
  json_object_set_array_member (host, "connections", array);
  return host;
}

void
cold_bus_report_guests (const ColdBusContext *context, GVariant *options, GDBusMethodInvocation *invocation)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) volumes = cold_bus_filter_volumes (context, options, TRUE, &error);
  Copying *copying;

  if (volumes == NULL)
    {
      cold_bus_return_error (invocation, error);
      return;
    }
  copying = g_new0 (Copying, 1);
  copying->context.inventory = g_object_ref (context->inventory);
  copying->invocation = invocation;
  copying->ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), volumes->len);
  for (guint i = 0; i < volumes->len; i++)
    g_array_append_val (copying->ids, ((ColdVolume *) g_ptr_array_index (volumes, i))->id);
  copying->report = g_new0 (Report, 1);
  copying->report->guests = g_ptr_array_new_full (volumes->len, guest_free);
  copying->report->policy = g_strdup (cold_scheduler_get_policy (context->scheduler));
  copying->report->host = describe_host (context);
  copying->report->catalogue = cold_catalogue_describe (context->catalogue);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_copy, copying, NULL);
}
