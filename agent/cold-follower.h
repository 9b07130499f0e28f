/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows domains and their claims: whoever works on a disk of a domain that starts gives it up at once, and the volumes of a
 * domain that has changed are looked at again. Main context only.
 */
#pragma once

#include "cold-agenda.h"
#include "cold-judge.h"

G_BEGIN_DECLS

#define COLD_TYPE_FOLLOWER (cold_follower_get_type ())
G_DECLARE_FINAL_TYPE (ColdFollower, cold_follower, COLD, FOLLOWER, GObject)

/* All borrowed, and outlive the follower. It follows from now on. */
ColdFollower *cold_follower_new (const ColdParts *parts, ColdJobQueue *queue, ColdAgenda *agenda, ColdJudge *judge);

/* Takes over the claims that stand already. */
void cold_follower_start (ColdFollower *self);

/* libvirt has told everything: removes the claims that no release will ever remove. */
void cold_follower_clear_stale_claims (ColdFollower *self);

G_END_DECLS
