/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A repository that a guest's own package manager is configured with. Whoever owns the guest wrote it: it is kept in the
 * guest's facts, and fetched only when the admin allows its host and names the keyring for it (cold-guest-repositories.h).
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Of one guest. */
#define COLD_GUEST_SOURCES_MAX 32

/* Numbers above it say no more than it. */
#define COLD_GUEST_SOURCE_PRIORITY_MAX 1000000

/*
 * What is set tells what it is: of deb, a suite and at least one component; of arch, a suite, the name of a database; of
 * rpm-md and apk, neither.
 */
typedef struct
{
  GStrv uris;       /* places of the same repository, at least one: http or https, of plain characters, without user and
                       fragment, and no slash at the end; a query only with @list */
  char *suite;      /* "" for rpm-md and apk */
  GStrv components; /* of deb */
  GStrv architectures; /* of deb: if any, the only ones that it is for, in dpkg's words */
  char *list;       /* (nullable): of rpm-md: the URI is that of a "mirrorlist" or "metalink" */
  gint priority;    /* of rpm-md: 1 is preferred to 99; 0: not set */
  GStrv excludes;   /* of rpm-md: patterns of packages that are not taken from it */
  GStrv includes;   /* of rpm-md: if any, the only ones that are */
} ColdGuestSource;

/* Whether @text can be dpkg's word for an architecture. */
gboolean cold_guest_source_is_architecture (const char *text);

void cold_guest_source_free (ColdGuestSource *source);

/**
 * cold_guest_sources_from_json:
 * @array: (nullable): "sources" of the facts in common/cold-protocol.h; from a worker that is not trusted
 *
 * Returns: (transfer full) (element-type ColdGuestSource): those that are usable
 */
GPtrArray *cold_guest_sources_from_json (JsonArray *array);

/* Returns: (transfer full) */
JsonArray *cold_guest_sources_to_json (GPtrArray *sources);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdGuestSource, cold_guest_source_free)

G_END_DECLS
