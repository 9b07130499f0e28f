/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the old image of a finished exchange may be deleted. */
#include <glib/gstdio.h>
#include <time.h>

#include "cold-rollback.h"
#include "exchange-fixture.h"
#include "inventory-fixture.h"

#define EXCHANGED 1000
#define KEEP_UNTIL 2000

typedef struct
{
  Fixture *files;
  InventoryFixture inventory;
  ColdJournal *journal;
  ColdJournalMember *member; /* of the volume a.raw, which a domain uses */
} Kept;

static void
set_up (Kept *kept, gconstpointer data)
{
  ColdTuple *original;

  kept->files = fixture_new ();
  inventory_fixture_setup (&kept->inventory, kept->files->volumes);
  inventory_fixture_attach (kept->inventory.domain, kept->inventory.volume);
  kept->journal = cold_journal_new (1, "upgrade");
  kept->member = fixture_add_member (kept->files, kept->journal, "a.raw");
  /* As if the two had changed places. */
  original = kept->member->original;
  kept->member->original = kept->member->replacement;
  kept->member->replacement = original;
  kept->journal->state = COLD_JOURNAL_DONE;
  kept->journal->time = EXCHANGED;
  kept->journal->keep_until = KEEP_UNTIL;
}

static void
tear_down (Kept *kept, gconstpointer data)
{
  cold_journal_free (kept->journal);
  inventory_fixture_teardown (&kept->inventory, NULL);
  fixture_free (kept->files);
}

static gboolean
is_over (Kept *kept, gint64 now)
{
  return cold_rollback_is_over (kept->inventory.inventory, kept->journal, now);
}

static void
test_time_and_a_run (Kept *kept, gconstpointer data)
{
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  /* Nobody knows yet whether the new image works. */
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  kept->inventory.domain->last_start_time = EXCHANGED + 1;
  kept->inventory.domain->last_stop_time = EXCHANGED + 2;
  g_free (kept->inventory.domain->last_stop);
  kept->inventory.domain->last_stop = g_strdup ("shutdown");
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  g_assert_true (is_over (kept, KEEP_UNTIL + 1));
}

/* Whatever libvirt shows no more: files decide. */
static void
test_unknown_volume (Kept *kept, gconstpointer data)
{
  g_free (kept->member->name);
  kept->member->name = g_strdup ("c.raw");
  g_assert_true (is_over (kept, KEEP_UNTIL - 1));
  g_free (kept->member->name);
  kept->member->name = g_strdup ("a.raw");
  kept->inventory.volume->gone = TRUE;
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
}

static void
test_replaced_volume (Kept *kept, gconstpointer data)
{
  g_autofree char *path = cold_journal_member_path (kept->member);
  g_autofree char *other = fixture_volume (kept->files, "other");

  fixture_write (other, "made anew");
  g_assert_cmpint (g_rename (other, path), ==, 0);
  g_assert_true (is_over (kept, KEEP_UNTIL - 1));
}

static void
test_deleted_volume (Kept *kept, gconstpointer data)
{
  g_autofree char *path = cold_journal_member_path (kept->member);

  g_unlink (path);
  g_assert_true (is_over (kept, KEEP_UNTIL - 1));
}

/* As where the file system is not mounted: both are missing, and both may come back. */
static void
test_nothing_to_be_seen (Kept *kept, gconstpointer data)
{
  g_autofree char *path = cold_journal_member_path (kept->member);
  g_autofree char *hidden = fixture_hidden (kept->files, kept->member->hidden_name);

  g_unlink (path);
  g_unlink (hidden);
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
}

static void
test_unfinished (Kept *kept, gconstpointer data)
{
  g_autofree char *path = cold_journal_member_path (kept->member);

  kept->journal->state = COLD_JOURNAL_READY;
  g_unlink (path);
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
#define ADD(path, test) g_test_add ("/rollback/" path, Kept, NULL, set_up, test, tear_down)
  ADD ("over/time-and-a-run", test_time_and_a_run);
  ADD ("over/unknown-volume", test_unknown_volume);
  ADD ("over/replaced-volume", test_replaced_volume);
  ADD ("over/deleted-volume", test_deleted_volume);
  ADD ("over/nothing-to-be-seen", test_nothing_to_be_seen);
  ADD ("over/unfinished", test_unfinished);
  return g_test_run ();
}
