/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-claim.h"
#include "cold-crash-point.h"
#include "cold-error.h"
#include "cold-exchange-set.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-lease.h"

static gboolean
probe_lease (int folder, const char *name, GError **error)
{
  cold_fd_auto fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return cold_error_set_errno (error, errno, "cannot open %s", name);
  return cold_lease_take_read (fd, error);
}

static gboolean
probe_files (int hidden_fd, const char *first, const char *second, GError **error)
{
  for (guint i = 0; i < 2; i++)
    {
      const char *name = i == 0 ? first : second;
      /* Never for writing: a child that another thread forks right now keeps that open until it executes its program, and no
       * lease is to be had meanwhile. */
      cold_fd_auto fd = openat (hidden_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

      if (fd < 0)
        return cold_error_set_errno (error, errno, "cannot make a file in the hidden folder");
      COLD_CRASH_POINT ("probe-made");
    }
  if (!probe_lease (hidden_fd, first, error))
    return FALSE;
  if (renameat2 (hidden_fd, first, hidden_fd, second, RENAME_EXCHANGE) == 0)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "unsupported-storage: the file system cannot exchange two names: %s",
               g_strerror (errno));
  return FALSE;
}

static gboolean
unlink_file (int folder, const char *name, GError **error)
{
  if (unlinkat (folder, name, 0) != 0)
    return cold_error_set_errno (error, errno, "cannot delete %s", name);
  COLD_CRASH_POINT ("probe-unlinked");
  return TRUE;
}

gboolean
cold_exchange_probe (int directory_fd, int hidden_fd, const char *hidden_name, GError **error)
{
  g_autofree char *second = cold_exchange_probe_name (hidden_name);
  struct stat st, hidden_st;

  if (fstat (directory_fd, &st) != 0 || fstat (hidden_fd, &hidden_st) != 0)
    return cold_error_set_errno (error, errno, "cannot examine folders");
  /* Two mounts of one file system have the same device, yet nothing can be renamed between them; the kernel says so before
   * it looks for the names. */
  if (st.st_dev != hidden_st.st_dev
      || (renameat2 (directory_fd, second, hidden_fd, second, RENAME_EXCHANGE) != 0 && errno == EXDEV))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                           "unsupported-storage: the hidden folder is on another mount than the volumes");
      return FALSE;
    }
  if (probe_files (hidden_fd, hidden_name, second, error))
    return unlink_file (hidden_fd, hidden_name, error) && unlink_file (hidden_fd, second, error);
  /* What is left is deleted with the journal. */
  return FALSE;
}

static gboolean
is_known (const ColdExchangeContext *context, const char *domain)
{
  for (guint i = 0; context->known_domains != NULL && context->known_domains[i] != NULL; i++)
    if (g_ascii_strcasecmp (context->known_domains[i], domain) == 0)
      return TRUE;
  return FALSE;
}

/* Nobody claims a domain of ours, or one whose disks nobody knows, and the caller still wants it. */
static gboolean
may_go_on (const ColdExchangeContext *context, const ColdJournal *journal, GError **error)
{
  g_auto (GStrv) claims = cold_claim_list (context->claim_dir, error);

  if (claims == NULL)
    return FALSE;
  for (char **domain = claims; *domain != NULL; domain++)
    if (cold_journal_names_domain (journal, *domain) || !is_known (context, *domain))
      {
        g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "domain %s is starting or running", *domain);
        return FALSE;
      }
  if (context->still_wanted != NULL && !context->still_wanted (context->user_data))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_YIELDED, "something changed meanwhile");
      return FALSE;
    }
  return TRUE;
}

static gboolean
prepare (const ColdExchangeContext *context, const ColdJournal *journal, ColdExchangeSet *set, GError **error)
{
  if (!may_go_on (context, journal, error))
    return FALSE;
  for (guint i = 0; i < set->n_members; i++)
    if (!cold_exchange_member_prove_hidden (&set->members[i], error)
        || !cold_exchange_member_seize (&set->members[i], error))
      return FALSE;
  return TRUE;
}

/* The renames and the decision. Between the two only looking is allowed: a domain that starts waits for both. */
static gboolean
swap_and_decide (const ColdExchangeContext *context, const ColdJournal *journal, ColdExchangeSet *set, GError **error)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      COLD_CRASH_POINT ("swap-before");
      if (!cold_exchange_member_swap (&set->members[i], error))
        return FALSE;
      COLD_CRASH_POINT ("swap-after");
    }
  if (!may_go_on (context, journal, error))
    return FALSE;
  for (guint i = 0; i < set->n_members; i++)
    if (!cold_exchange_member_is_sure (&set->members[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
exchange (const ColdExchangeContext *context, ColdJournal *journal, ColdExchangeSet *set, GError **error)
{
  g_autoptr (GError) local = NULL;
  cold_fd_auto gate = cold_gate_take (context->gate_file, 0, error);
  gint64 begin = g_get_monotonic_time ();

  if (gate < 0 || !prepare (context, journal, set, error))
    return FALSE;
  if (!swap_and_decide (context, journal, set, &local))
    {
      g_autoptr (GError) torn = NULL;

      COLD_CRASH_POINT ("decided-back");
      if (!cold_exchange_set_put_back (set, &torn))
        {
          /* The journal says READY: recovery, or the hook of a domain that starts, sorts it out. */
          g_warning ("exchange of job %u cannot be undone: %s", journal->job, torn->message);
          g_propagate_error (error, g_steal_pointer (&torn));
          return FALSE;
        }
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }

  COLD_CRASH_POINT ("decided");
  /* From here on the names stay: a domain that waited too long for the gate may be running on them already. If the disk
   * fails now the journal stays READY on it, and recovery will find every name exchanged. */
  if (!cold_exchange_set_sync (set, &local) || !cold_exchange_save_done (context, journal, &local))
    g_warning ("job %u is exchanged, but that is not on disk yet: %s", journal->job, local->message);
  journal->state = COLD_JOURNAL_DONE;
  g_debug ("job %u exchanged %u images; the gate was held for %" G_GINT64_FORMAT " us", journal->job, set->n_members,
           g_get_monotonic_time () - begin);
  return TRUE;
}

/* The member that could not be leased, when it was an original. */
static const ColdTuple *
find_refused (const ColdExchangeSet *set)
{
  for (guint i = 0; i < set->n_members; i++)
    if (set->members[i].original < 0)
      return set->members[i].member->original;
  return NULL;
}

gboolean
cold_exchange_commit (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  g_autoptr (ColdExchangeSet) set = NULL;
  g_autoptr (GError) local = NULL;
  const ColdTuple *refused;

  g_return_val_if_fail (journal->state == COLD_JOURNAL_READY && journal->members->len > 0, FALSE);
  set = cold_exchange_set_open (context, journal, error);
  if (set == NULL)
    return FALSE;
  if (exchange (context, journal, set, &local))
    return TRUE;
  refused = find_refused (set);
  g_clear_pointer (&set, cold_exchange_set_free);
  if (refused != NULL)
    cold_lease_tell_opener (local, cold_tuple_get_device (refused), cold_tuple_get_inode (refused));
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
