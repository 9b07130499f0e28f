/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-parts.h"

#include "cold-error.h"

static gboolean
serves (const ColdFacts *facts, gpointer user_data)
{
  return cold_catalogue_serves (user_data, facts);
}

GPtrArray *
cold_parts_find_blockers (const ColdParts *parts, ColdVolume *volume)
{
  g_autoptr (ColdBacking) backing = cold_backing_find (parts->inventory, parts->headers);
  const ColdBlockerContext context = {
    .gate_live = cold_gate_proof_is_live (parts->gate),
    .gate_problem = cold_gate_proof_get_problem (parts->gate),
    .host_policy = parts->policy,
    .backing = backing,
    .serves = serves,
    .user_data = parts->catalogue,
  };

  return cold_blockers_find (parts->inventory, volume, &context);
}

static gboolean
set_blocked (const ColdBlocker *first, GError **error)
{
  const ColdBlockerText *text = cold_blocker_text (first->code);

  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "%s: %s %s%s%s%s", first->code, text->reason,
               first->detail != NULL ? "(" : "", first->detail != NULL ? first->detail : "",
               first->detail != NULL ? ") " : "", text->remedy);
  return FALSE;
}

gboolean
cold_parts_check_blockers (const ColdParts *parts, ColdVolume *volume, GError **error)
{
  g_autoptr (GPtrArray) blockers = cold_parts_find_blockers (parts, volume);

  return blockers->len == 0 || set_blocked (g_ptr_array_index (blockers, 0), error);
}

static gboolean
check_member (const ColdParts *parts, const char *path, GError **error)
{
  /* What is in the guest, what is published for it, and what the policy says of upgrades. */
  static const char *const no_matter[] = {
    "no-operating-system", "several-operating-systems", "unsupported-os", "unsupported-format", "immutable-os", "foreign-arch",
    "encrypted", "hibernated", "dirty-filesystem", "interrupted-transaction", "no-catalogue", "no-space", "policy-off",
    "outside-window", "quarantined", NULL,
  };
  ColdVolume *volume = cold_inventory_lookup_path (parts->inventory, path);
  g_autoptr (GPtrArray) blockers = volume != NULL ? cold_parts_find_blockers (parts, volume) : NULL;

  if (volume == NULL)
    {
      g_autoptr (ColdBlocker) missing = cold_blocker_new ("missing-disk", path);

      return set_blocked (missing, error);
    }
  for (guint i = 0; i < blockers->len; i++)
    {
      const ColdBlocker *blocker = g_ptr_array_index (blockers, i);

      if (!g_strv_contains (no_matter, blocker->code))
        return set_blocked (blocker, error);
    }
  return TRUE;
}

gboolean
cold_parts_check_rollback (const ColdParts *parts, const ColdJournal *journal, GError **error)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      g_autofree char *path = cold_journal_member_path (g_ptr_array_index (journal->members, i));

      if (!check_member (parts, path, error))
        return FALSE;
    }
  return TRUE;
}
