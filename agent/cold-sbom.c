/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-sbom.h"

#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-purl.h"

ColdSbom *
cold_sbom_new (const ColdVolume *volume)
{
  const ColdFacts *facts = volume->facts;
  ColdSbom *self = g_new0 (ColdSbom, 1);

  self->volume = cold_text_make_valid (volume->name);
  self->inspected = volume->inspected;
  self->os = cold_text_make_valid (facts->os);
  self->os_version = cold_text_make_valid (facts->os_version);
  self->os_product = cold_text_make_valid (facts->os_product);
  self->arch = cold_text_make_valid (facts->arch);
  self->hostname = cold_text_make_valid (facts->hostname);
  self->package_format = cold_text_make_valid (facts->package_format);
  self->manifest = cold_text_make_valid (facts->manifest);
  return self;
}

void
cold_sbom_free (ColdSbom *self)
{
  g_free (self->volume);
  g_free (self->os);
  g_free (self->os_version);
  g_free (self->os_product);
  g_free (self->arch);
  g_free (self->hostname);
  g_free (self->package_format);
  g_free (self->manifest);
  g_clear_pointer (&self->packages, g_variant_unref);
  g_free (self);
}

gboolean
cold_sbom_parse_format (const char *text, ColdSbomFormat *format, GError **error)
{
  if (g_str_equal (text, "cyclonedx"))
    *format = COLD_SBOM_CYCLONEDX;
  else if (g_str_equal (text, "spdx"))
    *format = COLD_SBOM_SPDX;
  else
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT,
                   "there is no format '%s': use cyclonedx or spdx", text);
      return FALSE;
    }
  return TRUE;
}

/* Both standards want "2026-01-31T23:59:59Z", without fractions. */
static char *
make_time (const ColdSbom *self)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (self->inspected / G_USEC_PER_SEC);

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
}

/* A document's own name: a UUID of version 5 (RFC 9562) made of what the document is made of. */
static char *
make_uuid (const ColdSbom *self, const char *format)
{
  /* A random UUID, coldpatch's namespace for these. */
  static const guint8 namespace[]
      = { 0xf4, 0x1a, 0x0c, 0x2e, 0x52, 0x9d, 0x4c, 0x0b, 0x8e, 0x63, 0xb7, 0xd1, 0x7a, 0x95, 0x20, 0x6f };
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree char *seed = g_strdup_printf ("%s\n%s\n%s\n%" G_GINT64_FORMAT, format, self->volume,
                                           self->manifest, self->inspected);
  guint8 d[20];
  gsize length = sizeof d;

  g_checksum_update (checksum, namespace, sizeof namespace);
  g_checksum_update (checksum, (const guchar *)seed, -1);
  g_checksum_get_digest (checksum, d, &length);
  d[6] = (d[6] & 0x0f) | 0x50;
  d[8] = (d[8] & 0x3f) | 0x80;
  return g_strdup_printf ("urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                          d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12],
                          d[13], d[14], d[15]);
}

static void
set_known (JsonObject *object, const char *member, const char *text)
{
  if (*text != '\0')
    json_object_set_string_member (object, member, text);
}

static const char *
get_os_name (const ColdSbom *self)
{
  if (*self->os != '\0')
    return self->os;
  return *self->os_product != '\0' ? self->os_product : "unknown";
}

/* CycloneDX. */

static void
add_property (JsonObject *component, const char *name, const char *value)
{
  JsonArray *properties = cold_json_array (component, "properties");
  JsonObject *property;

  if (*value == '\0')
    return;
  if (properties == NULL)
    {
      properties = json_array_new ();
      json_object_set_array_member (component, "properties", properties);
    }
  property = json_object_new ();
  json_object_set_string_member (property, "name", name);
  json_object_set_string_member (property, "value", value);
  json_array_add_object_element (properties, property);
}

static JsonObject *
make_component (const char *type, const char *ref, const char *name, const char *version)
{
  JsonObject *component = json_object_new ();

  json_object_set_string_member (component, "type", type);
  set_known (component, "bom-ref", ref);
  json_object_set_string_member (component, "name", name);
  set_known (component, "version", version);
  return component;
}

static JsonObject *
make_metadata (const ColdSbom *self)
{
  JsonObject *metadata = json_object_new (), *tools = json_object_new ();
  JsonObject *image = make_component ("file", "image", self->volume, "");
  JsonArray *programs = json_array_new ();
  g_autofree char *time = make_time (self);

  json_array_add_object_element (programs, make_component ("application", "", "coldpatch", COLD_VERSION));
  json_object_set_array_member (tools, "components", programs);
  add_property (image, "coldpatch:hostname", self->hostname);
  add_property (image, "coldpatch:manifest", self->manifest);
  json_object_set_string_member (metadata, "timestamp", time);
  json_object_set_object_member (metadata, "tools", tools);
  json_object_set_object_member (metadata, "component", image);
  return metadata;
}

static JsonArray *
make_components (const ColdSbom *self)
{
  JsonArray *components = json_array_new ();
  JsonObject *os
      = make_component ("operating-system", "operating-system", get_os_name (self), self->os_version);
  const char *name, *version, *arch, *source;
  GVariantIter iter;
  guint n = 0;

  set_known (os, "description", self->os_product);
  add_property (os, "coldpatch:arch", self->arch);
  json_array_add_object_element (components, os);
  if (self->packages == NULL)
    return components;
  g_variant_iter_init (&iter, self->packages);
  while (g_variant_iter_next (&iter, "(&s&s&s&s)", &name, &version, &arch, &source))
    {
      /* Not the package URL: a guest could have two packages with the same one. */
      g_autofree char *ref = g_strdup_printf ("package-%u", ++n);
      g_autofree char *purl
          = cold_purl_new (self->package_format, self->os, self->os_version, name, version, arch);
      JsonObject *component = make_component ("library", ref, name, version);

      if (purl != NULL)
        json_object_set_string_member (component, "purl", purl);
      add_property (component, "coldpatch:arch", arch);
      add_property (component, "coldpatch:source", source);
      json_array_add_object_element (components, component);
    }
  return components;
}

