/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AllowHosts= of coldpatch.conf: the hosts that others than the admin may name. A pattern is compared with the host of a
 * URI, or with "host:port" ("[address]:port") when the URI has another port than its scheme's: who may be asked for
 * packages need not be asked for anything else. * and ? stand for what they do in file names, dots included.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): what patterns are compared with, in lower case; %NULL for a URI without host */
char *cold_hosts_text (GUri *uri);

/* Whether any of @patterns (nullable) matches. */
gboolean cold_hosts_match (const char *const *patterns, GUri *uri);

/* Whether one of @patterns (nullable) is that very host, without * and ?: only then its addresses may be private ones. A name
 * that somebody else's name server answers for leads wherever he likes. */
gboolean cold_hosts_name (const char *const *patterns, GUri *uri);

G_END_DECLS
