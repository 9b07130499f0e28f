/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the old image of a finished exchange may be deleted. */
#include <fcntl.h>

#include <glib/gstdio.h>

#include "cold-retention.h"
#include "exchange-fixture.h"
#include "inventory-fixture.h"

#define EXCHANGED 1000
#define KEEP_UNTIL 2000

typedef struct
{
  Fixture *files;
  InventoryFixture inventory;
  GPtrArray *journals;
  ColdJournal *journal;
  ColdJournalMember *member; /* of the volume a.raw, which a domain uses */
} Kept;

/* A journal of an exchange of that volume, as if image and copy had changed places. */
static ColdJournal *
add_exchange (Kept *kept, guint job, const char *name)
{
  ColdJournal *journal = cold_journal_new (job, "upgrade");
  ColdJournalMember *member = fixture_add_member (kept->files, journal, name);
  ColdTuple *original = member->original;

  member->original = member->replacement;
  member->replacement = original;
  journal->state = COLD_JOURNAL_DONE;
  journal->time = EXCHANGED;
  journal->keep_until = KEEP_UNTIL;
  g_ptr_array_add (kept->journals, journal);
  return journal;
}

static void
set_up (Kept *kept, gconstpointer data)
{
  kept->files = fixture_new ();
  inventory_fixture_setup (&kept->inventory, kept->files->volumes);
  inventory_fixture_attach (kept->inventory.domain, kept->inventory.volume);
  kept->journals = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  kept->journal = add_exchange (kept, 1, "a.raw");
  kept->member = kept->journal->members->pdata[0];
}

static void
tear_down (Kept *kept, gconstpointer data)
{
  g_ptr_array_unref (kept->journals);
  inventory_fixture_teardown (&kept->inventory, NULL);
  fixture_free (kept->files);
}

static gboolean
is_over (Kept *kept, gint64 now)
{
  return cold_retention_is_over (kept->inventory.inventory, kept->journals, kept->journal, now);
}

/* @wanted: (nullable): the oldest one */
static void
assert_evictable (Kept *kept, guint job, const ColdJournal *wanted)
{
  g_autoptr (GPtrArray) found = cold_retention_list_evictable (kept->inventory.inventory, kept->journals,
                                                               kept->files->volumes, job);

  g_assert_true ((found->len > 0 ? found->pdata[0] : NULL) == wanted);
}

static void
run_well (Kept *kept, gint64 start)
{
  ColdDomain *domain = kept->inventory.domain;

  domain->last_start_time = start;
  domain->last_stop_time = start + 1;
  g_free (domain->last_stop);
  domain->last_stop = g_strdup ("shutdown");
}

static void
test_time_and_a_run (Kept *kept, gconstpointer data)
{
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  /* Nobody knows yet whether the new image works. */
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  run_well (kept, EXCHANGED + 1);
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  g_assert_true (is_over (kept, KEEP_UNTIL + 1));
}

/* A job at the guest, whichever of its volumes it goes by, may be a rollback to this very image. */
static void
test_job (Kept *kept, gconstpointer data)
{
  InventoryFixture *f = &kept->inventory;

  run_well (kept, EXCHANGED + 1);
  f->volume->job = 7;
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  assert_evictable (kept, 0, NULL);
  assert_evictable (kept, 8, NULL);
  /* Its own image may give way to what an upgrade makes of it. */
  assert_evictable (kept, 7, kept->journal);
  f->volume->job = 0;
  assert_evictable (kept, 8, kept->journal);
  g_assert_true (is_over (kept, KEEP_UNTIL + 1));

  g_ptr_array_set_size (f->domain->info->disks, 0);
  inventory_fixture_attach (f->domain, f->other);
  inventory_fixture_attach (f->domain, f->volume);
  f->other->job = 7;
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  assert_evictable (kept, 0, NULL);
}

/* A second upgrade before the guest has been started: the image from before the first one is the last that is known to work. */
static void
test_second_upgrade (Kept *kept, gconstpointer data)
{
  InventoryFixture *f = &kept->inventory;
  g_autofree char *path = cold_journal_member_path (kept->member);
  ColdJournal *second;
  ColdJournalMember *member;
  g_autofree char *first_hidden = fixture_hidden (kept->files, kept->member->hidden_name);
  g_autofree char *second_hidden = NULL;

  second = cold_journal_new (2, "upgrade");
  g_ptr_array_add (kept->journals, second);
  second->state = COLD_JOURNAL_DONE;
  second->time = EXCHANGED + 10;
  second->keep_until = KEEP_UNTIL - 10;
  member = cold_journal_add_member (second);
  member->directory = g_strdup (kept->files->volumes);
  member->name = g_strdup ("a.raw");
  member->hidden_directory = g_strdup (kept->files->hidden);
  member->hidden_name = cold_journal_new_hidden_name (second);
  member->original = cold_tuple_copy (kept->member->replacement);
  second_hidden = fixture_hidden (kept->files, member->hidden_name);
  g_assert_cmpint (g_rename (path, second_hidden), ==, 0);
  fixture_write (path, "newer");
  member->replacement = cold_tuple_read_at (AT_FDCWD, path, NULL);

  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  assert_evictable (kept, 0, NULL);
  run_well (kept, EXCHANGED + 20);
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  /* Without the second the first would seem to belong to a volume that was made anew. */
  g_assert_false (cold_retention_is_over (f->inventory, kept->journals, second, KEEP_UNTIL - 1));
  g_assert_true (is_over (kept, KEEP_UNTIL + 1));
  g_assert_true (cold_retention_is_over (f->inventory, kept->journals, second, KEEP_UNTIL + 1));
  assert_evictable (kept, 0, kept->journal);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (is_over (kept, KEEP_UNTIL - 1));
}