static JsonObject *
make_cyclonedx (const ColdSbom *self)
{
  JsonObject *document = json_object_new ();
  g_autofree char *uuid = make_uuid (self, "cyclonedx");

  json_object_set_string_member (document, "bomFormat", "CycloneDX");
  json_object_set_string_member (document, "specVersion", "1.5");
  json_object_set_string_member (document, "serialNumber", uuid);
  json_object_set_int_member (document, "version", 1);
  json_object_set_object_member (document, "metadata", make_metadata (self));
  json_object_set_array_member (document, "components", make_components (self));
  return document;
}

/* SPDX. */

#define SPDX_OS "SPDXRef-OperatingSystem"

static void
add_relationship (JsonArray *relationships, const char *from, const char *type, const char *to)
{
  JsonObject *relationship = json_object_new ();

  json_object_set_string_member (relationship, "spdxElementId", from);
  json_object_set_string_member (relationship, "relationshipType", type);
  json_object_set_string_member (relationship, "relatedSpdxElement", to);
  json_array_add_object_element (relationships, relationship);
}

static JsonObject *
make_package (const char *id, const char *name, const char *version)
{
  JsonObject *package = json_object_new ();

  json_object_set_string_member (package, "SPDXID", id);
  json_object_set_string_member (package, "name", name);
  set_known (package, "versionInfo", version);
  json_object_set_string_member (package, "downloadLocation", "NOASSERTION");
  json_object_set_boolean_member (package, "filesAnalyzed", FALSE);
  return package;
}

static void
set_purl (JsonObject *package, const char *purl)
{
  JsonArray *references = json_array_new ();
  JsonObject *reference = json_object_new ();

  json_object_set_string_member (reference, "referenceCategory", "PACKAGE-MANAGER");
  json_object_set_string_member (reference, "referenceType", "purl");
  json_object_set_string_member (reference, "referenceLocator", purl);
  json_array_add_object_element (references, reference);
  json_object_set_array_member (package, "externalRefs", references);
}

static void
add_packages (const ColdSbom *self, JsonArray *packages, JsonArray *relationships)
{
  const char *name, *version, *arch, *source;
  GVariantIter iter;
  guint n = 0;

  g_variant_iter_init (&iter, self->packages);
  while (g_variant_iter_next (&iter, "(&s&s&s&s)", &name, &version, &arch, &source))
    {
      /* Letters, digits, '.' and '-' may stand in it: a number always may, and is unique. */
      g_autofree char *id = g_strdup_printf ("SPDXRef-Package-%u", ++n);
      g_autofree char *purl
          = cold_purl_new (self->package_format, self->os, self->os_version, name, version, arch);
      g_autofree char *built = g_strdup_printf ("built from the source package %s", source);
      JsonObject *package = make_package (id, name, version);

      if (*source != '\0')
        json_object_set_string_member (package, "sourceInfo", built);
      if (purl != NULL)
        set_purl (package, purl);
      json_array_add_object_element (packages, package);
      add_relationship (relationships, SPDX_OS, "CONTAINS", id);
    }
}

static JsonObject *
make_spdx (const ColdSbom *self)
{
  JsonObject *document = json_object_new (), *creation = json_object_new ();
  JsonObject *os = make_package (SPDX_OS, get_os_name (self), self->os_version);
  JsonArray *creators = json_array_new (), *packages = json_array_new (), *relationships = json_array_new ();
  g_autofree char *uuid = make_uuid (self, "spdx"), *time = make_time (self);

  json_array_add_string_element (creators, "Tool: coldpatch-" COLD_VERSION);
  json_object_set_string_member (creation, "created", time);
  json_object_set_array_member (creation, "creators", creators);
  json_object_set_string_member (os, "primaryPackagePurpose", "OPERATING_SYSTEM");
  set_known (os, "summary", self->os_product);
  json_array_add_object_element (packages, os);
  add_relationship (relationships, "SPDXRef-DOCUMENT", "DESCRIBES", SPDX_OS);
  if (self->packages != NULL)
    add_packages (self, packages, relationships);

  json_object_set_string_member (document, "spdxVersion", "SPDX-2.3");
  json_object_set_string_member (document, "dataLicense", "CC0-1.0");
  json_object_set_string_member (document, "SPDXID", "SPDXRef-DOCUMENT");
  json_object_set_string_member (document, "name", self->volume);
  json_object_set_string_member (document, "documentNamespace", uuid);
  json_object_set_object_member (document, "creationInfo", creation);
  set_known (document, "comment", self->hostname);
  json_object_set_array_member (document, "packages", packages);
  json_object_set_array_member (document, "relationships", relationships);
  return document;
}

char *
cold_sbom_to_text (const ColdSbom *self, ColdSbomFormat format)
{
  g_autoptr (JsonObject) document = format == COLD_SBOM_SPDX ? make_spdx (self) : make_cyclonedx (self);

  return cold_json_to_text (document);
}
