/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a crash. What the names lead to decides, not what the journal hoped for:
 *
 *   name          hidden name     the member is
 *   original      replacement     BEFORE
 *   original      nothing         BEFORE, and its copy is lost: it cannot go forward
 *   replacement   original        AFTER
 *   replacement   nothing         AFTER, and its old image is gone: it cannot go back
 *   replacement   anything else   DISPLACED: somebody put a file there just before the exchange, which hid it: it goes back, never
 *                                 forward. Nobody but us knows the hidden name.
 *   anything      replacement     LOST: somebody took the original away before the exchange; the copy is ours
 *   anything else                 ODD: hands off
 */
#include "cold-exchange.h"

#include <errno.h>
#include <fcntl.h>

#include "cold-crash-point.h"
#include "cold-discard.h"
#include "cold-error.h"
#include "cold-exchange-set.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-lease.h"

#define GATE_WAIT_MS 5000

typedef enum
{
  ODD,
  BEFORE,
  AFTER,
  DISPLACED,
  LOST,
} Side;

typedef struct
{
  guint odd;
  guint before;
  guint after;
  guint displaced;
  guint lost;
} Count;

/* @other: (out): a link or folder is there, which is none of our files. Returns: %FALSE with @error when it cannot be told now */
static gboolean
read_optional (int folder, const char *name, ColdTuple **tuple, gboolean *other, GError **error)
{
  g_autoptr (GError) local = NULL;

  *tuple = cold_tuple_read_at (folder, name, &local);
  *other = g_error_matches (local, COLD_ERROR, COLD_ERROR_BLOCKED);
  if (*tuple != NULL || *other || g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Both may be %NULL. */
static gboolean
is_file (const ColdTuple *found, const ColdTuple *known)
{
  return found != NULL && known != NULL && cold_tuple_same_file (found, known);
}

static gboolean
classify (ColdExchangeMember *self, Side *side, GError **error)
{
  g_autoptr (ColdTuple) named = NULL;
  g_autoptr (ColdTuple) hidden = NULL;
  const ColdTuple *original = self->member->original;
  const ColdTuple *replacement = self->member->replacement;
  gboolean named_other, hidden_other, nothing_hidden;

  *side = ODD;
  if (!read_optional (self->directory, self->member->name, &named, &named_other, error)
      || !read_optional (self->hidden, self->member->hidden_name, &hidden, &hidden_other, error))
    return FALSE;
  nothing_hidden = hidden == NULL && !hidden_other;
  if (is_file (named, original) && (nothing_hidden || is_file (hidden, replacement)))
    *side = BEFORE;
  else if (is_file (named, replacement))
    *side = nothing_hidden || is_file (hidden, original) ? AFTER : DISPLACED;
  else if (is_file (hidden, replacement))
    *side = LOST;
  return TRUE;
}

static gboolean
classify_set (ColdExchangeSet *set, Side *sides, Count *count, GError **error)
{
  *count = (Count) { 0 };
  for (guint i = 0; i < set->n_members; i++)
    {
      if (!classify (&set->members[i], &sides[i], error))
        return FALSE;
      switch (sides[i])
        {
        case BEFORE:
          count->before++;
          break;
        case AFTER:
          count->after++;
          break;
        case DISPLACED:
          count->displaced++;
          break;
        case LOST:
          count->lost++;
          break;
        case ODD:
        default:
          count->odd++;
          break;
        }
    }
  return TRUE;
}

/* Whether the file is exactly @expected and nobody has it open for writing, or holds QEMU's locks on it. */
static gboolean
is_pristine (int folder, const char *name, const ColdTuple *expected)
{
  cold_fd_auto fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
  g_autoptr (ColdTuple) tuple = fd >= 0 ? cold_tuple_read (fd, NULL) : NULL;

  return tuple != NULL && cold_tuple_equal (expected, tuple, NULL) && !cold_file_is_open_elsewhere (fd, NULL);
}

static gboolean
can_go_forward (ColdExchangeSet *set, const Side *sides)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      ColdExchangeMember *self = &set->members[i];
      g_autoptr (GError) error = NULL;

      if (sides[i] == BEFORE
          && (!cold_exchange_member_prove_hidden (self, &error) || !cold_exchange_member_seize (self, &error)))
        {
          g_message ("a half-done exchange cannot go forward: %s", error->message);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
is_exchanged (Side side)
{
  return side == AFTER || side == DISPLACED;
}

static gboolean
can_go_back (ColdExchangeSet *set, const Side *sides)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      const ColdJournalMember *member = set->members[i].member;

      /* What was written to the new image would be lost to its name: only an untouched one is taken away again. */
      if (is_exchanged (sides[i])
          && (faccessat (set->members[i].hidden, member->hidden_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0
              || !is_pristine (set->members[i].directory, member->name, member->replacement)))
        return FALSE;
    }
  return TRUE;
}

/* Swaps every member that is not yet where it is to be. */
static gboolean
swap_all (ColdExchangeSet *set, const Side *sides, gboolean forward, GError **error)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      ColdExchangeMember *self = &set->members[i];

      if (forward ? sides[i] != BEFORE : !is_exchanged (sides[i]))
        continue;
      COLD_CRASH_POINT ("settle-swap");
      if (!cold_exchange_member_swap (self, error) || (forward && !cold_exchange_member_is_sure (self, error)))
        {
          g_autoptr (GError) torn = NULL;

          if (!cold_exchange_set_put_back (set, &torn))
            g_critical ("a half-done exchange stays half-done: %s", torn->message);
          return FALSE;
        }
    }
  return cold_exchange_set_sync (set, error);
}

