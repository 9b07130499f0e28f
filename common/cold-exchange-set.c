/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-exchange-set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cold-crash-point.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-lease.h"

ColdExchangeSet *
cold_exchange_set_open (const ColdExchangeContext *context, const ColdJournal *journal, GError **error)
{
  const char *base = context->trusted_base != NULL ? context->trusted_base : "/";
  g_autoptr (ColdExchangeSet) set = g_new0 (ColdExchangeSet, 1);

  set->n_members = journal->members->len;
  set->members = g_new0 (ColdExchangeMember, set->n_members);
  for (guint i = 0; i < set->n_members; i++)
    {
      set->members[i].member = g_ptr_array_index (journal->members, i);
      set->members[i].directory = set->members[i].hidden = set->members[i].original = -1;
    }
  for (guint i = 0; i < set->n_members; i++)
    {
      ColdExchangeMember *self = &set->members[i];

      self->directory = cold_directory_open_below (base, self->member->directory, error);
      if (self->directory < 0)
        return NULL;
      self->hidden = cold_directory_open_private (base, self->member->hidden_directory, error);
      if (self->hidden < 0)
        return NULL;
    }
  return g_steal_pointer (&set);
}

void
cold_exchange_set_free (ColdExchangeSet *set)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      cold_fd_clear (&set->members[i].directory);
      cold_fd_clear (&set->members[i].hidden);
      cold_fd_clear (&set->members[i].original);
    }
  g_free (set->members);
  g_free (set);
}

static int
open_for_lease (int folder, const char *name, GError **error)
{
  /* O_NONBLOCK: a fifo must not stop us, nor somebody's write lease. O_NOATIME: looking is no use of the file. */
  int fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);

  if (fd < 0 && errno == ENOENT)
    g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s is gone", name);
  else if (fd < 0 && errno == ELOOP)
    g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s was replaced by a symbolic link", name);
  else if (fd < 0)
    cold_error_set_errno (error, errno, "cannot open %s", name);
  return fd;
}

gboolean
cold_exchange_member_seize (ColdExchangeMember *self, GError **error)
{
  const char *name = self->member->name;
  g_autoptr (ColdTuple) tuple = NULL;
  g_autofree char *difference = NULL;
  cold_fd_auto fd = open_for_lease (self->directory, name, error);

  if (fd < 0)
    return FALSE;
  /* The lease comes first: whoever wrote before it shows in the tuple, whoever wants to write after it has to wait. */
  if (!cold_lease_take_read (fd, error))
    {
      cold_error_prefix (error, name);
      return FALSE;
    }
  if (cold_lock_bytes_are_held (fd))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "open-elsewhere: %s: QEMU or virtlockd holds a lock on it",
                   name);
      return FALSE;
    }
  tuple = cold_tuple_read (fd, error);
  if (tuple == NULL)
    {
      cold_error_prefix (error, name);
      return FALSE;
    }
  if (!cold_tuple_is_untouched (self->member->original, tuple, &difference))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s was changed since it was copied: %s", name, difference);
      return FALSE;
    }
  if (cold_tuple_get_links (tuple) != 1)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "several-names: %s has more than one name (hard links)", name);
      return FALSE;
    }
  self->original = cold_fd_steal (&fd);
  return TRUE;
}

gboolean
cold_exchange_member_prove_hidden (ColdExchangeMember *self, GError **error)
{
  const char *name = self->member->hidden_name;
  cold_fd_auto fd = open_for_lease (self->hidden, name, error);
  g_autoptr (ColdTuple) tuple = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *difference = NULL;

  if (fd < 0)
    return FALSE;
  if (!cold_lease_take_write (fd, &local) || (tuple = cold_tuple_read (fd, &local)) == NULL)
    difference = g_strdup (local->message);
  else if (!cold_tuple_equal (self->member->replacement, tuple, &difference))
    ;
  else if (cold_tuple_get_links (tuple) != 1)
    difference = g_strdup ("it has more than one name");
  if (difference == NULL)
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "hidden file %s is not what was proven: %s", name, difference);
  return FALSE;
}

gboolean
cold_exchange_member_is_sure (ColdExchangeMember *self, GError **error)
{
  g_autoptr (ColdTuple) old = cold_tuple_read_at (self->hidden, self->member->hidden_name, NULL);
  g_autoptr (ColdTuple) new = cold_tuple_read_at (self->directory, self->member->name, NULL);
  g_autofree char *why = NULL;

  /* Of the new inode only the identity: a hot-plug that began after the swap has labelled it already, and rightly uses it. */
  if (new == NULL || !cold_tuple_same_file (self->member->replacement, new))
    why = g_strdup ("its name leads somewhere else");
  else if (old == NULL)
    why = g_strdup ("the old image went away");
  else if (!cold_tuple_equal (self->member->original, old, &why))
    ;
  else if (!cold_lease_is_intact (self->original, FALSE))
    why = g_strdup ("somebody opens it for writing");
  else if (cold_lock_bytes_are_held (self->original))
    why = g_strdup ("QEMU locks it");
  if (why == NULL)
    {
      /* The new image's ctime is that of the rename: with it a rollback knows whether it was touched since. */
      if (cold_tuple_equal (self->member->replacement, new, NULL))
        {
          cold_tuple_free (self->member->replacement);
          self->member->replacement = g_steal_pointer (&new);
        }
      return TRUE;
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_YIELDED, "%s was touched during the exchange: %s", self->member->name, why);
  return FALSE;
}

