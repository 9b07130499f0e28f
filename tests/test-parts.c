/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-parts.h"
#include "inventory-fixture.h"

typedef struct
{
  InventoryFixture inventory;
  ColdParts parts;
  ColdJournal *journal; /* of an exchange of a.raw and b.raw, then one guest */
} Fixture;

static void
add_member (ColdJournal *journal, const char *name)
{
  ColdJournalMember *member = cold_journal_add_member (journal);

  member->directory = g_strdup ("/pool");
  member->name = g_strdup (name);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  inventory_fixture_setup (&f->inventory, NULL);
  f->parts = (ColdParts) {
    .inventory = f->inventory.inventory, .gate = cold_gate_proof_new (f->inventory.inventory), .policy = (char *) "off",
  };
  f->journal = cold_journal_new (1, "rollback");
  add_member (f->journal, "b.raw");
  add_member (f->journal, "a.raw");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  cold_journal_free (f->journal);
  g_object_unref (f->parts.gate);
  inventory_fixture_teardown (&f->inventory, NULL);
}

static void
assert_blocked (Fixture *f, const char *code)
{
  g_autofree char *begin = g_strconcat (code, ": ", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_parts_check_rollback (&f->parts, f->journal, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  if (!g_str_has_prefix (error->message, begin))
    g_error ("\"%s\" is not %s", error->message, code);
}

/* Nothing but the gate, which nobody has proven here: what the policy says of upgrades does not matter. */
static void
test_none (Fixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->inventory.domain, f->inventory.volume);
  inventory_fixture_attach (f->inventory.domain, f->inventory.other);
  assert_blocked (f, "gate-missing");
}

/* One of the disks belongs to another domain by now. */
static void
test_moved_disk (Fixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->inventory.domain, f->inventory.volume);
  inventory_fixture_attach (f->inventory.other_domain, f->inventory.other);
  f->inventory.other_domain->info->managed_save = TRUE;
  assert_blocked (f, "managed-save");
}

static void
test_unknown_disk (Fixture *f, gconstpointer data)
{
  g_ptr_array_set_size (f->journal->members, 0);
  add_member (f->journal, "c.raw");
  assert_blocked (f, "missing-disk");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/parts/rollback/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("no-blocker-of-its-disks", test_none);
  ADD ("moved-disk", test_moved_disk);
  ADD ("unknown-disk", test_unknown_disk);
  return g_test_run ();
}