static ColdRecovery
quarantine (const ColdExchangeContext *context, ColdJournal *journal, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_warning ("job %u: %s; everything is left as it is, the hidden files stay in %s", journal->job, why,
             journal->members->len > 0
                 ? ((ColdJournalMember *) g_ptr_array_index (journal->members, 0))->hidden_directory
                 : "no folder");
  journal->quarantined = TRUE;
  if (!cold_journal_save (context->journal_dir, journal, &error))
    g_warning ("%s", error->message);
  return COLD_RECOVERY_KEPT;
}

static gboolean
old_images_are_pristine (ColdExchangeSet *set)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      const ColdJournalMember *member = set->members[i].member;

      if (faccessat (set->members[i].hidden, member->hidden_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
          && !is_pristine (set->members[i].hidden, member->hidden_name, member->original))
        return FALSE;
    }
  return TRUE;
}

/* Nobody saw the new images' ctime when they got their names. */
static gboolean
finish (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  for (guint i = 0; i < journal->members->len; i++)
    cold_tuple_forget_ctime (((ColdJournalMember *) g_ptr_array_index (journal->members, i))->replacement);
  return cold_exchange_save_done (context, journal, error);
}

static ColdRecovery
settle_set (const ColdExchangeContext *context, ColdJournal *journal, ColdExchangeSet *set, GError **error)
{
  g_autofree Side *sides = g_new0 (Side, MAX (set->n_members, 1));
  gboolean old_untouched;
  Count count;

  if (!classify_set (set, sides, &count, error))
    return COLD_RECOVERY_KEPT;
  if (count.odd > 0)
    return quarantine (context, journal, "a file is not the one that the exchange left");
  if (count.after + count.displaced == 0)
    return COLD_RECOVERY_NOTHING;

  if (count.before + count.lost + count.displaced == 0)
    {
      /* Killed between the last rename and the decision, or after it. The decision is made as it would have been: an old
       * image that somebody touched or opened is the one in use, unless the new one is. */
      old_untouched = old_images_are_pristine (set);
      if (old_untouched || !can_go_back (set, sides))
        {
          if (!old_untouched)
            g_warning ("job %u: an old image was touched during the exchange; it is kept for good", journal->job);
          journal->quarantined |= !old_untouched;
          if (!cold_exchange_set_sync (set, error) || !finish (context, journal, error))
            return COLD_RECOVERY_KEPT;
          return COLD_RECOVERY_FINISHED;
        }
    }
  else if (count.lost + count.displaced == 0 && can_go_forward (set, sides))
    {
      if (!swap_all (set, sides, TRUE, error) || !finish (context, journal, error))
        return COLD_RECOVERY_KEPT;
      return COLD_RECOVERY_FINISHED;
    }
  else if (!can_go_back (set, sides))
    return quarantine (context, journal, "the set is half exchanged, or hid somebody's file, and can go neither forward nor back");

  if (!swap_all (set, sides, FALSE, error))
    return COLD_RECOVERY_KEPT;
  return COLD_RECOVERY_THROWN_AWAY;
}

