/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Package URLs, the names by which bills of materials and vulnerability databases know packages. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cold_purl_new:
 * @format: package format as an inspection names it
 * @distribution: libguestfs' word, such as debian; may be ""
 * @release: such as 12; may be ""
 * @name: may be anything that a guest says
 * @version: [epoch:]version[-release]; may be ""
 * @arch: may be ""
 *
 * By the rules of the purl specification (package-url/purl-spec, PURL-SPECIFICATION and PURL-TYPES for deb, rpm, alpm and
 * apk): pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12. Namespace is who publishes the packages (redhat for
 * rhel), distro what os-release says. rpm's epoch is a qualifier of its own. Other formats are of type generic.
 *
 * Returns: (transfer full) (nullable): %NULL for an empty @name
 */
char *cold_purl_new (const char *format, const char *distribution, const char *release, const char *name,
                     const char *version, const char *arch);

G_END_DECLS
