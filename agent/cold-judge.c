/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-judge.h"

struct ColdJudge
{
  const ColdParts *parts;
  ColdJobQueue *queue;
  ColdRetries *retries;
  ColdAgenda *agenda;
  ColdBacking *backing;      /* as of the last look */
  gboolean backing_outdated; /* a volume or domain has changed since */
  guint backing_source;      /* looks at it when nobody else does */
  gboolean announcing;
  guint pending_count;
};

ColdJudge *
cold_judge_new (const ColdParts *parts, ColdJobQueue *queue, ColdRetries *retries, ColdAgenda *agenda)
{
  ColdJudge *self = g_new0 (ColdJudge, 1);

  self->parts = parts;
  self->queue = queue;
  self->retries = retries;
  self->agenda = agenda;
  self->backing = cold_backing_find (parts->inventory, parts->headers);
  self->backing_outdated = TRUE;
  return self;
}

void
cold_judge_free (ColdJudge *self)
{
  g_clear_handle_id (&self->backing_source, g_source_remove);
  cold_backing_free (self->backing);
  g_free (self);
}

/* Looks again at whatever is in @set and not in @others. @paths: (nullable): takes what they are called */
static void
look_at_difference (ColdJudge *self, GHashTable *set, GHashTable *others, GHashTable *paths)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      const ColdVolume *volume = cold_inventory_lookup_volume (self->parts->inventory, *(gint64 *) id);

      if (g_hash_table_contains (others, id))
        continue;
      cold_agenda_add (self->agenda, *(gint64 *) id);
      if (paths != NULL && volume != NULL)
        g_hash_table_add (paths, g_strdup (volume->path));
    }
}

/* Looks again at what builds on these, and on that: a base that has come, or gone, makes their chain another one. */
static void
look_at_overlays (ColdJudge *self, GHashTable *paths)
{
  gboolean more = g_hash_table_size (paths) > 0;

  while (more)
    {
      GHashTableIter iter;
      gpointer value;

      more = FALSE;
      g_hash_table_iter_init (&iter, cold_inventory_get_volumes (self->parts->inventory));
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          const ColdVolume *volume = value;

          if (volume->gone || volume->backing_path == NULL || !g_hash_table_contains (paths, volume->backing_path))
            continue;
          cold_agenda_add (self->agenda, volume->id);
          more |= g_hash_table_add (paths, g_strdup (volume->path));
        }
    }
}

static const char *
first_unread (const ColdBacking *backing)
{
  return backing->unread->len > 0 ? ((ColdUnreadImage *) g_ptr_array_index (backing->unread, 0))->why : NULL;
}

static ColdBacking *
get_backing (ColdJudge *self)
{
  g_autoptr (GHashTable) paths = NULL;
  ColdBacking *before = self->backing, *now;

  if (!self->backing_outdated)
    return self->backing;
  paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  now = cold_backing_find (self->parts->inventory, self->parts->headers);
  if (g_strcmp0 (first_unread (now), first_unread (before)) != 0)
    look_at_difference (self, cold_inventory_get_volumes (self->parts->inventory), now->volumes, NULL);
  look_at_difference (self, now->volumes, before->volumes, paths);
  look_at_difference (self, before->volumes, now->volumes, paths);
  look_at_overlays (self, paths);
  self->backing = now;
  self->backing_outdated = FALSE;
  cold_backing_free (before);
  for (guint i = 0; i < now->unread->len; i++)
    {
      const ColdUnreadImage *image = g_ptr_array_index (now->unread, i);

      cold_headers_request (self->parts->headers, image->path, image->format, &image->file);
    }
  cold_headers_sweep (self->parts->headers);
  return now;
}

static gboolean
on_backing_outdated (gpointer user_data)
{
  ColdJudge *self = user_data;

  self->backing_source = 0;
  get_backing (self);
  return G_SOURCE_REMOVE;
}