/* As few as are enough, the oldest first; none when all are not. */
static void
test_pick (Kept *kept, gconstpointer data)
{
  const guint64 size = 256 * 1024;
  g_autofree char *text = g_strnfill (size, 'x');
  ColdJournal *newer = kept->journal;
  ColdJournal *older = add_exchange (kept, 2, "b.raw");
  g_autoptr (GPtrArray) found = NULL;

  older->time = EXCHANGED - 10;
  run_well (kept, EXCHANGED + 1);
  for (guint i = 0; i < 2; i++)
    {
      const ColdJournalMember *member = ((ColdJournal *) kept->journals->pdata[i])->members->pdata[0];
      g_autofree char *hidden = fixture_hidden (kept->files, member->hidden_name);

      fixture_write (hidden, text);
    }
  found = cold_retention_list_evictable (kept->inventory.inventory, kept->journals, kept->files->volumes, 0);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_false (cold_retention_pick (found, 4 * size));
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_true (cold_retention_pick (found, size + 1 + size / 2));
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_true (cold_retention_pick (found, size / 2));
  g_assert_cmpuint (found->len, ==, 1);
  g_assert_true (found->pdata[0] == older);
  g_assert_true (kept->journals->pdata[0] == newer);
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

/* Nobody knows whether a guest that libvirt does not show has run. */
static void
test_volume_without_a_record (Kept *kept, gconstpointer data)
{
  kept->journal = add_exchange (kept, 2, "c.raw");
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
}

/* Neither gone nor there. */
static void
test_volume_that_cannot_be_seen (Kept *kept, gconstpointer data)
{
  g_autofree char *name = g_strnfill (300, 'n');

  g_free (kept->member->name);
  kept->member->name = g_steal_pointer (&name);
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
  cold_tuple_set_device (kept->member->replacement, 1);
  g_free (kept->member->name);
  kept->member->name = g_strdup ("a.raw");
  g_assert_false (is_over (kept, KEEP_UNTIL - 1));
}

/* The deletion of a set's old images was cut off: the rest goes by the same rules. */
static void
test_half_deleted_set (Kept *kept, gconstpointer data)
{
  g_autofree char *hidden = NULL;
  ColdJournalMember *second;

  inventory_fixture_attach (kept->inventory.domain, kept->inventory.other);
  second = fixture_add_member (kept->files, kept->journal, "b.raw");
  hidden = fixture_hidden (kept->files, second->hidden_name);
  g_assert_cmpint (g_unlink (hidden), ==, 0);
  g_assert_false (is_over (kept, KEEP_UNTIL + 1));
  run_well (kept, EXCHANGED + 1);
  g_assert_true (is_over (kept, KEEP_UNTIL + 1));
}

/* Nothing is left but the journal. */
static void
test_deleted_images (Kept *kept, gconstpointer data)
{
  g_autofree char *hidden = fixture_hidden (kept->files, kept->member->hidden_name);

  g_assert_cmpint (g_unlink (hidden), ==, 0);
  g_assert_true (is_over (kept, KEEP_UNTIL - 1));
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

/* As where the file system is not mounted: all is missing, and all may come back. */
static void
test_nothing_to_be_seen (Kept *kept, gconstpointer data)
{
  g_autofree char *path = cold_journal_member_path (kept->member);
  g_autofree char *away = g_strconcat (kept->files->hidden, ".away", NULL);

  g_unlink (path);
  g_assert_cmpint (g_rename (kept->files->hidden, away), ==, 0);
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
#define ADD(path, test) g_test_add ("/retention/" path, Kept, NULL, set_up, test, tear_down)
  ADD ("over/time-and-a-run", test_time_and_a_run);
  ADD ("over/job", test_job);
  ADD ("evict/pick", test_pick);
  ADD ("over/second-upgrade", test_second_upgrade);
  ADD ("over/volume-without-a-record", test_volume_without_a_record);
  ADD ("over/volume-that-cannot-be-seen", test_volume_that_cannot_be_seen);
  ADD ("over/half-deleted-set", test_half_deleted_set);
  ADD ("over/deleted-images", test_deleted_images);
  ADD ("over/unknown-volume", test_unknown_volume);
  ADD ("over/replaced-volume", test_replaced_volume);
  ADD ("over/deleted-volume", test_deleted_volume);
  ADD ("over/nothing-to-be-seen", test_nothing_to_be_seen);
  ADD ("over/unfinished", test_unfinished);
  return g_test_run ();
}
