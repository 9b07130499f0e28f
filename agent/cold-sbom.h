/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Software bills of materials of a guest, as its last inspection found it. Nothing but that goes into them, the time
 * included: the same inspection makes the same text.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-volume.h"

G_BEGIN_DECLS

typedef enum
{
  COLD_SBOM_CYCLONEDX, /* CycloneDX 1.5, https://cyclonedx.org/docs/1.5/json/ */
  COLD_SBOM_SPDX,      /* SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3/ */
} ColdSbomFormat;

/* What the document is about. Strings are valid UTF-8, "" when unknown. */
typedef struct
{
  char *volume;           /* the volume's name */
  gint64 inspected;       /* microseconds since the epoch */
  char *os;
  char *os_version;
  char *os_product;
  char *arch;
  char *hostname;
  char *package_format;
  char *manifest;
  GVariant *packages;     /* (nullable) a(ssss): name, version, arch, source package */
} ColdSbom;

/* Copies what @volume, which has facts, has to say; the packages are the caller's to set. */
ColdSbom *cold_sbom_new (const ColdVolume *volume);
void cold_sbom_free (ColdSbom *self);

/* @format: "cyclonedx" or "spdx"; %FALSE with @error (InvalidArgument) for anything else */
gboolean cold_sbom_parse_format (const char *text, ColdSbomFormat *format, GError **error);

/* Callable from any thread. Returns: (transfer full): JSON */
char *cold_sbom_to_text (const ColdSbom *self, ColdSbomFormat format);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdSbom, cold_sbom_free)

G_END_DECLS
