/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-volume.h"

#include "cold-guest-source.h"
#include "cold-json.h"

#define GUEST_SIZE_MIN (1024 * 1024) /* bytes */

static const char *const state_names[] = {
  [COLD_VOLUME_NEW] = "new",
  [COLD_VOLUME_INSPECTING] = "inspecting",
  [COLD_VOLUME_CURRENT] = "current",
  [COLD_VOLUME_PENDING] = "pending",
  [COLD_VOLUME_BLOCKED] = "blocked",
  [COLD_VOLUME_UPGRADING] = "upgrading",
  [COLD_VOLUME_FAILED] = "failed",
  [COLD_VOLUME_UNSUPPORTED] = "unsupported",
  [COLD_VOLUME_GONE] = "gone",
};

ColdBlocker *
cold_blocker_new (const char *code, const char *detail)
{
  ColdBlocker *blocker = g_new0 (ColdBlocker, 1);

  blocker->code = g_strdup (code);
  blocker->detail = g_strdup (detail);
  return blocker;
}

void
cold_blocker_free (ColdBlocker *blocker)
{
  g_free (blocker->code);
  g_free (blocker->detail);
  g_free (blocker);
}

ColdFacts *
cold_facts_new (void)
{
  ColdFacts *facts = g_new0 (ColdFacts, 1);

  facts->os = g_strdup ("");
  facts->os_version = g_strdup ("");
  facts->os_product = g_strdup ("");
  facts->arch = g_strdup ("");
  facts->hostname = g_strdup ("");
  facts->package_format = g_strdup ("");
  facts->package_manager = g_strdup ("");
  facts->manifest = g_strdup ("");
  facts->details = g_strdup ("{}");
  facts->blockers = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_blocker_free);
  facts->sources = cold_guest_sources_from_json (NULL);
  facts->foreign = g_new0 (char *, 1);
  return facts;
}

void
cold_facts_take_foreign (ColdFacts *facts, JsonObject *object)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) archs = cold_json_strv (object, "foreign");
  guint n = 0;

  for (guint i = 0; archs[i] != NULL && n < COLD_FACTS_FOREIGN_MAX; i++)
    if (cold_guest_source_is_architecture (archs[i]))
      {
        g_strv_builder_add (builder, archs[i]);
        n++;
      }
  g_strfreev (facts->foreign);
  facts->foreign = g_strv_builder_end (builder);
}

void
cold_facts_free (ColdFacts *facts)
{
  g_free (facts->os);
  g_free (facts->os_version);
  g_free (facts->os_product);
  g_free (facts->arch);
  g_free (facts->hostname);
  g_free (facts->package_format);
  g_free (facts->package_manager);
  g_free (facts->manifest);
  g_free (facts->details);
  g_ptr_array_unref (facts->blockers);
  g_ptr_array_unref (facts->sources);
  g_strfreev (facts->foreign);
  g_clear_pointer (&facts->disks, g_array_unref);
  g_free (facts);
}

ColdVolume *
cold_volume_new (const char *pool_uuid, const char *name)
{
  ColdVolume *volume = g_new0 (ColdVolume, 1);

  volume->pool_uuid = g_strdup (pool_uuid);
  volume->name = g_strdup (name);
  volume->key = g_strdup ("");
  volume->path = g_strdup ("");
  volume->type = g_strdup ("");
  volume->format = g_strdup ("");
  volume->policy = g_strdup ("inherit");
  volume->last_outcome = g_strdup ("");
  volume->last_error = g_strdup ("");
  volume->blockers = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_blocker_free);
  return volume;
}

void
cold_volume_free (ColdVolume *volume)
{
  g_free (volume->pool_uuid);
  g_free (volume->name);
  g_free (volume->key);
  g_free (volume->path);
  g_free (volume->type);
  g_free (volume->format);
  g_free (volume->backing_path);
  g_free (volume->backing_format);
  g_clear_pointer (&volume->facts, cold_facts_free);
  cold_volume_share_text (&volume->plan, NULL);
  g_free (volume->plan_error);
  cold_volume_share_text (&volume->pending_since, NULL);
  g_free (volume->policy);
  g_free (volume->last_outcome);
  g_free (volume->last_error);
  g_free (volume->quarantine);
  g_ptr_array_unref (volume->blockers);
  g_free (volume);
}

void
cold_volume_share_text (GRefString **where, const char *text)
{
  GRefString *old = *where;

  *where = text != NULL ? g_ref_string_new_intern (text) : NULL;
  if (old != NULL)
    g_ref_string_release (old);
}

void
cold_volume_take_facts (ColdVolume *volume, ColdFacts *facts)
{
  g_clear_pointer (&volume->facts, cold_facts_free);
  volume->facts = facts;
  cold_volume_share_text (&volume->plan, NULL);
  g_clear_pointer (&volume->plan_error, g_free);
  volume->plan_generation = 0;
  volume->pending_count = volume->pending_security = 0;
  volume->pending_bytes = 0;
}

static void
replace (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
}

void
cold_volume_make_anew (ColdVolume *volume)
{
  cold_volume_take_facts (volume, NULL);
  cold_volume_share_text (&volume->pending_since, NULL);
  volume->inspected = volume->upgraded = 0;
  volume->inspected_file = (ColdFileId){ 0 };
  volume->failures = 0;
  volume->awaits_boot = FALSE;
  replace (&volume->last_outcome, "");
  replace (&volume->last_error, "");
}

gboolean
cold_volume_take_over (ColdVolume *volume, const ColdVolume *before)
{
  gboolean any = FALSE;

  if (g_str_equal (volume->policy, "inherit") && !g_str_equal (before->policy, "inherit"))
    {
      replace (&volume->policy, before->policy);
      any = TRUE;
    }
  if (*volume->last_outcome != '\0' || *before->last_outcome == '\0')
    return any;
  replace (&volume->last_outcome, before->last_outcome);
  replace (&volume->last_error, before->last_error);
  volume->failures = before->failures;
  volume->upgraded = before->upgraded;
  volume->awaits_boot = before->awaits_boot;
  return TRUE;
}

gboolean
cold_volume_inspection_is_fresh (const ColdVolume *volume)
{
  return volume->inspected != 0 && cold_file_id_same_content (&volume->file, &volume->inspected_file);
}

gboolean
cold_volume_is_too_small (const ColdVolume *volume)
{
  /* An overlay holds only what differs from the image below; and of what libvirt cannot describe nobody knows. */
  return volume->allocation < GUEST_SIZE_MIN && volume->backing_path == NULL && !g_str_equal (volume->format, "unknown");
}

gboolean
cold_volume_has_blocker (const ColdVolume *volume, const char *code)
{
  for (guint i = 0; i < volume->blockers->len; i++)
    if (g_str_equal (((ColdBlocker *) g_ptr_array_index (volume->blockers, i))->code, code))
      return TRUE;
  return FALSE;
}

const char *
cold_volume_state_to_string (ColdVolumeState state)
{
  return state_names[state];
}
