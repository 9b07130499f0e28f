/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-sbom.h"

#include "cold-sbom.h"

typedef struct
{
  GDBusMethodInvocation *invocation;
  ColdSbomFormat format;
  ColdSbom *sbom;
} Request;

static void
request_free (gpointer user_data)
{
  Request *request = user_data;

  cold_sbom_free (request->sbom);
  g_free (request);
}

static GVariant *
make_sbom (gpointer data, GError **error)
{
  const Request *request = data;

  return g_variant_new ("(@s)",
                        g_variant_new_take_string (cold_sbom_to_text (request->sbom, request->format)));
}

static void
on_components (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  GError *error = NULL;

  request->sbom->packages = cold_store_packages_finish (COLD_STORE (source), result, &error);
  if (request->sbom->packages != NULL)
    {
      cold_bus_return_made (request->invocation, make_sbom, request, request_free);
      return;
    }
  cold_bus_return_error (request->invocation, error);
  request_free (request);
}

void
cold_bus_sbom_answer (const ColdBusContext *context, const ColdVolume *volume, const char *format,
                      GDBusMethodInvocation *invocation)
{
  ColdSbomFormat known;
  Request *request;
  GError *error = NULL;

  if (!cold_sbom_parse_format (format, &known, &error))
    {
      cold_bus_return_error (invocation, error);
      return;
    }
  if (volume->facts == NULL)
    {
      cold_bus_return_new_error (
          invocation, COLD_ERROR_NOT_FOUND,
          "%s was not inspected yet; call Inspect, or GetBlockers for what stands against it", volume->path);
      return;
    }
  if (!volume->facts->has_guest)
    {
      cold_bus_return_new_error (invocation, COLD_ERROR_NOT_FOUND, "no guest was found in %s", volume->path);
      return;
    }
  request = g_new0 (Request, 1);
  request->invocation = invocation;
  request->format = known;
  request->sbom = cold_sbom_new (volume);
  if (*request->sbom->manifest == '\0')
    cold_bus_return_made (invocation, make_sbom, request, request_free);
  else
    cold_store_components_async (context->store, request->sbom->manifest, on_components, request);
}
