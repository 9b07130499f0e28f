/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of a guest's own sources the admin lets it have. With GuestSources=allow, a source becomes a repository of the
 * catalogue when AllowHosts= matches its host and an entry of sources.d vouches for it: the entry's keyring has to have signed
 * it. Such a repository serves the guests that name it, and no other.
 */
#pragma once

#include "cold-config.h"
#include "cold-volume.h"

G_BEGIN_DECLS

/* More than a host's guests would sensibly name: what comes after is not fetched. */
#define COLD_GUEST_REPOSITORIES_MAX 128

/**
 * cold_guest_repositories_of:
 *
 * Equal sources of equal guests give the same id, "guest-" and a part of a hash over everything that is fetched, so that it is
 * fetched once. What repositories of sources.d serve already is left out.
 *
 * Returns: (transfer full) (element-type ColdRepository)
 */
GPtrArray *cold_guest_repositories_of (const ColdConfig *config, const ColdFacts *facts);

/**
 * cold_guest_repositories_of_all:
 * @guests: (element-type ColdFacts)
 * @named: (element-type utf8): empty; gets the ids of all that they name and may have
 *
 * Returns: (transfer full) (element-type ColdRepository): those that are to be fetched, each once. When there are too many, no
 *   guest gets more than another one that names as many.
 */
GPtrArray *cold_guest_repositories_of_all (const ColdConfig *config, GPtrArray *guests, GHashTable *named);

G_END_DECLS
