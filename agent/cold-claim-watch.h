/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The claims as they come and go. inotify on the folder itself: the agent has to yield within milliseconds.
 */
#pragma once

#include "cold-claim.h"

G_BEGIN_DECLS

#define COLD_TYPE_CLAIM_WATCH (cold_claim_watch_get_type ())
G_DECLARE_FINAL_TYPE (ColdClaimWatch, cold_claim_watch, COLD, CLAIM_WATCH, GObject)

/*
 * Signals, on the main context of the caller of cold_claim_watch_new():
 *   claim-added   (const char *uuid)   also when a claim is written anew, e.g. restore then prepare
 *   claim-removed (const char *uuid)
 */

/**
 * cold_claim_watch_new:
 * @claim_dir: made when it is missing
 *
 * Claims that exist already are in cold_claim_watch_list() at once, without a signal. A folder that is deleted or moved away
 * is made again, and watched again.
 *
 * Returns: (transfer full): %NULL with Io when the folder cannot be watched
 */
ColdClaimWatch *cold_claim_watch_new (const char *claim_dir, GError **error);

/* (transfer full): UUIDs, sorted */
GStrv cold_claim_watch_list (ColdClaimWatch *self);
gboolean cold_claim_watch_contains (ColdClaimWatch *self, const char *domain);

/**
 * cold_claim_watch_clear_stale:
 * @is_inactive: whether libvirt, connected, says that no such domain is active (unknown ones are not)
 *
 * Removes the claims that no release will ever remove: of a libvirtd that is gone or of an earlier boot, and those of a
 * restore or an incoming migration that came to nothing a minute ago, all only when the domain is inactive. To be called
 * after each (re)connect. The signals follow as for any removal.
 *
 * Returns: how many were removed
 */
guint cold_claim_watch_clear_stale (ColdClaimWatch *self, gboolean (*is_inactive) (const char *domain, gpointer user_data),
                                    gpointer user_data);

G_END_DECLS