void
cold_judge_forget_backing (ColdJudge *self)
{
  self->backing_outdated = TRUE;
  if (self->backing_source == 0)
    self->backing_source = g_idle_add (on_backing_outdated, self);
}

gboolean
cold_judge_is_announcing (ColdJudge *self)
{
  return self->announcing;
}

guint
cold_judge_get_pending_count (ColdJudge *self)
{
  return self->pending_count;
}

static gboolean
has_any_blocker (const ColdVolume *volume, const char *const *codes)
{
  for (; *codes != NULL; codes++)
    if (cold_volume_has_blocker (volume, *codes))
      return TRUE;
  return FALSE;
}

static gboolean
has_known_format (const ColdVolume *volume)
{
  return g_str_equal (volume->format, "raw") || g_str_equal (volume->format, "qcow2");
}

gboolean
cold_judge_allows_inspection (const ColdVolume *volume)
{
  static const char *const hindrances[]
      = { "in-use", "claimed", "pool-inactive", "missing-disk", "untrusted-chain", "unsupported-storage",
          "unsupported-format", "policy-off", "several-names", NULL };

  return g_str_equal (volume->type, "file") && has_known_format (volume) && !has_any_blocker (volume, hindrances)
         && !cold_volume_is_too_small (volume);
}

gboolean
cold_judge_has_lost_guest (const ColdVolume *volume)
{
  static const char *const doubts[] = { "in-use", "claimed", "pool-inactive", NULL };

  if (volume->facts == NULL || volume->inspected == 0 || cold_volume_inspection_is_fresh (volume)
      || has_any_blocker (volume, doubts))
    return FALSE;
  /* Of a disk that a domain takes for raw, libvirt's word for the volume is what the guest wrote there: then no blocker says so. */
  return !g_str_equal (volume->type, "file") || cold_volume_is_too_small (volume)
         || (!has_known_format (volume) && cold_volume_has_blocker (volume, "unsupported-format"));
}

static ColdVolumeState
find_state (ColdJudge *self, const ColdVolume *volume)
{
  ColdJob *job = volume->job != 0 ? cold_job_queue_lookup (self->queue, volume->job) : NULL;

  if (volume->gone)
    return COLD_VOLUME_GONE;
  if (job != NULL && !cold_job_is_finished (job))
    return g_str_equal (cold_job_get_kind (job), "inspect") ? COLD_VOLUME_INSPECTING : COLD_VOLUME_UPGRADING;
  if (cold_retries_is_unreadable (self->retries, volume) || (volume->failures > 0 && cold_volume_inspection_is_fresh (volume)))
    return COLD_VOLUME_FAILED;
  if (volume->facts == NULL)
    {
      if (!g_str_equal (volume->type, "file") || cold_volume_is_too_small (volume)
          || cold_volume_has_blocker (volume, "unsupported-format"))
        return COLD_VOLUME_UNSUPPORTED;
      return volume->blockers->len > 0 && !cold_judge_allows_inspection (volume) ? COLD_VOLUME_BLOCKED : COLD_VOLUME_NEW;
    }
  if (!volume->facts->has_guest || cold_volume_has_blocker (volume, "unsupported-os"))
    return COLD_VOLUME_UNSUPPORTED;
  if (volume->facts->blockers->len > 0 || cold_volume_has_blocker (volume, "no-catalogue")
      || cold_volume_has_blocker (volume, "no-plan"))
    return COLD_VOLUME_BLOCKED;
  /* Nobody knows yet whether it is. */
  if (volume->plan == NULL)
    return COLD_VOLUME_NEW;
  if (volume->pending_count == 0)
    return COLD_VOLUME_CURRENT;
  return volume->blockers->len > 0 ? COLD_VOLUME_BLOCKED : COLD_VOLUME_PENDING;
}