ColdRecovery
cold_exchange_settle (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  g_autoptr (ColdExchangeSet) set = NULL;

  if (journal->state != COLD_JOURNAL_READY)
    return COLD_RECOVERY_NOTHING;
  cold_journal_refresh_devices (journal);
  set = cold_exchange_set_open (context, journal, error);
  if (set == NULL)
    return COLD_RECOVERY_KEPT;
  return settle_set (context, journal, set, error);
}

/* Whether none of the names leads to a new image. */
static gboolean
nothing_is_exchanged (ColdExchangeSet *set, GError **error)
{
  g_autofree Side *sides = g_new0 (Side, MAX (set->n_members, 1));
  Count count;

  if (!classify_set (set, sides, &count, error))
    return FALSE;
  if (count.after + count.displaced + count.odd == 0)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_BUSY,
                       "the exchange was begun and not ended; restart the agent to have it recovered");
  return FALSE;
}

static const ColdTuple *
expected_hidden (const ColdJournal *journal, guint i)
{
  const ColdJournalMember *member = g_ptr_array_index (journal->members, i);

  return journal->state == COLD_JOURNAL_DONE ? member->original : member->replacement;
}

/* Opens and leases what is there of the hidden files, -1 where nothing is. @refused: (out): the one that could not be leased */
static gboolean
open_hidden (const ColdJournal *journal, ColdExchangeSet *set, int *fds, const ColdTuple **refused, GError **error)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      g_autoptr (GError) local = NULL;

      fds[i] = cold_discard_open (set->members[i].hidden, set->members[i].member->hidden_name, expected_hidden (journal, i),
                                  &local);
      if (fds[i] < 0 && !g_error_matches (local, COLD_ERROR, COLD_ERROR_NOT_FOUND))
        {
          *refused = expected_hidden (journal, i);
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return TRUE;
}

/* Under the gate: a rollback may have brought one of them back since it was opened. */
static gboolean
unlink_hidden (const ColdExchangeContext *context, const ColdJournal *journal, ColdExchangeSet *set, const int *fds,
               GError **error)
{
  cold_fd_auto gate = cold_gate_take (context->gate_file, GATE_WAIT_MS, error);

  if (gate < 0)
    return FALSE;
  for (guint i = 0; i < set->n_members; i++)
    if (fds[i] >= 0
        && !cold_discard_unlink (set->members[i].hidden, set->members[i].member->hidden_name, fds[i],
                                 expected_hidden (journal, i), error))
      return FALSE;
  return TRUE;
}

/* A set is examined as a whole, every lease held, before its first file goes. */
static gboolean
discard_all (const ColdExchangeContext *context, const ColdJournal *journal, ColdExchangeSet *set, GError **error)
{
  g_autofree int *fds = g_new (int, MAX (set->n_members, 1));
  g_autoptr (GError) local = NULL;
  const ColdTuple *refused = NULL;
  gboolean fine;

  for (guint i = 0; i < set->n_members; i++)
    fds[i] = -1;
  fine = open_hidden (journal, set, fds, &refused, &local) && unlink_hidden (context, journal, set, fds, &local);
  for (guint i = 0; i < set->n_members; i++)
    {
      if (fine && fds[i] >= 0)
        fine = cold_discard_release (set->members[i].hidden, fds[i], &local);
      cold_fd_clear (&fds[i]);
    }
  if (refused != NULL)
    cold_lease_tell_opener (local, cold_tuple_get_device (refused), cold_tuple_get_inode (refused));
  if (!fine)
    g_propagate_error (error, g_steal_pointer (&local));
  return fine;
}

/* A journal that was never saved has a number whose file is another job's, if there is one. */
static gboolean
remove_journal (const ColdExchangeContext *context, const ColdJournal *journal, GError **error)
{
  return !journal->on_disk || cold_journal_remove (context->journal_dir, journal->job, error);
}