gboolean
cold_exchange_member_swap (ColdExchangeMember *self, GError **error)
{
  if (renameat2 (self->hidden, self->member->hidden_name, self->directory, self->member->name, RENAME_EXCHANGE) == 0)
    {
      self->swapped = !self->swapped;
      return TRUE;
    }
  if (errno == EINVAL || errno == ENOSYS || errno == EXDEV)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED,
                   "unsupported-storage: the file system of %s cannot exchange two names: %s", self->member->directory,
                   g_strerror (errno));
      return FALSE;
    }
  return cold_error_set_errno (error, errno, "cannot exchange %s/%s with its hidden file", self->member->directory,
                               self->member->name);
}

gboolean
cold_exchange_set_sync (ColdExchangeSet *set, GError **error)
{
  for (guint i = 0; i < set->n_members; i++)
    if (fsync (set->members[i].directory) != 0 || fsync (set->members[i].hidden) != 0)
      return cold_error_set_errno (error, errno, "cannot sync folder %s", set->members[i].member->directory);
  return TRUE;
}

/* Whether what this call swapped in stands under the name still: then swapping again brings back whatever was there before, also a
 * file that somebody put there just before the swap, and hides none of theirs. */
static gboolean
stands_as_swapped (ColdExchangeMember *self)
{
  g_autoptr (ColdTuple) hidden = cold_tuple_read_at (self->hidden, self->member->hidden_name, NULL);
  g_autoptr (ColdTuple) named = cold_tuple_read_at (self->directory, self->member->name, NULL);
  const ColdTuple *original = self->member->original;
  const ColdTuple *replacement = self->member->replacement;

  if (named == NULL)
    return FALSE;
  return cold_tuple_same_file (replacement, named)
         || (cold_tuple_same_file (original, named) && hidden != NULL && cold_tuple_same_file (replacement, hidden));
}

/* Under its lease nobody has written to it: what changed its ctime is our two renames, and it may be tried again. */
static void
learn_ctime (ColdExchangeMember *self)
{
  g_autoptr (ColdTuple) now = self->original >= 0 ? cold_tuple_read (self->original, NULL) : NULL;

  if (now == NULL || !cold_tuple_equal (self->member->original, now, NULL))
    return;
  cold_tuple_free (self->member->original);
  self->member->original = g_steal_pointer (&now);
}

gboolean
cold_exchange_set_put_back (ColdExchangeSet *set, GError **error)
{
  g_autoptr (GError) first = NULL;

  for (guint i = set->n_members; i-- > 0;)
    {
      ColdExchangeMember *self = &set->members[i];
      g_autoptr (GError) local = NULL;

      if (!self->swapped)
        continue;
      /* Not over a file that somebody else put there since: it would end under the hidden name. */
      if (!stands_as_swapped (self))
        g_set_error (&local, COLD_ERROR, COLD_ERROR_IO, "%s/%s was replaced by somebody else", self->member->directory,
                     self->member->name);
      else if (cold_exchange_member_swap (self, &local))
        learn_ctime (self);
      if (local != NULL && first == NULL)
        first = g_steal_pointer (&local);
      COLD_CRASH_POINT ("put-back-one");
    }
  if (cold_exchange_set_sync (set, first == NULL ? &first : NULL) && first == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

char *
cold_exchange_probe_name (const char *hidden_name)
{
  return g_strconcat (hidden_name, ".probe", NULL);
}

gboolean
cold_exchange_set_drop_probes (ColdExchangeSet *set, GError **error)
{
  for (guint i = 0; i < set->n_members; i++)
    {
      g_autofree char *name = cold_exchange_probe_name (set->members[i].member->hidden_name);

      if (unlinkat (set->members[i].hidden, name, 0) == 0)
        {
          if (fsync (set->members[i].hidden) != 0)
            return cold_error_set_errno (error, errno, "cannot sync the folder of hidden files");
        }
      else if (errno != ENOENT)
        return cold_error_set_errno (error, errno, "cannot delete %s", name);
    }
  return TRUE;
}

gboolean
cold_exchange_save_done (const ColdExchangeContext *context, ColdJournal *journal, GError **error)
{
  journal->state = COLD_JOURNAL_DONE;
  if (!cold_journal_save (context->journal_dir, journal, error))
    return FALSE;
  COLD_CRASH_POINT ("done-saved");
  return journal->supersedes == 0 || cold_journal_remove (context->journal_dir, journal->supersedes, error);
}