static gboolean
blockers_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const ColdBlocker *left = g_ptr_array_index (a, i), *right = g_ptr_array_index (b, i);

      if (!g_str_equal (left->code, right->code) || g_strcmp0 (left->detail, right->detail) != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
serves (const ColdFacts *facts, gpointer user_data)
{
  return cold_catalogue_serves (user_data, facts);
}

static gboolean
has_code (GPtrArray *blockers, const char *code)
{
  for (guint i = 0; i < blockers->len; i++)
    if (g_str_equal (((ColdBlocker *) g_ptr_array_index (blockers, i))->code, code))
      return TRUE;
  return FALSE;
}

static GPtrArray *
find_blockers (ColdJudge *self, ColdVolume *volume)
{
  const ColdBlocker *refusal = volume->job == 0 ? cold_retries_get_refusal (self->retries, volume) : NULL;
  const ColdBlocker *unreadable = volume->job == 0 ? cold_retries_get_unreadable (self->retries, volume) : NULL;
  ColdBlockerContext context = {
    .gate_live = cold_gate_proof_is_live (self->parts->gate),
    .gate_problem = cold_gate_proof_get_problem (self->parts->gate),
    .host_policy = self->parts->policy,
    .serves = serves,
    .user_data = self->parts->catalogue,
  };
  GPtrArray *blockers;

  context.backing = get_backing (self);
  blockers = cold_blockers_find (self->parts->inventory, volume, &context);
  if (refusal != NULL && !volume->gone && !has_code (blockers, refusal->code))
    g_ptr_array_add (blockers, cold_blocker_new (refusal->code, refusal->detail));
  if (unreadable != NULL && !volume->gone && !has_code (blockers, unreadable->code))
    {
      g_autofree char *detail = g_strdup_printf ("%s; Volume.Inspect tries again", unreadable->detail);

      g_ptr_array_add (blockers, cold_blocker_new (unreadable->code, detail));
    }
  /* Shown, and yet no hindrance: an upgrade that somebody asks for is planned again, and may leave packages out. */
  if (volume->plan_error != NULL && volume->facts != NULL && serves (volume->facts, self->parts->catalogue))
    g_ptr_array_add (blockers, cold_blocker_new ("no-plan", volume->plan_error));
  return blockers;
}

void
cold_judge_show (ColdJudge *self, ColdVolume *volume)
{
  GPtrArray *blockers = find_blockers (self, volume);
  gboolean same = blockers_equal (blockers, volume->blockers);
  ColdVolumeState state;

  g_ptr_array_unref (volume->blockers);
  volume->blockers = blockers;
  state = find_state (self, volume);
  if (same && state == volume->state)
    return;
  self->pending_count -= volume->state == COLD_VOLUME_PENDING;
  self->pending_count += state == COLD_VOLUME_PENDING;
  volume->state = state;
  self->announcing = TRUE;
  g_signal_emit_by_name (self->parts->inventory, "volume-changed", volume);
  self->announcing = FALSE;
}

gint64
cold_judge_settle_time_left (ColdJudge *self, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (self->parts->inventory, volume);
  gint64 quiet_since = volume->file.mtime_ns / 1000;
  gint64 now = g_get_real_time ();
  gint64 wait = self->parts->config->settle_seconds * (gint64) G_USEC_PER_SEC;

  for (guint i = 0; i < domains->len; i++)
    quiet_since = MAX (quiet_since, ((ColdDomain *) g_ptr_array_index (domains, i))->last_stop_time);
  /* A file from the future (clock stepped) is not waited for longer than one settle time. */
  return CLAMP (quiet_since + wait - now, 0, wait);
}

gboolean
cold_judge_ended_cleanly (ColdJudge *self, const ColdVolume *volume)
{
  g_autoptr (GPtrArray) domains = cold_inventory_domains_of (self->parts->inventory, volume);

  for (guint i = 0; i < domains->len; i++)
    {
      const ColdDomain *domain = g_ptr_array_index (domains, i);

      if (*domain->last_stop != '\0' && !g_str_equal (domain->last_stop, "shutdown"))
        return FALSE;
    }
  return TRUE;
}
