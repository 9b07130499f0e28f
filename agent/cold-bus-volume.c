/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-volume.h"

#include "cold-blockers.h"
#include "cold-bus-sbom.h"
#include "cold-json.h"
#include "cold-policy.h"

#define HISTORY_MAX 1000

typedef void (*Method) (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
                        GDBusMethodInvocation *invocation);

static void
inspect (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
         GDBusMethodInvocation *invocation)
{
  GError *error = NULL;
  ColdJob *job = cold_demands_inspect (cold_scheduler_get_demands (context->scheduler), volume, &error);

  cold_bus_return_job (invocation, job, error);
}

static void
upgrade (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
         GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 0);
  GError *error = NULL;
  ColdJob *job = cold_demands_upgrade (cold_scheduler_get_demands (context->scheduler), volume, options, &error);

  cold_bus_return_job (invocation, job, error);
}

static void
rollback (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
          GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 0);
  GError *error = NULL;
  ColdJob *job = cold_demands_rollback (cold_scheduler_get_demands (context->scheduler), volume, options, &error);

  cold_bus_return_job (invocation, job, error);
}

static void
on_rollback_dropped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean ok = cold_demands_drop_rollback_finish (result, &error);

  cold_bus_return_done (user_data, ok, error);
}

static void
drop_rollback (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
               GDBusMethodInvocation *invocation)
{
  if (volume->rollback_until == 0)
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND,
                                 "no old image is kept for %s, there is nothing to drop", volume->path);
      return;
    }
  cold_demands_drop_rollback_async (cold_scheduler_get_demands (context->scheduler), volume, on_rollback_dropped,
                                    invocation);
}

GVariant *
cold_bus_volume_blockers (const ColdVolume *volume)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; i < volume->blockers->len; i++)
    {
      const ColdBlocker *blocker = g_ptr_array_index (volume->blockers, i);
      const ColdBlockerText *text = cold_blocker_text (blocker->code);
      g_autofree char *reason = blocker->detail != NULL
                                    ? g_strdup_printf ("%s (%s)", text->reason, blocker->detail)
                                    : g_strdup (text->reason);

      g_variant_builder_add (&builder, "(s@ss)", blocker->code, cold_bus_text (reason), text->remedy);
    }
  return g_variant_builder_end (&builder);
}

static void
get_blockers (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
              GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(@a(sss))", cold_bus_volume_blockers (volume)));
}

static GVariant *
make_plan (gpointer data, GError **error)
{
  g_autoptr (JsonObject) plan = cold_json_parse_object (data, -1, error);
  JsonArray *packages;
  GVariantBuilder builder;

  if (plan == NULL)
    return NULL;
  packages = cold_json_array (plan, "packages");
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssssb)"));
  for (guint i = 0; packages != NULL && i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      if (package == NULL)
        continue;
      g_variant_builder_add (&builder, "(@s@s@s@sb)", cold_bus_text (cold_json_string (package, "name")),
                             cold_bus_text (cold_json_string (package, "installed")),
                             cold_bus_text (cold_json_string (package, "candidate")),
                             cold_bus_text (cold_json_string (package, "origin")),
                             cold_json_bool (package, "security"));
    }
  return g_variant_new ("(a(ssssb))", &builder);
}

static void
get_plan (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
          GDBusMethodInvocation *invocation)
{
  if (volume->plan != NULL)
    cold_bus_return_made (invocation, make_plan, g_ref_string_acquire (volume->plan), (GDestroyNotify) g_ref_string_release);
  else if (volume->facts == NULL)
    cold_bus_return_new_error (
        invocation, COLD_ERROR_NOT_FOUND,
        "%s has no plan: it was not inspected yet; call Inspect, or GetBlockers for what stands"
        " against it",
        volume->path);
  else if (!volume->facts->has_guest)
    cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "%s has no plan: it has no guest",
                               volume->path);
  else
    cold_bus_return_new_error (
        invocation, COLD_ERROR_NOT_FOUND,
        "%s has no plan yet: no repository that was fetched serves %s %s, or the plan is being"
        " made; see GetBlockers",
        volume->path, volume->facts->os, volume->facts->os_version);
}

static void
on_packages (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (GVariant) packages = cold_store_packages_finish (COLD_STORE (source), result, &error);

  if (packages != NULL)
    g_dbus_method_invocation_return_value (user_data, g_variant_new ("(@a(sss))", packages));
  else
    cold_bus_return_error (user_data, error);
}

static void
get_packages (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
              GDBusMethodInvocation *invocation)
{
  if (volume->facts == NULL)
    cold_bus_return_new_error (
        invocation, COLD_ERROR_NOT_FOUND,
        "%s was not inspected yet; call Inspect, or GetBlockers for what stands against it", volume->path);
  else if (*volume->facts->manifest == '\0')
    cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "no packages were found in %s",
                               volume->path);
  else
    cold_store_packages_async (context->store, volume->facts->manifest, on_packages, invocation);
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  char *history = cold_store_history_finish (COLD_STORE (source), result, &error);

  if (history != NULL)
    g_dbus_method_invocation_return_value (user_data,
                                           g_variant_new ("(@s)", g_variant_new_take_string (history)));
  else
    cold_bus_return_error (user_data, error);
}

static void
get_history (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
             GDBusMethodInvocation *invocation)
{
  cold_store_history_async (context->store, volume->id, HISTORY_MAX, on_history, invocation);
}

static void
get_sbom (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
          GDBusMethodInvocation *invocation)
{
  const char *format;

  g_variant_get (parameters, "(&s)", &format);
  cold_bus_sbom_answer (context, volume, format, invocation);
}

static void
set_policy (const ColdBusContext *context, ColdVolume *volume, GVariant *parameters,
            GDBusMethodInvocation *invocation)
{
  const char *policy;
  GError *error = NULL;
  gboolean ok;

  g_variant_get (parameters, "(&s)", &policy);
  ok = cold_policy_set_volume (context->inventory, volume, policy, &error);
  cold_bus_return_done (invocation, ok, error);
}

void
cold_bus_volume_call (const ColdBusContext *context, ColdVolume *volume, const char *method,
                      GVariant *parameters, GDBusMethodInvocation *invocation)
{
  static const struct
  {
    const char *name;
    Method call;
  } methods[] = {
    { "Inspect", inspect },          { "GetPlan", get_plan },           { "Upgrade", upgrade },
    { "Rollback", rollback },        { "DropRollback", drop_rollback }, { "GetBlockers", get_blockers },
    { "GetPackages", get_packages }, { "GetHistory", get_history },     { "GetSbom", get_sbom },
    { "SetPolicy", set_policy },
  };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (methods[i].name, method))
      {
        methods[i].call (context, volume, parameters, invocation);
        return;
      }
  /* GDBus lets through what the XML names: it and this table differ. */
  g_assert_not_reached ();
}