gboolean
cold_exchange_drop_hidden (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  g_autoptr (ColdExchangeSet) set = NULL;
  g_autoptr (GError) local = NULL;

  if (journal->quarantined)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                   "quarantined: the hidden files of job %u were touched by somebody; examine them, and delete them and "
                   "the journal yourself", journal->job);
      return FALSE;
    }
  cold_journal_refresh_devices (journal);
  set = cold_exchange_set_open (context, journal, error);
  if (set == NULL)
    return FALSE;
  if (journal->state == COLD_JOURNAL_READY)
    {
      /* On disk, too, before a file goes that a name led to for a moment: whoever put it back may have been killed right after. */
      if (!nothing_is_exchanged (set, error) || !cold_exchange_set_sync (set, error))
        return FALSE;
      /* Once a copy is gone the set can never be exchanged again, and the journal has to say so first. */
      if (!cold_journal_is_rollback (journal))
        {
          journal->state = COLD_JOURNAL_COPYING;
          if (!cold_journal_save (context->journal_dir, journal, error))
            return FALSE;
        }
    }
  /* What a rollback would have brought back is another journal's old image. */
  if (cold_journal_is_rollback (journal) && journal->state != COLD_JOURNAL_DONE)
    return remove_journal (context, journal, error);

  if (cold_exchange_set_drop_probes (set, &local) && discard_all (context, journal, set, &local))
    return remove_journal (context, journal, error);
  if (g_error_matches (local, COLD_ERROR, COLD_ERROR_BLOCKED))
    quarantine (context, journal, local->message);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
cold_exchange_can_fold (const ColdJournal *earlier, const ColdJournal *later)
{
  if (earlier->state != COLD_JOURNAL_DONE || later->state != COLD_JOURNAL_DONE || earlier->quarantined || later->quarantined
      || earlier->job >= later->job || earlier->members->len != later->members->len)
    return FALSE;
  for (guint i = 0; i < later->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (later->members, i);
      g_autofree char *path = cold_journal_member_path (member);
      const ColdJournalMember *before = cold_journal_find_member (earlier, path);

      if (before == NULL || !cold_tuple_is_untouched (before->replacement, member->original, NULL))
        return FALSE;
    }
  return TRUE;
}

gboolean
cold_exchange_fold (const ColdExchangeContext *context, ColdJournal *earlier, ColdJournal *later, GError **error)
{
  for (guint i = 0; i < earlier->members->len; i++)
    {
      ColdJournalMember *member = g_ptr_array_index (earlier->members, i);
      g_autofree char *path = cold_journal_member_path (member);

      cold_tuple_free (member->replacement);
      member->replacement = cold_tuple_copy (cold_journal_find_member (later, path)->replacement);
    }
  earlier->keep_until = MAX (earlier->keep_until, later->keep_until);
  if (!cold_journal_save (context->journal_dir, earlier, error))
    return FALSE;
  COLD_CRASH_POINT ("fold-saved");
  return cold_exchange_drop_hidden (context, later, error);
}

ColdRecovery
cold_exchange_recover (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  g_autoptr (GError) local = NULL;
  cold_fd_auto gate = -1;
  ColdRecovery settled;

  if (journal->state == COLD_JOURNAL_DONE)
    {
      if (journal->supersedes != 0 && !cold_journal_remove (context->journal_dir, journal->supersedes, error))
        return COLD_RECOVERY_KEPT;
      return COLD_RECOVERY_NOTHING;
    }
  gate = cold_gate_take (context->gate_file, GATE_WAIT_MS, error);
  if (gate < 0)
    return COLD_RECOVERY_KEPT;
  settled = cold_exchange_settle (context, journal, error);
  if (settled == COLD_RECOVERY_KEPT || settled == COLD_RECOVERY_FINISHED)
    return settled;
  cold_fd_clear (&gate);

  COLD_CRASH_POINT ("recover-settled");
  /* A domain that starts now starts on its originals, and need not wait for the rest. */
  if (cold_exchange_drop_hidden (context, journal, &local))
    return COLD_RECOVERY_THROWN_AWAY;
  if (!journal->quarantined)
    g_propagate_error (error, g_steal_pointer (&local));
  return COLD_RECOVERY_KEPT;
}
